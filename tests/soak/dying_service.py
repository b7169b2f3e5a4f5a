"""A service in a process of its own, to be killed. Says on stdout `joined` and the number of each call that it receives,
each before it does anything else about it."""

import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from support.raw import TEXT, WebSocketPeer  # noqa: E402


class Target:
    def __init__(self, port):
        self.address, self.authority, self.token = ("127.0.0.1", port), f"127.0.0.1:{port}", "test"

    def tls_context(self):
        return None


def say(text):
    os.write(1, (text + "\n").encode())


def main():
    peer = WebSocketPeer(Target(int(sys.argv[1])), f"/{sys.argv[2]}")
    if peer.open().status != 101:
        sys.exit("refused")
    say("joined")
    while True:
        kind, message = peer.read_message(deadline=60)
        if kind != TEXT:
            return
        request = json.loads(message)
        say(re.search(rb'"soakCall":(\d+)', message[:400]).group(1).decode())
        answer = {"cmd": "rpc", "callId": request["callId"], "status": 200, "data": "WzFd"}
        if request["callId"] % 3:
            peer.send_text(json.dumps(answer))
        else:
            # Dies in the middle of this one, or lets its caller wait.
            peer.send_text(json.dumps(dict(answer, numParts=100, partId=1, multipart=True)))


main()
