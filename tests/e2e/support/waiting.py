"""Waiting for a condition instead of for a time."""

import threading
import time

DEADLINE = 30.0  # several steps of a slow machine


def wait_until(condition, what, deadline=DEADLINE):
    """Polls `condition` until it gives something true and returns that; fails the test after `deadline` seconds."""
    end = time.monotonic() + deadline
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {deadline} s: {what}")
        time.sleep(0.01)


def let_pass(seconds):
    """Lets time pass where time itself is what the test is about (a pace, a silence), never to wait for an event."""
    threading.Event().wait(seconds)


class Stopwatch:
    def __init__(self):
        self._start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._start
