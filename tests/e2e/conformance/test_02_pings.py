"""Chapter 2: pings and pongs."""

import pytest

from support.echo import NORMAL, PROTOCOL_ERROR, Pong, cases, close, octets_of, ping, pong

TEN = [b"ping %d" % number for number in range(10)]


@pytest.mark.parametrize(
    "payload",
    cases({"2.1": b"", "2.2": b"a short text", "2.3": octets_of(8), "2.4": octets_of(125)}),
)
def test_a_ping_is_answered_with_its_payload(client, payload):
    client.at_once([ping(payload)])
    client.hears(Pong(payload))
    client.closes_in_order()


@pytest.mark.parametrize("size", cases({"2.5": 126}))
def test_a_ping_of_126_octets_fails_the_connection(client, size):
    client.at_once([ping(octets_of(size))])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("size", cases({"2.6": 125}))
def test_a_ping_may_come_octet_by_octet(client, size):
    client.octet_by_octet([ping(octets_of(size))])
    client.hears(Pong(octets_of(size)))
    client.closes_in_order()


@pytest.mark.parametrize("payload", cases({"2.7": b"", "2.8": b"nobody asked"}))
def test_a_pong_that_nobody_asked_for_is_passed_over(client, payload):
    client.at_once([pong(payload), close(NORMAL)])
    client.hears_close(NORMAL)


@pytest.mark.parametrize("payload", cases({"2.9": b"are you there?"}))
def test_a_ping_behind_a_pong_that_nobody_asked_for_is_answered(client, payload):
    client.at_once([pong(b"nobody asked"), ping(payload)])
    client.hears(Pong(payload))
    client.closes_in_order()


@pytest.mark.parametrize("send", cases({"2.10": "at_once", "2.11": "octet_by_octet"}))
def test_each_of_ten_pings_is_answered_in_its_turn(client, send):
    getattr(client, send)([ping(payload) for payload in TEN])
    client.hears(*map(Pong, TEN))
    client.closes_in_order()
