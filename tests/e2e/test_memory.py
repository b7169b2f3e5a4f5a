"""How much memory a large answer may cost."""

import pytest

from support.gateway import BYTES, JSON, NDJSON
from support.payload import MIB, md5, payload
from support.service import rpc

SIZE = 35 * MIB
MOST = 100 * MIB


@pytest.mark.parametrize("compressible", [True, False], ids=["compressible", "random"])
@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_an_answer_of_35_mib_takes_less_than_100_mib_of_memory(gateway, serve, form, compressible):
    serve(gateway, {"payload": payload})
    response = gateway.call(rpc("payload", SIZE, compressible), form=form)
    assert response.status_code == 200
    if form == BYTES:
        assert md5(response.content) == md5(payload(SIZE, compressible))
    peak = gateway.peak_memory()
    print(f"peak memory of the gateway: {peak / MIB:.0f} MiB")
    assert peak < MOST


def test_an_upgrade_does_not_take_the_message_limit_in_advance(gateway, dial):
    for _ in range(50):
        dial(gateway)
    assert gateway.peak_memory() < 50 * MIB
