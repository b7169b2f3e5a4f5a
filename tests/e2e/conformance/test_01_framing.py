"""Chapter 1: messages of one frame, with each form of length."""

import pytest

from support.echo import Message, binary, cases, octets_of, text, text_of
from support.raw import BINARY, TEXT

SIZES = (0, 125, 126, 127, 128, 65535, 65536)


@pytest.mark.parametrize("size", cases({f"1.1.{number}": size for number, size in enumerate(SIZES, 1)}))
def test_a_text_comes_back(client, size):
    client.at_once([text(text_of(size))])
    client.hears(Message(TEXT, text_of(size)))
    client.closes_in_order()


@pytest.mark.parametrize("size", cases({f"1.2.{number}": size for number, size in enumerate(SIZES, 1)}))
def test_a_binary_message_comes_back(client, size):
    client.at_once([binary(octets_of(size))])
    client.hears(Message(BINARY, octets_of(size)))
    client.closes_in_order()


@pytest.mark.parametrize(
    "sent, kind, payload",
    cases({"1.1.8": (text, TEXT, text_of(65536)), "1.2.8": (binary, BINARY, octets_of(65536))}),
)
def test_a_message_in_chops_of_997_octets_comes_back(client, sent, kind, payload):
    client.in_chops([sent(payload)], 997)
    client.hears(Message(kind, payload))
    client.closes_in_order()
