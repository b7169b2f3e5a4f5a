"""The original's log-in steps."""

import aiohttp


def _session(world, source=None):
    # From an address of its own, so that its failures make nobody else wait.
    connector = aiohttp.TCPConnector(local_addr=(source, 0) if source else None, force_close=True)
    return aiohttp.ClientSession(world.url, connector=connector, cookie_jar=aiohttp.CookieJar(unsafe=True))


async def _submit(session, name, password):
    async with session.get("/login") as page:
        await page.read()
    xsrf = next(cookie.value for cookie in session.cookie_jar if cookie.key == "_xsrf")
    async with session.post("/login", data={"name": name, "password": password, "_xsrf": xsrf}) as answer:
        await answer.read()
    cookies = {cookie.key: cookie.value for cookie in session.cookie_jar}
    return answer.status, cookies.get("login")


async def log_in(world):
    """The value of the cookie `login`."""
    async with _session(world) as session:
        status, cookie = await _submit(session, "test", "test")
    if status != 200 or not cookie:
        world.ledger.fault(f"a log-in failed: {status}")
    return cookie


async def right_log_in(world):
    await log_in(world)
    world.happened["log-in right"] += 1


async def wrong_log_in(world):
    """A stranger from one of a few addresses; after some tries each has to wait."""
    source = f"127.0.1.{world.chance.randrange(1, 5)}"
    async with _session(world, source) as session:
        status, cookie = await _submit(session, world.chance.choice(("root", "admin", "ann")), "guess")
    if status not in (200, 429) or cookie:
        world.ledger.fault(f"a wrong log-in was answered with {status}, cookie {cookie}")
    world.happened["log-in wrong"] += 1
