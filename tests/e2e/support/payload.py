"""Payloads, and messages cut from them exactly as the original's services cut them."""

import base64
import functools
import hashlib
import random
import zlib

KIB, MIB = 1 << 10, 1 << 20
PART_SIZE = 10 * MIB
COMPRESS_ABOVE = 1 * MIB
LONG_TEXT = 64


@functools.lru_cache(maxsize=4)
def payload(size, compressible):
    """`size` bytes, always the same ones."""
    if compressible:
        line = b"the quick brown fox jumps over the lazy dog %08d\n"
        block = b"".join(line % number for number in range(min(size // 50 + 1, 20000)))
        return (block * (size // len(block) + 1))[:size]
    return random.Random(size).randbytes(size)


def md5(data):
    return hashlib.md5(data).hexdigest()


def head_of(request):
    """What a service repeats of a request."""
    head = {key: value for key, value in request.items() if key not in ("data", "args", "kwargs")}
    return {key: value for key, value in head.items() if not (isinstance(value, str) and len(value) > LONG_TEXT)}


def encode_part(message, data, compress):
    """`message` with one part's bytes in it."""
    message = dict(message, hash=md5(data), dataSize=len(data))
    if compress:
        message["compressed"] = True
        data = zlib.compress(data)
    message["data"] = base64.b64encode(data).decode()
    return message


def cut_parts(request, data, serialization="bytes", part_size=PART_SIZE, compress=None):
    """Yields the messages of an answer. As in the original, no bytes make no message at all."""
    count = (len(data) + part_size - 1) // part_size
    head = dict(
        head_of(request), dataSerialization=serialization, status=200,
        fileSize=len(data), fileHash=md5(data), numParts=count,
    )
    if count > 1:
        head["multipart"] = True
    if compress is None:
        compress = len(data) > COMPRESS_ABOVE
    for number in range(count):
        piece = data[number * part_size:(number + 1) * part_size]
        yield encode_part(dict(head, partId=number + 1), piece, compress)


def part_bytes(message):
    """One part's bytes, with its own hash and size checked."""
    data = base64.b64decode(message["data"], validate=True)
    if message.get("compressed"):
        data = zlib.decompress(data)
    assert md5(data) == message["hash"]
    assert len(data) == message["dataSize"]
    return data


def unpack(messages):
    """The payload of an answer's messages in any order, with every hash and size checked."""
    ordered = sorted(messages, key=lambda message: message["partId"])
    assert [message["partId"] for message in ordered] == list(range(1, ordered[0]["numParts"] + 1))
    data = b"".join(part_bytes(message) for message in ordered)
    assert md5(data) == ordered[0]["fileHash"]
    assert len(data) == ordered[0]["fileSize"]
    return data
