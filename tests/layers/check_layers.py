"""Holds the sources against the structure of the house: who may include whom, and what nobody may use.

Usage: check_layers.py ROOT. Prints each violation as `file:line: sentence`; exit code 1 when there is one.
"""

import posixpath
import re
import sys
from dataclasses import dataclass
from pathlib import Path

SOURCES = {".hpp", ".cpp"}
SCANNED = ("proto", "lib", "service", "tests/e2e")
MAX_BEAST_UNITS = 3


@dataclass(frozen=True)
class Room:
    """`own`: rooms of ours whose headers it may include. `libraries`: prefixes of others' headers; a prefix that ends
    in `/` is a folder, else one header. `system`: whether it may talk to the operating system (headers in .h)."""

    own: frozenset
    libraries: tuple = ()
    system: bool = False


def room(own="", libraries="", system=False):
    return Room(frozenset(own.split()), tuple(libraries.split()), system)


# Wire's few headers of Asio are what Beast's stream asks of the layer below it: buffers, errors, an executor.
ROOMS = {
    "proto headers": room("proto", "boost/json/ boost/json.hpp boost/json_fwd.hpp boost/system/"),
    # The compiler's own headers of vector instructions.
    "proto": room("proto", "boost/json/ boost/json.hpp boost/system/ zlib.h openssl/ fmt/ emmintrin.h immintrin.h"),
    "public": room("proto public", "boost/asio/ boost/system/"),
    "core": room("proto core", "boost/system/ sys/mman.h"),
    "wire": room(
        "proto core wire",
        "boost/beast/ boost/system/ boost/optional/ boost/asio/buffer.hpp boost/asio/error.hpp"
        " boost/asio/io_context.hpp boost/asio/any_io_executor.hpp",
    ),
    "async": room("core async", "boost/asio/ boost/system/", system=True),
    "net": room("proto core wire async net", "boost/asio/ boost/system/ openssl/ fmt/", system=True),
    "gateway": room(
        "proto public core wire async net gateway",
        "boost/asio/ boost/json/ boost/json.hpp boost/system/ prometheus/ openssl/ cjose/ fmt/",
    ),
    "client": room(
        "proto public core wire async net client",
        "boost/asio/ boost/json/ boost/json.hpp boost/system/ openssl/ fmt/",
        system=True,
    ),
    "example": room("proto public", "boost/asio/ boost/system/ fmt/"),
    "service": room(
        "proto public service",
        "boost/asio/ boost/system/ boost/json/ boost/json.hpp CLI/ spdlog/ toml++/ fmt/ mimalloc.h",
        system=True,
    ),
    "e2e": room("", "", system=True),
}

# Which room a path lies in.
PLACES = (
    ("proto/include/", "proto headers"),
    ("proto/src/", "proto"),
    ("lib/include/", "public"),
    *((f"lib/src/{name}/", name) for name in ("core", "wire", "async", "net", "gateway", "client")),
    ("lib/example/", "example"),
    ("lib/examples/", "example"),
    ("service/", "service"),
    ("tests/e2e/", "e2e"),
)

# Where the headers named by an include of ours are kept.
INCLUDE_ROOTS = ("proto/include", "lib/include", "lib/src", "service")

DETACHED = re.compile(r"\bdetached(_t)?\b")
LOCKS = re.compile(
    r"\bstd::((recursive_|timed_|recursive_timed_|shared_|shared_timed_)?mutex"
    r"|condition_variable(_any)?|lock_guard|scoped_lock|unique_lock|shared_lock)\b"
)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
NOT_CODE = re.compile(r'R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.S)


def room_at(path):
    return next((name for prefix, name in PLACES if path.startswith(prefix)), None)


def without_texts(source):
    """The code with comments and literals blanked, line numbers kept."""
    return NOT_CODE.sub(lambda found: "\n" * found.group().count("\n") or " ", source)


class Tree:
    def __init__(self, root):
        self.root = Path(root)
        self.violations = []
        self.includes = {path: list(self.read_includes(path)) for path in self.paths()}

    def paths(self):
        for top in SCANNED:
            found = (self.root / top).rglob("*")
            yield from sorted(f.relative_to(self.root).as_posix() for f in found if f.suffix in SOURCES)

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def read_includes(self, path):
        text = self.text(path)
        for found in INCLUDE.finditer(text):
            yield text.count("\n", 0, found.start()) + 1, found.group(2)

    def resolve(self, path, included):
        """The file of ours that an include names, or None."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), included))
        for candidate in (beside, *(f"{root}/{included}" for root in INCLUDE_ROOTS)):
            if (self.root / candidate).is_file():
                return candidate
        return None

    def report(self, path, line, sentence):
        self.violations.append(f"{path}:{line}: {sentence}")

    def check_rooms(self):
        for path, included in self.includes.items():
            name = room_at(path)
            if name is None:
                self.report(path, 1, "lies in no room; name it in the table")
                continue
            for line, header in included:
                self.check_include(path, line, name, header)

    def check_include(self, path, line, name, header):
        target = self.resolve(path, header)
        if target is not None:
            other = (room_at(target) or "unknown").removesuffix(" headers")
            private = room_at(target) == "proto" and not path.startswith("proto/src/")
            if private or other not in ROOMS[name].own:
                self.report(path, line, f"{name} may not include {header} of {other}")
        elif not may_include_foreign(ROOMS[name], header):
            self.report(path, line, f"{name} may not include {header}")

    def check_beast(self):
        units = [path for path in self.includes if path.endswith(".cpp") and self.reaches_beast(path, set())]
        if len(units) > MAX_BEAST_UNITS:
            self.report(units[-1], 1, f"{len(units)} units compile Beast, at most {MAX_BEAST_UNITS} may: {units}")

    def reaches_beast(self, path, seen):
        seen.add(path)
        for _, header in self.includes.get(path, ()):
            if header.startswith("boost/beast"):
                return True
            target = self.resolve(path, header)
            if target is not None and target not in seen and self.reaches_beast(target, seen):
                return True
        return False

    def check_words(self):
        for path in self.includes:
            code = without_texts(self.text(path))
            self.ban(path, code, DETACHED, "every coroutine has a parent that joins it: no asio::detached")
            if path.startswith(("proto/", "lib/")):
                self.ban(path, code, LOCKS, "no locks here: an object lives on one shard")

    def ban(self, path, code, pattern, sentence):
        for found in pattern.finditer(code):
            self.report(path, code.count("\n", 0, found.start()) + 1, f"{found.group()}: {sentence}")


def may_include_foreign(room, header):
    if any(header.startswith(p) if p.endswith("/") else header == p for p in room.libraries):
        return True
    if header.endswith(".h"):
        return room.system
    # What has neither a folder nor an ending is the standard library.
    return "/" not in header and "." not in header


def check(root):
    tree = Tree(root)
    tree.check_rooms()
    tree.check_beast()
    tree.check_words()
    if not tree.includes:
        tree.report(".", 1, "no sources found")
    return tree.violations


def main():
    violations = check(sys.argv[1])
    print(*violations, sep="\n", end="\n" if violations else "")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
