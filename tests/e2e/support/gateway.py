"""The gateway as a black box: a process with a port."""

import os
import re
import signal
import ssl
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from .metrics import Metrics
from .waiting import DEADLINE, wait_until

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("REACHBACK", ROOT / "build/release/service/reachback"))
THREADS = os.environ.get("REACHBACK_THREADS", "1")
TOKEN = "test"
HTTP_TIMEOUT = 30
# Before a command: SIGKILL ends it when the thread that started it ends, so that a killed test leaves nothing running.
ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")

JSON = "application/json"
NDJSON = "application/x-ndjson"
BYTES = "application/octet-stream"


class Program:
    """A running program that says on stdout, by a line that `ready` matches, that it is up. Its stderr is kept, unless it
    goes to the file or pipe `stderr`."""

    def __init__(self, command, ready, stderr=None):
        self.meant_to_end = False
        self._stderr = tempfile.TemporaryFile(mode="w+", errors="replace")
        self.process = subprocess.Popen(
            list(map(str, [*ENDS_WITH_US, *command])), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr or self._stderr,
            text=True,
        )
        self._ready = re.compile(ready)
        self._lines = []
        self._arrived = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            with self._arrived:
                self._lines.append(line.rstrip("\n"))
                self._arrived.notify_all()
        with self._arrived:
            self._lines.append(None)
            self._arrived.notify_all()

    def wait_ready(self, times=1, deadline=DEADLINE):
        """Waits until a ready line has been printed `times` times; gives the last one's match."""

        def matches():
            return [match for match in (self._ready.match(line or "") for line in self._lines) if match]

        with self._arrived:
            done = self._arrived.wait_for(lambda: len(matches()) >= times or None in self._lines, deadline)
            found = matches()
        if not done or len(found) < times:
            raise AssertionError(f"{self.process.args} did not get ready: {self._lines}\n{self.stderr()}")
        return found[times - 1]

    def output(self):
        """The lines on stdout until now."""
        with self._arrived:
            return [line for line in self._lines if line is not None]

    def stderr(self):
        position = self._stderr.tell()
        self._stderr.seek(0)
        text = self._stderr.read()
        self._stderr.seek(position)
        return text

    @property
    def alive(self):
        return self.process.poll() is None

    def signal(self, number):
        self.process.send_signal(number)

    def freeze(self):
        """Stops the process as a debugger does (SIGSTOP); when this returns none of its threads runs any more."""
        self.signal(signal.SIGSTOP)
        wait_until(lambda: self._states() == {"T"}, f"{self.process.args} stands still")

    def thaw(self):
        self.signal(signal.SIGCONT)

    def _states(self):
        """One letter for what each thread does (proc(5))."""
        threads = Path(f"/proc/{self.process.pid}/task").iterdir()
        return {(thread / "stat").read_text().rpartition(")")[2].split()[0] for thread in threads}

    def wait_exit(self, deadline=DEADLINE):
        """The exit code of a process that is meant to end; fails when it lives longer than `deadline` seconds."""
        self.meant_to_end = True
        try:
            return self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {deadline} s\n{self.stderr()}") from None

    def kill(self):
        if self.alive:
            self.process.kill()
        self.process.wait()
        self._reader.join()

    def peak_memory(self):
        """The most memory that the process ever had resident (VmHWM), in bytes."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024


PATIENT = ("--timeout", "60")  # what `health` is told where the answer comes, and the machine may be slow


def run_to_the_end(*arguments, deadline=DEADLINE):
    """Runs the executable until it ends by itself."""
    return subprocess.run(
        [str(BINARY), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=deadline
    )


class Client:
    """The HTTP side of a gateway, from outside. `token` has full scope; `ca_file` is whom https trusts."""

    def __init__(self, url, token=TOKEN, ca_file=None):
        self.url, self.token, self.ca_file = url, token, ca_file
        host, port = url.split("://")[1].rsplit(":", 1)
        self.host, self.port = host, int(port)
        self._pool = ThreadPoolExecutor(max_workers=80)

    @property
    def address(self):
        return (self.host, self.port)

    def tls_context(self):
        """What a socket of one's own needs for TLS with it; None where it speaks plainly."""
        return ssl.create_default_context(cafile=str(self.ca_file)) if self.ca_file else None

    @property
    def authority(self):
        return f"{self.host}:{self.port}"

    def http(self, method, path, authorized=True, **options):
        """One HTTP request on a connection of its own, with the token unless told otherwise."""
        headers = dict(options.pop("headers", {}))
        if authorized and not {"Authorization", "Cookie"} & headers.keys():
            headers["Authorization"] = f"Bearer {self.token}"
        options.setdefault("timeout", HTTP_TIMEOUT)
        options.setdefault("allow_redirects", False)
        if self.ca_file:
            options.setdefault("verify", str(self.ca_file))
        with requests.Session() as session:
            session.trust_env = False
            return session.request(method, self.url + path, headers=headers, **options)

    def get(self, path, **options):
        return self.http("GET", path, **options)

    def call(self, message, endpoint="wsData", form=JSON, headers=None, stream=False, **params):
        """Calls the endpoint's service. `message` is an object, or bytes that go out as they are."""
        every_header = {"Accept": form, "Content-Type": JSON, **(headers or {})}
        body = {"data": message} if isinstance(message, bytes) else {"json": message}
        path = f"/v1/endpoints/{endpoint}/requests"
        return self.http("POST", path, headers=every_header, params=params, stream=stream, **body)

    def background(self, function, *arguments, **options):
        """Runs `function` on a thread; gives its future."""
        return self._pool.submit(function, *arguments, **options)

    def call_later(self, *arguments, **options):
        """`call` on a thread; gives the future of its response."""
        return self.background(self.call, *arguments, **options)

    def post_message(self, body, endpoint="wsUser", content_type="text/plain", **params):
        path = f"/v1/endpoints/{endpoint}/messages"
        return self.http("POST", path, data=body, headers={"Content-Type": content_type}, params=params)

    def endpoint(self, name):
        response = self.get(f"/v1/endpoints/{name}")
        assert response.status_code == 200, response.text
        return response.json()

    def connections(self, endpoint="wsData"):
        """The ids of an endpoint's connections, as texts."""
        return [str(connection["id"]) for connection in self.endpoint(endpoint)["connections"]]

    def served(self):
        """The names of the endpoints that have a connection."""
        endpoints = self.get("/v1/endpoints").json()["endpoints"]
        return {endpoint["name"] for endpoint in endpoints if endpoint["connections"]}

    def metrics(self):
        response = self.get("/metrics", authorized=False)
        assert response.status_code == 200, response.text
        return Metrics(response.text)

    def calls_in_flight(self):
        return self.metrics().value("reachback_calls_in_flight")

    def wait_in_flight(self, count, deadline=DEADLINE):
        wait_until(lambda: self.calls_in_flight() == count, f"{count} calls in flight", deadline)

    def outcome(self, name, endpoint="wsData"):
        return self.metrics().value("reachback_calls_total", endpoint=endpoint, outcome=name)

    def wait_outcome(self, name, count, endpoint="wsData"):
        """Waits until so many calls have ended in that way: a call is counted about when its answer leaves."""
        wait_until(lambda: self.outcome(name, endpoint) == count, f"{count} calls with the outcome {name}")

    def refused(self, limit):
        """How often something was refused or ended because of the limit, named by its setting."""
        return self.metrics().value("reachback_refused_total", limit=limit)

    def dropped(self, reason, endpoint="wsData"):
        return self.metrics().value("reachback_dropped_messages_total", endpoint=endpoint, reason=reason)

    def let_threads_go(self):
        self._pool.shutdown(wait=False, cancel_futures=True)


class Gateway(Program, Client):
    """A running `reachback serve`, in test mode unless told otherwise. With a `certificate` it speaks TLS, and
    `ca_file` is whom its callers trust. `before` stands before the command, as `prlimit` does."""

    def __init__(self, *flags, test_mode=True, port=0, token=TOKEN, threads=THREADS, certificate=None,
                 ca_file=None, before=(), stderr=None):
        command = [*before, BINARY, "serve", "--port", port, "--threads", threads]
        command += ["--test"] if test_mode else ["--host", "127.0.0.1"]
        if certificate:
            command += ["--tls-certificate", certificate.file, "--tls-key", certificate.key]
        scheme = "https" if certificate else "http"
        Program.__init__(self, [*command, *flags], rf"reachback: listening on ({scheme}://.+:\d+)$", stderr)
        try:
            url = self.wait_ready().group(1)
        except AssertionError:
            self.kill()
            raise
        Client.__init__(self, url, token, ca_file)

    def stop(self):
        self.kill()
        self.let_threads_go()
