"""Every limit: what goes over it gets the result that service/docs/limits.md names, is counted, and disturbs nobody
else."""

import json

import pytest

from support.accounts import PasswordFile, log_in_once
from support.bystander import Bystander
from support.gateway import BYTES, JSON, NDJSON
from support.metrics import Metrics
from support.payload import KIB, MIB, cut_parts, payload
from support.peers import CALLS, EVENTS, SMALL_BUFFER, Peers
from support.problems import check_problem, check_refused
from support.raw import Aborted, HttpCaller
from support.service import rpc
from support.waiting import wait_until

ENDLESS = "$2b$31$" + "." * 53  # to check a password against this takes a day
ELSEWHERE = "127.0.0.2"

SLOWEST_CALL = 5  # seconds, of the bystander on a slow machine

OVERFLOWS = {}


def overflow(limit, *flags):
    """Registers the function that goes over `limit` in a gateway with these flags, and sees the result."""

    def register(function):
        OVERFLOWS[limit] = (flags, function)
        return function

    return register


@pytest.fixture
def start(start_gateway, tmp_path):
    """A gateway with the flags; one with users where the flags need them."""

    def start_with(flags):
        if not any(flag.startswith("--login") for flag in map(str, flags)):
            return start_gateway(*flags)
        users = PasswordFile(tmp_path / "passwd", ann="secret")
        if "--login-limit" in flags:  # a wrong password costs what the dearest does
            users.write(users.path.read_text() + f"endless,{ENDLESS}\n")
        return start_gateway("--token", "operator", "--password-file", users, *flags, test_mode=False, token="operator")

    return start_with


def pytest_generate_tests(metafunc):
    if "limit" in metafunc.fixturenames:
        metafunc.parametrize("limit", OVERFLOWS)


def test_an_overflow_has_a_named_result_is_counted_and_disturbs_nobody_else(limit, start, stack):
    flags, overflows = OVERFLOWS[limit]
    gateway = start(flags)
    with Bystander(gateway) as bystander:
        assert gateway.refused(limit) == 0
        overflows(gateway, Peers(gateway, stack))
        bystander.is_served()
        wait_until(lambda: gateway.refused(limit) >= 1, f"{limit} is counted")
    assert bystander.slowest < SLOWEST_CALL
    print(f"{limit}: {bystander.served} calls of the bystander, the slowest took {bystander.slowest * 1000:.0f} ms")


def test_every_limit_that_is_counted_is_tested_here(gateway):
    counted = {labels["limit"] for name, labels, _ in gateway.metrics().samples if name == "reachback_refused_total"}
    assert counted == set(OVERFLOWS)


def test_what_the_limits_are_set_to_is_in_the_metrics(start_gateway):
    metrics = start_gateway("--head-limit", "2 KiB", "--head-timeout", "2.5", "--event-stream-limit", 7).metrics()
    assert metrics.value("reachback_limit", limit="head-limit") == 2 * KIB
    assert metrics.value("reachback_limit", limit="head-timeout") == 2.5
    assert metrics.value("reachback_limit", limit="handshake-rate") == float("inf")
    assert metrics.value("reachback_limit", limit="connection-limit") > 0
    assert metrics.value("reachback_budget_limit", budget="event-streams") == 7


def upgraded(caller, path, **headers):
    """The answer to an upgrade: None when it is accepted, else (head, body)."""
    caller.upgrade(path, **headers)
    head = caller.read_head()
    return None if head.status == 101 else (head, caller.read_body())


# ---- connections ----


@overflow("connection-limit", "--connection-limit", 8)
def too_many_connections(gateway, peers):
    held = []
    while len(held) < 20:
        caller = peers.http()
        caller.request("GET", "/v1/endpoints")
        head, body = caller.read_response()
        if head.status != 200:
            break
        held.append(caller)
    check_problem((head, body), "overloaded")
    assert head.get("connection") == "close"
    assert gateway.get("/livez").status_code == 200, "probes have the reserve"
    for caller in held:
        caller.close()
    wait_until(lambda: gateway.get("/v1/endpoints").status_code == 200, "room again")


@overflow("connection-reserve", "--connection-limit", 4, "--connection-reserve", 2)
def not_even_room_for_probes(gateway, peers):
    watcher, silent = peers.http(), [peers.http() for _ in range(3)]

    def waits():
        metrics = Metrics(watcher.ask("GET", "/metrics")[1].decode())
        return metrics.value("reachback_refused_total", limit="connection-reserve") == 1

    wait_until(waits, "all places are taken")
    late = peers.http()
    late.request("GET", "/livez")
    assert not late.has_input(), "it waits in the kernel's queue"
    for caller in silent:
        caller.close()
    assert late.read_response()[0].status == 200


@overflow("address-connection-limit", "--address-connection-limit", 6)
def too_many_connections_of_one_address(gateway, peers):
    held = [peers.http(source=ELSEWHERE) for _ in range(6)]
    for caller in held:
        assert caller.ask("GET", "/v1/endpoints")[0].status == 200
    over = peers.http(source=ELSEWHERE)
    over.request("GET", "/v1/endpoints")
    check_refused(over, "too-many-connections", delivery=None)
    told = [peers.http(source=ELSEWHERE) for _ in range(8)]
    assert told[0].ask("GET", "/livez")[0].status == 200, "probes are answered"
    assert peers.http(source=ELSEWHERE).read_to_end() == b"", "beyond them nothing is said"
    assert gateway.metrics().value("reachback_address_connections_max") == 14
    held[0].close()
    wait_until(lambda: is_served_at(gateway, ELSEWHERE), "room again")


def is_served_at(gateway, source):
    with HttpCaller(gateway.address, token=gateway.token, source=source) as caller:
        try:
            return caller.ask("GET", "/v1/endpoints")[0].status == 200
        except (Aborted, OSError):
            return False


@overflow("endpoint-connection-limit", "--endpoint-connection-limit", 2)
def too_many_connections_of_one_endpoint(gateway, peers):
    first = peers.dial("wsUser")
    peers.dial("wsUser")
    refused = upgraded(peers.http(), "/wsUser")
    check_problem(refused, "overloaded")
    assert upgraded(peers.http(), "/wsData") is None, "other endpoints have room"
    first.leave()
    wait_until(lambda: upgraded(peers.http(), "/wsUser") is None, "room again")


@overflow("handshake-rate", "--handshake-rate", 1)
def too_many_handshakes(gateway, peers):
    callers = [peers.http() for _ in range(20)]
    for caller in callers:
        caller.upgrade("/wsUser")
    heads = [caller.read_head() for caller in callers]
    refused = [(caller, head, caller.read_body()) for caller, head in zip(callers, heads) if head.status != 101]
    assert refused, "twenty came within less than twenty seconds"
    for caller, head, body in refused:
        check_problem((head, body), "overloaded")
    caller, head, _ = refused[0]
    assert head.get("retry-after") == "1"
    wait_until(lambda: upgraded(caller, "/wsUser") is None, "one more in another second")


@overflow("event-stream-limit", "--event-stream-limit", 2)
def too_many_event_streams(gateway, peers):
    first, _ = peers.events(), peers.events("/v1/events")
    check_problem(gateway.get(EVENTS), "overloaded")
    first.__exit__()
    wait_until(lambda: peers.http().ask("HEAD", EVENTS)[0].status == 200, "room again")


# ---- what is received ----


@overflow("head-limit", "--head-limit", 1 * KIB)
def a_head_too_large(gateway, peers):
    caller = peers.http()
    caller.request("GET", "/v1/endpoints", x_big="x" * 2 * KIB)
    check_refused(caller, "head-too-large")


@overflow("request-limit", "--request-limit", 10 * KIB)
def a_body_too_large(gateway, peers):
    caller = peers.http()
    caller.send(caller.head_of("POST", CALLS, content_length=10 * KIB + 1))
    check_refused(caller, "too-large")
    chunked = peers.http()
    chunk = b"%x\r\n" % (10 * KIB + 1) + b" " * (10 * KIB + 1)
    chunked.send(chunked.head_of("POST", CALLS, transfer_encoding="chunked") + chunk)
    check_problem(chunked.read_response(), "too-large")
    wait_until(lambda: gateway.refused("request-limit") == 2, "both are counted")


@overflow("body-budget", "--body-budget", 200 * KIB)
def bodies_too_large_together(gateway, peers):
    first, second = peers.http(), peers.http()
    for caller in (first, second):
        caller.send(caller.head_of("POST", CALLS, content_length=90 * KIB, content_type=JSON))
        caller.send(b"{" + b" " * 80 * KIB)
        if caller is first:
            wait_until(lambda: gateway.metrics().value("reachback_budget_used", budget="bodies") > 64 * KIB, "held")
    check_problem(second.read_response(), "overloaded", delivery="not-sent")


@overflow("message-limit", "--message-limit", 10 * KIB)
def a_message_too_big(gateway, peers):
    peer = peers.websocket()
    peer.send_text("x" * (10 * KIB + 1))
    assert peer.read_close()[0] == 1009


@overflow("receive-budget", "--receive-budget", 1 * MIB)
def messages_too_big_together(gateway, peers):
    peer = peers.websocket()
    peer.send_frame(0x1, b"x" * (2 * MIB), fin=False)
    assert peer.read_close()[0] == 1013


@overflow("part-limit", "--part-limit", 10 * KIB)
def a_part_too_big(gateway, peers):
    peer = peers.dial()
    call = gateway.call_later(rpc("read"), form=BYTES)
    peer.answer_next(b"x" * (10 * KIB + 1))
    check_problem(call.result(), "bad-answer", delivery="sent")


# ---- calls ----


def one_call_too_many(gateway, peers):
    peer = peers.dial()
    first = gateway.call_later(rpc("echo"))
    request = peer.receive_request()
    check_problem(gateway.call(rpc("echo")), "too-many-calls", delivery="not-sent", endpoint="wsData")
    peer.answer(request, b"1")
    assert first.result().status_code == 200


@overflow("call-limit", "--call-limit", 1)
def too_many_calls(gateway, peers):
    one_call_too_many(gateway, peers)


@overflow("connection-call-limit", "--connection-call-limit", 1)
def too_many_calls_of_one_connection(gateway, peers):
    older = peers.dial()
    one_call_too_many(gateway, peers)
    call = gateway.call_later(rpc("echo"), connection=older.connection_id)
    request = older.receive_request()
    newest = peers.dial()
    other = gateway.call_later(rpc("echo"))
    newest.answer_next()
    assert other.result().status_code == 200, "a newer connection has room"
    older.answer(request, b"1")
    assert call.result().status_code == 200


@overflow("call-budget", "--call-budget", 1 * MIB)
def too_many_parts_of_one_call(gateway, peers):
    peer = peers.dial()
    call = gateway.call_later(rpc("read"), form=BYTES)
    parts = list(cut_parts(peer.receive_request(), payload(4 * MIB, True), part_size=256 * KIB, compress=False))
    for part in parts[1:]:
        peer.send(part)
    check_problem(call.result(), "slow-caller", delivery="sent")


@overflow("total-part-budget", "--total-part-budget", 1 * MIB)
def too_many_parts_together(gateway, peers):
    peer, slow = peers.dial(), peers.http(receive_buffer=SMALL_BUFFER)
    slow.call(b'{"cmd":"rpc"}', form=NDJSON)
    for part in cut_parts(peer.receive_request(), payload(32 * MIB, True), part_size=256 * KIB, compress=False):
        peer.send(part)
    wait_until(lambda: gateway.refused("total-part-budget"), "the call has ended, though its caller reads nothing")
    assert slow.read_head().status == 200
    assert json.loads(last_line(slow))["status"] == 502
    gateway.wait_outcome("slow-caller", 1)


def last_line(stream):
    """The last line of a body that comes to its regular end."""
    last = None
    while (line := stream.read_line()) is not None:
        last = line
    return last


# ---- what waits to be sent ----


@overflow("outbox-limit", "--outbox-limit", 100 * KIB)
def a_service_that_does_not_read(gateway, peers):
    peers.websocket(receive_buffer=SMALL_BUFFER)
    for number in range(200):
        caller = peers.http()
        caller.call(json.dumps(rpc("put", "x" * 64 * KIB)).encode())
        wait_until(lambda: caller.has_input() or pending(gateway) == number + 1, "queued or refused")
        if caller.has_input():
            break
    check_problem(caller.read_response(), "service-busy", delivery="not-sent")
    peers.stack.close()
    wait_until(lambda: pending(gateway) == 0, "all callers have gone")


def pending(gateway, endpoint="wsData"):
    return gateway.metrics().value("reachback_calls_in_flight", endpoint=endpoint)


@overflow("total-outbox-budget", "--total-outbox-budget", 100 * KIB)
def too_much_to_send(gateway, peers):
    peers.dial()
    check_problem(gateway.call(rpc("put", "x" * 200 * KIB)), "overloaded", delivery="not-sent")
    check_problem(gateway.post_message(b"x" * 200 * KIB), "overloaded")
    wait_until(lambda: gateway.refused("total-outbox-budget") == 2, "both are counted")


@overflow("subscriber-limit", "--subscriber-limit", 100 * KIB)
def a_subscriber_that_falls_behind(gateway, peers):
    slow, user = peers.http(receive_buffer=SMALL_BUFFER), peers.dial("wsUser")
    slow.request("GET", EVENTS)
    assert slow.read_head().status == 200
    for _ in range(300):
        user.send("x" * 64 * KIB)
    user.ping()
    received = 0
    try:
        while slow.read_piece():
            received += 1
    except Aborted:
        pass
    assert received


# ---- log-ins ----


@overflow("login-limit", "--login-limit", 1, "--login-pause", 0)
def too_many_log_ins_at_once(gateway, peers):
    gateway.background(log_in_once, gateway, "endless", "secret")
    wait_until(lambda: gateway.metrics().value("reachback_budget_used", budget="logins") == 1, "its check is under way")
    check_problem(log_in_once(gateway, "ann", "secret"), "overloaded")


@overflow("login-pause", "--login-pause", 600)
def a_log_in_too_soon_after_a_wrong_one(gateway, peers):
    assert log_in_once(gateway, "ann", "wrong").status_code == 200
    refused = log_in_once(gateway, "ann", "secret")
    assert (refused.status_code, "login" in refused.cookies) == (429, False)
    assert int(refused.headers["Retry-After"]) > 0


# ---- time ----


@overflow("head-timeout", "--head-timeout", "0.5")
def a_head_that_does_not_come(gateway, peers):
    caller = peers.http()
    caller.send(b"GET /livez HTTP/1.1\r\n")
    check_refused(caller, "too-slow")


@overflow("body-timeout", "--body-timeout", "0.5")
def a_body_that_does_not_come(gateway, peers):
    caller = peers.http()
    caller.send(caller.head_of("POST", CALLS, content_length=100, content_type=JSON) + b"{")
    check_problem(caller.read_response(), "too-slow", delivery="not-sent")


@overflow("write-timeout", "--write-timeout", "0.5")
def a_connection_that_does_not_read(gateway, peers):
    stalled = peers.websocket("wsUser", receive_buffer=SMALL_BUFFER)
    assert gateway.post_message(b"x" * 16 * MIB).json() == {"delivered": 1}
    wait_until(lambda: not gateway.connections("wsUser"), "it is given up")
    stalled.close()


@overflow("idle-timeout", "--idle-timeout", 2)
def a_connection_that_asks_for_nothing(gateway, peers):
    caller = peers.http()
    assert caller.ask("GET", "/livez")[0].status == 200
    assert caller.read_to_end() == b""


@overflow("silence-timeout", "--ping-interval", 1, "--silence-timeout", 3)
def a_peer_that_is_silent(gateway, peers):
    peers.websocket()
    wait_until(lambda: not gateway.connections(), "it is given up")


@overflow("close-timeout", "--close-timeout", "0.5")
def a_peer_that_does_not_answer_the_close(gateway, peers):
    deaf = peers.websocket("wsUser")
    assert gateway.http("DELETE", "/v1/endpoints/wsUser/connections").json() == {"closed": 1}
    assert deaf.read_close()[0] == 4000
    assert deaf.read_to_end() == b""


# ---- addresses behind a proxy ----


def test_behind_a_trusted_proxy_websockets_and_event_streams_count_for_the_client_that_it_names(start_gateway, stack):
    gateway = start_gateway("--address-connection-limit", 2, "--trusted-proxy", "127.0.0.0/8")
    peers = Peers(gateway, stack)
    here, there = {"x_forwarded_for": "192.0.2.1"}, {"x_forwarded_for": "192.0.2.2"}
    websocket, stream = peers.http(), peers.http()
    assert upgraded(websocket, "/wsUser", **here) is None
    stream.request("GET", EVENTS, **here)
    assert stream.read_head().status == 200
    refused = upgraded(peers.http(), "/wsUser", **here)
    check_problem(refused, "too-many-connections")
    assert refused[0].get("connection") == "close"
    check_problem(peers.http().ask("GET", EVENTS, **here), "too-many-connections")
    assert gateway.refused("address-connection-limit") == 2
    assert upgraded(peers.http(), "/wsUser", **there) is None, "another client has room"
    for _ in range(20):
        assert peers.http().ask("GET", "/v1/endpoints", **here)[0].status == 200, "requests do not count"
    websocket.close()
    wait_until(lambda: upgraded(peers.http(), "/wsUser", **here) is None, "room again")


def test_a_client_cannot_choose_the_address_that_it_counts_for(start_gateway, stack):
    gateway = start_gateway("--address-connection-limit", 2)
    peers = Peers(gateway, stack)
    for number in range(2):
        forwarded = {"x_forwarded_for": f"192.0.2.{number}"}
        assert upgraded(peers.http(source=ELSEWHERE), "/wsUser", **forwarded) is None
    over = upgraded(peers.http(source=ELSEWHERE), "/wsUser", x_forwarded_for="192.0.2.9")
    check_problem(over, "too-many-connections")


def test_an_upgrade_that_is_refused_keeps_no_place(start_gateway, stack):
    gateway = start_gateway("--address-connection-limit", 1, "--endpoint-connection-limit", 1, "--trusted-proxy",
                            "127.0.0.0/8")
    peers = Peers(gateway, stack)
    assert upgraded(peers.http(), "/wsUser", x_forwarded_for="192.0.2.1") is None
    proxy = peers.http()
    check_problem(upgraded(proxy, "/wsUser", x_forwarded_for="192.0.2.2"), "overloaded")
    assert upgraded(proxy, "/wsData", x_forwarded_for="192.0.2.2") is None, "it had no WebSocket yet"
