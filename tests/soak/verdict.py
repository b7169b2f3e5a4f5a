"""What has to hold when everything has ended."""

import asyncio
from collections import Counter
from dataclasses import dataclass

from observed import read_log
from support.payload import MIB
from traffic import ATTACHED, DYING_ATTACHED

QUIET_WITHIN = 60


@dataclass
class Baseline:
    descriptors: int
    threads: int
    resident: int

    @classmethod
    def of(cls, process):
        return cls(process.descriptors(), process.threads(), process.resident())

    def __str__(self):
        return f"{self.descriptors} descriptors, {self.threads} threads, {self.resident / MIB:.1f} MiB resident"


async def wait_quiet(world, gateway, process, descriptors=None):
    """Waits until the gateway has nothing left: no connection, no call, no byte of any budget, no descriptor."""
    left = "nothing looked at"
    for _ in range(QUIET_WITHIN * 5):
        metrics = await asyncio.to_thread(gateway.metrics)
        left = [
            (name, labels, value) for name, labels, value in metrics.samples if value and (
                name in ("reachback_connections", "reachback_calls_in_flight")
                or name == "reachback_budget_used" and labels["budget"] != "connections"
            )
        ]
        await asyncio.sleep(0.2)  # the connection of the look itself ends meanwhile
        if not left and process.descriptors() == (descriptors or process.descriptors()):
            return
    world.ledger.fault(f"not quiet after {QUIET_WITHIN} s: {left}, {process.descriptors()} descriptors "
                       f"instead of {descriptors}: "
                       f"{dict(process.open_files())}")


def judge(world, traffic, gateway, at_start, warm, end, memory_growth):
    """Prints the account and adds what is wrong to the ledger's faults."""
    ledger, metrics = world.ledger, gateway.metrics()
    ledger.check_all_ended()
    ledger.check_receipts()
    print(f"\n{ledger.calls} calls by how they ended, as their callers saw it:")
    for endpoint in sorted(ledger.endings):
        ledger.check_outcomes(endpoint, outcomes_of(metrics, endpoint))
        endings = ", ".join(f"{count} {ending}" for ending, count in ledger.endings[endpoint].most_common())
        counted = ", ".join(f"{count} {name}" for name, count in outcomes_of(metrics, endpoint).most_common())
        print(f"  {endpoint:14} {endings}\n  {'':14} gateway: {counted}")
    print("ingredients: " + ", ".join(f"{count} {name}" for name, count in sorted(traffic.count.items())))
    for name in traffic.missing():
        ledger.fault(f"never happened: {name}")
    print("happened: " + ", ".join(f"{count} {name}" for name, count in sorted(world.happened.items())))
    check_joins(world, metrics)
    print(f"at the start {at_start}\nwarmed up    {warm}\nat the end   {end}")
    if end.descriptors != at_start.descriptors:
        ledger.fault(f"{end.descriptors} descriptors at the end, {at_start.descriptors} at the start")
    if end.threads != at_start.threads:
        ledger.fault(f"{end.threads} threads at the end, {at_start.threads} at the start")
    if end.resident - warm.resident > memory_growth:
        ledger.fault(f"{(end.resident - warm.resident) / MIB:.1f} MiB more than after the warm-up")


def outcomes_of(metrics, endpoint):
    outcomes = Counter()
    for name, labels, value in metrics.samples:
        if name == "reachback_calls_total" and labels["endpoint"] == endpoint:
            outcomes[labels["outcome"]] += int(value)
    return outcomes


def joins(world):
    """endpoint: how often somebody joined it. Of attach, nobody here knows."""
    found = {key.removeprefix("joined "): count for key, count in world.happened.items() if key.startswith("joined ")}
    return {endpoint: count for endpoint, count in found.items() if endpoint not in (ATTACHED, DYING_ATTACHED)}


def check_joins(world, metrics):
    for endpoint, count in joins(world).items():
        opened = metrics.value("reachback_connections_opened_total", endpoint=endpoint)
        if opened != count:
            world.ledger.fault(f"{count} connections joined {endpoint}, the gateway counted {opened:.0f}")


def check_log(text, world):
    """Each line must be one that the soak provoked, as often as it provoked it."""
    counts, unknown = read_log(text)
    fault = world.ledger.fault
    print("log: " + ", ".join(f"{count} {' '.join(filter(None, key))}" for key, count in sorted(counts.items(), key=str)))
    for line in unknown[:20]:
        fault(f"in the log: {line}")
    if unknown:
        fault(f"{len(unknown)} lines in the log that nobody provoked")
    if counts["lost", None]:
        fault("the log lacks lines: nothing can be said of what it does not tell")
    for endpoint, count in joins(world).items():
        for kind in ("opened", "closed"):
            if counts[kind, endpoint] != count:
                fault(f"the log says {counts[kind, endpoint]} times {kind} for {endpoint}, {count} joined")
    if counts["log-in failed", None] != world.happened["log-in wrong"]:
        fault(f"the log has {counts['log-in failed', None]} failed log-ins, {world.happened['log-in wrong']} were tried")
    if counts["ending", None] != 3:
        fault(f"the log tells of its end in {counts['ending', None]} lines")
