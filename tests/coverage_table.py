"""Reads what `llvm-cov export --summary-only` says and prints a table of lines and branches for each folder.

Usage: coverage_table.py ROOT LEAST ROOM...: below ROOT only the folders of these rooms count. Exit code 1 when less than
LEAST per cent of a room's lines are covered, or when a room has none.
"""

import json
import os
import sys
from collections import defaultdict
from pathlib import Path


class Share:
    def __init__(self):
        self.count = self.covered = 0

    def add(self, summary):
        self.count += summary["count"]
        self.covered += summary["covered"]

    @property
    def percent(self):
        return 100 * self.covered / self.count if self.count else 0.0

    def __str__(self):
        return f"{self.covered:6d} of {self.count:6d}  {self.percent:5.1f} %"


def shares(export, root, rooms):
    """Folder or room -> (lines, branches)."""
    found = defaultdict(lambda: (Share(), Share()))
    for entry in export["data"][0]["files"]:
        path = os.path.relpath(os.path.normpath(entry["filename"]), root)
        room = path.split("/", 1)[0]
        if room not in rooms:
            continue
        for name in (os.path.dirname(path), room):
            lines, branches = found[name]
            lines.add(entry["summary"]["lines"])
            branches.add(entry["summary"]["branches"])
    return found


def worst_files(export, root, rooms, most=12):
    missing = []
    for entry in export["data"][0]["files"]:
        path = os.path.relpath(os.path.normpath(entry["filename"]), root)
        lines = entry["summary"]["lines"]
        if path.split("/", 1)[0] in rooms and lines["count"] > lines["covered"]:
            missing.append((lines["count"] - lines["covered"], path))
    return sorted(missing, reverse=True)[:most]


def main():
    root, least, rooms = Path(sys.argv[1]).resolve(), float(sys.argv[2]), sys.argv[3:]
    export = json.load(sys.stdin)
    found = shares(export, root, rooms)
    print(f"{'':28} {'lines':>24}  {'branches':>24}")
    for name in sorted(found):
        lines, branches = found[name]
        print(f"{name:28} {lines!s:>24}  {branches!s:>24}")
    print("most lines that no test goes through:")
    for count, path in worst_files(export, root, rooms):
        print(f"{count:6d}  {path}")
    low = [room for room in rooms if found[room][0].percent < least]
    if low:
        print(f"less than {least:g} % of the lines of {', '.join(low)} are covered")
    return 1 if low else 0


sys.exit(main())
