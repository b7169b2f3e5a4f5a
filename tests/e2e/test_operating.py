"""Probes, metrics, starting and stopping (http-api.md, "Operating")."""

import json
import re
import signal
import socket
import struct

import pytest

from support.events import EventStream
from support.gateway import run_to_the_end
from support.payload import cut_parts, part_bytes
from support.problems import check_problem
from support.raw import CLOSE, HttpCaller, WebSocketPeer
from support.service import rpc
from support.waiting import DEADLINE, Stopwatch, wait_until


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/healthz"])
def test_the_probes_are_200_while_all_is_well(gateway, path):
    assert gateway.get(path, authorized=False).status_code == 200


def test_the_version_is_told(gateway):
    response = gateway.get("/version", authorized=False)
    assert response.headers["Content-Type"].startswith("application/json")
    assert re.match(r"\d+\.\d+\.\d+", response.json()["version"])
    assert response.json()["version"] in run_to_the_end("--version").stdout


def test_help_names_every_command_and_flag():
    page = run_to_the_end("--help")
    assert page.returncode == 0 and "serve" in page.stdout and "attach" in page.stdout
    page = run_to_the_end("serve", "--help")
    for flag in ("--port", "--threads", "--endpoint", "--token", "--call-budget", "--drain-grace", "--ping-interval"):
        assert flag in page.stdout
    assert "--files" in run_to_the_end("attach", "--help").stdout


def test_metrics_count_connections_calls_durations_and_bytes(gateway, dial):
    peer = dial(gateway)
    dial(gateway, "wsUser")
    before = gateway.metrics()
    for _ in range(3):
        call = gateway.call_later(rpc("echo"))
        peer.answer_next(b"x" * 10_000)
        assert call.result().status_code == 200
    gateway.wait_outcome("answered", 3)
    gateway.wait_in_flight(0)
    after = gateway.metrics()
    assert after.value("reachback_connections", endpoint="wsData") == 1
    assert after.value("reachback_connections", endpoint="wsUser") == 1
    assert after.value("reachback_calls_total", endpoint="wsData", outcome="answered") == 3
    assert after.value("reachback_calls_in_flight", endpoint="wsData") == 0
    assert after.value("reachback_call_duration_seconds_count") == 3
    assert after.value("reachback_call_duration_seconds_bucket", le="+Inf") == 3
    assert 0 < after.value("reachback_call_duration_seconds_sum") < 3
    for name in ("reachback_received_bytes_total", "reachback_sent_bytes_total"):
        assert after.value(name) > before.value(name)
    assert after.value("reachback_received_bytes_total") - before.value("reachback_received_bytes_total") > 3 * 13_000


def test_metrics_have_help_and_type_and_the_right_content_type(gateway):
    response = gateway.get("/metrics", authorized=False)
    assert response.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for name in ("reachback_connections", "reachback_calls_in_flight", "reachback_received_bytes_total"):
        assert f"# TYPE {name} " in response.text
        assert f"# HELP {name} " in response.text


def test_the_gauge_of_calls_in_flight_goes_up_and_down(gateway, dial):
    peer = dial(gateway)
    calls = [gateway.call_later(rpc("echo")) for _ in range(10)]
    requests = [peer.receive_request() for _ in calls]
    assert gateway.metrics().value("reachback_calls_in_flight", endpoint="wsData") == 10
    for request in requests:
        peer.answer(request, b"1")
    assert all(call.result().status_code == 200 for call in calls)
    gateway.wait_in_flight(0)


def test_a_departed_connection_leaves_the_gauge(gateway, dial):
    peer = dial(gateway)
    assert gateway.metrics().value("reachback_connections", endpoint="wsData") == 1
    peer.crash()
    wait_until(lambda: gateway.metrics().value("reachback_connections", endpoint="wsData") == 0, "the gauge falls")


def leave_at_restart(peer):
    """Reads the close with the code for a restart and answers it."""
    code, _ = peer.read_close()
    assert code == 1012
    peer.send_frame(CLOSE, struct.pack("!H", code))


def answer(peer, request, data):
    """Answers on a raw connection: the library that `dial` uses takes the code 1012 for an error."""
    for part in cut_parts(request, data):
        peer.send_text(json.dumps(part))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_gateway_ends_at_a_signal_with_exit_code_0(gateway, raw_websocket, number):
    peers = [raw_websocket(gateway, endpoint) for endpoint in ("wsData", "wsUser")]
    watch = Stopwatch()
    gateway.signal(number)
    for peer in peers:
        leave_at_restart(peer)
    assert gateway.wait_exit() == 0
    assert watch.seconds < 5, "in test mode nobody waits for nothing"


def test_at_sigterm_only_readyz_changes_until_the_wait_is_over(start_gateway, raw_websocket):
    gateway = start_gateway("--drain-wait", "2")
    peer = raw_websocket(gateway)
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/readyz").status_code == 503, "not ready any more")
    assert gateway.get("/livez").status_code == 200
    call = gateway.call_later(rpc("echo"))
    answer(peer, json.loads(peer.read_message()[1]), b"as before")
    assert part_bytes(call.result().json()) == b"as before"
    leave_at_restart(peer)
    assert gateway.wait_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_while_draining_new_calls_and_upgrades_are_refused_and_pending_calls_end(gateway, raw_websocket, number):
    peer = raw_websocket(gateway)
    pending = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    gateway.signal(number)
    wait_until(lambda: gateway.get("/readyz").status_code == 503, "not ready any more")
    wait_until(lambda: is_refused(gateway), "new calls are refused")
    with WebSocketPeer(gateway, "/wsUser") as late:
        assert late.open().status == 503
    assert gateway.get("/livez").status_code == 200
    assert gateway.alive, "a pending call keeps the gateway up"
    answer(peer, request, b"in time")
    assert part_bytes(pending.result().json()) == b"in time"
    leave_at_restart(peer)
    assert gateway.wait_exit() == 0


def is_refused(gateway):
    """A call of one connection only: refused with the problem `draining` and a close."""
    response = gateway.call(rpc("late"), endpoint="wsSubject")
    if response.json()["type"] == "/problems/no-service":
        return False
    check_problem(response, "draining", delivery="not-sent", endpoint="wsSubject")
    assert response.headers["Connection"].lower() == "close"
    return True


def test_calls_that_do_not_end_are_ended_when_the_grace_is_over(start_gateway, raw_websocket):
    gateway = start_gateway("--drain-grace", "0.5")
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    peer.read_message()
    watch = Stopwatch()
    gateway.signal(signal.SIGINT)
    check_problem(call.result(), "service-closed", delivery={"sent", "unknown"})
    assert 0.5 <= watch.seconds < 5
    leave_at_restart(peer)
    assert gateway.wait_exit() == 0


def test_an_unmodified_service_notices_the_end_and_can_come_back(start_gateway, serve):
    first = start_gateway()
    service = serve(first, {"echo": lambda text: text})
    first.signal(signal.SIGTERM)
    wait_until(lambda: not service.connected, "the service notices")
    assert first.wait_exit() == 0
    second = start_gateway(port=first.port)
    serve(second, {"echo": lambda text: text})
    assert second.call(rpc("echo", "again")).status_code == 200


def test_a_second_signal_ends_it_now_with_exit_code_1(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    peer.receive_request()
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/readyz").status_code == 503, "not ready any more")
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit(5) == 1
    check_problem_or_nothing(call)


def check_problem_or_nothing(call):
    """The caller learns of the end: by a problem, or by the end of its connection."""
    error = call.exception(DEADLINE)
    if error is None:
        check_problem(call.result(), "service-closed")
    else:
        assert isinstance(error, OSError), error


def test_peers_that_do_not_finish_closing_do_not_hold_up_the_end(start_gateway, raw_websocket, stack):
    gateway = start_gateway("--close-timeout", "0.5")
    deaf = raw_websocket(gateway, "wsUser")
    idle = stack.enter_context(HttpCaller(gateway.address))
    idle.request("GET", "/livez")
    idle.read_response()
    events = stack.enter_context(EventStream(gateway))
    gateway.signal(signal.SIGINT)
    assert deaf.read_close()[0] == 1012
    assert gateway.wait_exit() == 0
    kinds = []
    while "ended" not in kinds:
        kinds.append(events.next()[0])


def test_the_port_is_free_again_after_the_end(start_gateway):
    first = start_gateway()
    assert first.get("/version").status_code == 200
    first.signal(signal.SIGINT)
    assert first.wait_exit() == 0
    second = start_gateway(port=first.port)
    assert second.get("/version").status_code == 200


def test_over_the_connection_limit_callers_are_refused_and_probes_are_not(start_gateway, raw_http):
    gateway = start_gateway("--connection-limit", 5)
    held = [raw_http(gateway) for _ in range(5)]
    for caller in held:
        caller.request("GET", "/version")
        assert caller.read_response()[0].status == 200
    over = raw_http(gateway)
    over.request("GET", "/v1/endpoints")
    check_problem(over.read_response(), "overloaded", delivery=None)
    for path in ("/livez", "/readyz", "/metrics"):
        probe = raw_http(gateway)
        probe.request("GET", path)
        assert probe.read_response()[0].status == 200
    with WebSocketPeer(gateway) as peer:
        assert peer.open().status == 503
    for caller in held:
        caller.close()
    wait_until(lambda: gateway.get("/v1/endpoints").status_code == 200, "room again")


def test_a_flood_of_connections_that_say_nothing_harms_nobody(start_gateway, raw_http, dial):
    gateway = start_gateway("--head-timeout", "1")
    for _ in range(300):
        raw_http(gateway)
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    peer.answer_next()
    assert call.result().status_code == 200


def check_one_line_and_2(result, *words):
    assert result.returncode == 2, result
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for word in words:
        assert word in lines[0]


def test_a_busy_port_is_one_line_and_exit_code_2():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = str(busy.getsockname()[1])
        check_one_line_and_2(run_to_the_end("serve", "--test", "--port", port), port)


@pytest.mark.parametrize(
    "flags",
    [["--port", "x"], ["--port", "65536"], ["--port", "-1"], ["--threads", "0"], ["--threads", "two"],
     ["--host", "no address"], ["--endpoint", "x"], ["--endpoint", "x=nonsense"], ["--endpoint", "=service"],
     ["--endpoint", "a=service", "--endpoint", "a=broadcast"], ["--call-budget", "-1"], ["--call-budget", "1x"],
     ["--ping-interval", "soon"], ["--ping-interval", "-1"], ["--drain-grace", "nan"], ["--request-limit", "1e400"],
     ["--nonsense"], ["surplus"], ["--call-timeout", "0"], ["--allow-origin", "nonsense"]],
    ids=" ".join,
)
def test_a_nonsense_value_is_one_line_and_exit_code_2(flags):
    check_one_line_and_2(run_to_the_end("serve", "--test", *(["--port", "0"] if "--port" not in flags else []), *flags))


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["attach"], ["attach", "wsData"]], ids=" ".join)
def test_an_incomplete_command_is_exit_code_2(arguments):
    result = run_to_the_end(*arguments)
    assert result.returncode == 2
    assert result.stderr.strip()


def test_logs_go_to_stderr_and_stdout_has_one_line(gateway, dial):
    dial(gateway).crash()
    assert gateway.get("/version").status_code == 200
    assert gateway.output() == [f"reachback: listening on {gateway.url}"]


def test_no_token_and_no_payload_is_ever_logged(start_gateway, dial):
    gateway = start_gateway("--token", "very-secret-token", token="very-secret-token")
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo", "private payload"), timeout="0.2")
    peer.receive_request()
    peer.send('["private payload"]')
    assert call.result().status_code == 504
    assert "very-secret-token" not in gateway.stderr()
    assert "private payload" not in gateway.stderr()
