"""What all ingredients of the soak share."""

import asyncio
import base64
import hashlib
import json
import re
from collections import Counter, defaultdict

import aiohttp

from ledger import Ledger

BEARER = "Authorization: Bearer test"
_CALL = re.compile(rb'"soakCall":(\d+)')


class World:
    def __init__(self, gateway, files, chance):
        self.address = gateway.address
        self.url = gateway.url
        self.files = files
        self.chance = chance
        self.ledger = Ledger()
        self.happened = Counter()  # what the log and the metrics are held against, by kind
        self.session = None
        self.winding_up = asyncio.Event()  # nothing new begins: who only waits may end
        self.stopping = asyncio.Event()  # all calls have ended: services may go
        self.received_bytes = 0
        self.last_lied_to = None
        self.flooded = defaultdict(asyncio.Event)  # by call: its service has sent all of the flood
        self._receipts = {}

    def open_session(self):
        """Callers share connections that are kept alive."""
        self.session = aiohttp.ClientSession(
            self.url, headers={"Authorization": "Bearer test"}, connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=None, sock_read=400), auto_decompress=False,
        )

    async def wait_served(self, endpoints):
        """Waits until each of these endpoints has a service."""
        for endpoint in endpoints:
            async with asyncio.timeout(120):
                while not await self._connections(endpoint):
                    await asyncio.sleep(0.05)

    async def _connections(self, endpoint):
        async with self.session.get(f"/v1/endpoints/{endpoint}") as response:
            return len((await response.json())["connections"])

    def note_request(self, message):
        """A service received this request; gives the request as an object, without reading a big one whole."""
        number = int(_CALL.search(message, 0, 400).group(1))
        self.note_receipt(number)
        request = json.loads(message) if len(message) < 10_000 else {}
        request["callId"] = int(re.search(rb'"callId":(\d+)', message[:400]).group(1))
        return request

    def note_receipt(self, number):
        self.ledger.received(number)
        if number in self._receipts:
            self._receipts[number].set()

    async def wait_received(self, number, seconds):
        """True as soon as a service has the call; False when none has within `seconds`."""
        if self.ledger.was_received(number):
            return True
        event = self._receipts.setdefault(number, asyncio.Event())
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
            return True
        except TimeoutError:
            return False
        finally:
            self._receipts.pop(number, None)


def request_body(number, attribute, *args, padding=0):
    """A call's body. `soakCall` stands first, so that services find it without reading all."""
    body = {"soakCall": number, "cmd": "rpc", "class": "DataInterface", "attribute": attribute, "args": list(args)}
    if padding:
        body["padding"] = "x" * padding
    return json.dumps(body, separators=(",", ":")).encode()


def small_answer(call_id, payload, **changes):
    """A complete answer in one part, as bytes."""
    part = {"cmd": "rpc", "callId": call_id, "status": 200, "dataSerialization": "json", "numParts": 1, "partId": 1,
            "hash": hashlib.md5(payload).hexdigest(), "dataSize": len(payload), "data": base64.b64encode(payload).decode()}
    part.update(changes)
    return json.dumps({key: value for key, value in part.items() if value is not None}).encode()
