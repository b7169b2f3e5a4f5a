"""The subprotocol `reachback.v1`: credits, cancel, timeoutMs, goaway."""

import json
import signal

import pytest
import websocket

from support.gateway import BYTES, NDJSON, TOKEN
from support.payload import MIB, cut_parts, md5, payload
from support.service import rpc
from support.waiting import DEADLINE

V1 = "reachback.v1"
UNASKED = 2
# More than kernels buffer between the gateway and a caller that does not read.
PART = 8 * MIB


@pytest.fixture
def paced(gateway, dial):
    peer = dial(gateway, subprotocols=[V1])
    assert peer.subprotocol == V1
    return peer


def credit(request, parts=1):
    return {"cmd": "credit", "callId": request["callId"], "parts": parts}


def cancel(request):
    return {"cmd": "cancel", "callId": request["callId"]}


def slow_call(raw_http, gateway, form=BYTES):
    """A caller that has asked and reads nothing unless told to."""
    caller = raw_http(gateway, receive_buffer=64 * 1024)
    caller.call(json.dumps(rpc("file")).encode(), form=form)
    return caller


def offered(gateway, endpoint, *offers, token=TOKEN):
    """The subprotocol that the gateway chooses of what a client offers. (When told of the offer, the client's library
    would refuse an answer without one.)"""
    offer = [f"Sec-WebSocket-Protocol: {', '.join(offers)}"] if offers else []
    client = websocket.create_connection(
        f"ws://{gateway.authority}/{endpoint}", timeout=DEADLINE, header=[f"Authorization: Bearer {token}", *offer]
    )
    try:
        return client.getheaders().get("sec-websocket-protocol")
    finally:
        client.shutdown()


def test_the_subprotocol_is_chosen_only_when_it_is_offered_and_only_for_services(gateway):
    assert offered(gateway, "wsData", V1) == V1
    assert offered(gateway, "wsSubject", "mqtt", V1) == V1
    assert offered(gateway, "wsData") is None
    assert offered(gateway, "wsData", "mqtt", "reachback.v2") is None
    assert offered(gateway, "wsUser", V1) is None
    assert offered(gateway, "wsData", V1, token="wrong") == V1, "else its library would not let it read why it is refused"


def test_a_request_says_how_long_each_part_may_take(gateway, paced):
    call = gateway.call_later(rpc("echo"), timeout=12.5)
    request = paced.answer_next()
    assert request["timeoutMs"] == 12500
    assert call.result().status_code == 200
    call = gateway.call_later(rpc("echo"))
    assert paced.answer_next()["timeoutMs"] == 60000
    assert call.result().status_code == 200


def test_a_service_that_did_not_ask_hears_of_none_of_it(gateway, dial, raw_http):
    peer = dial(gateway)
    assert peer.subprotocol is None
    caller = slow_call(raw_http, gateway, form=NDJSON)
    request = peer.receive_request()
    assert "timeoutMs" not in request
    for part in list(cut_parts(request, payload(10, False), part_size=1))[:5]:
        peer.send(part)
    assert caller.read_head().status == 200
    caller.close()
    gateway.wait_in_flight(0)
    peer.ping()


def test_a_service_may_send_two_parts_and_one_more_for_each_that_the_caller_takes(gateway, paced, raw_http):
    data = payload(6 * PART, False)
    caller = slow_call(raw_http, gateway)
    request = paced.receive_request()
    parts = cut_parts(request, data, part_size=PART, compress=False)
    for _ in range(UNASKED):
        paced.send(next(parts))
    paced.ping()  # nothing but the pong comes
    assert caller.read_head().status == 200
    received = b""
    for taken, part in enumerate(parts, start=1):
        while len(received) < taken * PART:
            received += caller.read_piece()
        assert paced.receive_request() == credit(request)
        paced.ping()
        paced.send(part)
    received += caller.read_body()
    assert md5(received) == md5(data)
    paced.ping()  # the last parts were covered: no credit comes for them
    assert gateway.peak_memory() < 100 * MIB


def test_more_parts_than_allowed_end_their_call_and_no_other(gateway, paced, raw_http):
    caller = slow_call(raw_http, gateway)
    request = paced.receive_request()
    other = gateway.call_later(rpc("echo"))
    other_request = paced.receive_request()
    for part in list(cut_parts(request, payload(9 * PART, False), part_size=PART, compress=False))[:UNASKED + 1]:
        paced.send(part)
    assert paced.receive_request() == cancel(request)
    paced.answer(other_request, b"fine")
    assert other.result().status_code == 200
    assert caller.read_head().status == 200
    with pytest.raises(Exception):
        caller.read_body()
    gateway.wait_outcome("bad-answer", 1)
    assert gateway.connections() == [paced.connection_id]


def test_parts_in_the_wrong_order_do_not_stand_still(gateway, paced):
    data = payload(7, False)
    call = gateway.call_later(rpc("file"), form=BYTES)
    request = paced.receive_request()
    allowed = UNASKED
    for part in reversed(list(cut_parts(request, data, part_size=1))):
        if allowed == 0:
            # Credits that wait together come as one.
            granted = paced.receive_request()
            assert granted == credit(request, granted["parts"])
            allowed += granted["parts"]
        paced.send(part)
        allowed -= 1
    assert call.result().content == data


def test_a_service_hears_that_its_caller_hung_up(gateway, paced, raw_http):
    caller = slow_call(raw_http, gateway)
    request = paced.receive_request()
    caller.close()
    assert paced.receive_request() == cancel(request)


def test_a_service_hears_that_the_time_ran_out(gateway, paced):
    call = gateway.call_later(rpc("echo"), timeout=0.2)
    request = paced.receive_request()
    assert request["timeoutMs"] == 200
    assert paced.receive_request() == cancel(request)
    assert call.result().status_code == 504


def test_an_answer_that_ends_well_is_not_cancelled(gateway, paced):
    call = gateway.call_later(rpc("echo"))
    paced.answer_next()
    assert call.result().status_code == 200
    paced.ping()


def test_before_a_drain_a_service_hears_goaway_and_may_end_its_answers(gateway, paced):
    call = gateway.call_later(rpc("echo"))
    request = paced.receive_request()
    gateway.signal(signal.SIGTERM)
    assert paced.receive_request() == {"cmd": "goaway"}
    paced.answer(request, b"in time")
    assert call.result().status_code == 200
    assert gateway.wait_exit() == 0
