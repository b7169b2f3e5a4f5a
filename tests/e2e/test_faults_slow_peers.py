"""Peers that read or write one byte a second. Each ends by the bound that is named for it, and its neighbours go on."""

import json
import re

import pytest

from support.events import EventStream
from support.figures import print_figures
from support.gateway import BYTES
from support.payload import KIB, MIB, cut_parts, payload
from support.problems import check_problem, check_refused
from support.raw import TEXT, HttpCaller, WebSocketPeer, frame
from support.service import data_interface, rpc
from support.trickling import OneByteASecond
from support.waiting import Stopwatch, wait_until
from test_attach import Attached

BOUND = 2
BOUNDS = ("--head-timeout", BOUND, "--body-timeout", BOUND, "--write-timeout", BOUND, "--subscriber-limit", 64 * KIB)
SLACK = 3  # of a slow machine
SMALL_BUFFER = 4 * KIB
CALLS = "/v1/endpoints/wsData/requests"


@pytest.fixture
def gateway(start_gateway):
    return start_gateway(*BOUNDS)


def check_bound(what, watch, count):
    print_figures(what, bound=BOUND, ended_after=watch.seconds, bytes_passed=count)
    assert watch.seconds < BOUND + SLACK


def check_slow_consumer(gateway, peer):
    ending = re.compile(rf"connection {peer.connection_id} from \S+ closed \((\d+)\)")
    assert wait_until(lambda: ending.search(gateway.stderr()), "its end is logged").group(1) == "4408"


@pytest.mark.parametrize("peer", ["caller", "service"])
def test_a_head_ends_by_the_head_timeout(gateway, neighbours, stack, peer):
    stream = stack.enter_context(WebSocketPeer(gateway) if peer == "service" else HttpCaller(gateway.address))
    head = stream.upgrade if peer == "service" else stream.head_of("GET", "/livez")
    watch = Stopwatch()
    with neighbours(gateway, f"a {peer}'s head comes byte by byte"), OneByteASecond(stream, head) as slow:
        assert b" 408 " in stream.read_until(b"\r\n")
    check_bound(f"head of a {peer}", watch, slow.count)


def test_a_body_may_take_its_time_and_ends_by_the_body_timeout_when_it_stops(gateway, neighbours, raw_http):
    caller, watch = raw_http(gateway), Stopwatch()
    caller.request("POST", CALLS, content_length=1 * MIB)
    with neighbours(gateway, "a body comes byte by byte"):
        with OneByteASecond(caller, b'{"cmd":"' + b"x" * MIB) as slow:
            wait_until(lambda: slow.count > BOUND + 1, "it has gone on for longer than the time-out")
            assert not caller.has_input()
        stopped = Stopwatch()
        check_refused(caller, "too-slow")
    print_figures("body of a caller", went_on_for=watch.seconds - stopped.seconds, ended_after_its_stop=stopped.seconds)
    assert stopped.seconds < BOUND + SLACK


def test_a_caller_who_reads_ends_by_the_write_timeout(gateway, neighbours, raw_http, programs, tmp_path):
    with neighbours(gateway, "a caller reads byte by byte"):
        with open(tmp_path / "long", "wb") as long:
            long.truncate(64 * MIB)
        attached = Attached(gateway, tmp_path, endpoint="wsSubject")
        programs.append(attached)
        wait_until(lambda: gateway.connections("wsSubject"), "attach has joined")
        caller = raw_http(gateway, receive_buffer=SMALL_BUFFER)
        caller.call(json.dumps(data_interface("getFile", "long")).encode(), endpoint="wsSubject", form=BYTES)
        caller.read_until(b"\r\n")
        watch = Stopwatch()
        with OneByteASecond(caller) as slow:
            wait_until(lambda: gateway.metrics().value("reachback_calls_in_flight", endpoint="wsSubject") == 0,
                       "its call has ended")
        check_bound("caller who reads", watch, slow.count)


def test_a_service_that_reads_ends_as_a_slow_consumer(gateway, neighbours, raw_websocket):
    with neighbours(gateway, "a service reads byte by byte"):
        slow_service = raw_websocket(gateway, receive_buffer=SMALL_BUFFER)
        watch = Stopwatch()
        with OneByteASecond(slow_service) as slow:
            call = gateway.call_later(rpc("put", "x" * (12 * MIB)), connection=slow_service.connection_id)
            check_problem(call.result(), "service-closed", delivery="unknown")
        check_bound("service that reads", watch, slow.count)
        assert slow_service.connection_id not in gateway.connections()
    check_slow_consumer(gateway, slow_service)


def test_a_service_that_writes_loses_its_call_by_the_calls_timeout_and_stays(start_gateway, neighbours, raw_websocket):
    gateway = start_gateway("--ping-interval", "0.5", "--silence-timeout", BOUND)
    with neighbours(gateway, "a service writes byte by byte"):
        slow_service = raw_websocket(gateway)
        watch = Stopwatch()
        call = gateway.call_later(rpc("echo"), connection=slow_service.connection_id, timeout=BOUND)
        request = json.loads(slow_service.read_message()[1])
        (answer,) = cut_parts(request, b"at last")
        with OneByteASecond(slow_service, frame(TEXT, json.dumps(answer).encode())) as slow:
            check_problem(call.result(), "timed-out")
            ended = watch.seconds
            wait_until(lambda: slow.count > BOUND + 2, "it has written for longer than it may be silent")
        assert slow_service.connection_id in gateway.connections(), "any byte counts against silence"
        slow_service.send(slow.rest)
        wait_until(lambda: gateway.dropped("unknown-call") == 1, "its answer comes too late")
    print_figures("service that writes", call_timeout=BOUND, call_ended_after=ended, still_there_after=watch.seconds)
    assert ended < BOUND + SLACK


def test_a_listener_that_reads_ends_as_a_slow_consumer_and_the_others_hear_all(gateway, raw_websocket):
    messages = [b"%d " % number + payload(2 * MIB, True) for number in range(8)]
    quick = raw_websocket(gateway, "wsUser")
    slow_listener = raw_websocket(gateway, "wsUser", receive_buffer=SMALL_BUFFER)
    watch = Stopwatch()
    heard = gateway.background(lambda: [quick.read_message()[1] for _ in messages])
    with OneByteASecond(slow_listener) as slow:
        for message in messages:
            assert gateway.post_message(message).json()["delivered"] >= 1
        assert heard.result(60) == messages
        quick_done = watch.seconds
        answering = gateway.background(quick.read_message)  # its pongs
        wait_until(lambda: gateway.connections("wsUser") == [quick.connection_id], "the slow one is gone")
    check_bound("listener that reads", watch, slow.count)
    check_slow_consumer(gateway, slow_listener)
    print_figures("another listener", had_all_after=quick_done)
    gateway.post_message("the end")
    assert answering.result(10)[1] == b"the end"


def open_connections(gateway):
    return gateway.metrics().value("reachback_budget_used", budget="connections")


def test_an_event_subscriber_who_reads_is_closed_and_the_others_hear_all(gateway, raw_http, raw_websocket, stack):
    quick = stack.enter_context(EventStream(gateway))
    speaker = raw_websocket(gateway, "wsUser")
    assert quick.next()[0] == "open"
    before = open_connections(gateway)
    subscriber = raw_http(gateway, receive_buffer=SMALL_BUFFER)
    subscriber.request("GET", "/v1/endpoints/wsUser/events", accept="text/event-stream")
    assert subscriber.read_head().status == 200
    assert open_connections(gateway) == before + 1
    text = "x" * (512 * KIB)
    watch = Stopwatch()
    with OneByteASecond(subscriber) as slow:
        for _ in range(16):
            speaker.send_text(text)
            kind, data = quick.next()
            assert (kind, data["text"]) == ("message", text)
        wait_until(lambda: open_connections(gateway) == before, "the slow one is gone")
    check_bound("event subscriber who reads", watch, slow.count)
