"""What the bench measures: each case is one run of the load tool against one server."""

from dataclasses import dataclass

CPU, BYTES = "cpu_us", "bytes_per_connection"
GROWTH_TARGET = 1.25
# Of the cost of a call with two threads beside one.
THREADS_TARGET = 1.3


@dataclass(frozen=True)
class Case:
    """`load`: options of bench_load. `metric`: what the ratio is of. `target`: the most that it may be; for `absolute`
    the most that the gateway's own figure may be. `reference`: the scenario that stands for the reference when it is
    not the relay. `grown_from`: the case beside which this one's cost has to stay flat."""

    name: str
    load: dict
    metric: str = CPU
    unit: str = "us"
    scale: float = 1
    target: float | None = None
    absolute: bool = False
    reference: dict | None = None
    grown_from: str | None = None
    timed: bool = True
    embedded: int | None = None
    two_threads: bool = False
    peers: bool = False
    long: bool = False  # left out by --quick


def calls(size, concurrency, **more):
    return {"scenario": "calls", "size": size, "concurrency": concurrency, **more}


BASE = "calls 8 B, C=16"
EMBEDDED_BASE = "a program's gateway, 1 call pending"


def cases(files):
    """All cases on a machine where a process may open so many files."""
    most = files - 1000
    idle = min(15_000, most)
    others = min(9_000, most)
    ten_mib = {"scenario": "parts", "size": 10, "concurrency": 1}
    grown = {"grown_from": BASE}
    return [
        Case("calls 8 B, C=1", calls(8, 1)),
        Case("calls 8 B, C=64", calls(8, 64), target=1.5, two_threads=True, peers=True),
        Case("calls 1 KiB, C=64", calls(1024, 64), target=1.5, two_threads=True),
        # What grows stands beside what it has grown from, so that both meet the machine in the same state.
        Case(BASE, calls(8, 16), target=1.5, two_threads=True, peers=True),
        Case("  1,000 calls pending", calls(8, 16, pending=1_000), long=True, **grown),
        Case(f"  {others:,} calls pending", calls(8, 16, pending=others), **grown),
        Case("  1,000 on wsUser", calls(8, 16, idle=1_000), long=True, **grown),
        Case(f"  {others:,} on wsUser", calls(8, 16, idle=others), **grown),
        Case(f"  {others:,} on wsData", calls(8, 16, idle=others, **{"idle-endpoint": "wsData"}), long=True, **grown),
        # HTTP callers could not be so many: each needs a descriptor.
        Case(EMBEDDED_BASE, calls(8, 16, held=1), embedded=1, long=True),
        Case(
            "  100,000 calls pending", calls(8, 16, held=100_000), embedded=100_000, long=True, grown_from=EMBEDDED_BASE
        ),
        Case("10 MiB, NDJSON", {**ten_mib, "form": "ndjson"}, unit="ms", scale=1e-3, target=1.3),
        Case(
            "10 MiB, octet-stream *",
            {**ten_mib, "form": "octet-stream", "compressed": "yes"},
            unit="ms",
            scale=1e-3,
            target=1.3,
            reference={"scenario": "libraries", "size": 10, "compressed": "yes"},
        ),
        Case(
            "broadcast 1 KiB to 1,000",
            {"scenario": "broadcast", "size": 1024, "concurrency": min(1_000, most)},
            target=1.2,
        ),
        Case(
            f"idle, {idle:,} on wsUser",
            {"scenario": "idle", "concurrency": idle},
            metric=BYTES,
            unit="KiB",
            scale=1 / 1024,
            target=4,
            absolute=True,
            timed=False,
        ),
    ]
