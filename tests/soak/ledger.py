"""What became of each call, counted on the callers' side and on the services', and held against the gateway's own
figures. Plain and synchronous."""

from collections import Counter, defaultdict

ANSWERED, HUNG_UP, BROKEN_OFF = "answered", "hung-up", "broken-off"
# Refused before the call began: neither a service nor the outcomes of /metrics know of it.
NEVER_BEGAN = "never-began"
# What a call's end says about services: whether one must have seen it.
SEEN, UNSEEN, MAYBE_SEEN = 1, 2, 3
SHOWN = 40  # faults, each as soon as it is found


class Ledger:
    """Calls have numbers that rise. Each must end once, in one of the ways that its scenario expects; a service must see
    it once when it was answered, and not at all when its error said `not-sent`."""

    def __init__(self):
        self.faults = []
        self.endings = defaultdict(Counter)  # endpoint -> ending -> calls
        self.in_flight = 0
        self._receipts = bytearray()
        self._ended = bytearray()  # of each call, what its end says about services
        self._blind = set()

    def no_receipts_from(self, endpoint):
        """The services of this endpoint don't tell which requests they saw."""
        self._blind.add(endpoint)

    def begin(self):
        self._receipts.append(0)
        self._ended.append(0)
        self.in_flight += 1
        return len(self._ended) - 1

    def received(self, number):
        if not 0 <= number < len(self._receipts):
            self.fault(f"a service saw a call that nobody made: {number}")
        elif self._receipts[number] == 1:
            self.fault(f"call {number} reached a service twice")
        else:
            self._receipts[number] = 1

    def was_received(self, number):
        return self._receipts[number] == 1

    def end(self, number, endpoint, ending, expected, delivery=None):
        """`expected` holds the endings that this call may have; `delivery` is what its problem document said."""
        if self._ended[number]:
            return self.fault(f"call {number} on {endpoint} ended a second time: {ending}")
        self._ended[number] = self._sight(endpoint, ending, delivery)
        self.in_flight -= 1
        self.endings[endpoint][ending] += 1
        if ending not in expected:
            self.fault(f"call {number} on {endpoint} ended as {ending}, expected was {' or '.join(sorted(expected))}")

    def _sight(self, endpoint, ending, delivery):
        if endpoint in self._blind:
            return MAYBE_SEEN
        if ending == ANSWERED:
            return SEEN
        return UNSEEN if delivery == "not-sent" else MAYBE_SEEN

    def fault(self, text):
        self.faults.append(text)
        if len(self.faults) <= SHOWN:
            print(f"FAULT: {text}", flush=True)

    @property
    def calls(self):
        return len(self._ended)

    def check_all_ended(self):
        missing = self._ended.count(0)
        if missing:
            self.fault(f"{missing} calls never ended, the first of them {self._ended.index(0)}")

    def check_receipts(self):
        """When all services have told what they saw: those in processes of their own tell it later."""
        for number, (sight, receipts) in enumerate(zip(self._ended, self._receipts)):
            if sight == SEEN and not receipts:
                self.fault(f"call {number} was answered, but no service saw it")
            if sight == UNSEEN and receipts:
                self.fault(f"the error of call {number} said not-sent, but a service saw it")

    def check_outcomes(self, endpoint, outcomes):
        """`outcomes` is the gateway's count by outcome. What a caller saw must be what the gateway counted; of a call that
        was hung up or broken off the caller cannot know the reason, so that only their sum is held."""
        seen = self.endings[endpoint]
        open_ended = seen[HUNG_UP] + seen[BROKEN_OFF]
        named = {ending: count for ending, count in seen.items() if ending not in (HUNG_UP, BROKEN_OFF, NEVER_BEGAN)}
        left = {name: int(outcomes.get(name, 0)) - named.get(name, 0) for name in {*named, *outcomes}}
        for name, count in sorted(left.items()):
            if count < 0:
                self.fault(f"{endpoint}: callers saw {named[name]} calls end as {name}, the gateway counted {count} others")
        if sum(left.values()) != open_ended:
            self.fault(f"{endpoint}: {sum(left.values())} outcomes more than callers saw, {open_ended} were hung up or "
                       f"broken off ({ {name: count for name, count in left.items() if count} })")
        for name in ("answered", "cancelled"):
            if left.get(name, 0) > seen[HUNG_UP]:
                self.fault(f"{endpoint}: {left[name]} calls were {name} for the gateway alone, {seen[HUNG_UP]} were hung up")
