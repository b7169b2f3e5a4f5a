"""Calls that end otherwise than by a whole answer: services that die, callers that leave or don't read."""

import json

import pytest

from support.gateway import BYTES, JSON, NDJSON
from support.payload import KIB, MIB, cut_parts, part_bytes, payload
from support.problems import check_problem
from support.raw import Aborted
from support.service import rpc
from support.waiting import Stopwatch, wait_until

SMALL_BUFFER = 16 * KIB


def end_by_crash(peer):
    peer.crash()


def end_in_order(peer):
    peer.leave()


@pytest.mark.parametrize("end", [end_by_crash, end_in_order])
def test_a_service_that_ends_during_a_call_ends_it_at_once(gateway, dial, end):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    peer.receive_request()
    watch = Stopwatch()
    end(peer)
    check_problem(call.result(), "service-closed", delivery={"sent", "unknown"}, endpoint="wsData")
    assert watch.seconds < 2
    gateway.wait_outcome("service-closed", 1)


def test_only_the_calls_of_the_service_that_ended_end(gateway, dial):
    staying, dying = dial(gateway), dial(gateway)
    lost = gateway.call_later(rpc("echo"))
    dying.receive_request()
    kept = gateway.call_later(rpc("echo"), connection=staying.connection_id)
    request = staying.receive_request()
    dying.crash()
    check_problem(lost.result(), "service-closed")
    staying.answer(request, b"kept")
    assert part_bytes(kept.result().json()) == b"kept"


def start_answer(peer, caller, form):
    """Lets the first of two parts arrive."""
    caller.call(b'{"cmd":"rpc"}', form=form)
    request = peer.receive_request()
    first = next(cut_parts(request, payload(300_000, False), part_size=200_000))
    peer.send(first)
    assert caller.read_head().status == 200
    return first


def test_lines_that_cannot_go_on_end_with_the_seeds_error_message(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    first = start_answer(peer, caller, NDJSON)
    assert json.loads(caller.read_line()) == first
    peer.crash()
    last = json.loads(caller.read_line())
    assert (last["status"], last["error"]) == (499, "Client closed connection")
    assert caller.read_line() is None


def test_lines_that_time_out_end_with_the_problems_status(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.call(b'{"cmd":"rpc"}', form=NDJSON, query="?timeout=0.3")
    peer.send(next(cut_parts(peer.receive_request(), b"abcdef", part_size=3)))
    caller.read_head()
    assert json.loads(caller.read_line())["partId"] == 1
    assert json.loads(caller.read_line())["status"] == 504
    assert caller.read_line() is None


@pytest.mark.parametrize("form", [JSON, BYTES])
def test_a_body_that_cannot_go_on_is_aborted_so_that_the_caller_sees_it(gateway, dial, raw_http, form):
    peer, caller = dial(gateway), raw_http(gateway)
    start_answer(peer, caller, form)
    peer.crash()
    with pytest.raises(Aborted):
        caller.read_body()


def test_bytes_after_which_the_service_reports_an_error_are_aborted(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    first = start_answer(peer, caller, BYTES)
    peer.answer_error(first, "disk gone")
    with pytest.raises(Aborted):
        caller.read_body()


@pytest.mark.parametrize("leave", ["close", "reset", "half_close"])
def test_a_caller_that_hangs_up_cancels_its_call(gateway, dial, raw_http, leave):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.call(b"{}")
    request = peer.receive_request()
    gateway.wait_in_flight(1)
    getattr(caller, leave)()
    gateway.wait_in_flight(0)
    peer.answer(dict(request, cmd="rpc"), b"nobody wants it")
    wait_until(lambda: gateway.dropped("unknown-call") == 1, "the answer is dropped and counted")


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_a_caller_that_hangs_up_in_the_middle_of_the_answer_cancels_its_call(gateway, dial, raw_http, form):
    peer, caller = dial(gateway), raw_http(gateway)
    start_answer(peer, caller, form)
    gateway.wait_in_flight(1)
    caller.close()
    gateway.wait_in_flight(0)


def test_requests_may_be_pipelined(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    path = "/v1/endpoints/wsData/requests"
    bodies = [b'{"cmd":"rpc","n":%d}' % number for number in range(3)]
    caller.send(b"".join(caller.head_of("POST", path, content_length=len(body)) + body for body in bodies)
                + caller.head_of("GET", "/version"))
    for number in range(3):
        request = peer.receive_request()
        assert request["n"] == number
        peer.answer(request, b"%d" % number)
        head, body = caller.read_response()
        assert (head.status, part_bytes(json.loads(body))) == (200, b"%d" % number)
    assert caller.read_head().status == 200


def test_a_request_may_come_chunked(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.request("POST", "/v1/endpoints/wsData/requests", transfer_encoding="chunked")
    caller.send(b'8\r\n{"cmd":"\r\n5;x=y\r\nrpc"}\r\n0\r\n\r\n')
    peer.answer_next(b"1")
    assert caller.read_response()[0].status == 200


def test_a_request_may_come_byte_by_byte(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    body = b'{"cmd":"rpc"}'
    caller.send_byte_by_byte(caller.head_of("POST", "/v1/endpoints/wsData/requests", content_length=len(body)) + body)
    peer.answer_next(b"1")
    assert caller.read_response()[0].status == 200


def test_a_caller_that_expects_100_is_told_to_go_on(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    body = json.dumps({"cmd": "rpc", "text": "x" * 100_000}).encode()
    caller.request("POST", "/v1/endpoints/wsData/requests", expect="100-continue", content_length=len(body))
    assert caller.read_head().status == 100
    caller.send(body)
    peer.answer_next(b"1")
    assert caller.read_response()[0].status == 200


def test_a_caller_that_does_not_read_ends_alone(start_gateway, dial, raw_http):
    gateway = start_gateway("--call-budget", 1 * MIB)
    peer, slow = dial(gateway), raw_http(gateway, receive_buffer=SMALL_BUFFER)
    slow.call(b'{"cmd":"rpc"}', form=NDJSON)
    slow_parts = cut_parts(peer.receive_request(), payload(64 * MIB, True), part_size=256 * KIB, compress=False)
    for number, part in enumerate(slow_parts):
        peer.send(part)
        if number % 8 == 0:
            fast = gateway.call_later(rpc("echo"), timeout=5)
            peer.answer_next(b"%d" % number)
            assert part_bytes(fast.result().json()) == b"%d" % number
        if number % 8 == 7 and gateway.calls_in_flight() == 0:
            break
    assert gateway.calls_in_flight() == 0, "the slow call has ended, though its caller has read nothing"
    assert gateway.connections() == [peer.connection_id]
    check_end_of_slow_lines(slow)
    gateway.wait_outcome("slow-caller", 1)


def check_end_of_slow_lines(slow):
    """Either the error message is the last line, or the body is aborted; never does it look complete."""
    assert slow.read_head().status == 200
    lines = []
    try:
        while (line := slow.read_line()) is not None:
            lines.append(line)
    except Aborted:
        return
    assert json.loads(lines[-1])["status"] == 502


def test_parts_over_the_budget_of_all_calls_end_one_call(start_gateway, dial, raw_http):
    gateway = start_gateway("--total-part-budget", 1 * MIB)
    peer, slow = dial(gateway), raw_http(gateway, receive_buffer=SMALL_BUFFER)
    slow.call(b'{"cmd":"rpc"}', form=NDJSON)
    for part in cut_parts(peer.receive_request(), payload(32 * MIB, True), part_size=256 * KIB, compress=False):
        peer.send(part)
    gateway.wait_in_flight(0)
    check_end_of_slow_lines(slow)
    gateway.wait_outcome("slow-caller", 1)
    call = gateway.call_later(rpc("echo"))
    peer.answer_next()
    assert call.result().status_code == 200


def test_parts_that_wait_for_an_earlier_one_count_against_the_calls_budget(start_gateway, dial):
    gateway = start_gateway("--call-budget", 1 * MIB)
    peer = dial(gateway)
    call = gateway.call_later(rpc("read"), form=BYTES)
    parts = list(cut_parts(peer.receive_request(), payload(4 * MIB, True), part_size=256 * KIB, compress=False))
    for part in parts[1:]:
        peer.send(part)
    check_problem(call.result(), "slow-caller", delivery="sent")


def fill_until_refused(gateway, raw_http, body):
    """Makes calls that nobody takes until one is refused; gives the refusal."""
    for number in range(200):
        caller = raw_http(gateway)
        caller.call(body)
        wait_until(lambda: caller.has_input() or gateway.calls_in_flight() == number + 1, "queued or refused")
        if caller.has_input():
            return caller.read_response()
    raise AssertionError("nothing was ever refused")


def test_a_service_that_does_not_read_makes_calls_busy_and_stays_and_a_live_one_goes_on(
    start_gateway, dial, raw_websocket, raw_http
):
    gateway = start_gateway("--outbox-limit", 1 * MIB)
    live = dial(gateway)
    stalled = raw_websocket(gateway, receive_buffer=SMALL_BUFFER)
    body = json.dumps(rpc("put", "x" * (512 * KIB))).encode()
    refusal = fill_until_refused(gateway, raw_http, body)
    check_problem(refusal, "service-busy", delivery="not-sent", endpoint="wsData")
    call = gateway.call_later(rpc("echo"), connection=live.connection_id)
    live.answer_next(b"live")
    assert part_bytes(call.result().json()) == b"live"
    assert set(gateway.connections()) == {live.connection_id, stalled.connection_id}


def test_an_empty_outbox_takes_any_one_message(start_gateway, dial):
    gateway = start_gateway("--outbox-limit", 1 * KIB)
    peer = dial(gateway)
    call = gateway.call_later(rpc("put", "x" * MIB))
    peer.answer_next()
    assert call.result().status_code == 200
