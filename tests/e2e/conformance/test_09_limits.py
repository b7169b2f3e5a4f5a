"""Chapter 9: big messages, many fragments, small pieces, many round trips."""

import pytest

from support.echo import Message, binary, cases, fragmented, octets_of, text, text_of
from support.payload import KIB, MIB
from support.raw import BINARY, TEXT

SIZES = (64 * KIB, 256 * KIB, 1 * MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENTS = (64, 256, 1 * KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1 * MIB, 4 * MIB)
CHOPS = (64, 128, 256, 512, 1024, 2048)
ROUND_TRIPS = 1000
SMALL_SIZES = (0, 16, 64, 256, 1024, 4096)


def numbered(section, values):
    return cases({f"9.{section}.{number}": value for number, value in enumerate(values, 1)})


@pytest.mark.parametrize("size", numbered(1, SIZES))
def test_a_big_text_comes_back(client, size):
    client.at_once([text(text_of(size))])
    client.hears(Message(TEXT, text_of(size)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(2, SIZES))
def test_a_big_binary_message_comes_back(client, size):
    client.at_once([binary(octets_of(size))])
    client.hears(Message(BINARY, octets_of(size)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(3, FRAGMENTS))
def test_a_text_of_4_mib_comes_back_whatever_its_fragments_are(client, size):
    client.at_once(fragmented(TEXT, text_of(4 * MIB), size))
    client.hears(Message(TEXT, text_of(4 * MIB)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(4, FRAGMENTS))
def test_a_binary_message_of_4_mib_comes_back_whatever_its_fragments_are(client, size):
    client.at_once(fragmented(BINARY, octets_of(4 * MIB), size))
    client.hears(Message(BINARY, octets_of(4 * MIB)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(5, CHOPS))
def test_a_text_of_1_mib_comes_back_whatever_its_pieces_are(client, size):
    client.in_chops([text(text_of(1 * MIB))], size)
    client.hears(Message(TEXT, text_of(1 * MIB)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(6, CHOPS))
def test_a_binary_message_of_1_mib_comes_back_whatever_its_pieces_are(client, size):
    client.in_chops([binary(octets_of(1 * MIB))], size)
    client.hears(Message(BINARY, octets_of(1 * MIB)))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(7, SMALL_SIZES))
def test_a_thousand_texts_come_back_one_after_the_other(client, size):
    payload = text_of(size)
    for _ in range(ROUND_TRIPS):
        client.at_once([text(payload)])
        client.hears(Message(TEXT, payload))
    client.closes_in_order()


@pytest.mark.parametrize("size", numbered(8, SMALL_SIZES))
def test_a_thousand_binary_messages_come_back_one_after_the_other(client, size):
    payload = octets_of(size)
    for _ in range(ROUND_TRIPS):
        client.at_once([binary(payload)])
        client.hears(Message(BINARY, payload))
    client.closes_in_order()
