"""Peers that break the rules: services that answer wrongly or speak no WebSocket, callers that speak no HTTP, strangers."""

import asyncio
import json
import zlib
from base64 import b64encode

from services import Service
from sockets import (BINARY, CLOSE, CONTINUATION, PATIENCE, PING, TEXT, UNREAD, Refused, WebSocket, close_frame, frame_head,
                     open_stream, reset)
from support.payload import MIB
from world import BEARER, small_answer

# What follows a liar's answers is a violation that costs it its connection.
VIOLATIONS = [
    frame_head(TEXT, 2, mask=False) + b"{}", frame_head(TEXT, 2, rsv=4) + b"{}", frame_head(0x3, 2) + b"{}",
    frame_head(PING, 126) + b"x" * 126, frame_head(PING, 1, fin=False) + b"x", frame_head(CONTINUATION, 2) + b"{}",
    frame_head(TEXT, 1, fin=False) + b"{" + frame_head(TEXT, 1) + b"}", frame_head(CLOSE, 1) + b"\x03", close_frame(1005),
    frame_head(TEXT, 4) + b"{\xff\xff}", frame_head(TEXT, 16 * MIB + 1), frame_head(TEXT, 2**40), frame_head(TEXT, 2**63),
]
GARBAGE = [b"", b"[]", b"42", b"}{", b"{", b'{"a":1,}', b'{"a":tru}', b"[" * 600, b'{"cmd":"rpc","status":200}',
           b'{"cmd":7,"status":200,"callId":1}', b'{"cmd":"rpc","status":"200","callId":1}',
           b'{"cmd":"rpc","status":200,"callId":1.5}', b'{"cmd":"rpc","status":200,"callId":1}',
           b'{"cmd":"credit","callId":1,"parts":5}', b'{"a":' + b"[" * 600 + b"]" * 600 + b"}"]


class Liar(Service):
    """Each answer is wrong in some way, or right behind something wrong."""

    async def answer(self, request):
        kinds = (self.garbage, self.other_call, self.bad_hash, self.bad_size, self.bad_parts, self.two_counts, self.bomb,
                 self.error_behind_a_part, self.binary, self.too_many_parts, self.violation)
        kind = self._world.chance.choice(kinds)
        self._world.happened["lie " + kind.__name__] += 1
        call_id = request["callId"]
        self._world.last_lied_to, before = call_id, self._world.last_lied_to
        kind(call_id, before)

    def right(self, call_id, **changes):
        self.socket.send_text(small_answer(call_id, b"fine", **changes))

    def garbage(self, call_id, _):
        for text in self._world.chance.sample(GARBAGE, 3):
            self.socket.send_text(text)
        self.socket.send_text(b"\xff\xfe", opcode=BINARY)
        self.right(call_id)

    def other_call(self, call_id, before):
        """Answers a call that there never was, and one that may be another connection's."""
        self.right(call_id + 1_000_000)
        if before:
            self.right(before)
        self.right(call_id)
        self.right(call_id)

    def bad_hash(self, call_id, _):
        self.right(call_id, hash="0" * 32)

    def bad_size(self, call_id, _):
        self.right(call_id, dataSize=3)

    def bad_parts(self, call_id, _):
        self.right(call_id, numParts=2, partId=self._world.chance.choice((0, 3, -1, "1")))

    def two_counts(self, call_id, _):
        self.right(call_id, numParts=3, partId=1)
        self.right(call_id, numParts=4, partId=2)

    def bomb(self, call_id, _):
        bomb = b64encode(zlib.compress(bytes(40 * MIB))).decode()
        self.right(call_id, compressed=True, hash=None, dataSize=None, data=bomb)

    def error_behind_a_part(self, call_id, _):
        self.right(call_id, numParts=3, partId=1)
        self.right(call_id, status=500, error="no more", data=None, numParts=None, partId=None)

    def binary(self, call_id, _):
        self.socket.send_text(small_answer(call_id, b"fine"), opcode=BINARY)

    def too_many_parts(self, call_id, _):
        """More than the credit of a service that has the subprotocol."""
        for number in range(1, 40):
            self.right(call_id, numParts=40, partId=number)

    def violation(self, _, __):
        self.socket.send_raw(self._world.chance.choice(VIOLATIONS))


async def liar(world, endpoint):
    service = Liar(world, endpoint, subprotocol=world.chance.choice((None, "reachback.v1")))
    await service.dial()
    serving = asyncio.create_task(service.serve())
    await asyncio.wait({serving}, timeout=world.chance.uniform(2, 6))
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    service.socket.reset()


class Flooder(Service):
    """Answers with more than the gateway keeps for one call."""

    async def answer(self, request):
        file = self._world.files["32 MiB"]
        rest = b64encode(file.data[:4 * MIB])
        for number in range(1, 31):
            head = {"cmd": "rpc", "callId": request["callId"], "status": 200, "numParts": 30, "partId": number}
            self.socket.send_text(json.dumps(head)[:-1].encode() + b',"data":"', rest, b'"}')
            await self.socket.flush()
        self._world.flooded[request["args"][0]].set()


async def flooder(world, endpoint):
    service = Flooder(world, endpoint)
    await service.dial()
    serving = asyncio.create_task(service.serve())
    await world.stopping.wait()
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    await service.socket.leave()


GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/endpoints/wsData/requests HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test\r\n"
# What is sent, and the status that answers it.
BAD_REQUESTS = [
    (GET.replace(b"\r\n", b"\n") + b"\n", 400), (GET + b"X: a\0b\r\n\r\n", 400), (GET + b"X y: a\r\n\r\n", 400),
    (GET + b"X: a\r\n b\r\n\r\n", 400), (GET + b"no colon\r\n\r\n", 400), (GET + b"Host: y\r\n\r\n", 400),
    (b"GET /livez HTTP/1.1\r\n\r\n", 400), (b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n", 400), (b"SSH-2.0-OpenSSH_9.2\r\n", 400),
    (b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03" + bytes(range(240)), 400), (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    (b"\0" * 500, 400), (GET + b"X: " + b"y" * 20_000, 431), (GET + b"X: y\r\n" * 4000, 431), (b"GET /" + b"x" * 20_000, 414),
    (POST + b"Content-Length: 7\r\nContent-Length: 8\r\n\r\n", 400), (POST + b"Content-Length: -1\r\n\r\n", 400),
    (POST + b"Content-Length: 99999999999999999999\r\n\r\n", 400), (POST + b"Content-Length: 7, 8\r\n\r\n", 400),
    (POST + b"Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    (POST + b"Transfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\nzz\r\n\r\n\r\n", 400),
    (POST + b"Content-Type: application/json\r\nContent-Length: 99999999999\r\n\r\n", 413),
    (POST + b"Content-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", 415),
    (POST.replace(b"test", b"wrong") + b"Content-Length: 2\r\n\r\n{}", 401), (GET.replace(b"GET", b"BREW") + b"\r\n", 405),
    (POST + b"Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", 403), (GET.replace(b"livez", b"%2e%2e/x") + b"\r\n", 404),
]


async def bad_request(world):
    sent, status = world.chance.choice(BAD_REQUESTS)
    reader, writer = await open_stream(world.address)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    if not line.startswith(b"HTTP/1.1 %d " % status):
        world.ledger.fault(f"{sent[:100]} was answered with {line} instead of {status}")
    world.happened["bad request"] += 1
    writer.transport.abort()


async def cut_off_request(world):
    """Ends in the middle of a head or a body, in one of the ways to end."""
    whole = POST + b"Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{" + b"x" * 900
    reader, writer = await open_stream(world.address)
    writer.write(whole[:world.chance.randrange(1, len(whole))])
    await writer.drain()
    manner = world.chance.choice(("reset", "close", "half-close", "unread"))
    if manner == "reset":
        reset(writer)
    elif manner == "half-close":
        writer.write_eof()
        async with asyncio.timeout(PATIENCE):
            await reader.read()
    writer.transport.abort()


async def dripping_request(world):
    """A head that comes byte by byte, for longer than a head may take."""
    reader, writer = await open_stream(world.address)
    answer = asyncio.create_task(reader.readline())
    for value in GET + b"X: " + b"y" * 10_000:
        writer.write(bytes([value]))
        await asyncio.sleep(0.05)
        if answer.done() or world.winding_up.is_set():
            break
    else:
        world.ledger.fault("a head that never ended was waited for")
    if answer.done() and not answer.result().startswith(b"HTTP/1.1 408 "):
        world.ledger.fault(f"a head that never ended was answered with {answer.result()}")
    answer.cancel()
    writer.transport.abort()


async def silent_caller(world):
    """Opens a connection and says nothing."""
    _, writer = await open_stream(world.address)
    await asyncio.sleep(world.chance.uniform(0, 5))
    writer.transport.abort()


async def bad_upgrade(world):
    """Dials where it may not, or where nothing is: refused, told why, or closed."""
    path, credential, expected = world.chance.choice([
        ("/wsData", None, b'"status":401'), ("/wsUser", "Authorization: Bearer wrong", b'"status":401'),
        ("/wsData", "Cookie: login=forged", b'"status":401'), ("/nowhere", BEARER, None), ("/off", BEARER, 1008),
    ])
    try:
        socket = await WebSocket.dial(world.address, path, credential)
    except Refused as refusal:
        if expected is not None or " 404 " not in str(refusal):
            world.ledger.fault(f"the upgrade of {path} was answered with {refusal}")
        return
    text = await socket.read()
    if isinstance(expected, bytes):
        if text is None or expected not in text:
            world.ledger.fault(f"a stranger on {path} was told {text}")
        text = await socket.read()
    if text is not None or expected is None or expected == 1008 and socket.last_close not in (1008, UNREAD):
        world.ledger.fault(f"{path} with {credential}: {text}, close code {socket.last_close}")
    world.happened["stranger"] += 1
    socket.abandon()


async def bad_frames(world):
    """On an endpoint whose clients send what they like: violations, and frames that never end."""
    socket = await WebSocket.dial(world.address, "/rough", BEARER)
    world.happened["joined rough"] += 1
    if world.chance.random() < 0.3:
        socket.send_raw(frame_head(TEXT, 10 * MIB), b"x" * world.chance.randrange(2 * MIB))
        await socket.flush()
        socket.reset()
        return
    socket.send_raw(world.chance.choice(VIOLATIONS))
    async with asyncio.timeout(PATIENCE):
        while await socket.read() is not None:
            pass
    if socket.last_close not in (1002, 1007, 1009, UNREAD):
        world.ledger.fault(f"a violation was closed with {socket.last_close}")
    socket.abandon()
