"""Runs gateway and reference in turn, several rounds, and prints what the gateway costs beside the reference.

A figure of the table is the median over the rounds; a ratio is the median of the rounds' ratios, each of two runs that
follow one another. Usage: see tests/bench/run.sh --help.
"""

import csv
import resource
import sys
from pathlib import Path

from arguments import Arguments, positive
from cases import cases
from results import run_all
from servers import Tools
from tables import print_all


def write_csv(path, results):
    path.parent.mkdir(parents=True, exist_ok=True)
    fields = list(dict.fromkeys(field for report in results.reports.values() for field in report))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["case", "round", "server", *fields])
        writer.writeheader()
        for (case, turn, server), report in results.reports.items():
            writer.writerow({"case": case.strip(), "round": turn, "server": server, **report})
    print(f"all runs: {path}")


def read_arguments():
    parser = Arguments(prog="run.sh")
    parser.add_argument("--build", type=Path, required=True, help="folder of the build")
    parser.add_argument("--rounds", type=positive)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--gateway", type=Path)
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (0.3 if arguments.quick else 1.0)
    arguments.csv = arguments.csv or arguments.build / "bench.csv"
    return parser, arguments


def chosen_cases(parser, arguments):
    known = cases(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    # Another build's library is not at hand.
    known = [case for case in known if case.embedded is None or not arguments.gateway]
    chosen = [case for case in known if arguments.only in case.name and not (arguments.quick and case.long)]
    # What shows how a cost grows is nothing without what it grew from.
    bases = {case.grown_from for case in chosen}
    chosen = [case for case in known if case in chosen or case.name in bases]
    if not chosen:
        names = "; ".join(case.name.strip() for case in known)
        parser.error(f"no case has {arguments.only!r} in its name; there are: {names}")
    return chosen


def main():
    parser, arguments = read_arguments()
    chosen = chosen_cases(parser, arguments)
    tools = Tools.of(arguments.build, arguments.gateway, arguments.threads)
    results = run_all(chosen, tools, arguments.rounds, arguments.seconds, arguments.peers)
    print_all(chosen, results)
    write_csv(arguments.csv, results)
    for failure in results.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
