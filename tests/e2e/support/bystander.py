"""Somebody who has nothing to do with what a test does to others, and has to be served all the time."""

import json
import socket
import threading

from .raw import HttpCaller
from .service import Peer
from .waiting import DEADLINE, Stopwatch, wait_until


class Bystander:
    """Calls its own service on wsSubject without a pause, on connections that stay open."""

    def __init__(self, gateway):
        self.served, self.slowest = 0, 0.0
        self._failures = []
        self._over = threading.Event()
        self._peer = Peer(gateway, "wsSubject")
        self._caller = HttpCaller(gateway.address, token=gateway.token)
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._answer, self._call)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.is_served()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._threads[1].join(DEADLINE)
        self._peer.socket.sock.shutdown(socket.SHUT_RDWR)  # closing it would not wake the thread that reads
        self._caller.close()
        self._threads[0].join(DEADLINE)
        self._peer.socket.shutdown()

    def is_served(self):
        """Holds that all its calls were answered, and waits for two more: one of them begins after this does."""
        before = self.served
        wait_until(lambda: self._failures or self.served >= before + 2, "the bystander is served")
        assert not self._failures, self._failures

    def _answer(self):
        try:
            while True:
                self._peer.answer_next(b"for the bystander")
        except Exception as error:  # noqa: BLE001: whatever ends it counts, until it is meant to end
            if not self._over.is_set():
                self._failures.append(f"its service: {error!r}")

    def _call(self):
        body = json.dumps({"cmd": "rpc", "attribute": "echo"}).encode()
        try:
            while not self._over.is_set():
                watch = Stopwatch()
                self._caller.call(body, endpoint="wsSubject")
                head, answer = self._caller.read_response()
                if head.status != 200:
                    self._failures.append(answer)
                    return
                self.served += 1
                self.slowest = max(self.slowest, watch.seconds)
        except Exception as error:  # noqa: BLE001
            self._failures.append(f"its caller: {error!r}")
