"""Chapter 5: fragments, in order and out of it."""

import pytest

from support.echo import PROTOCOL_ERROR, Message, Pong, cases, continuation, ping, pong, text
from support.raw import TEXT

TWO = [text(b"one ", fin=False), continuation(b"two ")]
WHOLE = Message(TEXT, b"one two ")


@pytest.mark.parametrize("opening", cases({"5.1": ping(b"one ", fin=False), "5.2": pong(b"one ", fin=False)}))
def test_a_control_frame_in_fragments_fails_the_connection(client, opening):
    client.at_once([opening, continuation(b"two ")])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.3": "at_once", "5.4": "frame_by_frame", "5.5": "octet_by_octet"}))
def test_a_text_in_two_fragments_comes_back_whole(client, send):
    getattr(client, send)(TWO)
    client.hears(WHOLE)
    client.closes_in_order()


@pytest.mark.parametrize("send", cases({"5.6": "at_once", "5.7": "frame_by_frame", "5.8": "octet_by_octet"}))
def test_a_ping_between_two_fragments_is_answered_before_the_message(client, send):
    getattr(client, send)([TWO[0], ping(b"between"), TWO[1]])
    client.hears(Pong(b"between"), WHOLE)
    client.closes_in_order()


@pytest.mark.parametrize(
    "is_last, send",
    cases(
        {
            "5.9": (True, "at_once"),
            "5.10": (True, "frame_by_frame"),
            "5.11": (True, "octet_by_octet"),
            "5.12": (False, "at_once"),
            "5.13": (False, "frame_by_frame"),
            "5.14": (False, "octet_by_octet"),
        }
    ),
)
def test_a_continuation_of_nothing_fails_the_connection_and_the_text_behind_it_does_not_count(client, is_last, send):
    getattr(client, send)([continuation(b"of nothing", fin=is_last), text(b"a message")])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.15": "at_once"}))
def test_a_message_before_a_continuation_of_nothing_comes_back(client, send):
    getattr(client, send)([*TWO, continuation(b"three ", fin=False), text(b"four ")])
    client.hears(WHOLE)
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("is_last", cases({"5.16": False, "5.17": True}))
def test_a_message_in_fragments_does_not_count_behind_a_continuation_of_nothing(client, is_last):
    once = [continuation(b"one ", fin=is_last), text(b"two ", fin=False), continuation(b"three ")]
    client.at_once(2 * once)
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("second", cases({"5.18": text(b"two ")}))
def test_a_second_fragment_that_begins_a_message_fails_the_connection(client, second):
    client.at_once([TWO[0], second])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.19": "at_once", "5.20": "frame_by_frame"}))
def test_a_ping_is_answered_while_the_rest_of_the_message_is_still_to_come(client, send):
    getattr(client, send)([TWO[0], continuation(b"two ", fin=False), ping(b"first")])
    client.hears(Pong(b"first"))
    getattr(client, send)(
        [
            continuation(b"three ", fin=False),
            continuation(b"four ", fin=False),
            ping(b"second"),
            continuation(b"five"),
        ]
    )
    client.hears(Pong(b"second"), Message(TEXT, b"one two three four five"))
    client.closes_in_order()
