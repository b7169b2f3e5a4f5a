"""A service on Python's `aiohttp`. Usage: aiohttp_service.py URL HEADER FILE"""

import asyncio
import sys

import aiohttp

from answers import answers, tell


async def main(url, header, file):
    name, value = header.split(": ", 1)
    offered = []

    async def note_offer(_session, _context, sent):
        offered.append(sent.headers.get("Sec-WebSocket-Extensions", ""))

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(note_offer)
    async with aiohttp.ClientSession(headers={name: value}, trace_configs=[trace]) as session:
        # The default of max_msg_size, 4 MiB, closes the connection at the first large request.
        async with session.ws_connect(url, max_msg_size=0, compress=15) as socket:
            tell("open", offered=offered[0], accepted="permessage-deflate" if socket.compress else "")
            async for message in socket:
                for answer in answers(message.data, file):
                    await socket.send_str(answer)
            tell("close", code=socket.close_code)


asyncio.run(main(*sys.argv[1:]))
