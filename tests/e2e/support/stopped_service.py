"""What becomes of a call to a service process that stands still, with the default settings: it takes 40 s by its nature,
so it is begun before all other tests and looked at when its own turn comes."""

import json
import tempfile
from contextlib import ExitStack

from .gateway import BINARY, Gateway, Program
from .raw import HttpCaller
from .waiting import DEADLINE, Stopwatch, wait_until

SILENCE = 40  # the default of --silence-timeout


class StoppedService:
    """A gateway with an `attach` that is stopped, and one call to it."""

    def __init__(self):
        self._closing = ExitStack()
        try:
            self._begin()
        except BaseException:
            self.end()
            raise

    def _begin(self):
        files = self._closing.enter_context(tempfile.TemporaryDirectory(prefix="reachback-files-"))
        self.gateway = Gateway()
        self._closing.callback(self.gateway.stop)
        attached = Program(
            [BINARY, "attach", "wsData", "--files", files, "--server", self.gateway.authority, "--test"],
            r"reachback: attached",
        )
        self._closing.callback(attached.kill)
        attached.wait_ready()
        wait_until(self.gateway.connections, "attach has joined")
        attached.freeze()
        self._call = self.gateway.background(self._measure)

    def _measure(self):
        watch = Stopwatch()
        message = {"cmd": "rpc", "class": "DataInterface", "attribute": "echo", "args": ["anyone?"]}
        body = json.dumps(message).encode()
        with HttpCaller(self.gateway.address) as caller:
            caller.call(body, query=f"?timeout={SILENCE + DEADLINE}")
            response = caller.read_response(deadline=SILENCE + DEADLINE)
        return response, watch.seconds

    def result(self):
        """(response, seconds) of the call; waits for its end."""
        return self._call.result(SILENCE + 2 * DEADLINE)

    def end(self):
        self._closing.close()
