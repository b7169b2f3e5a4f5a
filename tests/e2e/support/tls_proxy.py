"""A proxy that ends TLS in front of a gateway, as an operator would put one there."""

import asyncio
import ssl
import threading

from .waiting import DEADLINE

PIECE = 64 * 1024


def server_context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    return context


def abort(writer):
    # What is closed already cannot be aborted.
    if not writer.is_closing():
        writer.transport.abort()


class TlsProxy:
    """Forwards bytes between TLS clients and a gateway, on a thread of its own. `port` 0: one that is free."""

    def __init__(self, gateway, context, port=0):
        self._address, self._context = gateway.address, context
        self._clients = {}  # the task that forwards, and the client's end
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server = self._run(asyncio.start_server(self._forward, "127.0.0.1", port, ssl=context))
        self.port = self._server.sockets[0].getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def kill(self):
        """Ends at once, without a word to anybody."""
        if self._thread.is_alive():
            self._run(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DEADLINE)

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(DEADLINE)

    async def _stop(self):
        self._server.close()
        for task, writer in self._clients.items():
            abort(writer)
            task.cancel()
        await asyncio.gather(*self._clients, return_exceptions=True)

    async def _forward(self, reader, writer):
        task = asyncio.current_task()
        self._clients[task] = writer
        inner = None
        try:
            inner_reader, inner = await asyncio.open_connection(*self._address)
            await asyncio.gather(self._pump(reader, inner), self._pump(inner_reader, writer))
        except OSError:
            pass  # one of the two is gone
        finally:
            abort(writer)
            if inner is not None:
                abort(inner)
            del self._clients[task]

    async def _pump(self, reader, writer):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
        writer.close()
