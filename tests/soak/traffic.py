"""Everything at once: each ingredient at a pace of its own."""

import asyncio
from collections import Counter
from dataclasses import dataclass
from functools import partial

import broadcasts
import callers
import intruders
import log_in
import processes
import services
from files import BIG_FILES, SMALL_FILES
from ledger import ANSWERED, BROKEN_OFF

STEADY = ("wsData", "lab")  # seed-protocol services that must answer everything
ATTACHED, DYING_ATTACHED, MUTE = "attached", "attachedDying", "wsSubject"
CHURN, LIARS, CLOGGED, FLOODED = "churn", "liars", "clogged", "flooded"
SERVICE_ENDPOINTS = (*STEADY, ATTACHED, DYING_ATTACHED, MUTE, CHURN, LIARS, CLOGGED, FLOODED)

# `service-busy` is also what a call gets whose service is just about to go.
AT_RISK = {ANSWERED, BROKEN_OFF, "service-closed", "no-service", "timed-out", "service-busy"}
LIED_TO = {*AT_RISK, "bad-answer", "service-error"}


@dataclass
class Ingredient:
    name: str
    every: float  # seconds between two beginnings, in the mean
    at_most: int  # running at the same time; what would be more is left out
    make: object


def ingredients(world, directory):
    """All of them. An endless one has `every` 0 and is run `at_most` times, from the beginning to the end."""
    chance = world.chance

    def steady_endpoint():
        return chance.choice(STEADY)

    return [
        *(Ingredient(f"service of {name}", 0, 2, partial(services.steady, world, name)) for name in STEADY),
        Ingredient("mute service", 0, 2, partial(services.mute, world, MUTE)),
        Ingredient("flooding service", 0, 1, partial(intruders.flooder, world, FLOODED)),
        Ingredient("publisher", 0, 1, partial(broadcasts.publisher, world)),
        Ingredient("small call", 0.015, 50, lambda: callers.small_call(world, steady_endpoint())),
        Ingredient("call to attach", 0.03, 30, partial(callers.attached_call, world, ATTACHED)),
        Ingredient("error as answer", 0.3, 5, lambda: callers.error_call(world, steady_endpoint())),
        Ingredient("big request", 1.5, 2, lambda: callers.big_request(world, steady_endpoint())),
        Ingredient("file", 0.4, 4, lambda: callers.file_call(world, steady_endpoint(), SMALL_FILES)),
        Ingredient("big file", 4, 2, lambda: callers.file_call(world, steady_endpoint(), BIG_FILES)),
        Ingredient("slow caller", 3, 3, lambda: callers.slow_file_call(world, steady_endpoint(), (*SMALL_FILES, *BIG_FILES))),
        Ingredient("file of attach", 1, 3, partial(callers.file_call, world, ATTACHED, SMALL_FILES, "getFile")),
        Ingredient("big file of attach", 6, 2, partial(callers.file_call, world, ATTACHED, BIG_FILES, "getFile")),
        Ingredient("slow caller of attach", 4, 3,
                   partial(callers.slow_file_call, world, ATTACHED, (*SMALL_FILES, *BIG_FILES), "getFile")),
        Ingredient("hang-up in an answer", 2, 3, lambda: callers.half_read_call(world, steady_endpoint(), BIG_FILES)),
        Ingredient("hang-up in an answer of attach", 2, 3,
                   partial(callers.half_read_call, world, ATTACHED, BIG_FILES, "getFile")),
        Ingredient("hang-up while waiting", 0.15, 20, partial(callers.hung_up_call, world, MUTE)),
        Ingredient("time-out", 0.1, 40, partial(callers.impatient_call, world, MUTE)),
        Ingredient("call to fickle services", 0.04, 60,
                   partial(callers.risky_call, world, CHURN, AT_RISK, ("echo", "echo", "echo", "file"))),
        Ingredient("call to a dying attach", 0.2, 20, partial(callers.risky_call, world, DYING_ATTACHED, AT_RISK)),
        Ingredient("call to liars", 0.08, 30, partial(callers.risky_call, world, LIARS, LIED_TO)),
        Ingredient("unread flood", 15, 2, partial(callers.unread_call, world, FLOODED)),
        Ingredient("calls to a clogged service", 12, 1, partial(callers.clogging_calls, world, CLOGGED)),
        Ingredient("refused call", 0.3, 5, partial(callers.refused_call, world, "")),
        Ingredient("fickle service", 0.7, 8, partial(services.fickle, world, CHURN)),
        Ingredient("killed service", 4, 2, partial(processes.killed_service, world, CHURN)),
        Ingredient("killed attach", 5, 2, partial(processes.killed_attach, world, DYING_ATTACHED, directory)),
        Ingredient("liar", 1, 3, partial(intruders.liar, world, LIARS)),
        Ingredient("clogged service", 10, 1, partial(services.clogged, world, CLOGGED, 8)),
        Ingredient("subscriber", 1, 12, partial(broadcasts.subscriber, world)),
        Ingredient("slow subscriber", 6, 2, partial(broadcasts.slow_subscriber, world)),
        Ingredient("watcher", 2, 4, partial(broadcasts.watcher, world)),
        Ingredient("slow watcher", 5, 3, partial(broadcasts.slow_watcher, world)),
        Ingredient("storm of connections", 6, 1, partial(broadcasts.storm, world)),
        Ingredient("look at the lists", 1, 2, partial(broadcasts.shouting_to_nobody, world)),
        Ingredient("log-in", 2, 2, partial(log_in.right_log_in, world)),
        Ingredient("wrong log-in", 1.5, 2, partial(log_in.wrong_log_in, world)),
        Ingredient("bad request", 0.15, 10, partial(intruders.bad_request, world)),
        Ingredient("cut-off request", 0.2, 10, partial(intruders.cut_off_request, world)),
        Ingredient("dripping request", 4, 3, partial(intruders.dripping_request, world)),
        Ingredient("silent caller", 1, 6, partial(intruders.silent_caller, world)),
        Ingredient("stranger", 0.4, 5, partial(intruders.bad_upgrade, world)),
        Ingredient("bad frames", 0.5, 5, partial(intruders.bad_frames, world)),
    ]


class Traffic:
    """Runs ingredients for a while. `rate` scales the pace of all: below 1 for a slow build."""

    def __init__(self, world, all_ingredients, rate):
        self._world, self._all, self._rate = world, all_ingredients, rate
        self.count = Counter()
        self._running = Counter()
        self._tasks = set()

    def missing(self):
        """The names of the ingredients that never happened."""
        return [one.name for one in self._all if not self.count[one.name]]

    async def run(self, seconds):
        """Ends when all that was begun has ended."""
        self._world.winding_up.clear()
        self._world.stopping.clear()
        endless = [one for one in self._all if one.every == 0]
        for one in endless:
            for _ in range(one.at_most):
                self._begin(one)
        # A call that came before its service would be refused, and rightly.
        await self._world.wait_served((*STEADY, MUTE, FLOODED, ATTACHED))
        pacers = [asyncio.create_task(self._pace(one)) for one in self._all if one.every]
        await asyncio.sleep(seconds)
        for pacer in pacers:
            pacer.cancel()
        await asyncio.gather(*pacers, return_exceptions=True)
        self._world.winding_up.set()
        await self._finish({one.name for one in endless})
        self._world.stopping.set()
        await self._finish(set())

    async def _pace(self, one):
        # The first of each comes early, so that a short run has all of them.
        pause = self._world.chance.uniform(0, min(3, one.every))
        while True:
            await asyncio.sleep(pause)
            if self._running[one.name] < one.at_most:
                self._begin(one)
            pause = self._world.chance.expovariate(self._rate / one.every)

    def _begin(self, one):
        self.count[one.name] += 1
        self._running[one.name] += 1
        task = asyncio.create_task(self._run_one(one), name=one.name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run_one(self, one):
        try:
            await one.make()
        except Exception as error:  # noqa: BLE001: whatever it is, it fails the soak and not its neighbours
            self._world.ledger.fault(f"{one.name}: {error!r}")
        finally:
            self._running[one.name] -= 1

    async def _finish(self, spared):
        waiting = {task for task in self._tasks if task.get_name() not in spared}
        if not waiting:
            return
        _, late = await asyncio.wait(waiting, timeout=400)
        for task in late:
            self._world.ledger.fault(f"{task.get_name()} did not end")
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
