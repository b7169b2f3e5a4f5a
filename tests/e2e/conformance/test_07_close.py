"""Chapter 7: the closing handshake."""

import pytest

from support.echo import (
    INVALID_PAYLOAD,
    NORMAL,
    PROTOCOL_ERROR,
    Message,
    cases,
    close,
    continuation,
    ping,
    text,
    text_of,
)
from support.raw import CLOSE, TEXT, frame

SHORT = b"a short text"
VALID = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)


@pytest.mark.parametrize("payload", cases({"7.1.1": SHORT}))
def test_a_close_behind_a_message_is_answered(client, payload):
    client.at_once([text(payload)])
    client.hears(Message(TEXT, payload))
    client.closes_in_order()


@pytest.mark.parametrize(
    "frames",
    cases(
        {
            "7.1.2": [close(NORMAL), close()],
            "7.1.3": [close(NORMAL), ping()],
            "7.1.4": [close(NORMAL), text(SHORT)],
            "7.1.5": [text(b"one ", fin=False), close(NORMAL), continuation(b"two")],
        }
    ),
)
def test_nothing_behind_a_close_counts(client, frames):
    client.at_once(frames)
    client.hears_close(NORMAL)


@pytest.mark.parametrize("size", cases({"7.1.6": 256 * 1024}))
def test_a_close_may_overtake_the_echo_of_a_big_message_but_is_answered_in_order(client, size):
    """The published case leaves open how much of the echoes goes out."""
    client.at_once([text(text_of(size)), text(SHORT), close(NORMAL), ping()])
    assert (text_of(size) + SHORT).startswith(client.hears_payload_until_close())
    client.hears_close(NORMAL)


@pytest.mark.parametrize("sent", cases({"7.3.1": close()}))
def test_a_close_that_says_nothing_is_answered(client, sent):
    client.at_once([sent])
    client.hears_close(None, NORMAL)


@pytest.mark.parametrize(
    "sent",
    cases({"7.3.3": close(NORMAL), "7.3.4": close(NORMAL, SHORT), "7.3.5": close(NORMAL, b"*" * 123)}),
)
def test_a_close_is_answered_with_its_code_whatever_its_reason(client, sent):
    client.at_once([sent])
    client.hears_close(NORMAL)


@pytest.mark.parametrize("sent", cases({"7.3.2": frame(CLOSE, b"a"), "7.3.6": close(NORMAL, b"*" * 124)}))
def test_a_close_of_a_wrong_length_fails_the_connection(client, sent):
    client.at_once([sent])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("reason", cases({"7.5.1": "κ\u1f79σμε".encode() + b"\xed\xa0\x80 and more"}))
def test_a_reason_that_is_not_utf8_fails_the_connection(client, reason):
    client.at_once([close(NORMAL, reason)])
    client.hears_close(PROTOCOL_ERROR, INVALID_PAYLOAD)


@pytest.mark.parametrize("code", cases({f"7.7.{number}": code for number, code in enumerate(VALID, 1)}))
def test_a_code_that_may_be_sent_comes_back(client, code):
    client.closes_in_order(code)


@pytest.mark.parametrize("code", cases({f"7.9.{number}": code for number, code in enumerate(INVALID, 1)}))
def test_a_code_that_may_not_be_sent_fails_the_connection(client, code):
    client.at_once([close(code)])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("code", cases({"7.13.1": 5000, "7.13.2": 65535}))
def test_a_code_beyond_all_ranges_fails_the_connection(client, code):
    """The published cases leave the outcome open."""
    client.at_once([close(code)])
    client.hears_close(PROTOCOL_ERROR)
