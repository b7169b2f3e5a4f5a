"""Chapter 3: reserved bits mean nothing without an extension, so each of them fails the connection."""

import pytest

from support.echo import PROTOCOL_ERROR, Message, binary, cases, close, octets_of, ping, text
from support.raw import TEXT

SHORT = b"a short text"


@pytest.mark.parametrize(
    "sent",
    cases(
        {
            "3.1": text(SHORT, rsv=1),
            "3.5": binary(octets_of(8), rsv=5),
            "3.6": ping(SHORT, rsv=6),
            "3.7": close(rsv=7),
        }
    ),
)
def test_a_first_frame_with_reserved_bits_fails_the_connection(client, sent):
    client.at_once([sent])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize(
    "bits, send", cases({"3.2": (2, "at_once"), "3.3": (3, "frame_by_frame"), "3.4": (4, "octet_by_octet")})
)
def test_a_message_before_a_frame_with_reserved_bits_comes_back_and_a_ping_behind_it_is_not_answered(
    client, bits, send
):
    getattr(client, send)([text(SHORT), text(SHORT, rsv=bits), ping()])
    client.hears(Message(TEXT, SHORT))
    client.hears_close(PROTOCOL_ERROR)
