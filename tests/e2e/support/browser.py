"""A browser as a process, steered from a test."""

import json
import subprocess
import tempfile
import threading

from .clients import node
from .waiting import DEADLINE


class Browser:
    """Headless Chromium with one page. Its commands are those of `clients/browser.mjs`; each has `DEADLINE` twice over
    to answer, since a page waits that long itself."""

    def __init__(self):
        self._stderr = tempfile.TemporaryFile(mode="w+", errors="replace")
        self._process = subprocess.Popen(
            list(map(str, node("browser.mjs"))), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __getattr__(self, command):
        return lambda *details: self._ask(command, *details)

    def _ask(self, *command):
        watchdog = threading.Timer(2 * DEADLINE, self._process.kill)
        watchdog.start()
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            self._stderr.seek(0)
            raise AssertionError(f"the browser ended during {command}: {self._stderr.read()}")
        answer = json.loads(line)
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer["value"]
