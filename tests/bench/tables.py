"""Prints what was measured."""

from statistics import median

from cases import GROWTH_TARGET, THREADS_TARGET
from results import GATEWAY, ONE_THREAD, PEERS, REFERENCE, TWO_THREADS

DETAILS = ("per_second", "user_us", "system_us", "p50_us", "p99_us", "p999_us", "rss_kib", "hwm_kib")


def number(value, digits=2):
    return "-" if value is None else f"{value:,.{digits}f}"


def verdict(value, target):
    if value is None or target is None:
        return ""
    return "ok" if value <= target else "over"


def middle_of(ratios):
    return median(ratios) if ratios else None


def spread(ratios):
    return f"{min(ratios):.2f}-{max(ratios):.2f}" if ratios else "-"


def print_table(head, rows):
    widths = [max(len(row[i]) for row in (head, *rows)) for i in range(len(head))]
    for row in (head, ["-" * width for width in widths], *rows):
        cells = (cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths)))
        print("  ".join(cells).rstrip())
    print()


def print_ratios(chosen, results):
    rows = []
    for case in chosen:
        ratios = results.ratios((case, GATEWAY), (case, REFERENCE))
        own, reference = (results.middle(case, server) for server in (GATEWAY, REFERENCE))
        own, reference = (None if value is None else value * case.scale for value in (own, reference))
        rows.append([
            case.name, case.unit, number(reference), number(own), number(middle_of(ratios)), spread(ratios),
            "-" if case.target is None else f"{case.target:g}{' ' + case.unit if case.absolute else ''}",
            verdict(own if case.absolute else middle_of(ratios), case.target),
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
        grown = [middle_of(results.ratios((case, s), (base, s))) for s in (REFERENCE, GATEWAY)]
        rows.append([
            f"{case.name.strip()} : {base.name.strip()}", number(grown[0]), number(grown[1]), f"{GROWTH_TARGET:g}",
            verdict(grown[1], GROWTH_TARGET),
        ])
    if rows:
        print("Growth of the cost of a call")
        print_table(["", "relay", "gateway", "target", ""], rows)


def print_threads(chosen, results):
    rows = []
    for case in (case for case in chosen if TWO_THREADS in results.servers(case)):
        ratios = results.ratios((case, TWO_THREADS), (case, ONE_THREAD))
        costs = [number(results.middle(case, server)) for server in (ONE_THREAD, TWO_THREADS)]
        calls = [number(results.middle(case, server, "per_second"), 0) for server in (ONE_THREAD, TWO_THREADS)]
        rows.append([
            case.name, *costs, number(middle_of(ratios)), spread(ratios), f"{THREADS_TARGET:g}",
            verdict(middle_of(ratios), THREADS_TARGET), *calls,
        ])
    if rows:
        print("The gateway with one thread and with two: CPU us per call, calls per second")
        print_table(["", "one", "two", "two : one", "of rounds", "target", "", "one/s", "two/s"], rows)


def print_peers(chosen, results):
    rows = []
    for case in chosen:
        measured = results.servers(case)
        for peer in (peer for peer in PEERS if peer in measured):
            ratios = results.ratios((case, peer), (case, GATEWAY))
            rows.append([
                case.name, peer, number(results.middle(case, GATEWAY)), number(results.middle(case, peer)),
                number(middle_of(ratios), 1), spread(ratios), number(results.middle(case, peer, "per_second"), 0),
            ])
    if rows:
        print("The same job by other libraries (Node): CPU us per call, how many times the gateway's, calls per second")
        print_table(["", "", "gateway", "peer", "ratio", "of rounds", "peer/s"], rows)


def print_details(chosen, results):
    rows = []
    for case in chosen:
        for server in results.servers(case):
            values = {field: results.middle(case, server, field) for field in DETAILS}
            if values["rss_kib"] is None:
                continue
            rows.append([
                case.name, server, number(values["per_second"], 0), number(values["user_us"]),
                number(values["system_us"]), number(values["p50_us"], 0), number(values["p99_us"], 0),
                number(values["p999_us"], 0), number(values["rss_kib"] / 1024, 1), number(values["hwm_kib"] / 1024, 1),
            ])
    print("Throughput (calls or deliveries), CPU by mode, latency in us, memory of the process in MiB")
    head = ["", "", "per second", "user us", "system us", "p50", "p99", "p99.9", "VmRSS", "VmHWM"]
    print_table(head, rows)


def print_all(chosen, results):
    for table in (print_ratios, print_growth, print_threads, print_peers, print_details):
        table(chosen, results)
