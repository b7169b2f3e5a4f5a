#!/usr/bin/python3
"""The soak: a gateway, everything at once for a while, and an account of all of it at the end."""

import argparse
import asyncio
import logging
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
os.environ.setdefault("REACHBACK_THREADS", "2")

from files import make_files  # noqa: E402
from log_in import right_log_in  # noqa: E402
from observed import Process  # noqa: E402
from processes import Attached  # noqa: E402
from sockets import WebSocket  # noqa: E402
from support.gateway import Gateway  # noqa: E402
from support.payload import MIB  # noqa: E402
from traffic import ATTACHED, DYING_ATTACHED, SERVICE_ENDPOINTS, Traffic, ingredients  # noqa: E402
from verdict import Baseline, check_log, judge, wait_quiet  # noqa: E402
from world import BEARER, World  # noqa: E402

# Who waits for a service that works is not to be told that it was slow: a busy machine's sanitized build is.
FLAGS = ["--call-timeout", 300, "--write-timeout", 60, "--endpoint", "wsUser=broadcast", "--endpoint", "crowd=broadcast",
         "--endpoint", "rough=broadcast", "--endpoint", "off=reject:closed for the soak"]
DRAIN = 25  # seconds: the grace and the closing


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, required=True, help="of the part that is measured")
    parser.add_argument("--warm-up", type=float, default=60, help="seconds of the same before [%(default)s]")
    parser.add_argument("--rate", type=float, default=1, help="of everything; below 1 for a slow build [%(default)s]")
    parser.add_argument("--seed", type=int, default=None, help="of all random choices [one by chance]")
    parser.add_argument("--memory-growth", type=int, default=32, help="MiB, at most [%(default)s]")
    return parser.parse_args()


def write_files(files, directory):
    for file in files.values():
        (directory / file.name).write_bytes(file.data)


class Figures:
    """A line each minute."""

    def __init__(self, world, process):
        self._world, self._process = world, process
        self._begin = time.monotonic()
        self._last = (self._begin, 0, 0, 0.0)

    async def print_all(self, every):
        while True:
            await asyncio.sleep(every)
            self.print_line()

    def print_line(self):
        then, calls, received, cpu = self._last
        self._last = (time.monotonic(), self._world.ledger.calls, self._world.received_bytes, self._process.cpu_seconds())
        passed = self._last[0] - then
        print(f"{self._last[0] - self._begin:6.0f} s  {(self._last[1] - calls) / passed:5.0f} calls/s  "
              f"{(self._last[2] - received) / passed / MIB:4.0f} MiB/s of answers  {self._world.ledger.in_flight:4d} in flight  "
              f"RSS {self._process.resident() / MIB:4.0f} MiB  {self._process.descriptors():4d} descriptors  "
              f"CPU {(self._last[3] - cpu) / passed * 100:3.0f} %  {len(self._world.ledger.faults)} faults", flush=True)


async def touch(world):
    """What the gateway makes once, with the first WebSocket, counts as its start."""
    await right_log_in(world)
    socket = await WebSocket.dial(world.address, "/crowd", BEARER)
    world.happened["joined crowd"] += 1
    await socket.leave()


async def phase(world, traffic, attached, seconds):
    """Runs everything for so long, and ends all of it."""
    world.open_session()
    await attached.start()
    try:
        await traffic.run(seconds)
        if attached.alive:
            await attached.end()
        else:
            world.ledger.fault("attach did not live through it")
    finally:
        await attached.kill()
        await world.session.close()


async def run(arguments, gateway, directory):
    process = Process(gateway.process.pid)
    files = make_files()
    write_files(files, directory)
    world = World(gateway, files, random.Random(arguments.seed))
    await touch(world)
    await wait_quiet(world, gateway, process)
    at_start = Baseline.of(process)
    for endpoint in (ATTACHED, DYING_ATTACHED):
        world.ledger.no_receipts_from(endpoint)
    traffic = Traffic(world, ingredients(world, directory), arguments.rate)
    attached = Attached(world, ATTACHED, directory)
    figures = Figures(world, process)
    printing = asyncio.create_task(figures.print_all(60))
    await phase(world, traffic, attached, arguments.warm_up)
    await wait_quiet(world, gateway, process, at_start.descriptors)
    warm = Baseline.of(process)
    print(f"warmed up and quiet: {warm}")
    traffic.count.clear()  # each ingredient has to happen in what is measured
    await phase(world, traffic, attached, arguments.minutes * 60)
    figures.print_line()
    printing.cancel()
    await wait_quiet(world, gateway, process, at_start.descriptors)
    judge(world, traffic, gateway, at_start, warm, Baseline.of(process), arguments.memory_growth * MIB)
    return world


def main():
    logging.getLogger("asyncio").setLevel(logging.ERROR)  # it warns of each write to a connection that has ended
    arguments = read_arguments()
    arguments.seed = random.randrange(1 << 32) if arguments.seed is None else arguments.seed
    print(f"seed {arguments.seed}, {arguments.minutes:g} minutes behind {arguments.warm_up:g} s of warm-up, "
          f"rate {arguments.rate:g}", flush=True)
    services = [flag for name in SERVICE_ENDPOINTS for flag in ("--endpoint", f"{name}=service")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("SIGTERM: the soak is broken off"))
    directory = Path(tempfile.mkdtemp(prefix="reachback-soak-"))
    (directory / "files").mkdir()
    gateway = Gateway(*FLAGS, *services)
    try:
        world = asyncio.run(run(arguments, gateway, directory / "files"))
        end_in_order(gateway, world)
    finally:
        gateway.stop()
        shutil.rmtree(directory)
    faults = world.ledger.faults
    print(f"{len(faults)} faults" if faults else "every call ended once, everything is back, nothing unprovoked in the log")
    return 1 if faults else 0


def end_in_order(gateway, world):
    """SIGTERM has to end it within the drain's time with exit code 0; then its log is complete."""
    begin = time.monotonic()
    gateway.signal(signal.SIGTERM)
    code = gateway.wait_exit(DRAIN)
    print(f"SIGTERM: exit code {code} in {time.monotonic() - begin:.1f} s")
    if code != 0:
        world.ledger.fault(f"SIGTERM ended it with exit code {code}\n{gateway.stderr()[-5000:]}")
    check_log(gateway.stderr(), world)


if __name__ == "__main__":
    sys.exit(main())
