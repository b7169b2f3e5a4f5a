"""Compares what a build costs with a stored table, and names what grew. Usage: see tests/bench/guard.sh --help."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

from arguments import Arguments, positive
from cases import cases
from counts import COUNTED_CASES, Counter
from results import GATEWAY, REFERENCE, progress, run_all
from servers import Failure, Tools
from tables import number, print_table

GROWTH = 1.1
# A tenth of next to nothing is no growth: fewer per call than this are rounding.
LEAST = 0.05
STEADY = {f"{case.name}: {what}" for case in COUNTED_CASES for what in case.steady}
TABLE = Path(__file__).parent / "guard.json"


def measure_counts(arguments):
    tools = arguments.build / "tests" / "bench"
    counter = Counter(arguments.gateway, tools / "bench_load", arguments.build / "guard")
    rows = {}
    for case in COUNTED_CASES:
        progress(f"below callgrind: {case.name}")
        for what, value in counter.count(case).items():
            rows[f"{case.name}: {what}"] = round(value, 2) if value < 1000 else round(value)
    progress("")
    return rows


def median_ratios(chosen, tools, rounds):
    """By case; of an absolute one the figure itself."""
    results = run_all(chosen, tools, rounds, 0.5)
    if results.failures:
        raise Failure("; ".join(results.failures))
    rows = {}
    for case in chosen:
        values = (
            [value * case.scale for value in results.rounds(case, GATEWAY).values()]
            if case.absolute
            else results.ratios((case, GATEWAY), (case, REFERENCE))
        )
        rows[case.name.strip()] = round(median(values), 3)
    return rows


def measure_ratios(arguments, stored):
    """What seems to have grown is measured a second time, longer: noise seldom comes twice."""
    tools = Tools.of(arguments.build, arguments.gateway)
    known = [case for case in cases(resource.getrlimit(resource.RLIMIT_NOFILE)[0]) if not case.long]
    rows = median_ratios(known, tools, arguments.rounds)
    again = [case for case in known if grew(rows[case.name.strip()], stored.get(case.name.strip()))]
    if again and not arguments.update:
        rows.update(median_ratios(again, tools, 2 * arguments.rounds))
    return rows


def grew(value, before):
    return before is not None and value > max(before * GROWTH, before + LEAST)


def report(kind, rows, stored):
    """Prints the table; returns what grew."""
    before = stored.get("rows", {})
    grown = []
    table = []
    for name, value in rows.items():
        known = before.get(name)
        judged = kind == "ratios" or name in STEADY
        bad = judged and grew(value, known)
        grown += [f"{name}: from {number(known)} to {number(value)}"] if bad else []
        ratio = "-" if not known else f"{value / known:.3f}"
        table.append([name, number(known), number(value), ratio, "grew" if bad else "" if judged else "(not judged)"])
    print(f"{'Counts per call or delivery' if kind == 'counts' else 'Ratios, gateway : relay'}, beside those of "
          f"{stored.get('commit', 'nothing: no table is stored')}")
    print_table(["", "stored", "now", "now : stored", ""], table)
    missing = [name for name in before if name not in rows]
    if missing:
        print(f"stored, but not measured any more: {', '.join(missing)}\n")
    return grown


def commit():
    """What is measured: the commit, and whether the tree is that commit's."""
    def git(*words):
        return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", "lib", "proto", "service")
    return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")


def read_arguments():
    parser = Arguments(prog="guard.sh")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--counts", action="store_true")
    parser.add_argument("--ratios", action="store_true")
    parser.add_argument("--rounds", type=positive, default=3)
    parser.add_argument("--gateway", type=Path)
    parser.add_argument("--table", type=Path, default=TABLE)
    arguments = parser.parse_args()
    if not arguments.counts and not arguments.ratios:
        arguments.counts = arguments.ratios = True
    if arguments.update and arguments.gateway:
        parser.error("--update stores what this tree is: not together with --gateway")
    arguments.gateway = arguments.gateway or arguments.build / "service" / "reachback"
    return arguments


def main():
    arguments = read_arguments()
    table = json.loads(arguments.table.read_text(encoding="utf-8")) if arguments.table.exists() else {}
    grown = []
    try:
        for kind in ("counts", "ratios"):
            if not getattr(arguments, kind):
                continue
            stored = table.get(kind, {})
            rows = measure_counts(arguments) if kind == "counts" else measure_ratios(arguments, stored.get("rows", {}))
            grown += report(kind, rows, stored)
            table[kind] = {"commit": commit(), "rows": rows}
    except (Failure, subprocess.SubprocessError) as failure:
        print(f"guard.sh: {failure}", file=sys.stderr)
        return 1
    if arguments.update:
        arguments.table.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        print(f"stored in {arguments.table}")
        return 0
    for text in grown:
        print(f"grew by more than a tenth: {text}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
