"""Peers that read or write one byte a second, each on a thread of its own."""

import threading

from .waiting import DEADLINE


class OneByteASecond:
    """Reads from a ByteStream, or writes `data` to it, until the block or the stream ends. `count` is how many bytes went
    so."""

    def __init__(self, stream, data=None):
        self._stream, self._data = stream, data
        self.count = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read if data is None else self._write, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join(DEADLINE)

    def _pause(self):
        return self._stop.wait(1)

    def _read(self):
        while not self._pause() and self._stream.receive_byte():
            self.count += 1

    def _write(self):
        for at in range(len(self._data)):
            try:
                self._stream.send(self._data[at : at + 1])
            except OSError:
                return
            self.count += 1
            if self._pause():
                return

    @property
    def rest(self):
        """What has not been written, once the block has ended."""
        return self._data[self.count :]
