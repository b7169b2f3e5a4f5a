"""The answers that services give: payloads cut into parts as the original's services cut them, encoded once."""

import json
import random

from support.payload import KIB, MIB, cut_parts, md5, payload

# name: (bytes, compressible, bytes of a part)
SIZES = {
    "300 KiB": (300 * KIB, False, 64 * KIB),
    "1 MiB": (1 * MIB, False, 1 * MIB),
    "4 MiB": (4 * MIB, True, 512 * KIB),
    "12 MiB": (12 * MIB, False, 10 * MIB),
    "32 MiB": (32 * MIB, False, 4 * MIB),
    "50 MiB": (50 * MIB, True, 10 * MIB),
}
SMALL_FILES = ("300 KiB", "1 MiB", "4 MiB")
BIG_FILES = ("12 MiB", "32 MiB", "50 MiB")


class File:
    def __init__(self, name):
        size, compressible, part_size = SIZES[name]
        self.name, self.data = name, payload(size, compressible)
        self.size, self.md5 = size, md5(self.data)
        # What stands behind the callId, which each call has of its own.
        self._rests = [
            json.dumps(part)[1:].encode()
            for part in cut_parts({"cmd": "rpc"}, self.data, part_size=part_size, compress=compressible)
        ]

    @property
    def parts(self):
        return len(self._rests)

    def part(self, number, call_id):
        """Two byte strings that make the message of part `number`, from 0."""
        return b'{"callId":%d,' % call_id, self._rests[number]

    def order(self, chance: random.Random):
        """The parts in order, in another, or with one of them repeated."""
        numbers = list(range(self.parts))
        kind = chance.choice(("in order", "in order", "shuffled", "repeated"))
        if kind == "shuffled":
            chance.shuffle(numbers)
        elif kind == "repeated" and self.parts > 1:
            numbers.insert(1, 0)
        return numbers


def make_files():
    return {name: File(name) for name in SIZES}
