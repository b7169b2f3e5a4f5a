"""Services that behave: they answer what they are asked. And those that die, are silent or read nothing."""

import asyncio
import json
from collections import defaultdict

from log_in import log_in
from sockets import WebSocket
from world import BEARER, small_answer

PING_EVERY = 5
# Parts of an answer that a service of the subprotocol may send before it has a credit.
UNASKED = 2
# What a service that answers late, or never, lets pass: more than the callers of such services wait.
LATE = 4


class Service:
    """Answers each request in a task of its own, until it is told to end or its connection does."""

    def __init__(self, world, endpoint, cookie=None, subprotocol=None):
        self._world, self.endpoint = world, endpoint
        self._credential = f"Cookie: login={cookie}" if cookie else BEARER
        self._subprotocol = subprotocol
        self._credits = defaultdict(lambda: asyncio.Semaphore(UNASKED))  # of each call
        self._tasks = set()
        self.socket = None

    async def dial(self):
        self.socket = await WebSocket.dial(self._world.address, f"/{self.endpoint}", self._credential, self._subprotocol)
        self._world.happened["joined " + self.endpoint] += 1

    async def serve(self):
        """Reads until the connection ends."""
        try:
            while (message := await self.socket.read()) is not None:
                if b'"soakCall"' not in message[:400]:
                    self._hear(json.loads(message))
                    continue
                request = self._world.note_request(message)
                task = asyncio.create_task(self._guarded(request))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        finally:
            for task in self._tasks:
                task.cancel()

    def _hear(self, word):
        """A word of the subprotocol's."""
        for _ in range(word["parts"] if word["cmd"] == "credit" else 0):
            self._credits[word["callId"]].release()

    async def _guarded(self, request):
        try:
            await self.answer(request)
        except (OSError, TimeoutError):
            pass  # the connection went away while answering
        except Exception as error:  # noqa: BLE001: it fails the soak
            self._world.ledger.fault(f"a service of {self.endpoint}: {error!r}")

    async def answer(self, request):
        attribute, args = request.get("attribute", "echo"), request.get("args", [])
        if attribute == "file":
            await self.send_file(request["callId"], self._world.files[args[0]])
        elif attribute == "error":
            error = {"cmd": "rpc", "callId": request["callId"], "status": 400, "error": "asked for"}
            self.socket.send_text(json.dumps(error).encode())
        else:
            self.socket.send_text(small_answer(request["callId"], json.dumps(args).encode()))

    async def send_file(self, call_id, file, pause=0.0):
        for number in file.order(self._world.chance):
            if self._subprotocol:
                await self._credits[call_id].acquire()
            self.socket.send_text(*file.part(number, call_id))
            await self.socket.flush()
            if pause:
                await asyncio.sleep(pause)


async def steady(world, endpoint):
    """A service as the original's, from log-in to the end of the soak. It must never be cut off."""
    service = Service(world, endpoint, cookie=await log_in(world))
    world.happened["log-in right"] += 1
    await service.dial()
    serving = asyncio.create_task(service.serve())
    stop = asyncio.create_task(world.stopping.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if not world.stopping.is_set():
        world.ledger.fault(f"a steady service of {endpoint} was cut off, close code {service.socket.last_close}")
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await service.socket.leave()


class Fickle(Service):
    """Answers at once, slowly, twice, late or never."""

    async def answer(self, request):
        chance, call_id = self._world.chance, request["callId"]
        if request.get("attribute") == "file":
            return await self.send_file(call_id, self._world.files["300 KiB"], pause=0.05)
        manner = chance.choice(("at once", "at once", "slowly", "slowly", "twice", "late", "never"))
        if manner == "never":
            return
        if manner == "slowly":
            await asyncio.sleep(chance.uniform(0.05, 0.5))
        if manner == "late":
            await asyncio.sleep(LATE)
        text = small_answer(call_id, json.dumps(request.get("args", [])).encode())
        for _ in range(2 if manner == "twice" else 1):
            self.socket.send_text(text)


async def fickle(world, endpoint):
    """One life of a service that comes, serves a while and goes in one of the ways in which services go."""
    service = Fickle(world, endpoint, subprotocol=world.chance.choice((None, "reachback.v1")))
    await service.dial()
    serving = asyncio.create_task(service.serve())
    await asyncio.wait({serving}, timeout=world.chance.uniform(0.5, 4))
    (end,) = world.chance.choices(("leave", "reset", "abandon", "silence"), (4, 4, 4, 1))
    world.happened["service ends by " + end] += 1
    if end == "silence":
        # Says nothing, not even a pong, until the gateway gives it up.
        service.socket.answers_pings = False
        stop = asyncio.create_task(world.winding_up.wait())
        await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    if end == "leave":
        await service.socket.leave()
    elif end == "reset":
        service.socket.reset()
    else:
        service.socket.abandon()


class Mute(Service):
    """Takes requests; answers when nobody waits any more."""

    async def answer(self, request):
        await asyncio.sleep(LATE)
        self.socket.send_text(small_answer(request["callId"], b"late"))


async def mute(world, endpoint):
    service = Mute(world, endpoint, subprotocol=world.chance.choice((None, "reachback.v1")))
    await service.dial()
    serving = asyncio.create_task(service.serve())
    stop = asyncio.create_task(world.stopping.wait())
    await asyncio.wait({serving, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await service.socket.leave()


async def clogged(world, endpoint, seconds):
    """Joins and reads nothing, until the gateway or `seconds` end it."""
    socket = await WebSocket.dial(world.address, f"/{endpoint}", BEARER, receive_buffer=16384)
    world.happened["joined " + endpoint] += 1
    await asyncio.sleep(seconds)
    socket.reset()
