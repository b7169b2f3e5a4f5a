"""All kinds of peers of one gateway, opened as a test needs them and closed together at its end."""

from .events import EventStream
from .payload import KIB
from .raw import HttpCaller, WebSocketPeer
from .service import Peer

CALLS = "/v1/endpoints/wsData/requests"
EVENTS = "/v1/endpoints/wsUser/events"
SMALL_BUFFER = 4 * KIB


class Peers:
    """Opens what an overflow takes; all is closed at the test's end."""

    def __init__(self, gateway, stack):
        self.gateway, self.stack = gateway, stack

    def http(self, **options):
        return self.stack.enter_context(HttpCaller(self.gateway.address, token=self.gateway.token, **options))

    def dial(self, endpoint="wsData"):
        return self.stack.enter_context(Peer(self.gateway, endpoint))

    def websocket(self, endpoint="wsData", **options):
        return self.stack.enter_context(WebSocketPeer.joined(self.gateway, endpoint, **options))

    def events(self, path=EVENTS, **options):
        return self.stack.enter_context(EventStream(self.gateway, path, **options))
