"""Measures a huge answer with small calls beside it. Usage: see tests/bench/stream.sh --help."""

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from arguments import Arguments, positive
from results import progress
from servers import Failure, Tools, apart
from tables import number, print_table

RATIO_TARGET, PING_TARGET_MS = 2.0, 1000.0
MIB_PER_GIB = 1024
# What a slow caller takes per second.
SLOW_MIB = 10


@dataclass(frozen=True)
class Stream:
    """`slow`: the caller takes SLOW_MIB per second. `credits`: the service speaks reachback.v1, else the seed's
    protocol."""

    name: str
    form: str
    slow: bool = False
    credits: bool = False


STREAMS = (
    Stream("NDJSON, fast caller", "ndjson"),
    Stream("octet-stream, fast caller", "octet-stream"),
    Stream("octet-stream, fast caller, credits", "octet-stream", credits=True),
    Stream("NDJSON, slow caller, credits", "ndjson", slow=True, credits=True),
    Stream("octet-stream, slow caller, credits", "octet-stream", slow=True, credits=True),
)


def options_of(stream, arguments):
    options = {
        "scenario": "stream",
        "size": max(1, round(arguments.gib * MIB_PER_GIB)),
        "form": stream.form,
        "seconds": arguments.seconds,
        "rate": arguments.rate,
    }
    if stream.slow:
        options["read-mib"] = SLOW_MIB
    if stream.credits:
        options["credits"] = "yes"
    if arguments.compressed:
        options["compressed"] = "yes"
    if arguments.link_mib:
        options["send-mib"] = arguments.link_mib
    if arguments.same_connection:
        options["same-connection"] = "yes"
    return options


def ratio(report, quantile):
    return report[f"beside_{quantile}_us"] / max(1, report[f"alone_{quantile}_us"])


def print_report(arguments, reports):
    where = "the same connection" if arguments.same_connection else "another connection (wsSubject)"
    rows = []
    for name, report in reports.items():
        p99 = ratio(report, "p99")
        ping = report["beside_ping_ms"]
        # On one connection an answer waits behind a part: no target can be set to that.
        good = (p99 <= RATIO_TARGET or arguments.same_connection) and ping < PING_TARGET_MS
        rows.append([
            name, number(report["mib_per_second"], 0), number(report["cpu_ms_per_mib"]),
            *(f"{number(report[f'{when}_{quantile}_us'], 0)}" for quantile in ("p50", "p99", "p999")
              for when in ("alone", "beside")),
            number(p99), number(report["beside_late_p99_us"], 0), number(ping, 0),
            number(report["rss_kib_before"] / 1024, 0), number(report["hwm_kib"] / 1024, 0), "ok" if good else "over",
        ])
    print(f"{arguments.gib:g} GiB through one call, beside {arguments.rate:g} small calls per second on {where}.\n"
          "Latencies in us from the time at which a call was due, alone and beside the stream; p99 : the ratio "
          f"(target {RATIO_TARGET:g});\nlate: how late the load tool itself sent (p99); ping: the longest of the "
          f"stream's service in ms (target < {PING_TARGET_MS:g});\nmemory of the gateway in MiB before the stream and "
          "at most; CPU in ms per MiB, all calls included")
    head = ["", "MiB/s", "CPU", "p50", "beside", "p99", "beside", "p99.9", "beside", "p99 :", "late", "ping", "before",
            "VmHWM", ""]
    print_table(head, rows)


def write(path, reports):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".csv":
        fields = list(dict.fromkeys(field for report in reports.values() for field in report))
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["case", *fields])
            writer.writeheader()
            writer.writerows({"case": name, **report} for name, report in reports.items())
    else:
        path.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
    print(f"all figures: {path}")


def read_arguments():
    parser = Arguments(prog="stream.sh")
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--gib", type=float, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--rate", type=positive, default=1000)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--threads", type=positive, default=1)
    parser.add_argument("--link-mib", type=float)
    parser.add_argument("--compressed", action="store_true")
    parser.add_argument("--same-connection", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--gateway", type=Path)
    arguments = parser.parse_args()
    if arguments.gib <= 0:
        parser.error("--gib has to be more than 0")
    if arguments.out and arguments.out.suffix not in (".csv", ".json"):
        parser.error("--out takes a .json or a .csv")
    if not any(arguments.only in stream.name for stream in STREAMS):
        parser.error(f"no case has {arguments.only!r} in its name; there are: "
                     + "; ".join(stream.name for stream in STREAMS))
    return arguments


def main():
    arguments = read_arguments()
    tools = Tools.of(arguments.build, arguments.gateway, arguments.threads)
    reports, failures = {}, []
    for stream in (stream for stream in STREAMS if arguments.only in stream.name):
        progress(stream.name)
        # A slow caller takes its time; what is prepared before (the MD5 of the whole) takes a second per GiB or two.
        patience = 120 + arguments.gib * MIB_PER_GIB / (SLOW_MIB if stream.slow else 20) * 1.5
        try:
            reports[stream.name] = tools.measure_gateway(
                options_of(stream, arguments), patience, processors=apart(arguments.threads)
            )
        except (Failure, subprocess.TimeoutExpired) as failure:
            failures.append(f"{stream.name}: {failure}")
    progress("")
    if reports:
        print_report(arguments, reports)
        write(arguments.out or arguments.build / "stream.json", reports)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
