"""Starts the servers under measurement and runs the load against them."""

import json
import os
import re
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class Failure(Exception):
    """A server did not start, or an answer was wrong."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_listening(process, port, patience=10.0):
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise Failure(f"{process.args[0]} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise Failure(f"{process.args[0]} does not listen")


@contextmanager
def started(command, port):
    """A fresh process for each run, so that no run inherits another's memory."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        await_listening(process, port)
        yield process
    finally:
        process.kill()
        process.wait()


def apart(threads):
    """Processors for a gateway of so many threads, and the others for its load, as if they were two machines; None
    where there are too few. Else the scheduler may put a thread of the load before the gateway's while another
    processor has nothing to do, and what is measured is that."""
    processors = sorted(os.sched_getaffinity(0))
    return (processors[:threads], processors[threads:]) if threads < len(processors) else None


def on(processors, command):
    return ["taskset", "--cpu-list", ",".join(map(str, processors)), *command] if processors else command


def load(tool, options, patience=180, processors=()):
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    command = on(processors, [tool, *arguments])
    run = subprocess.run(command, capture_output=True, text=True, timeout=patience, check=False)
    if run.returncode != 0:
        raise Failure(run.stderr.strip())
    return json.loads(run.stdout)


def bad_ends(port):
    """How the gateway says that calls ended which were not answered; for who sees only that a body breaks off."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
            metrics = answer.read().decode()
    except OSError:
        return ""
    line = r'^reachback_calls_total\{endpoint="(\w+)",outcome="([\w-]+)"\} ([1-9]\d*)$'
    ends = re.findall(line, metrics, re.MULTILINE)
    bad = [f"{count} {outcome} on {endpoint}" for endpoint, outcome, count in ends if outcome != "answered"]
    return f" (calls ended: {', '.join(bad)})" if bad else ""


@dataclass(frozen=True)
class Tools:
    """The built programs, and how they are started."""

    gateway: str
    build: Path
    threads: int

    @classmethod
    def of(cls, build, gateway=None, threads=1):
        return cls(str(gateway or build / "service" / "reachback"), build, threads)

    def measure_gateway(self, options, patience=180, threads=None, processors=None):
        """`processors`: those of the gateway and those of the load, see `apart`."""
        port = free_port()
        ours, others = processors or ((), ())
        command = [self.gateway, "serve", "--test", "--port", str(port), "--threads", str(threads or self.threads)]
        return self._measure(on(ours, [*command, "--log-level", "error"]), port, options, patience, others)

    def measure_relay(self, options):
        port = free_port()
        return self._measure([self._tool("bench_relay"), str(port)], port, options)

    def measure_embedded(self, calls, options):
        """A gateway in a program that holds so many calls of its own."""
        port = free_port()
        return self._measure([self._tool("bench_pending"), str(port), str(calls)], port, options)

    def measure_peer(self, name, options):
        port = free_port()
        return self._measure(["node", str(self.build / "peers" / f"{name}.mjs"), str(port)], port, options)

    def measure_alone(self, options):
        """What needs no server."""
        return load(self._tool("bench_load"), options)

    def _tool(self, name):
        return str(self.build / "tests" / "bench" / name)

    def _measure(self, command, port, options, patience=180, processors=()):
        with started(command, port) as process:
            try:
                options = {"port": port, "pid": process.pid, **options}
                return load(self._tool("bench_load"), options, patience, processors)
            except Failure as failure:
                raise Failure(f"{failure}{bad_ends(port)}") from failure
