"""Pings in both directions, also while large messages pass (wire-protocol.md, "Connecting" 5)."""

import sys
import threading
import time
from pathlib import Path

import pytest

from support.events import EventStream
from support.gateway import BYTES, Program
from support.payload import MIB, payload
from support.problems import check_problem
from support.raw import PING, PONG, TEXT, Aborted, frame
from support.service import rpc
from support.waiting import Stopwatch, let_pass, wait_until

SWAPPING_SERVICE = Path(__file__).parent / "support" / "swapping_service.py"
ARGUMENT = "x" * (14 * MIB)
FAST_PINGS = ("--ping-interval", "0.2", "--silence-timeout", "0.6")


def keep_calling(gateway, stop, count):
    """Calls with 14 MiB there and 14 MiB back until told to stop."""
    expected = payload(10 * MIB, False)
    while not stop.is_set():
        response = gateway.call(rpc("swap", ARGUMENT), form=BYTES)
        assert response.status_code == 200, response.text
        assert response.content == expected
        count.append(1)


def test_a_service_that_wants_its_pong_within_a_second_stays_while_14_mib_pass_both_ways(gateway, programs):
    service = Program([sys.executable, SWAPPING_SERVICE, gateway.url], r"pong (\d+)$")
    programs.append(service)
    wait_until(gateway.connections, "the service joins")
    stop, count = threading.Event(), []
    callers = [gateway.background(keep_calling, gateway, stop, count) for _ in range(2)]
    try:
        service.wait_ready(times=2, deadline=30)
        wait_until(lambda: len(count) >= 4, "four calls", deadline=30)
    finally:
        stop.set()
    for caller in callers:
        caller.result(30)
    assert service.alive, service.stderr()


def test_a_pong_comes_within_a_second_while_frames_of_14_mib_go_both_ways(gateway, raw_websocket):
    peer = raw_websocket(gateway, "wsUser")
    half = frame(TEXT, b"y" * (7 * MIB), fin=False), frame(0, b"y" * (7 * MIB))
    sent_at, latencies = {}, []

    def ping(number):
        sent_at[number] = time.monotonic()
        peer.send(frame(PING, b"%d" % number))

    def send():
        for number in range(8):
            ping(2 * number)
            peer.send(half[0])
            ping(2 * number + 1)
            peer.send(half[1])

    posts = [gateway.background(gateway.post_message, b"z" * (14 * MIB)) for _ in range(2)]
    sender = gateway.background(send)
    messages = 0
    while len(latencies) < 16 or messages < 2:
        fin, opcode, data = peer.read_frame()
        if opcode == PONG:
            latencies.append(time.monotonic() - sent_at[int(data)])
        elif opcode != PING and fin:
            messages += 1
    sender.result()
    assert all(post.result().json()["delivered"] == 1 for post in posts)
    assert max(latencies) < 1


def test_a_pong_repeats_the_pings_bytes(gateway, raw_websocket):
    peer = raw_websocket(gateway)
    for data in (b"", b"\x00\xff", b"x" * 125):
        peer.send_frame(PING, data)
        assert peer.read_frame() == (True, PONG, data)


def test_the_gateway_pings_every_connection(start_gateway, raw_websocket):
    gateway = start_gateway("--ping-interval", "0.2")
    for endpoint in ("wsData", "wsUser"):
        peer = raw_websocket(gateway, endpoint)
        assert peer.read_frame()[1] == PING
        assert peer.read_frame()[1] == PING


def test_a_silent_connection_is_closed_and_its_calls_end(start_gateway, raw_websocket):
    gateway = start_gateway(*FAST_PINGS)
    raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    check_problem(call.result(), "service-closed", delivery={"sent", "unknown"})
    wait_until(lambda: gateway.connections() == [], "the silent connection is gone")


def test_a_connection_that_answers_pings_stays(start_gateway, raw_websocket):
    gateway = start_gateway(*FAST_PINGS)
    peer = raw_websocket(gateway)
    for _ in range(10):
        _, opcode, data = peer.read_frame()
        assert opcode == PING
        peer.send_frame(PONG, data)
    assert gateway.connections() == [peer.connection_id]


def test_any_byte_counts_against_silence(start_gateway, raw_websocket):
    gateway = start_gateway(*FAST_PINGS)
    peer = raw_websocket(gateway)
    watch = Stopwatch()
    for value in frame(TEXT, b"0123456789abcdef"):
        peer.send(bytes([value]))
        let_pass(0.15)
    assert watch.seconds > 2
    assert gateway.connections() == [peer.connection_id]


def test_silence_does_not_end_the_calls_of_others(start_gateway, raw_websocket, dial):
    gateway = start_gateway(*FAST_PINGS)
    alive = raw_websocket(gateway)
    raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"), connection=alive.connection_id, timeout=1.5)
    done = threading.Event()
    call.add_done_callback(lambda _: done.set())
    while not done.is_set():
        try:
            _, opcode, data = alive.read_frame(deadline=0.5)
        except AssertionError:
            continue
        except Aborted:
            pytest.fail("the live connection was closed")
        if opcode == PING:
            alive.send_frame(PONG, data)
    check_problem(call.result(), "timed-out")
    assert gateway.connections() == [alive.connection_id]


def test_event_streams_get_a_comment_as_often(start_gateway, stack):
    gateway = start_gateway("--ping-interval", "0.2")
    events = stack.enter_context(EventStream(gateway))
    assert events.next_comment().startswith(":")
    assert events.next_comment().startswith(":")
