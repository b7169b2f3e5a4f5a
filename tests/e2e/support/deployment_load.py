"""What a deployment is measured with: calls at a steady rate whose callers repeat what was not sent, and services that
speak the original's protocol and come back with backoff."""

import asyncio
import ctypes
import itertools
import json
import multiprocessing
import os
import random
import signal
import socket
import ssl
import threading
import time
from dataclasses import dataclass

import websockets

from .gateway import BYTES, NDJSON
from .payload import cut_parts, unpack
from .service import log_in, rpc, websocket_url
from .waiting import DEADLINE

SLOW = 0.4  # seconds that such an answer takes
BETWEEN_PARTS = 0.6
PART_SIZE = 1000
CALLERS = 128  # at the same time
PR_SET_PDEATHSIG = 1
SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Errand:
    """What a call asks for, and the bytes that answer it."""

    endpoint: str
    request: dict
    expected: bytes
    form: str = BYTES


def echo(endpoint):
    return Errand(endpoint, rpc("echo", endpoint), json.dumps(endpoint).encode())


def slow(endpoint):
    return Errand(endpoint, rpc("slow", endpoint), json.dumps(endpoint).encode())


def in_parts(endpoint):
    """An answer whose head comes long before its end."""
    text = "x" * PART_SIZE
    return Errand(endpoint, rpc("in_parts", text), json.dumps(text).encode(), NDJSON)


def file(endpoint, name, content):
    return Errand(endpoint, {"cmd": "rpc", "class": "DataInterface", "attribute": "getFile", "args": [name]}, content)


@dataclass
class Call:
    """One call with its repetitions. Times are of time.monotonic()."""

    endpoint: str
    began: float
    ended: float = 0
    repetitions: int = 0
    failure: str = ""        # empty: it succeeded
    status: int = 0          # of the last answer
    content_type: str = ""
    document: dict = None    # of the last answer, if that was a problem
    broken_off: bool = False  # the end of the answer did not come


@dataclass(frozen=True)
class Scene:
    """What services and callers are told, in processes of their own."""

    url: str
    address: tuple
    token: str
    ca_file: str
    cookies: dict  # of the services, by endpoint
    errands: list
    rate: int

    def tls_context(self):
        return ssl.create_default_context(cafile=self.ca_file)


class DeploymentLoad:
    """Load on `site` from processes of its own: a service on each of `endpoints` from the beginning, and `rate` calls a
    second between `begin` and `end`."""

    def __init__(self, site, endpoints, errands, rate, user, password):
        cookies = {endpoint: log_in(site, user, password) for endpoint in endpoints}
        self._scene = Scene(site.url, site.address, site.token, str(site.ca_file), cookies, errands, rate)
        self._pipe, self._theirs = SPAWN.Pipe()
        self._callers = None
        self._services = SPAWN.Process(target=serve, args=(self._scene,), daemon=True)
        self._services.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in filter(None, (self._services, self._callers)):
            process.kill()
            process.join(DEADLINE)

    def begin(self):
        """Returns when the first call has begun."""
        self._callers = SPAWN.Process(target=call, args=(self._scene, self._theirs), daemon=True)
        self._callers.start()
        assert self._pipe.poll(DEADLINE) and self._pipe.recv() == "begun"

    def end(self):
        """Begins no more calls, waits for those under way, and gives all."""
        self._pipe.send("end")
        assert self._pipe.poll(4 * DEADLINE), "the calls do not end"
        return self._pipe.recv()


def end_with_parent():
    """SIGKILL ends this process when the one that started it ends, however it does (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != multiprocessing.parent_process().pid:
        os.kill(os.getpid(), signal.SIGKILL)


# ---- services


def serve(scene):
    end_with_parent()
    asyncio.run(_serve(scene))


async def _serve(scene):
    await asyncio.gather(*(_stay(scene, endpoint, cookie) for endpoint, cookie in scene.cookies.items()))


async def _stay(scene, endpoint, cookie):
    first, longest = 0.1, 2
    pause = first
    context = scene.tls_context()
    while True:
        try:
            async with websockets.connect(
                websocket_url(scene, endpoint), ssl=context, compression=None, extra_headers={"Cookie": f"login={cookie}"}
            ) as connection:
                pause = first
                await _answer_all(connection)
        except (OSError, asyncio.TimeoutError, websockets.WebSocketException):
            pass  # nobody is there at the moment
        await asyncio.sleep(random.uniform(pause / 2, pause))
        pause = min(2 * pause, longest)


async def _answer_all(connection):
    answering = set()
    async for text in connection:
        task = asyncio.ensure_future(_answer(connection, json.loads(text)))
        answering.add(task)
        task.add_done_callback(answering.discard)


async def _answer(connection, request):
    attribute = request["attribute"]
    result = json.dumps(request["args"][0]).encode()
    size = len(result) // 2 + 1 if attribute == "in_parts" else PART_SIZE
    if attribute == "slow":
        await asyncio.sleep(SLOW)
    try:
        for number, part in enumerate(cut_parts(request, result, "json", part_size=size)):
            if number:
                await asyncio.sleep(BETWEEN_PARTS)
            await connection.send(json.dumps(part))
    except websockets.ConnectionClosed:
        pass  # nobody is left to be told


# ---- callers


def call(scene, pipe):
    end_with_parent()
    load = _Callers(scene)
    threads = [threading.Thread(target=load.call_in_turn, daemon=True) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    pipe.send("begun")
    assert pipe.recv() == "end"
    load.ending = True
    for thread in threads:
        thread.join()
    pipe.send(load.calls)


class _Callers:
    def __init__(self, scene):
        self._scene = scene
        self._context = scene.tls_context()
        self._requests = [self._request_of(errand) for errand in scene.errands]
        self._turns = itertools.count()
        self._began = time.monotonic()
        self.calls = []
        self.ending = False

    def _request_of(self, errand):
        body = json.dumps(errand.request).encode()
        head = (f"POST /v1/endpoints/{errand.endpoint}/requests HTTP/1.1\r\nHost: {self._scene.address[0]}\r\n"
                f"Authorization: Bearer {self._scene.token}\r\nAccept: {errand.form}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n")
        return head.encode() + body

    def call_in_turn(self):
        """Each call has its time; when all callers are busy then, the next one that is free makes up for it."""
        connection = Connection(self._scene.address, self._context)
        while not self.ending:
            turn = next(self._turns)
            time.sleep(max(0.0, self._began + turn / self._scene.rate - time.monotonic()))
            self.calls.append(self._call(connection, turn % len(self._requests)))

    def _call(self, connection, number):
        errand = self._scene.errands[number]
        done = Call(errand.endpoint, time.monotonic())
        pause = 0.05
        while _try(connection, self._requests[number], errand, done) and time.monotonic() - done.began < DEADLINE:
            done.repetitions += 1
            time.sleep(random.uniform(pause / 2, pause))
            pause = min(2 * pause, 0.5)
        done.ended = time.monotonic()
        return done


def _try(connection, request, errand, done):
    """True when it may be repeated: nothing was sent."""
    done.failure, done.status, done.document, done.broken_off = "", 0, None, False
    try:
        done.status, done.content_type, chunks = connection.ask(request)
        body = b"".join(chunks)
    except OSError as error:
        done.failure, done.broken_off = f"{type(error).__name__}: {error}", done.status != 0
        return False
    if done.status != 200:
        done.document = json.loads(body)
        done.failure = f"{done.status} {done.document}"
        return done.document.get("delivery") == "not-sent"
    try:
        if errand.form == NDJSON:
            body = unpack([json.loads(line) for line in body.splitlines()])
        if body != errand.expected:
            done.failure = f"another answer: {body[:200]}"
    except (AssertionError, KeyError, IndexError, ValueError) as error:
        done.failure = f"an incomplete answer: {error}, {body[-200:]}"
    return False


class Connection:
    """HTTP over TLS on one connection after the other, without a library's cost: hundreds of calls a second have to leave
    the machine to what is tested. Raises OSError when the other side breaks off."""

    def __init__(self, address, context):
        self._address, self._context = address, context
        self._socket = None
        self._in = b""

    def ask(self, request):
        """(status, Content-Type, an iterator of the body's pieces)."""
        if self._socket is None:
            plain = socket.create_connection(self._address, timeout=2 * DEADLINE)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = self._context.wrap_socket(plain, server_hostname=self._address[0])
            self._in = b""
        try:
            self._socket.sendall(request)
            line, *lines = self._until(b"\r\n\r\n").decode().split("\r\n")
        except OSError:
            self._drop()
            raise
        fields = {name.lower(): value for name, _, value in (text.partition(": ") for text in lines)}
        return int(line.split()[1]), fields.get("content-type", ""), self._body(fields)

    def _body(self, fields):
        whole = False
        try:
            if "content-length" in fields:
                yield self._take(int(fields["content-length"]))
            else:
                while size := int(self._until(b"\r\n"), 16):
                    yield self._take(size)
                    self._take(2)
                self._take(2)
            whole = True
        finally:
            if not whole or fields.get("connection") == "close":
                self._drop()

    def _drop(self):
        self._socket.close()
        self._socket = None

    def _receive(self):
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the stream has ended")
        self._in += piece

    def _until(self, end):
        while end not in self._in:
            self._receive()
        piece, _, self._in = self._in.partition(end)
        return piece

    def _take(self, size):
        while len(self._in) < size:
            self._receive()
        piece, self._in = self._in[:size], self._in[size:]
        return piece


def table(title, calls):
    """The figures of `calls` as text."""
    seconds = max(call.began for call in calls) - min(call.began for call in calls)
    done = [call for call in calls if not call.failure]
    ends = sorted(call.ended for call in done)
    rows = {
        "seconds": f"{seconds:.1f}",
        "calls": len(calls),
        "calls per second": f"{len(calls) / seconds:.0f}",
        "calls that were repeated": sum(call.repetitions > 0 for call in calls),
        "repetitions": sum(call.repetitions for call in calls),
        "failed": len(calls) - len(done),
        "longest call, s": f"{max(call.ended - call.began for call in done):.2f}",
        "longest time without an answer to anybody, s": f"{max(b - a for a, b in zip(ends, ends[1:])):.2f}",
    }
    return "\n".join([f"--- {title}", *(f"{name:46} {value}" for name, value in rows.items())])
