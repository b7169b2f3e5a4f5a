"""Reads the Prometheus text format."""

import re

_SAMPLE = re.compile(r"^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: \d+)?$")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')


class Metrics:
    def __init__(self, text):
        self.text = text
        self.samples = []
        for line in text.splitlines():
            if not line or line.startswith("#"):
                continue
            match = _SAMPLE.match(line)
            if not match:
                raise AssertionError(f"not a line of the Prometheus text format: {line!r}")
            name, labels, value = match.groups()
            self.samples.append((name, dict(_LABEL.findall(labels or "")), float(value)))

    def names(self):
        return {name for name, _, _ in self.samples}

    def value(self, name, **labels):
        """The sum of all samples of that name which carry these labels; 0 when there is none."""
        return sum(
            value
            for sample, has, value in self.samples
            if sample == name and all(has.get(key) == wanted for key, wanted in labels.items())
        )
