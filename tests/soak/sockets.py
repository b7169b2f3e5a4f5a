"""A WebSocket client that does what it is told, well or badly, on an event loop."""

import asyncio
import base64
import os
import socket
import struct

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 0x1, 0x2, 0x8, 0x9, 0xA, 0x0
PATIENCE = 120
# The close code of a connection whose end was a reset: asyncio's reader then hides what came before it.
UNREAD = None


class Refused(Exception):
    """The upgrade was not answered with 101."""


def frame_head(opcode, length, fin=True, rsv=0, mask=True):
    """The head of a client's frame. Its mask is all zeros, so that payloads go out as they are, without being copied."""
    first, mask_bit = (0x80 if fin else 0) | rsv << 4 | opcode, 0x80 if mask else 0
    if length < 126:
        head = struct.pack("!BB", first, mask_bit | length)
    elif length < 1 << 16:
        head = struct.pack("!BBH", first, mask_bit | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask_bit | 127, length)
    return head + (bytes(4) if mask else b"")


def close_frame(code):
    return frame_head(CLOSE, 2) + struct.pack("!H", code)


async def open_stream(address, receive_buffer=None, source=None):
    """(reader, writer) of a TCP connection, from the address `source` if given."""
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            connection.bind((source, 0))
        async with asyncio.timeout(PATIENCE):
            await asyncio.get_running_loop().sock_connect(connection, address)
        return await asyncio.open_connection(sock=connection)
    except BaseException:
        connection.close()
        raise


def reset(writer):
    """Ends a connection with RST, as the end of a machine does at its worst."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.fileno() >= 0:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


class WebSocket:
    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self.answers_pings = True
        self.last_close = None

    @classmethod
    async def dial(cls, address, path, credential, subprotocol=None, **options):
        """`credential` is a header line, or nothing."""
        reader, writer = await open_stream(address, **options)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: {}:{}".format(*address), "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [credential] if credential else []
        lines += [f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            async with asyncio.timeout(PATIENCE):
                head = await reader.readuntil(b"\r\n\r\n")
        except BaseException:
            writer.transport.abort()
            raise
        if not head.startswith(b"HTTP/1.1 101 "):
            writer.transport.abort()
            raise Refused(head.split(b"\r\n", 1)[0].decode())
        return cls(reader, writer)

    def send_raw(self, *pieces):
        self._writer.writelines(pieces)

    def send_text(self, *pieces, opcode=TEXT):
        """One message of these byte strings; never waits."""
        self._writer.writelines([frame_head(opcode, sum(map(len, pieces))), *pieces])

    async def flush(self):
        async with asyncio.timeout(PATIENCE):
            await self._writer.drain()

    async def _read_frame(self):
        first, second = await self._reader.readexactly(2)
        length = second & 0x7F
        if length == 126:
            (length,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif length == 127:
            (length,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return bool(first & 0x80), first & 0x0F, await self._reader.readexactly(length)

    async def read(self):
        """The next message's bytes; None when the connection has ended, in whatever way."""
        pieces = []
        try:
            while True:
                fin, opcode, payload = await self._read_frame()
                if opcode == CLOSE:
                    self.last_close = struct.unpack("!H", payload[:2])[0] if payload else None
                    self.send_raw(frame_head(CLOSE, len(payload)), payload)
                    return None
                if opcode == PING and self.answers_pings:
                    self.send_raw(frame_head(PONG, len(payload)), payload)
                if opcode in (PING, PONG):
                    continue
                pieces.append(payload)
                if fin:
                    return b"".join(pieces)
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def leave(self, code=1000):
        """Closes in order and waits for the other side's end."""
        try:
            self.send_raw(close_frame(code))
            async with asyncio.timeout(PATIENCE):
                while await self.read() is not None:
                    pass
        except (OSError, TimeoutError):
            pass
        self.abandon()

    def reset(self):
        reset(self._writer)

    def abandon(self):
        """Ends the connection without a word."""
        self._writer.transport.abort()
