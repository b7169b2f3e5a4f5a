"""A remote service of the original's kind in a process of its own, so that nothing else in Python holds up its pings:
takes 14 MiB and answers with 10 MiB that don't compress. Prints a line at each pong, and ends when the connection does.

Usage: swapping_service.py URL
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.gateway import Client
from support.payload import MIB, payload
from support.service import OriginalService
from support.waiting import let_pass


def main():
    answer = payload(10 * MIB, False)
    # The client library's check of UTF-8, in Python, would itself take longer than the second that a pong may take.
    service = OriginalService(Client(sys.argv[1]), {"swap": lambda _: answer}, check_utf8=False)
    told = 0
    while service.connected:
        let_pass(0.1)
        if service.pongs > told:
            told = service.pongs
            print(f"pong {told}", flush=True)
    print(service.errors, service.closes, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
