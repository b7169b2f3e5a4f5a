"""Chapter 10: a text that its sender cuts into fragments of one size."""

import pytest

from support.echo import Message, cases, fragmented, text_of
from support.raw import TEXT


@pytest.mark.parametrize("size", cases({"10.1.1": 1300}))
def test_a_text_in_fragments_of_1300_octets_comes_back(client, size):
    frames = fragmented(TEXT, text_of(65536), size)
    assert len(frames) == 51
    client.at_once(frames)
    client.hears(Message(TEXT, text_of(65536)))
    client.closes_in_order()
