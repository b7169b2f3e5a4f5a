"""Reads server-sent events."""

import json
import queue
import threading

from .raw import Aborted, HttpCaller
from .waiting import DEADLINE


class EventStream:
    """A subscription; it stands when the constructor returns. A thread collects what comes."""

    def __init__(self, gateway, path="/v1/endpoints/wsUser/events", headers=None):
        self._http = HttpCaller(gateway.address, token=gateway.token, tls=gateway.tls_context())
        self._http.request("GET", path, accept="text/event-stream", **(headers or {}))
        self.head = self._http.read_head()
        assert self.head.status == 200, self.head.status
        assert self.head.get("content-type").split(";")[0] == "text/event-stream"
        self._queue = queue.Queue()
        self.comments = queue.Queue()
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._http.shut_down()
        self._thread.join(DEADLINE)
        self._http.close()

    def _collect(self):
        kind, lines = "message", []
        try:
            while True:
                line = self._http.read_line(deadline=120)
                if line is None:
                    raise Aborted("the stream ended")
                line = line.rstrip(b"\r").decode()
                if line.startswith(":"):
                    self.comments.put(line)
                elif not line:
                    if lines:
                        self._queue.put((kind, json.loads("\n".join(lines))))
                    kind, lines = "message", []
                else:
                    field, _, value = line.partition(":")
                    value = value[1:] if value.startswith(" ") else value
                    if field == "event":
                        kind = value
                    elif field == "data":
                        lines.append(value)
        except (Aborted, OSError, AssertionError, ValueError) as error:
            self._queue.put(("ended", error))

    def next(self, deadline=DEADLINE):
        """(kind, data) of the next event."""
        try:
            return self._queue.get(timeout=deadline)
        except queue.Empty:
            raise AssertionError(f"no event within {deadline} s") from None

    def next_comment(self, deadline=DEADLINE):
        try:
            return self.comments.get(timeout=deadline)
        except queue.Empty:
            raise AssertionError(f"no comment within {deadline} s") from None
