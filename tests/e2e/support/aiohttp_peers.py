"""Remote services and callers made with aiohttp: many of them on one thread."""

import asyncio
import json
import threading

import aiohttp

from .payload import cut_parts
from .service import rpc
from .waiting import DEADLINE


class AiohttpPeers:
    """Speaks with `gateway` over https. Its services take the original's log-in steps once, answer `echo` with its
    argument, and dial in again whenever they are cut off."""

    def __init__(self, gateway, user, password):
        self._gateway, self._account = gateway, {"name": user, "password": password}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._services = []
        self._caller = self._run(self._new_session({"Authorization": f"Bearer {gateway.token}"}))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)

    def _run(self, coroutine, deadline=4 * DEADLINE):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(deadline)

    async def _end(self):
        for service in self._services:
            service.cancel()
        ends = await asyncio.gather(*self._services, return_exceptions=True)
        await self._caller.close()
        for end in ends:
            if not isinstance(end, asyncio.CancelledError):
                raise end

    async def _new_session(self, headers=None):
        return aiohttp.ClientSession(
            self._gateway.url, headers=headers, connector=aiohttp.TCPConnector(ssl=self._gateway.tls_context()),
            cookie_jar=aiohttp.CookieJar(unsafe=True),  # also for addresses instead of names
        )

    def serve(self, endpoint):
        """Starts a service that stays on `endpoint`; it may join only after this returned."""
        self._services.append(self._run(self._start(endpoint)))

    async def _start(self, endpoint):
        return asyncio.ensure_future(self._stay(endpoint))

    async def _stay(self, endpoint):
        async with await self._new_session() as session:
            await self._log_in(session)
            while True:
                try:
                    await self._answer_all(session, endpoint)
                except (aiohttp.ClientError, OSError):
                    pass  # nobody is there at the moment
                await asyncio.sleep(0.1)

    async def _log_in(self, session):
        async with session.get("/login") as page:
            assert page.status == 200
        xsrf = next(cookie.value for cookie in session.cookie_jar if cookie.key == "_xsrf")
        async with session.post("/login", data={**self._account, "_xsrf": xsrf}) as answer:
            assert answer.status == 200, "the page behind the log-in's redirection"
        assert any(cookie.key == "login" for cookie in session.cookie_jar)

    async def _answer_all(self, session, endpoint):
        async with session.ws_connect(f"/{endpoint}") as connection:
            async for message in connection:
                request = json.loads(message.data)
                result = json.dumps(request["args"][0]).encode()
                for part in cut_parts(request, result, "json"):
                    await connection.send_str(json.dumps(part))

    def echo_all(self, endpoints):
        """Calls all endpoints at once; gives what came of each: its own name, or status and text of the refusal."""
        return self._run(self._echo_all(endpoints))

    async def _echo_all(self, endpoints):
        return dict(zip(endpoints, await asyncio.gather(*map(self._echo, endpoints))))

    async def _echo(self, endpoint):
        path = f"/v1/endpoints/{endpoint}/requests"
        headers = {"Accept": "application/octet-stream"}
        async with self._caller.post(path, json=rpc("echo", endpoint), headers=headers) as response:
            text = await response.text()
            return json.loads(text) if response.status == 200 else f"{response.status} {text}"
