"""Chapter 6, first part: texts in fragments, and how soon a text that is none is found."""

import pytest

from support.echo import INVALID_PAYLOAD, Message, cases, continuation, fragmented, text
from support.raw import TEXT

FRENCH = "naïve façade, déjà vu: 5 €".encode()
KOSME = "κ\u1f79σμε".encode()
SURROGATE = KOSME + b"\xed\xa0\x80" + b"and more"
TOO_HIGH = KOSME + b"\xf4\x90\x80\x80" + b"and more"  # U+110000: wrong from its second octet on
A_SILENCE = 0.2


@pytest.mark.parametrize(
    "frames, payload",
    cases(
        {
            "6.1.1": ([text(b"")], b""),
            "6.1.2": ([text(b"", fin=False), continuation(b"", fin=False), continuation(b"")], b""),
            "6.1.3": ([text(b"", fin=False), continuation(b"middle", fin=False), continuation(b"")], b"middle"),
        }
    ),
)
def test_fragments_may_be_empty(client, frames, payload):
    client.at_once(frames)
    client.hears(Message(TEXT, payload))
    client.closes_in_order()


@pytest.mark.parametrize(
    "frames, payload",
    cases(
        {
            "6.2.1": ([text(FRENCH)], FRENCH),
            "6.2.2": ([text(FRENCH[:11], fin=False), continuation(FRENCH[11:])], FRENCH),
            "6.2.3": (fragmented(TEXT, FRENCH, 1), FRENCH),
            "6.2.4": (fragmented(TEXT, KOSME, 1), KOSME),
        }
    ),
)
def test_characters_may_be_cut_by_fragments(client, frames, payload):
    client.at_once(frames)
    client.hears(Message(TEXT, payload))
    client.closes_in_order()


@pytest.mark.parametrize("frames", cases({"6.3.1": [text(SURROGATE)], "6.3.2": fragmented(TEXT, SURROGATE, 1)}))
def test_a_text_that_is_not_utf8_fails_the_connection(client, frames):
    client.at_once(frames)
    client.hears_close(INVALID_PAYLOAD)


# From here on the rest of the message is never sent, so that nothing but the octets that were sent can fail it.


@pytest.mark.parametrize(
    "right, wrong",
    cases({"6.4.1": (KOSME, TOO_HIGH[11:15]), "6.4.2": (TOO_HIGH[:12], TOO_HIGH[12:13])}),
)
def test_a_fragment_that_cannot_become_utf8_fails_the_connection_before_the_next_one(client, right, wrong):
    client.at_once([text(right, fin=False)])
    assert client.hears_nothing_for(A_SILENCE)
    client.at_once([continuation(wrong, fin=False)])
    client.hears_close(INVALID_PAYLOAD)


@pytest.mark.parametrize("right, wrong_to", cases({"6.4.3": (11, 15), "6.4.4": (12, 13)}))
def test_an_octet_that_cannot_become_utf8_fails_the_connection_inside_its_frame(client, right, wrong_to):
    whole = text(TOO_HIGH)
    payload_at = len(whole) - len(TOO_HIGH)
    client.send(whole[: payload_at + right])
    assert client.hears_nothing_for(A_SILENCE)
    client.send(whole[payload_at + right : payload_at + wrong_to])
    client.hears_close(INVALID_PAYLOAD)
