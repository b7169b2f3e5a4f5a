"""A service on Python's `websockets`. Usage: websockets_service.py URL HEADER FILE"""

import asyncio
import sys

import websockets

from answers import answers, tell


async def main(url, header, file):
    name, value = header.split(": ", 1)
    # The default of max_size, 1 MiB, closes the connection at the first large request.
    async with websockets.connect(url, extra_headers={name: value}, max_size=None) as socket:
        both = socket.request_headers, socket.response_headers
        offered, accepted = (headers.get("Sec-WebSocket-Extensions", "") for headers in both)
        tell("open", offered=offered, accepted=accepted)
        try:
            while True:
                for answer in answers(await socket.recv(), file):
                    await socket.send(answer)
        except websockets.ConnectionClosed as end:
            tell("close", code=end.rcvd.code if end.rcvd else None)


asyncio.run(main(*sys.argv[1:]))
