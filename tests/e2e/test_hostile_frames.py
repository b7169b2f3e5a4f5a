"""Frames that a client library would not send. Each violation is answered with its close code and ends that
connection alone."""

import json
import struct

import pytest

from support.payload import KIB, MIB, part_bytes
from support.problems import check_problem
from support.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocketPeer, frame
from support.service import rpc
from support.waiting import wait_until

PROTOCOL, UTF8, TOO_BIG, OVERLOAD = 1002, 1007, 1009, 1013
BAD_TEXT = b'{"cmd":"\xff"}'


@pytest.fixture
def bystander(gateway, serve):
    """A well-behaved service on the same endpoint, called before and after."""
    service = serve(gateway, {"echo": lambda text: text})
    check_call(gateway, service)
    yield service
    check_call(gateway, service)
    assert service.connected


def check_call(gateway, service):
    response = gateway.call(rpc("echo", "still here"), connection=service.connection_id)
    assert part_bytes(response.json()) == b'"still here"'


@pytest.mark.parametrize(
    "bytes_sent, code",
    [
        (frame(TEXT, b"{}", mask=False), PROTOCOL),
        (frame(BINARY, b"{}", mask=False), PROTOCOL),
        (frame(TEXT, b"{}", rsv=4), PROTOCOL),
        (frame(TEXT, b"{}", rsv=1), PROTOCOL),
        (frame(0x3, b"{}"), PROTOCOL),
        (frame(0xB, b""), PROTOCOL),
        (frame(PING, b"x" * 126), PROTOCOL),
        (frame(PING, b"x", fin=False), PROTOCOL),
        (frame(CONTINUATION, b"{}"), PROTOCOL),
        (frame(TEXT, b"{", fin=False) + frame(TEXT, b"}"), PROTOCOL),
        (frame(CLOSE, b"\x03"), PROTOCOL),
        (frame(CLOSE, struct.pack("!H", 1005)), PROTOCOL),
        (frame(CLOSE, struct.pack("!H", 999)), PROTOCOL),
        (frame(TEXT, BAD_TEXT), UTF8),
        (frame(TEXT, b"\xed\xa0\x80"), UTF8),
        (frame(TEXT, b"{\xc3", fin=False) + frame(CONTINUATION, b"\x28}"), UTF8),
        (frame(TEXT, b"\xf0\x9f\x98"), UTF8),
        (frame(TEXT, b"", declared_length=16 * MIB + 1), TOO_BIG),
        (frame(TEXT, b"", declared_length=2**40), TOO_BIG),
        (frame(TEXT, b"", declared_length=2**63 - 1), TOO_BIG),
    ],
    ids=["unmasked text", "unmasked binary", "reserved bit 1", "reserved bit 3", "opcode 3", "opcode 11", "long ping",
         "fragmented ping", "continuation of nothing", "text inside a text", "close of one byte", "close 1005",
         "close 999", "bad utf-8", "surrogate", "bad utf-8 across fragments", "utf-8 cut short", "over 16 MiB", "2^40",
         "2^63-1"],
)
def test_a_violation_is_closed_with_its_code_and_ends_the_calls_of_that_connection(
    gateway, bystander, raw_websocket, bytes_sent, code
):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    assert peer.read_message()[0] == TEXT
    peer.send(bytes_sent)
    assert peer.read_close()[0] == code
    check_problem(call.result(), "service-closed")
    wait_until(lambda: gateway.connections() == [bystander.connection_id], "only the bystander is left")


def test_a_length_with_the_highest_bit_is_a_violation(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    peer.send(b"\x81\xff" + struct.pack("!Q", 2**63) + b"abcd")
    assert peer.read_close()[0] in (PROTOCOL, TOO_BIG)


def test_the_message_limit_is_inclusive_and_holds_across_fragments(start_gateway, raw_websocket):
    gateway = start_gateway("--message-limit", 100 * KIB)
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    text = json.dumps(dict(request, status=200, data="")).encode()
    text = text[:-1] + b" " * (100 * KIB - len(text)) + b"}"
    assert len(text) == 100 * KIB
    peer.send(frame(TEXT, text[:1000], fin=False) + frame(CONTINUATION, text[1000:]))
    assert call.result().content == text
    peer.send(frame(TEXT, text, fin=False) + frame(CONTINUATION, b" "))
    assert peer.read_close()[0] == TOO_BIG


def test_a_message_of_exactly_16_mib_may_come_from_a_service(gateway, raw_websocket):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    text = json.dumps(dict(request, status=200, data="")).encode()
    text = text[:-1] + b" " * (16 * MIB - len(text)) + b"}"
    peer.send_text(text)
    assert len(call.result().content) == 16 * MIB


def test_messages_over_the_budget_of_all_close_their_connection(start_gateway, raw_websocket):
    gateway = start_gateway("--receive-budget", 1 * MIB)
    peers = [raw_websocket(gateway) for _ in range(2)]
    for peer in peers:
        peer.send(frame(TEXT, b" " * (700 * KIB), fin=False))
        if peer is peers[0]:
            assert ping_answered(peer)
    assert peers[1].read_close()[0] == OVERLOAD
    assert ping_answered(peers[0])


def ping_answered(peer):
    peer.send_frame(PING, b"there?")
    return peer.read_frame() == (True, PONG, b"there?")


def test_an_answer_may_come_byte_by_byte(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    peer.send_byte_by_byte(frame(TEXT, json.dumps(dict(request, status=200, data="eA==")).encode()))
    assert call.result().json()["data"] == "eA=="


def test_an_answer_may_come_in_fragments_with_pings_between_them(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    text = json.dumps(dict(request, status=200, data="eA==", note="\u00e4" * 10), ensure_ascii=False).encode()
    peer.send(frame(TEXT, b"", fin=False))
    for value in text:
        peer.send(frame(CONTINUATION, bytes([value]), fin=False) + frame(PING, b"between"))
    peer.send(frame(CONTINUATION, b""))
    assert call.result().content == text
    for _ in text:
        assert peer.read_frame() == (True, PONG, b"between")


def test_many_answers_may_come_in_one_piece(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    calls = [gateway.call_later(rpc("echo", number)) for number in range(20)]
    requests = [json.loads(peer.read_message()[1]) for _ in calls]
    answers = [dict(request, status=200, data="") for request in requests]
    peer.send(b"".join(frame(TEXT, json.dumps(answer).encode()) for answer in answers))
    assert all(call.result().json()["args"] == [number] for number, call in enumerate(calls))


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_close_is_answered_with_the_same_code(gateway, bystander, raw_websocket, code):
    peer = raw_websocket(gateway)
    peer.send_frame(CLOSE, struct.pack("!H", code) + b"bye")
    assert peer.read_close()[0] == code
    assert peer.read_to_end() == b""


def test_a_close_without_a_code_is_answered(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    peer.send_frame(CLOSE)
    assert peer.read_close()[0] in (None, 1000)
    assert peer.read_to_end() == b""


def test_nothing_after_a_close_counts(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    late = json.dumps(dict(request, status=200, data="eA==")).encode()
    peer.send(frame(CLOSE, struct.pack("!H", 1000)) + frame(TEXT, late))
    check_problem(call.result(), "service-closed")


def test_an_answer_right_before_a_close_counts(gateway, bystander, raw_websocket):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    request = json.loads(peer.read_message()[1])
    text = json.dumps(dict(request, status=200, data="eA==")).encode()
    peer.send(frame(TEXT, text) + frame(CLOSE, struct.pack("!H", 1000)))
    assert call.result().content == text


@pytest.mark.parametrize("end", ["close", "reset", "half_close"])
def test_a_connection_that_ends_inside_a_frame_is_gone_at_once(gateway, bystander, raw_websocket, end):
    peer = raw_websocket(gateway)
    call = gateway.call_later(rpc("echo"))
    assert peer.read_message()[0] == TEXT
    peer.send(frame(TEXT, b"{" * 1000)[:500])
    getattr(peer, end)()
    check_problem(call.result(), "service-closed")
    wait_until(lambda: gateway.connections() == [bystander.connection_id], "only the bystander is left")


@pytest.mark.parametrize(
    "changes",
    [{"Sec-WebSocket-Version": "8"}, {"Sec-WebSocket-Version": None}, {"Sec-WebSocket-Key": None},
     {"Sec-WebSocket-Key": "short"}, {"Connection": "keep-alive"}],
    ids=lambda changes: " ".join(map(str, *changes.items())),
)
def test_an_upgrade_that_breaks_the_protocol_is_refused(gateway, bystander, changes):
    with WebSocketPeer(gateway, headers=changes) as peer:
        assert 400 <= peer.open().status < 500


def test_frames_sent_right_behind_the_upgrade_are_read(gateway):
    with WebSocketPeer(gateway) as peer:
        assert peer.open(frame(PING, b"early")).status == 101
        assert peer.read_frame() == (True, PONG, b"early")
