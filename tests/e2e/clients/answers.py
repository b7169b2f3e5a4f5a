"""What every service here answers, whatever library carries it, and how it tells what happens to it."""

import hashlib
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.payload import cut_parts


def tell(event, **details):
    """One line of JSON on stdout for the test."""
    print(json.dumps({"event": event, **details}), flush=True)


def answers(text, file):
    """Yields the messages that answer `text`; one that is no request is told to the test and gets none."""
    request = json.loads(text)
    if "callId" not in request:
        tell("message", text=text)
        return
    argument = request["args"][0] if request["args"] else None
    payload = {
        "echo": lambda: json.dumps(argument).encode(),
        "md5": lambda: hashlib.md5(argument.encode()).hexdigest().encode(),
        "file": lambda: Path(file).read_bytes(),
    }[request["attribute"]]()
    for part in cut_parts(request, payload):
        yield json.dumps(part)
