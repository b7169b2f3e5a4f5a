"""Callers: each makes one call, checks every byte of its answer, and notes how it ended."""

import asyncio
import base64
import hashlib
import json
import re
import zlib

import aiohttp

from ledger import ANSWERED, BROKEN_OFF, HUNG_UP, NEVER_BEGAN
from sockets import open_stream, reset
from support.gateway import BYTES, JSON, NDJSON
from support.payload import part_bytes
from world import BEARER, request_body

FORMS = (JSON, NDJSON, BYTES)
REFUSED_BEFORE = {"no-endpoint", "wrong-kind", "disabled", "bad-message", "bad-parameter", "unauthorized", "forbidden",
                  "not-acceptable", "unsupported-media-type", "method-not-allowed"}
RECEIVED_WITHIN = 120
CONNECTION_LOST = "connection-lost"


class WrongAnswer(Exception):
    pass


class BytesReader:
    """Takes a body as it comes; `digest` and `size` are the payload's."""

    def __init__(self):
        self._md5, self.size = hashlib.md5(), 0

    async def take(self, piece):
        self._md5.update(piece)
        self.size += len(piece)

    async def finish(self):
        return self.size, self._md5.hexdigest()


class JsonReader(BytesReader):
    """Decodes the text of `data` piece by piece: an answer may have 70 MB."""

    _BEGIN = re.compile(rb'"data": ?"')
    _COMPRESSED = re.compile(rb'"compressed": ?true')

    def __init__(self):
        super().__init__()
        self._head, self._text, self._state = b"", b"", "before"
        self._inflater = None

    async def take(self, piece):
        if self._state == "before":
            self._head += piece
            begin = self._BEGIN.search(self._head)
            if not begin:
                return
            self._state, piece = "inside", self._head[begin.end():]
            if self._COMPRESSED.search(self._head, 0, begin.start()):
                self._inflater = zlib.decompressobj()  # an answer of one part is passed on as it is
        if self._state == "inside":
            self._text += piece
            end = self._text.find(b'"')
            if end >= 0:
                self._state, self._text = "behind", self._text[:end]
            whole = len(self._text) - len(self._text) % 4
            decoded = base64.b64decode(self._text[:whole], validate=True)
            await super().take(self._inflater.decompress(decoded) if self._inflater else decoded)
            self._text = self._text[whole:]

    async def finish(self):
        if self._state != "behind" or self._text:
            raise WrongAnswer(f"a message whose data does not end or begin: {self._head[:200]}")
        return await super().finish()


def check_last_line(message):
    """A call that ends badly behind its first line says so in a line of the gateway's own."""
    if message["cmd"] == "unknown":
        raise aiohttp.ClientPayloadError("the gateway's last line")


class LinesReader(BytesReader):
    """Passes over what a service says, whatever it is."""

    def __init__(self):
        super().__init__()
        self._line = b""

    async def take(self, piece):
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._line += line
            if self._line.startswith(b'{"cmd":"unknown"'):
                check_last_line(json.loads(self._line))
            self._line = b""
        self._line += rest


class NdjsonReader(BytesReader):
    def __init__(self):
        super().__init__()
        self._pieces, self._parts = [], {}

    async def take(self, piece):
        *lines, rest = piece.split(b"\n")
        for line in lines:
            self._pieces.append(line)
            await self._take_line(b"".join(self._pieces))
            self._pieces = []
        self._pieces.append(rest)

    async def _take_line(self, line):
        message = await asyncio.to_thread(json.loads, line)
        if message["status"] != 200:
            return check_last_line(message)
        if message["partId"] in self._parts:
            raise WrongAnswer(f"part {message['partId']} came twice")
        self._parts[message["partId"]] = await asyncio.to_thread(part_bytes, message)

    async def finish(self):
        for number in sorted(self._parts):
            await super().take(self._parts[number])
        return await super().finish()


READERS = {JSON: JsonReader, NDJSON: NdjsonReader, BYTES: BytesReader}
CARELESS_READERS = {JSON: BytesReader, NDJSON: LinesReader, BYTES: BytesReader}


class Call:
    """One call. `payload` is (size, md5) of what must come, None where the service may answer what it likes."""

    def __init__(self, world, endpoint, expected, form=None, payload=None, **query):
        self.world, self.endpoint, self.expected = world, endpoint, expected
        self.form = form or world.chance.choice(FORMS)
        self.payload, self.query = payload, query
        self.number = world.ledger.begin()
        self.path = f"/v1/endpoints/{endpoint}/requests"

    def end(self, ending, delivery=None):
        self.world.ledger.end(self.number, self.endpoint, ending, self.expected, delivery)

    def post(self, attribute, *args, padding=0):
        body = request_body(self.number, attribute, *args, padding=padding)
        headers = {"Accept": self.form, "Content-Type": JSON}
        return self.world.session.post(self.path, data=body, headers=headers, params=self.query)

    async def run(self, attribute, *args, padding=0, pace=None, stop_after=None):
        """Asks and reads to the end. `pace` is awaited after each piece; after `stop_after` bytes the caller hangs up."""
        try:
            async with self.post(attribute, *args, padding=padding) as response:
                await self.read(response, pace, stop_after)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            self.end(f"{CONNECTION_LOST} ({error!r})")

    async def read(self, response, pace=None, stop_after=None):
        if response.status != 200:
            problem = await response.json(content_type="application/problem+json")
            name = problem["type"].removeprefix("/problems/")
            return self.end(NEVER_BEGAN if name in REFUSED_BEFORE else name, problem.get("delivery"))
        reader = (READERS if self.payload else CARELESS_READERS)[self.form]()
        read = 0
        try:
            async for piece in response.content.iter_any():
                self.world.received_bytes += len(piece)
                read += len(piece)
                await reader.take(piece)
                if stop_after is not None and read >= stop_after:
                    response.close()
                    return self.end(HUNG_UP)
                if pace:
                    await pace(len(piece))
            found = await reader.finish()
        except (aiohttp.ClientPayloadError, ConnectionResetError):
            return self.end(BROKEN_OFF)
        except (WrongAnswer, AssertionError, ValueError, KeyError) as error:
            return self.end(f"wrong answer ({error!r})"[:300])
        if self.payload and found != self.payload:
            return self.end(f"wrong payload ({self.form}: {found} instead of {self.payload})")
        self.end(ANSWERED)


def described(data):
    return len(data), hashlib.md5(data).hexdigest()


def slowly(bytes_per_second):
    async def pace(count):
        await asyncio.sleep(count / bytes_per_second)

    return pace


async def small_call(world, endpoint):
    call = Call(world, endpoint, {ANSWERED}, payload=None)
    call.payload = described(json.dumps([call.number]).encode())
    await call.run("echo", call.number)


async def attached_call(world, endpoint):
    call = Call(world, endpoint, {ANSWERED})
    call.payload = described(str(call.number).encode())
    await call.run("echo", call.number)


async def error_call(world, endpoint):
    call = Call(world, endpoint, {ANSWERED, "service-error"})
    call.expected = {"service-error"} if call.form == BYTES else {ANSWERED}
    await call.run("error")


async def big_request(world, endpoint):
    """Up to 8 MiB upwards."""
    call = Call(world, endpoint, {ANSWERED}, payload=described(b"[]"))
    await call.run("echo", padding=world.chance.randrange(64_000, 8_000_000))


async def file_call(world, endpoint, names, attribute="file", pace=None):
    file = world.files[world.chance.choice(names)]
    call = Call(world, endpoint, {ANSWERED}, payload=(file.size, file.md5))
    await call.run(attribute, file.name, pace=pace)


async def slow_file_call(world, endpoint, names, attribute="file"):
    await file_call(world, endpoint, names, attribute, slowly(world.chance.uniform(3e6, 12e6)))


async def half_read_call(world, endpoint, names, attribute="file"):
    """Hangs up in the middle of the answer."""
    file = world.files[world.chance.choice(names)]
    call = Call(world, endpoint, {HUNG_UP}, form=BYTES)
    await call.run(attribute, file.name, stop_after=world.chance.randrange(1, file.size // 2))
    world.happened["hang-up"] += 1


async def impatient_call(world, endpoint):
    """Its service does not answer before the time is over."""
    call = Call(world, endpoint, {"timed-out"}, timeout=f"{world.chance.uniform(0.1, 2):.2f}")
    await call.run("echo")


async def hung_up_call(world, endpoint):
    """Hangs up as soon as a service has the request: by reset, in order, or by closing one direction."""
    call = Call(world, endpoint, {HUNG_UP}, form=JSON)
    body = request_body(call.number, "echo")
    reader, writer = await open_stream(world.address)
    head = (f"POST {call.path}?timeout=60 HTTP/1.1\r\nHost: x\r\n{BEARER}\r\nContent-Type: {JSON}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    writer.write(head.encode() + body)
    if not await world.wait_received(call.number, RECEIVED_WITHIN):
        world.ledger.fault(f"call {call.number} on {endpoint} did not reach its service")
    manner = world.chance.choice(("reset", "close", "half-close"))
    world.happened["hang-up"] += 1
    if manner == "reset":
        reset(writer)
    else:
        if manner == "half-close":
            writer.write_eof()
            answer = await reader.read()
            if answer:
                world.ledger.fault(f"a caller that had closed its direction was answered: {answer[:100]}")
        writer.close()
    call.end(HUNG_UP)


async def risky_call(world, endpoint, expected, attributes=("echo",), seconds=(1, 3)):
    """A call to services of which nothing good is expected."""
    call = Call(world, endpoint, expected, timeout=f"{world.chance.uniform(*seconds):.2f}")
    await call.run(world.chance.choice(attributes), call.number)


async def unread_call(world, endpoint):
    """Reads nothing of more than the gateway keeps for one call, until that gave it up."""
    call = Call(world, endpoint, {BROKEN_OFF, "slow-caller"}, form=world.chance.choice((NDJSON, BYTES)))
    flooded = world.flooded[call.number]

    async def pace(_):
        async with asyncio.timeout(300):
            await flooded.wait()

    await call.run("flood", call.number, pace=pace)
    del world.flooded[call.number]


async def clogging_calls(world, endpoint):
    """More than the outbox of a service that reads nothing holds."""
    expected = {"service-busy", "timed-out", "service-closed", "no-service"}

    async def one():
        call = Call(world, endpoint, expected, timeout="3")
        await call.run("echo", padding=4_000_000)

    await asyncio.gather(*(one() for _ in range(12)))


async def refused_call(world, _endpoint):
    """No call at all: the gateway says why at once."""
    chance = world.chance
    name, body, query, status = chance.choice([
        ("nowhere", b"{}", "", 404), ("wsUser", b"{}", "", 409), ("off", b"{}", "", 503), ("wsData", b"[1]", "", 400),
        ("wsData", b'{"callId":7}', "", 400), ("wsData", b"\xff", "", 400), ("wsData", b"{}", "?timeout=0", 400),
        ("wsData", b"{}", "?timeout=x", 400), ("wsData", b"{" * 5000, "", 400), ("wsData", b"", "", 400),
    ])
    path = f"/v1/endpoints/{name}/requests{query}"
    async with world.session.post(path, data=body, headers={"Content-Type": JSON}) as response:
        await response.read()
        if response.status != status:
            world.ledger.fault(f"{path} with {body[:20]} was answered with {response.status} instead of {status}")
