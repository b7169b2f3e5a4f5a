"""Counts what the gateway does for each call: instructions, system calls, clock reads, by valgrind's callgrind.

A count is the difference of two runs of unlike length, divided by the difference of their calls: what starting and
ending cost is in both. Counts repeat within a per cent or two on a busy machine too, where times don't. They are of
user space; below callgrind the gateway is some fifty times slower than the load, so that at C=16 all callers wait
whenever it looks: its batches are as full as they can be.
"""

import os
import re
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers import Failure, await_listening, free_port, load

INSTRUCTIONS, SYSTEM_CALLS, CLOCK_READS = "instructions", "system calls", "clock reads"
COUNTED = (INSTRUCTIONS, SYSTEM_CALLS, CLOCK_READS)
# Below valgrind these enter the kernel; without it they don't, and would hide the real system calls.
CLOCKS = re.compile(r":(clock_gettime|gettimeofday|time_syscall|time|__vdso_\w+)(@|\s|$)")
SLOW_START, SLOW_END = 60.0, 60.0


@dataclass(frozen=True)
class Counted:
    """`load`: options of bench_load. It runs twice, for so many calls or deliveries: `few`, then `many`. `steady`:
    which counts repeat well enough to be judged. In how many pieces a large message comes is chance, and so are clock
    reads."""

    name: str
    load: dict
    few: int
    many: int
    steady: tuple = (INSTRUCTIONS, SYSTEM_CALLS)


def small(size, concurrency):
    return {"scenario": "calls", "size": size, "concurrency": concurrency}


COUNTED_CASES = (
    Counted("calls 8 B, C=1", small(8, 1), 200, 1200),
    Counted("calls 8 B, C=16", small(8, 16), 500, 3000),
    Counted("calls 1 KiB, C=16", small(1024, 16), 500, 3000),
    Counted("1 MiB part, NDJSON", {"scenario": "parts", "size": 1, "form": "ndjson"}, 10, 60, (INSTRUCTIONS,)),
    Counted("broadcast 1 KiB to 200", {"scenario": "broadcast", "size": 1024, "concurrency": 200}, 2000, 20000),
)


@contextmanager
def under_callgrind(gateway, port, profile):
    """The gateway below callgrind; ended in order, since the profile is written at the end."""
    valgrind = ["valgrind", "--tool=callgrind", "--collect-systime=yes", f"--callgrind-out-file={profile}", "--quiet"]
    serve = [str(gateway), "serve", "--test", "--port", str(port), "--threads", "1", "--log-level", "error"]
    # A debugger's pipes in /tmp would stay behind.
    process = subprocess.Popen([*valgrind, "--vgdb=no", *serve], stdout=subprocess.DEVNULL)
    try:
        await_listening(process, port, SLOW_START)
        yield process
        process.send_signal(signal.SIGINT)
        if process.wait(SLOW_END) != 0:
            raise Failure(f"below callgrind the gateway ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()


def read_profile(profile):
    """The totals of a run."""
    totals = re.search(r"^totals: (\d+) (\d+)", profile.read_text(encoding="utf-8", errors="replace"), re.MULTILINE)
    annotate = ["callgrind_annotate", "--show=sysCount", "--sort=sysCount", "--threshold=100", "--auto=no"]
    # The report is in the locale's notation of numbers.
    environment = {**os.environ, "LC_ALL": "C"}
    run = subprocess.run([*annotate, str(profile)], capture_output=True, text=True, check=True, env=environment)
    lines = (line.strip() for line in run.stdout.splitlines())
    if totals is None:
        raise Failure(f"{profile} has no totals")
    clocks = sum(int(line.split()[0].replace(",", "")) for line in lines if line[:1].isdigit() and CLOCKS.search(line))
    return {INSTRUCTIONS: int(totals[1]), SYSTEM_CALLS: int(totals[2]) - clocks, CLOCK_READS: clocks}


@dataclass(frozen=True)
class Counter:
    """The built programs, and where the profiles go: what callgrind_annotate reads."""

    gateway: Path
    load: Path
    folder: Path

    def count(self, case):
        """What one call or delivery takes, by the names of COUNTED."""
        (few, short), (many, long) = (self._run(case, calls) for calls in (case.few, case.many))
        return {what: (long[what] - short[what]) / (many - few) for what in COUNTED}

    def _run(self, case, calls):
        self.folder.mkdir(parents=True, exist_ok=True)
        profile = self.folder / f"{re.sub('[^a-z0-9]+', '-', case.name.lower())}-{calls}.callgrind"
        port = free_port()
        with under_callgrind(self.gateway, port, profile) as process:
            report = load(str(self.load), {"port": port, "pid": process.pid, "calls": calls, **case.load})
        return report["with_warm_up"], read_profile(profile)
