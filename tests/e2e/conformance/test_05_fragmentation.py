"""Chapter 5: fragments, in order and out of it."""

import pytest

from support.echo import PROTOCOL_ERROR, Message, Pong, cases, continuation, ping, pong, text
from support.raw import TEXT

TWO = [text(b"fragment1", fin=False), continuation(b"fragment2")]
WHOLE = Message(TEXT, b"fragment1fragment2")


@pytest.mark.parametrize("opening", cases({"5.1": ping(b"fragment1", fin=False), "5.2": pong(b"fragment1", fin=False)}))
def test_a_control_frame_in_fragments_fails_the_connection(client, opening):
    client.at_once([opening, continuation(b"fragment2")])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.3": "at_once", "5.4": "frame_by_frame", "5.5": "octet_by_octet"}))
def test_a_text_in_two_fragments_comes_back_whole(client, send):
    getattr(client, send)(TWO)
    client.hears(WHOLE)
    client.closes_in_order()


@pytest.mark.parametrize("send", cases({"5.6": "at_once", "5.7": "frame_by_frame", "5.8": "octet_by_octet"}))
def test_a_ping_between_two_fragments_is_answered_before_the_message(client, send):
    getattr(client, send)([TWO[0], ping(b"ping payload"), TWO[1]])
    client.hears(Pong(b"ping payload"), WHOLE)
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
    getattr(client, send)([continuation(b"non-continuation payload", fin=is_last), text(b"Hello, world!")])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.15": "at_once"}))
def test_a_message_before_a_continuation_of_nothing_comes_back(client, send):
    getattr(client, send)([*TWO, continuation(b"fragment3", fin=False), text(b"fragment4")])
    client.hears(WHOLE)
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("is_last", cases({"5.16": False, "5.17": True}))
def test_a_message_in_fragments_does_not_count_behind_a_continuation_of_nothing(client, is_last):
    once = [continuation(b"fragment1", fin=is_last), text(b"fragment2", fin=False), continuation(b"fragment3")]
    client.at_once(2 * once)
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("second", cases({"5.18": text(b"fragment2")}))
def test_a_second_fragment_that_begins_a_message_fails_the_connection(client, second):
    client.at_once([TWO[0], second])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize("send", cases({"5.19": "at_once", "5.20": "frame_by_frame"}))
def test_a_ping_is_answered_while_the_rest_of_the_message_is_still_to_come(client, send):
    getattr(client, send)([TWO[0], continuation(b"fragment2", fin=False), ping(b"pongme 1!")])
    client.hears(Pong(b"pongme 1!"))
    getattr(client, send)(
        [
            continuation(b"fragment3", fin=False),
            continuation(b"fragment4", fin=False),
            ping(b"pongme 2!"),
            continuation(b"fragment5"),
        ]
    )
    client.hears(Pong(b"pongme 2!"), Message(TEXT, b"fragment1fragment2fragment3fragment4fragment5"))
    client.closes_in_order()
