"""Chapter 4: opcodes that nobody has given a meaning fail the connection."""

import pytest

from support.echo import PROTOCOL_ERROR, Message, cases, ping, text
from support.raw import TEXT, frame

SHORT = b"a short text"


@pytest.mark.parametrize(
    "opcode, payload",
    cases(
        {
            "4.1.1": (3, b""),
            "4.1.2": (4, SHORT),
            "4.2.1": (11, b""),
            "4.2.2": (12, SHORT),
        }
    ),
)
def test_a_first_frame_with_a_reserved_opcode_fails_the_connection(client, opcode, payload):
    client.at_once([frame(opcode, payload)])
    client.hears_close(PROTOCOL_ERROR)


@pytest.mark.parametrize(
    "opcode, payload, send",
    cases(
        {
            "4.1.3": (5, b"", "at_once"),
            "4.1.4": (6, SHORT, "at_once"),
            "4.1.5": (7, SHORT, "octet_by_octet"),
            "4.2.3": (13, b"", "at_once"),
            "4.2.4": (14, SHORT, "at_once"),
            "4.2.5": (15, SHORT, "octet_by_octet"),
        }
    ),
)
def test_a_message_before_a_reserved_opcode_comes_back_and_a_ping_behind_it_is_not_answered(
    client, opcode, payload, send
):
    getattr(client, send)([text(SHORT), frame(opcode, payload), ping()])
    client.hears(Message(TEXT, SHORT))
    client.hears_close(PROTOCOL_ERROR)
