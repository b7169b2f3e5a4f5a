"""A long way to a gateway: a TCP proxy that passes each piece on after a while, in order."""

import asyncio
import threading
import time

from .waiting import DEADLINE

PIECE = 64 * 1024
UNDER_WAY = 256  # pieces in one direction


class DelayingProxy:
    """Each byte takes `delay` seconds in either direction. `address` is where to dial instead of the gateway's."""

    def __init__(self, gateway, delay):
        self._gateway, self._delay = gateway, delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._forward, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)

    @property
    def authority(self):
        return f"127.0.0.1:{self.port}"

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    async def _stop(self):
        self._server.close()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(self, reader, writer):
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._gateway.address)
        except OSError:
            return writer.transport.abort()
        try:
            await asyncio.gather(
                *(step for near, far in ((reader, far_writer), (far_reader, writer)) for step in self._pass(near, far))
            )
        except OSError:
            pass  # one of the two is gone
        finally:
            writer.transport.abort()
            far_writer.transport.abort()

    def _pass(self, reader, writer):
        under_way = asyncio.Queue(UNDER_WAY)

        async def take():
            while True:
                piece = await reader.read(PIECE)
                await under_way.put((time.monotonic() + self._delay, piece))
                if not piece:
                    return

        async def give():
            while True:
                due, piece = await under_way.get()
                await asyncio.sleep(due - time.monotonic())
                if not piece:
                    return writer.close()
                writer.write(piece)
                await writer.drain()

        return take(), give()
