"""Chapter 6, second part: Markus Kuhn's UTF-8 stress test, each sequence as a text of one frame."""

import pytest

from support.echo import INVALID_PAYLOAD, Message, cases, text
from support.raw import TEXT

KOSME = "κ\u1f79σμε".encode()
CHARACTER_ENDS = (2, 5, 7, 9, 11)  # in KOSME


def spaced(first, last):
    """Each of these octets with a space behind it."""
    return b"".join(bytes([octet, 0x20]) for octet in range(first, last + 1))


CUT_SHORT = [
    *("C0", "E0 80", "F0 80 80", "F8 80 80 80", "FC 80 80 80 80"),
    *("DF", "EF BF", "F7 BF BF", "FB BF BF BF", "FD BF BF BF BF"),
]

VALID = {
    5: ["$", "¢", "€", "\U00024b62"],
    7: ["\0", "\u0080", "\u0800", "\U00010000"],
    9: ["\x7f", "\u07ff", "\uffff", "\U0010ffff"],
    11: ["\ud7ff", "\ue000", "\ufffd", "\U0010ffff"],
    22: [chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF)],
    23: [chr(code) for code in range(0xFFF9, 0x10000)],
}

INVALID = {
    8: ["F8 88 80 80 80", "FC 84 80 80 80 80"],
    10: ["F7 BF BF BF", "FB BF BF BF BF", "FD BF BF BF BF BF"],
    12: [
        *("80", "BF", "80 BF", "80 BF 80", "80 BF 80 BF", "80 BF 80 BF 80", "80 BF 80 BF 80 BF"),
        bytes(range(0x80, 0xC0)).hex(),
    ],
    13: [spaced(*octets).hex() for octets in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))],
    14: CUT_SHORT,
    15: ["".join(CUT_SHORT)],
    16: ["FE", "FF", "FE FE FF FF"],
    17: ["C0 AF", "E0 80 AF", "F0 80 80 AF", "F8 80 80 80 AF", "FC 80 80 80 80 AF"],
    18: ["C1 BF", "E0 9F BF", "F0 8F BF BF", "F8 87 BF BF BF", "FC 83 BF BF BF BF"],
    19: ["C0 80", "E0 80 80", "F0 80 80 80", "F8 80 80 80 80", "FC 80 80 80 80 80"],
    20: ["ED A0 80", "ED AD BF", "ED AE 80", "ED AF BF", "ED B0 80", "ED BE 80", "ED BF BF"],
    21: [
        f"{high} {low}"
        for high in ("ED A0 80", "ED AD BF", "ED AE 80", "ED AF BF")
        for low in ("ED B0 80", "ED BF BF")
    ],
}

PREFIXES = {f"6.6.{length}": KOSME[:length] for length in range(1, len(KOSME) + 1)}

TAKEN = {
    f"6.{section}.{number}": character.encode()
    for section in VALID
    for number, character in enumerate(VALID[section], 1)
}
TAKEN.update({f"6.5.{number}": b"hello" + TAKEN[f"6.5.{number}"] + b"world" for number in range(1, 5)})
TAKEN["6.5.5"] = KOSME
TAKEN.update({case: prefix for case, prefix in PREFIXES.items() if len(prefix) in CHARACTER_ENDS})

REFUSED = {
    f"6.{section}.{number}": bytes.fromhex(octets)
    for section in INVALID
    for number, octets in enumerate(INVALID[section], 1)
}
REFUSED["6.11.5"] = bytes.fromhex("F4 90 80 80")
REFUSED.update({case: prefix for case, prefix in PREFIXES.items() if len(prefix) not in CHARACTER_ENDS})


@pytest.mark.parametrize("payload", cases(TAKEN))
def test_a_text_of_any_characters_comes_back(client, payload):
    client.at_once([text(payload)])
    client.hears(Message(TEXT, payload))
    client.closes_in_order()


@pytest.mark.parametrize("payload", cases(REFUSED))
def test_octets_that_are_no_characters_fail_the_connection(client, payload):
    client.at_once([text(payload)])
    client.hears_close(INVALID_PAYLOAD)
