"""Runs the contenders in turn, several rounds, and keeps what was measured."""

import subprocess
import sys
from collections import deque
from statistics import median

from servers import Failure

REFERENCE, GATEWAY = "relay", "gateway"
# Beside a load that may sleep: where two threads are all that the machine runs at once, one that stays awake would take
# the processor of one of them.
ONE_THREAD, TWO_THREADS = "1 thread", "2 threads"
# Others' libraries: the file of peers/, and how the load's service has to speak to it.
PEERS = {"ws": {}, "socket.io": {"socket-io": "yes"}}
# A just-in-time compiler wants to be warm.
PEERS_WARM_UP = 2.0


class Results:
    """What was measured: a report of the load tool for each case, round and contender; none where a run failed."""

    def __init__(self):
        self.reports = {}
        self.failures = []

    def add(self, case, turn, server, report):
        self.reports[case.name, turn, server] = report

    def rounds(self, case, server):
        """The metric by round."""
        return {n: r[case.metric] for (name, n, s), r in self.reports.items() if name == case.name and s == server}

    def middle(self, case, server, field=None):
        found = [
            report[field or case.metric]
            for (name, _, s), report in self.reports.items()
            if name == case.name and s == server and (field or case.metric) in report
        ]
        return median(found) if found else None

    def ratios(self, above, below):
        """By round, of two (case, server)."""
        top, bottom = self.rounds(*above), self.rounds(*below)
        return [top[n] / bottom[n] for n in top if n in bottom and bottom[n] > 0]

    def servers(self, case):
        """Who was measured, in the order of the first round."""
        return list(dict.fromkeys(s for name, _, s in self.reports if name == case.name))


def contenders(case, peers):
    """Who stands beside whom in each round."""
    found = [GATEWAY] if case.embedded is not None else [REFERENCE, GATEWAY]
    if case.two_threads:
        found += [ONE_THREAD, TWO_THREADS]
    if case.peers and peers:
        found += PEERS
    return found


def measure(case, server, tools, seconds):
    options = dict(case.load)
    if case.timed:
        options["seconds"] = seconds
    if case.embedded is not None:
        return tools.measure_embedded(case.embedded, options)
    if server == GATEWAY:
        return tools.measure_gateway(options)
    if server in (ONE_THREAD, TWO_THREADS):
        return tools.measure_gateway({**options, "may-sleep": "yes"}, threads=1 if server == ONE_THREAD else 2)
    if server in PEERS:
        return tools.measure_peer(server, {"warm-up": PEERS_WARM_UP, **PEERS[server], **options})
    if case.reference is not None:
        return tools.measure_alone(case.reference)
    return tools.measure_relay(options)


def run_all(chosen, tools, rounds, seconds, peers=False):
    results = Results()
    for turn in range(1, rounds + 1):
        for case in chosen:
            # Neighbours change places from round to round, so that none always comes first.
            servers = deque(contenders(case, peers))
            servers.rotate(turn - 1)
            for server in servers:
                progress(f"round {turn} of {rounds}: {case.name.strip()}, {server}")
                try:
                    results.add(case, turn, server, measure(case, server, tools, seconds))
                except (Failure, subprocess.TimeoutExpired) as failure:
                    results.failures.append(f"{case.name.strip()}, {server}, round {turn}: {failure}")
    progress("")
    return results


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
