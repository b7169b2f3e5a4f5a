"""What the gateway's process takes, and what its log may say."""

import os
import re
from collections import Counter
from pathlib import Path


class Process:
    def __init__(self, pid):
        self._directory = Path(f"/proc/{pid}")
        self._ticks = os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(self._directory / "fd"))

    def open_files(self):
        """What the descriptors stand for, without the numbers of sockets."""
        names = (os.readlink(entry) for entry in (self._directory / "fd").iterdir())
        return Counter(re.sub(r"\d+", "N", name) for name in names)

    def _status(self, key):
        text = (self._directory / "status").read_text()
        return int(re.search(rf"^{key}:\s+(\d+)", text, re.MULTILINE).group(1))

    def resident(self):
        """In bytes."""
        return self._status("VmRSS") * 1024

    def threads(self):
        return self._status("Threads")

    def cpu_seconds(self):
        fields = (self._directory / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / self._ticks


# Kind of a line, and what it looks like behind the time. Whatever matches none was not provoked.
LINES = {
    "opened": r"info (?P<endpoint>\w+): connection \d+ of [\w ]+ from 127\.0\.0\.1:\d+ opened",
    "closed": r"info (?P<endpoint>\w+): connection \d+ from 127\.0\.0\.1:\d+ closed \((?P<code>\d+)\)",
    "dropped": r"warning (?P<endpoint>\w+): dropped a message of connection \d+: (?P<reason>[a-z0-9-]+)",
    "log-in failed": r"info a log-in failed, from 127\.0\.1\.\d(:\d+)?",
    "lost": r"warning \d+ lines? of this log (was|were) lost",
    "ending": r"info (shutting down: not ready any more|draining: no new calls and connections|all connections are closed)",
}
_PATTERNS = {kind: re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z " + text) for kind, text in LINES.items()}


def read_log(text):
    """(counts by kind and endpoint or reason, lines that match nothing)."""
    counts, unknown = Counter(), []
    for line in text.splitlines():
        for kind, pattern in _PATTERNS.items():
            match = pattern.fullmatch(line)
            if match:
                found = match.groupdict()
                counts[kind, found.get("endpoint")] += 1
                for key in ("code", "reason"):
                    if key in found:
                        counts[kind, found["endpoint"], found[key]] += 1
                break
        else:
            unknown.append(line)
    return counts, unknown
