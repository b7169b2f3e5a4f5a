"""Chapter 1: messages of one frame, with each form of length."""

import pytest

from support.echo import Message, binary, cases, text
from support.raw import BINARY, TEXT

SIZES = (0, 125, 126, 127, 128, 65535, 65536)


@pytest.mark.parametrize("size", cases({f"1.1.{number}": size for number, size in enumerate(SIZES, 1)}))
def test_a_text_comes_back(client, size):
    client.at_once([text(b"*" * size)])
    client.hears(Message(TEXT, b"*" * size))
    client.closes_in_order()


@pytest.mark.parametrize("size", cases({f"1.2.{number}": size for number, size in enumerate(SIZES, 1)}))
def test_a_binary_message_comes_back(client, size):
    client.at_once([binary(b"\xfe" * size)])
    client.hears(Message(BINARY, b"\xfe" * size))
    client.closes_in_order()


@pytest.mark.parametrize(
    "sent, kind, payload",
    cases({"1.1.8": (text, TEXT, b"*" * 65536), "1.2.8": (binary, BINARY, b"\xfe" * 65536)}),
)
def test_a_message_in_chops_of_997_octets_comes_back(client, sent, kind, payload):
    client.in_chops([sent(payload)], 997)
    client.hears(Message(kind, payload))
    client.closes_in_order()
