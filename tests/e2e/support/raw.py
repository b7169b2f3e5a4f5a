"""Peers that write and read bytes themselves, for what a well-behaved client library would not send."""

import base64
import os
import socket
import struct
import time

from .waiting import DEADLINE, wait_until

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0


class Aborted(Exception):
    """The other side ended the stream in the middle of something."""


class ByteStream:
    """A TCP connection, or TLS by an SSLContext; every read and write has a deadline."""

    def __init__(self, address, receive_buffer=None, tls=None, source=None):
        """`source` is the address of ours that the other side sees."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._socket.settimeout(DEADLINE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            self._socket.bind((source, 0))
        self._socket.connect(address)
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=address[0])
        self._buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def local_port(self):
        return self._socket.getsockname()[1]

    def send(self, data):
        self._socket.sendall(data)

    def send_byte_by_byte(self, data):
        for value in data:
            self._socket.sendall(bytes([value]))

    def fill(self, deadline=DEADLINE):
        """Receives something into the buffer; False at the end of the stream."""
        self._socket.settimeout(max(deadline, 0.001))
        try:
            data = self._socket.recv(1 << 20)
        except socket.timeout:
            raise AssertionError(f"nothing received within {deadline} s") from None
        except ConnectionError:
            return False
        self._buffer += data
        return bool(data)

    def receive_byte(self):
        """Takes a single byte from the kernel, past what is buffered here; b"" at the end of the stream."""
        self._socket.settimeout(DEADLINE)
        try:
            return self._socket.recv(1)
        except ConnectionError:
            return b""

    def has_input(self):
        """Whether something (or the end) can be read now."""
        if self._buffer:
            return True
        self._socket.settimeout(0)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
            return True
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        finally:
            self._socket.settimeout(DEADLINE)

    def read_exactly(self, count, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while len(self._buffer) < count:
            if not self.fill(end - time.monotonic()):
                raise Aborted(f"the stream ended, {count - len(self._buffer)} bytes before its time")
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def read_until(self, mark, deadline=DEADLINE):
        """Everything up to `mark` and the mark itself."""
        end = time.monotonic() + deadline
        searched = 0
        while (at := self._buffer.find(mark, searched)) < 0:
            searched = max(0, len(self._buffer) - len(mark) + 1)
            if not self.fill(end - time.monotonic()):
                raise Aborted(f"the stream ended before {mark!r}: {bytes(self._buffer)!r}")
        return self.read_exactly(at + len(mark))

    def read_to_end(self, deadline=DEADLINE):
        end = time.monotonic() + deadline
        while self.fill(end - time.monotonic()):
            pass
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    def half_close(self):
        self._socket.shutdown(socket.SHUT_WR)

    def reset(self):
        """Ends the connection as a crash does: with RST, whatever is under way."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def shut_down(self):
        """Ends both directions; wakes a thread that is reading."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended already

    def close(self):
        self._socket.close()


class Head:
    """Status line and headers of a response."""

    def __init__(self, text):
        first, *lines = text.decode("latin-1").split("\r\n")
        self.version, status, *_ = first.split(" ", 2)
        self.status = int(status)
        self.fields = [tuple(part.strip() for part in line.split(":", 1)) for line in lines if line]

    def get(self, name, default=None):
        """The last header of that name."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        return values[-1] if values else default


class HttpCaller(ByteStream):
    """Speaks HTTP/1.1 as bytes."""

    def __init__(self, address, token="test", receive_buffer=None, tls=None, source=None):
        super().__init__(address, receive_buffer, tls, source)
        self._authority = "{}:{}".format(*address)
        self._token = token

    def head_of(self, method, target, **headers):
        """The bytes of a request's head; `_` in a header's name stands for `-`, None leaves a default out."""
        fields = {"host": self._authority, "authorization": f"Bearer {self._token}"}
        fields.update({name.replace("_", "-").lower(): value for name, value in headers.items()})
        lines = [f"{method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in fields.items() if value is not None]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def request(self, method, target, body=None, **headers):
        if body is not None:
            headers.setdefault("content_length", len(body))
        self.send(self.head_of(method, target, **headers) + (body or b""))

    def call(self, body, endpoint="wsData", form="application/json", query=""):
        self.request("POST", f"/v1/endpoints/{endpoint}/requests{query}", body,
                     content_type="application/json", accept=form)

    def upgrade(self, path, **headers):
        """Asks for a WebSocket."""
        key = base64.b64encode(os.urandom(16)).decode()
        self.request("GET", path, upgrade="websocket", connection="Upgrade", sec_websocket_version="13",
                     sec_websocket_key=key, **headers)

    def ask(self, method, target, body=None, **headers):
        """One request and its response."""
        self.request(method, target, body, **headers)
        return self.read_response(to=method)

    def read_head(self, deadline=DEADLINE, to="GET"):
        """The head of a response to a request of the method `to`; that of an interim response as any other."""
        head = Head(self.read_until(b"\r\n\r\n", deadline)[:-4])
        has_no_body = to == "HEAD" or head.status in (204, 304) or head.status < 200
        length = "0" if has_no_body else head.get("content-length")
        self._left = int(length) if length is not None else None
        self._chunked = not has_no_body and "chunked" in head.get("transfer-encoding", "")
        self._line = b""
        return head

    def read_piece(self, deadline=DEADLINE):
        """Some bytes of the body as they arrive; b"" at its regular end. Raises Aborted when it ends otherwise."""
        if self._chunked:
            size = int(self.read_until(b"\r\n", deadline).split(b";")[0], 16)
            data = self.read_exactly(size, deadline)
            assert self.read_exactly(2) == b"\r\n"
            return data
        if self._left == 0:
            return b""
        if not self._buffer and not self.fill(deadline):
            if self._left is None:
                return b""
            raise Aborted("the body ended early")
        size = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        self._left = None if self._left is None else self._left - size
        return self.read_exactly(size)

    def read_line(self, deadline=DEADLINE):
        """One line of the body without its end, for streams of lines; None at the body's regular end."""
        while b"\n" not in self._line:
            piece = self.read_piece(deadline)
            if not piece:
                return None
            self._line += piece
        line, _, self._line = self._line.partition(b"\n")
        return line

    def read_body(self, deadline=DEADLINE):
        pieces = []
        while piece := self.read_piece(deadline):
            pieces.append(piece)
        return b"".join(pieces)

    def read_response(self, deadline=DEADLINE, to="GET"):
        head = self.read_head(deadline, to)
        return head, self.read_body(deadline)


def masked(payload, key):
    if not payload:
        return payload
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(repeated, "little")
    return number.to_bytes(len(payload), "little")


def frame(opcode, payload=b"", fin=True, rsv=0, mask=True, declared_length=None):
    """The bytes of one WebSocket frame. `rsv` is the three reserved bits as a number of 0 to 7."""
    length = len(payload) if declared_length is None else declared_length
    first = (0x80 if fin else 0) | (rsv << 4) | opcode
    mask_bit = 0x80 if mask else 0
    if length < 126:
        head = struct.pack("!BB", first, mask_bit | length)
    elif length < 65536:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + masked(payload, key)


class WebSocketPeer(ByteStream):
    """A WebSocket client that sends whatever it is told to."""

    def __init__(self, gateway, path="/wsData", receive_buffer=None, headers=None):
        super().__init__(gateway.address, receive_buffer, gateway.tls_context())
        fields = {
            "Host": gateway.authority,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
            "Sec-WebSocket-Version": "13",
            "Authorization": f"Bearer {gateway.token}",
        }
        fields.update(headers or {})
        lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
        self.upgrade = ("\r\n".join(lines) + "\r\n\r\n").encode()
        self.connection_id = None

    def open(self, first_bytes=b""):
        """Sends the upgrade, with `first_bytes` right behind it, and reads the answer's head."""
        self.send(self.upgrade + first_bytes)
        return Head(self.read_until(b"\r\n\r\n")[:-4])

    @classmethod
    def joined(cls, gateway, endpoint, **options):
        before = set(gateway.connections(endpoint))
        peer = cls(gateway, f"/{endpoint}", **options)
        head = peer.open()
        assert head.status == 101, f"the upgrade was answered with {head.status}"
        new = wait_until(lambda: set(gateway.connections(endpoint)) - before, f"a new connection on {endpoint}")
        peer.connection_id = new.pop()
        return peer

    def send_frame(self, opcode, payload=b"", **options):
        self.send(frame(opcode, payload, **options))

    def send_text(self, text):
        self.send_frame(TEXT, text.encode() if isinstance(text, str) else text)

    def read_frame(self, deadline=DEADLINE):
        """(fin, opcode, payload) of the next frame, control frames too."""
        first, second = self.read_exactly(2, deadline)
        assert not first & 0x70, "a frame with reserved bits"
        assert not second & 0x80, "a server masked a frame"
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", self.read_exactly(2, deadline))
        elif length == 127:
            (length,) = struct.unpack("!Q", self.read_exactly(8, deadline))
        return bool(first & 0x80), first & 0x0F, self.read_exactly(length, deadline)

    def read_message(self, deadline=DEADLINE):
        """(opcode, payload) of the next whole message, or of a close. Pings are answered, pongs skipped."""
        kind, pieces = None, []
        while True:
            fin, opcode, payload = self.read_frame(deadline)
            if opcode == PING:
                self.send_frame(PONG, payload)
            elif opcode == CLOSE:
                return opcode, payload
            elif opcode != PONG:
                kind = opcode if kind is None else kind
                pieces.append(payload)
                if fin:
                    return kind, b"".join(pieces)

    def read_close(self, deadline=DEADLINE):
        """(code, reason) of the close frame that must come, whatever messages come before it."""
        end = time.monotonic() + deadline
        while True:
            opcode, payload = self.read_message(max(end - time.monotonic(), 0.01))
            if opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                return code, payload[2:].decode()
