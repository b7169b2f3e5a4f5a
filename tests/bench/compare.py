"""Runs gateway and reference in turn, several rounds, and prints what the gateway costs beside the reference.

A figure of the table is the median over the rounds; a ratio is the median of the rounds' ratios, each of two runs that
follow one another. Usage: see tests/bench/run.sh --help.
"""

import argparse
import csv
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median

from cases import GROWTH_TARGET, cases
from servers import Failure, Tools

REFERENCE, GATEWAY = "reference", "gateway"
DETAILS = ("per_second", "user_us", "system_us", "p50_us", "p99_us", "p999_us", "rss_kib", "hwm_kib")


class Results:
    """What was measured: a report of the load tool for each case, round and server; none where a run failed."""

    def __init__(self):
        self.reports = {}
        self.failures = []

    def add(self, case, turn, server, report):
        self.reports[case.name, turn, server] = report

    def rounds(self, case, server):
        """The metric by round."""
        return {n: r[case.metric] for (name, n, s), r in self.reports.items() if name == case.name and s == server}

    def middle(self, case, server, field=None):
        found = [
            report[field or case.metric]
            for (name, _, s), report in self.reports.items()
            if name == case.name and s == server and (field or case.metric) in report
        ]
        return median(found) if found else None

    def ratios(self, above, below):
        """By round, of two (case, server)."""
        top, bottom = self.rounds(*above), self.rounds(*below)
        return [top[n] / bottom[n] for n in top if n in bottom and bottom[n] > 0]


def measure(case, server, tools, seconds):
    options = dict(case.load)
    if case.timed:
        options["seconds"] = seconds
    if server == GATEWAY:
        return tools.measure_gateway(options)
    if case.reference is not None:
        return tools.measure_alone(case.reference)
    return tools.measure_relay(options)


def run_all(chosen, tools, rounds, seconds):
    results = Results()
    for turn in range(1, rounds + 1):
        for case in chosen:
            # Neighbours change places from round to round, so that neither always comes first.
            servers = (REFERENCE, GATEWAY) if turn % 2 else (GATEWAY, REFERENCE)
            for server in servers:
                progress(f"round {turn} of {rounds}: {case.name.strip()}, {server}")
                try:
                    results.add(case, turn, server, measure(case, server, tools, seconds))
                except (Failure, subprocess.TimeoutExpired) as failure:
                    results.failures.append(f"{case.name.strip()}, {server}, round {turn}: {failure}")
    progress("")
    return results


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def verdict(value, target):
    if value is None or target is None:
        return ""
    return "ok" if value <= target else "over"


def print_table(head, rows):
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        print("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths))))
    print()


def print_ratios(chosen, results):
    rows = []
    for case in chosen:
        ratios = results.ratios((case, GATEWAY), (case, REFERENCE))
        own = results.middle(case, GATEWAY)
        own = None if own is None else own * case.scale
        reference = results.middle(case, REFERENCE)
        ratio = median(ratios) if ratios else None
        rows.append([
            case.name, case.unit,
            number(None if reference is None else reference * case.scale), number(own), number(ratio),
            f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "-",
            "-" if case.target is None else f"{case.target:g}{' ' + case.unit if case.absolute else ''}",
            verdict(own if case.absolute else ratio, case.target),
        ])
    print("Server CPU per call or delivery, memory per idle connection (C: concurrent callers)")
    print_table(["", "unit", "relay", "gateway", "ratio", "of rounds", "target", ""], rows)
    if any(case.reference for case in chosen):
        print("* the reference is no relay but what base64, inflate and MD5 cost by their libraries\n")


def print_growth(chosen, results):
    by_name = {case.name: case for case in chosen}
    rows = []
    for case in (case for case in chosen if case.grown_from in by_name):
        base = by_name[case.grown_from]
        grown = [results.ratios((case, s), (base, s)) for s in (REFERENCE, GATEWAY)]
        middle = [median(ratios) if ratios else None for ratios in grown]
        rows.append([
            case.name.strip(), number(middle[0]), number(middle[1]), f"{GROWTH_TARGET:g}",
            verdict(middle[1], GROWTH_TARGET),
        ])
    if rows:
        print("Growth of the cost of a call (8 B, C=16, with nothing else = 1)")
        print_table(["", "relay", "gateway", "target", ""], rows)


def print_details(chosen, results):
    rows = []
    for case in chosen:
        for server in (REFERENCE, GATEWAY):
            values = {field: results.middle(case, server, field) for field in DETAILS}
            if values["rss_kib"] is None:
                continue
            rows.append([
                case.name, "relay" if server == REFERENCE else server, number(values["per_second"], 0),
                number(values["user_us"]), number(values["system_us"]), number(values["p50_us"], 0),
                number(values["p99_us"], 0), number(values["p999_us"], 0), number(values["rss_kib"] / 1024, 1),
                number(values["hwm_kib"] / 1024, 1),
            ])
    print("Throughput (calls or deliveries), CPU by mode, latency in us, memory of the process in MiB")
    head = ["", "", "per second", "user us", "system us", "p50", "p99", "p99.9", "VmRSS", "VmHWM"]
    print_table(head, rows)


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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, required=True, help="folder of the build")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--csv", type=Path)
    parser.add_argument("--gateway", type=Path)
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    arguments.seconds = arguments.seconds or (0.3 if arguments.quick else 1.0)
    arguments.csv = arguments.csv or arguments.build / "bench.csv"
    return arguments


def main():
    arguments = read_arguments()
    tests = arguments.build / "tests" / "bench"
    gateway = arguments.gateway or arguments.build / "service" / "reachback"
    tools = Tools(str(gateway), str(tests / "bench_relay"), str(tests / "bench_load"), arguments.threads)
    known = cases(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    chosen = [case for case in known if arguments.only in case.name and not (arguments.quick and case.long)]
    if not chosen:
        print(f"no case has {arguments.only!r} in its name; there are:", file=sys.stderr)
        print("\n".join(case.name.strip() for case in known), file=sys.stderr)
        return 2
    results = run_all(chosen, tools, arguments.rounds, arguments.seconds)
    print_ratios(chosen, results)
    print_growth(chosen, results)
    print_details(chosen, results)
    write_csv(arguments.csv, results)
    for failure in results.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if results.failures else 0


if __name__ == "__main__":
    sys.exit(main())
