"""What a test measured, in a form that can be read in its output (`pytest -s`, or `-rP`)."""

import threading

from .waiting import DEADLINE, Stopwatch


def print_figures(what, **figures):
    texts = [f"{name.replace('_', ' ')} {value:.3f}" if isinstance(value, float) else f"{name} {value}"
             for name, value in figures.items()]
    print(f"FIGURE {what}: {', '.join(texts)}")


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


class Repeated:
    """Does something over and over on a thread of its own while the test goes on; `seconds` has how long each took.
    Leaving `with` ends it, and raises what it met."""

    def __init__(self, action):
        self._action = action
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seconds, self._error = [], None

    def _run(self):
        try:
            while not self._stop.is_set():
                watch = Stopwatch()
                self._action()
                self.seconds.append(watch.seconds)
        except BaseException as error:  # raised where the test sees it
            self._error = error

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join(DEADLINE)
        if kind is None:
            assert not self._thread.is_alive(), "the last one did not end"
            if self._error:
                raise self._error
            assert self.seconds, "not done once"

    def figures(self):
        return {"count": len(self.seconds), "p50": percentile(self.seconds, 0.5), "p99": percentile(self.seconds, 0.99),
                "longest": max(self.seconds)}
