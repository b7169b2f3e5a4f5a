"""Messages to all, messages from clients, and those who watch."""

import asyncio
import json
import re

from sockets import BINARY, UNREAD, WebSocket, open_stream
from world import BEARER

ENDPOINT = "wsUser"


async def publisher(world):
    """Posts numbered messages, one after the other, until the soak stops."""
    number = 0
    while not world.stopping.is_set():
        number += 1
        binary = number % 10 == 0
        body = b"%d:" % number + b"x" * (256_000 if binary else world.chance.randrange(2000))
        kind = "application/octet-stream" if binary else "text/plain"
        async with world.session.post(f"/v1/endpoints/{ENDPOINT}/messages", data=body, headers={"Content-Type": kind}) as r:
            text = await r.text()
            if r.status != 200:
                world.ledger.fault(f"a message was refused: {r.status} {text}")
            else:
                count = json.loads(text)
                world.happened["broadcast delivered"] += count["delivered"]
                world.happened["broadcast dropped"] += count.get("dropped", 0)
        await asyncio.sleep(0.05)


async def subscriber(world):
    """Reads everything for a while; nothing may be missing or come out of order. Says something now and then."""
    socket = await WebSocket.dial(world.address, f"/{ENDPOINT}", BEARER)
    world.happened["joined " + ENDPOINT] += 1
    talking = asyncio.create_task(_talk(world, socket))
    last = None
    try:
        async with asyncio.timeout(world.chance.uniform(3, 20)):
            while (message := await socket.read()) is not None:
                number = int(message[:message.index(b":")])
                if last is not None and number != last + 1:
                    world.ledger.fault(f"a subscriber got message {number} behind {last}")
                last = number
                world.happened["broadcast read"] += 1
            world.ledger.fault(f"a subscriber that reads was cut off, close code {socket.last_close}")
    except TimeoutError:
        pass
    talking.cancel()
    await asyncio.gather(talking, return_exceptions=True)
    await socket.leave() if world.chance.random() < 0.5 else socket.reset()


async def _talk(world, socket):
    for number in range(1, 10_000):
        text = b"%d:" % number
        if world.chance.random() < 0.05:
            # More than an event subscriber who does not read may fall behind by.
            text += b"y" * 600_000
        socket.send_text(text)
        await socket.flush()
        await asyncio.sleep(0.3)


async def slow_subscriber(world):
    """Reads nothing; the gateway closes it when it is too far behind, or the soak ends it."""
    socket = await WebSocket.dial(world.address, f"/{ENDPOINT}", BEARER, receive_buffer=16384)
    world.happened["joined " + ENDPOINT] += 1
    world.happened["slow subscriber"] += 1
    await asyncio.sleep(world.chance.uniform(5, 25))
    socket.reset()


async def _open_events(world, path, **options):
    reader, writer = await open_stream(world.address, **options)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\n{BEARER}\r\nAccept: text/event-stream\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        world.ledger.fault(f"an event stream was refused: {head[:100]}")
    return reader, writer


async def watcher(world):
    """Reads an event stream for a while: what each client says comes in order, and nothing is left out. May be cut off as
    too slow when this loop was busy for long."""
    reader, writer = await _open_events(world, f"/v1/endpoints/{ENDPOINT}/events")
    last = {}
    # Chunks of the body may cut lines anywhere; the little that is looked for stands together in one event.
    seen = b""
    try:
        async with asyncio.timeout(world.chance.uniform(3, 15)):
            while piece := await reader.read(1 << 16):
                seen += piece
                while (end := seen.find(b"\n\n")) >= 0:
                    _note_event(world, seen[:end], last)
                    seen = seen[end + 2:]
    except TimeoutError:
        pass
    writer.transport.abort()


_SAID = re.compile(rb'"connection":(\d+),"text":"(\d+):')


def _note_event(world, event, last):
    if b"event: message" not in event:
        return
    said = _SAID.search(event)
    if not said:
        return  # a chunk's border cuts it
    connection, number = map(int, said.groups())
    if connection in last and number <= last[connection]:
        world.ledger.fault(f"an event stream had message {number} of connection {connection} behind {last[connection]}")
    last[connection] = number
    world.happened["event read"] += 1


async def slow_watcher(world):
    """Reads nothing of all events until it is cut off, or the soak ends it."""
    _, writer = await _open_events(world, world.chance.choice(("/v1/events", f"/v1/endpoints/{ENDPOINT}/events")),
                                   receive_buffer=16384)
    writer.transport.pause_reading()
    await asyncio.sleep(world.chance.uniform(3, 20))
    world.happened["slow watcher"] += 1
    writer.transport.abort()


async def storm(world):
    """A crowd that joins at once and goes at once: in order, by reset, or closed by an operator."""
    name = "crowd"
    members = await asyncio.gather(*(_join_crowd(world, name) for _ in range(world.chance.randrange(50, 150))))
    end = world.chance.choice(("leave", "reset", "DELETE"))
    if end == "DELETE":
        await _delete_all(world, name, members)
    for _, reading in members:
        reading.cancel()
    await asyncio.gather(*(reading for _, reading in members), return_exceptions=True)
    if end == "leave":
        await asyncio.gather(*(socket.leave() for socket, _ in members))
    for socket, _ in members:
        socket.reset()
    world.happened["storm"] += 1


async def _join_crowd(world, name):
    """A connection, and the task that answers its pings from now on: the crowd may take long to be complete."""
    socket = await WebSocket.dial(world.address, f"/{name}", BEARER)
    world.happened["joined " + name] += 1

    async def read_all():
        while await socket.read() is not None:
            pass

    return socket, asyncio.create_task(read_all())


async def _delete_all(world, name, members):
    async with world.session.delete(f"/v1/endpoints/{name}/connections") as response:
        closed = (await response.json())["closed"]
    if response.status != 200 or closed < len(members):
        world.ledger.fault(f"DELETE closed {closed} of {len(members)} connections: {response.status}")
    for socket, reading in members:
        await reading
        if socket.last_close not in (4000, UNREAD):
            world.ledger.fault(f"a connection that an operator closed got the close code {socket.last_close}")


async def shouting_to_nobody(world):
    """A binary message of a client on the crowd's endpoint, and a look at the lists."""
    socket = await WebSocket.dial(world.address, "/crowd", BEARER)
    world.happened["joined crowd"] += 1
    socket.send_text(b"\x00\xff", opcode=BINARY)
    for path in ("/v1/endpoints", "/v1/endpoints/crowd", "/metrics", "/livez"):
        async with world.session.get(path) as response:
            await response.read()
            if response.status != 200:
                world.ledger.fault(f"{path} was answered with {response.status}")
    await socket.leave()
