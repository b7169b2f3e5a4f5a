"""The echo server that runs the gateway's WebSocket code, and a client that is strict about what it hears."""

import base64
import hashlib
import os
import select
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from .gateway import ROOT, Program
from .payload import payload as random_payload
from .raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocketPeer, frame
from .waiting import DEADLINE

ECHO_SERVER = Path(os.environ.get("ECHO_SERVER", ROOT / "build/release/tests/echo_server"))
NORMAL, PROTOCOL_ERROR, INVALID_PAYLOAD = 1000, 1002, 1007


class EchoServer(Program):
    """A running echo server; to a peer it looks as a gateway does."""

    token = None

    def __init__(self):
        super().__init__([ECHO_SERVER, 0], r"listening on (127\.0\.0\.1):(\d+)$")
        try:
            host, found = self.wait_ready().groups()
        except AssertionError:
            self.kill()
            raise
        self.address = (host, int(found))
        self.authority = f"{host}:{found}"

    def tls_context(self):
        return None


@dataclass(frozen=True)
class Message:
    kind: int
    payload: bytes

    def __repr__(self):
        return f"Message({self.kind}, {len(self.payload)} bytes: {self.payload[:40]!r})"


@dataclass(frozen=True)
class Pong:
    payload: bytes


@dataclass(frozen=True)
class Close:
    code: int | None
    reason: bytes = b""


END = "the end of the stream, in order"


def cases(by_id):
    """Parameters of a test, by the ids that the Autobahn suite gives its cases: one value each, or a tuple."""
    return [pytest.param(*(value if isinstance(value, tuple) else (value,)), id=key) for key, value in by_id.items()]


def octets_of(size):
    """Always the same octets, no two places alike, so that a piece that is lost or moved shows."""
    return random_payload(size, compressible=False)


def text_of(size):
    """The same as a text."""
    return octets_of(size // 2 + 1).hex().encode()[:size]


def text(payload, **options):
    return frame(TEXT, payload, **options)


def binary(payload, **options):
    return frame(BINARY, payload, **options)


def continuation(payload, **options):
    return frame(CONTINUATION, payload, **options)


def ping(payload=b"", **options):
    return frame(PING, payload, **options)


def pong(payload=b"", **options):
    return frame(PONG, payload, **options)


def close(code=None, reason=b"", **options):
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason, **options)


def fragmented(kind, payload, size):
    """The frames of one message with so many bytes in each but the last."""
    pieces = [payload[at : at + size] for at in range(0, len(payload), size)]
    last = len(pieces) - 1
    return [
        frame(CONTINUATION if number else kind, piece, fin=number == last) for number, piece in enumerate(pieces)
    ]


class EchoClient(WebSocketPeer):
    """An open WebSocket. What the server sends is held against RFC 6455 frame by frame."""

    def __init__(self, server):
        key = base64.b64encode(os.urandom(16)).decode()
        super().__init__(server, "/", headers={"Sec-WebSocket-Key": key, "Authorization": None})
        head = self.open()
        assert head.status == 101
        accepted = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        assert head.get("Sec-WebSocket-Accept") == base64.b64encode(accepted).decode()
        assert head.get("Sec-WebSocket-Extensions") is None

    # Ways to send the same frames. The stream is the same; how it is cut is not.

    def at_once(self, frames):
        self.send(b"".join(frames))

    def frame_by_frame(self, frames):
        for one in frames:
            self.send(one)

    def octet_by_octet(self, frames):
        self.send_byte_by_byte(b"".join(frames))

    def in_chops(self, frames, size):
        data = memoryview(b"".join(frames))
        for at in range(0, len(data), size):
            self.send(data[at : at + size])

    # What comes back.

    def next(self):
        """The next message, pong or close, or END."""
        kind, pieces = None, []
        while not self._at_end():
            fin, opcode, payload = self.read_frame()
            if opcode >= CLOSE:
                return self._control(fin, opcode, payload)
            assert (opcode == CONTINUATION) == (kind is not None), "fragments out of order"
            kind = opcode if kind is None else kind
            pieces.append(payload)
            if fin:
                return Message(kind, b"".join(pieces))
        assert kind is None, "the stream ended inside a message"
        return END

    def hears(self, *events):
        """Checks that these come next, one after the other."""
        for event in events:
            heard = self.next()
            # No bare comparison: the difference of two big messages takes pytest minutes.
            assert (heard == event) is True, f"heard {heard} instead of {event}"

    def hears_close(self, *codes):
        """Checks that a close frame with one of these codes comes next, and behind it nothing but the end."""
        heard = self.next()
        assert isinstance(heard, Close) and heard.code in codes, f"heard {heard} instead of a close with {codes}"
        heard.reason.decode()
        self.hears(END)

    def closes_in_order(self, code=NORMAL):
        """Closes, and checks that it is answered so, and that the server then ends the stream."""
        self.send(close(code))
        self.hears_close(code)

    def hears_payload_until_close(self):
        """The payload of all data frames before a close frame, which is next then, in messages complete or not."""
        pieces = []
        while self._peek_opcode() != CLOSE:
            _, opcode, payload = self.read_frame()
            assert opcode < CLOSE, f"a control frame that nobody asked for: {opcode}"
            pieces.append(payload)
        return b"".join(pieces)

    def hears_nothing_for(self, seconds):
        return not self._buffer and not select.select([self._socket], [], [], seconds)[0]

    def _peek_opcode(self):
        assert not self._at_end(), "the stream ended without a close frame"
        return self._buffer[0] & 0x0F

    def _at_end(self):
        if self._buffer:
            return False
        self._socket.settimeout(DEADLINE)
        self._buffer += self._socket.recv(1 << 20)  # a reset is an error here
        return not self._buffer

    @staticmethod
    def _control(fin, opcode, payload):
        assert fin and len(payload) <= 125, "a control frame that is long or fragmented"
        assert opcode in (CLOSE, PONG), f"a control frame that nobody asked for: {opcode}"
        if opcode == PONG:
            return Pong(payload)
        assert len(payload) != 1, "a close frame with half a code"
        return Close(struct.unpack("!H", payload[:2])[0], payload[2:]) if payload else Close(None)
