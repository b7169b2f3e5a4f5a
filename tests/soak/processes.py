"""Services in processes of their own: killed ones, and those of `reachback attach`."""

import asyncio
import sys
from pathlib import Path

from support.gateway import BINARY, ENDS_WITH_US

HERE = Path(__file__).resolve().parent


async def killed_service(world, endpoint):
    """A service that SIGKILL ends while it has calls."""
    process = await asyncio.create_subprocess_exec(
        *ENDS_WITH_US, sys.executable, str(HERE / "dying_service.py"), str(world.address[1]), endpoint,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
    )
    try:
        first = await process.stdout.readline()
        if first != b"joined\n":
            return world.ledger.fault(f"a service in a process of its own did not join: {first}")
        world.happened["joined " + endpoint] += 1
        reading = asyncio.create_task(_note_receipts(world, process.stdout))
        await asyncio.wait({reading}, timeout=world.chance.uniform(0.5, 3))
        world.happened["service ends by SIGKILL"] += 1
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    await reading  # what it said before its death is still in the pipe


async def _note_receipts(world, stdout):
    while line := await stdout.readline():
        if line.endswith(b"\n"):
            world.note_receipt(int(line))


class Attached:
    """`reachback attach`, until `end`; its log goes to a file."""

    def __init__(self, world, endpoint, directory):
        self._world, self._endpoint, self._directory = world, endpoint, directory
        self._process = None

    async def start(self):
        with open(self._directory.parent / "attach.log", "ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *ENDS_WITH_US, str(BINARY), "attach", self._endpoint, "--files", str(self._directory), "--test",
                "--server", "{}:{}".format(*self._world.address),
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
            )
        self._world.happened["joined " + self._endpoint] += 1
        self._world.happened["log-in right"] += 1

    @property
    def alive(self):
        return self._process.returncode is None

    async def end(self):
        """SIGTERM; it has to end in order."""
        self._process.terminate()
        code = await self._process.wait()
        if code != 0:
            self._world.ledger.fault(f"attach ended with {code}")

    async def kill(self):
        if self.alive:
            self._process.kill()
        await self._process.wait()


async def killed_attach(world, endpoint, directory):
    """One life of an `attach` that SIGKILL ends."""
    service = Attached(world, endpoint, directory)
    await service.start()
    try:
        await asyncio.sleep(world.chance.uniform(1, 3))
        world.happened["attach ends by SIGKILL"] += 1
    finally:
        await service.kill()
