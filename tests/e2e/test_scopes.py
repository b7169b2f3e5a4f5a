"""Who may do what: every credential against every action (README, "Accounts and tokens")."""

import contextlib
import json

import pytest

from support.accounts import PasswordFile, cookie_of, log_in_once, token_table
from support.events import EventStream
from support.gateway import Gateway
from support.problems import check_problem
from support.raw import PING, PONG, TEXT, WebSocketPeer
from support.service import OriginalService, Peer, rpc

OPERATOR = "operator"  # does what the tests need beside the credential under test

# One column for each credential: none; a token that nobody made; one for another endpoint; one of that one scope; the
# cookie of a log-in. In the cells the status of the answer; 101 is a WebSocket that stays, 401 and 403 there the
# status of the error message after which it is closed. "nowhere" is no endpoint.
MATRIX = """
                none bad stray serve:lab serve:* call:lab call:* send:news send:* watch:news watch:* admin *   cookie
call lab        401  401 403   403       403     200      200    403       403    403        403     403   200 200
call other      401  401 403   403       403     403      200    403       403    403        403     403   200 200
call news       401  401 403   403       403     403      409    403       403    403        403     403   409 409
call nowhere    401  401 403   403       403     403      404    403       403    403        403     403   404 404
send news       401  401 403   403       403     403      403    200       200    403        403     403   200 200
send chat       401  401 403   403       403     403      403    403       200    403        403     403   200 200
send lab        401  401 403   403       403     403      403    403       200    403        403     403   200 200
send nowhere    401  401 403   403       403     403      403    403       404    403        403     403   404 404
watch news      401  401 403   403       403     403      403    403       403    200        200     403   200 200
watch chat      401  401 403   403       403     403      403    403       403    403        200     403   200 200
watch lab       401  401 403   403       403     403      403    403       403    403        200     403   200 200
watch nowhere   401  401 403   403       403     403      403    403       403    403        404     403   404 404
watch all       401  401 200   200       200     200      200    200       200    200        200     200   200 200
show news       401  401 403   403       403     403      403    403       403    200        200     403   200 200
show chat       401  401 403   403       403     403      403    403       403    403        200     403   200 200
show lab        401  401 403   403       403     403      403    403       403    403        200     403   200 200
show nowhere    401  401 403   403       403     403      403    403       403    403        404     403   404 404
show all        401  401 200   200       200     200      200    200       200    200        200     200   200 200
close one       401  401 403   403       403     403      403    403       403    403        403     200   200 200
close lab       401  401 403   403       403     403      403    403       403    403        403     200   200 200
close nowhere   401  401 403   403       403     403      403    403       403    403        403     404   404 404
close all       401  401 403   403       403     403      403    403       403    403        403     200   200 200
join lab        401  401 403   101       101     403      403    403       403    403        403     403   101 101
join other      401  401 403   403       101     403      403    403       403    403        403     403   101 101
join news       401  401 403   403       403     403      403    101       101    101        101     403   101 101
join chat       401  401 403   403       403     403      403    403       101    403        101     403   101 101
home -          302  302 200   200       200     200      200    200       200    200        200     200   200 200
probe livez     200  200 200   200       200     200      200    200       200    200        200     200   200 200
probe readyz    200  200 200   200       200     200      200    200       200    200        200     200   200 200
probe metrics   200  200 200   200       200     200      200    200       200    200        200     200   200 200
probe version   200  200 200   200       200     200      200    200       200    200        200     200   200 200
"""
STRAY = ["serve:elsewhere", "call:elsewhere", "send:elsewhere", "watch:elsewhere"]
ENDPOINTS = {"lab": "service", "other": "service", "news": "broadcast", "chat": "broadcast"}

_head, *_rows = MATRIX.strip("\n").splitlines()
CREDENTIALS = _head.split()
CELLS = [
    pytest.param(action, target, credential, int(status), id=f"{action} {target} with {credential}")
    for action, target, *statuses in map(str.split, _rows)
    for credential, status in zip(CREDENTIALS, statuses, strict=True)
]
SCOPES = [credential for credential in CREDENTIALS if credential not in ("none", "bad", "stray", "cookie")]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    """One gateway for all cells, with a token `key of SCOPE` for each scope."""
    folder = tmp_path_factory.mktemp("scopes")
    users = PasswordFile(folder / "passwd", ann="secret", test="test")
    config = folder / "gateway.toml"
    tables = [token_table("operator", OPERATOR, ["*"]), token_table("stray", "key of stray", STRAY)]
    tables += [token_table(scope.replace(":", " for "), f"key of {scope}", [scope]) for scope in SCOPES]
    tables += [token_table("both", "key of both", ["send:news", "watch:news"])]
    config.write_text("".join(tables))
    flags = ["--config", config, "--password-file", users]
    flags += [flag for name, kind in ENDPOINTS.items() for flag in ("--endpoint", f"{name}={kind}")]
    gateway = Gateway(*flags, test_mode=False, token=OPERATOR)
    yield gateway
    assert gateway.alive, gateway.stderr()
    gateway.stop()


@pytest.fixture(scope="module")
def cookie(gateway):
    return cookie_of(log_in_once(gateway, "ann", "secret"))


@pytest.fixture
def headers_of(cookie):
    """The headers that carry a credential of the matrix."""

    def headers(credential):
        if credential == "none":
            return {"Authorization": None}
        if credential == "cookie":
            return {"Authorization": None, **cookie}
        return {"Authorization": f"Bearer key of {credential}"}

    return headers


def plain_http(gateway, method, path, credential, headers=(), **options):
    carried = {name: value for name, value in {**dict(headers), **credential}.items() if value is not None}
    return gateway.http(method, path, authorized=False, headers=carried, **options)


def status_of(response):
    """A refusal says who refuses what, in a problem document."""
    if response.status_code in (401, 403):
        check_problem(response, "unauthorized" if response.status_code == 401 else "forbidden")
    return response.status_code


def call(gateway, endpoint, headers):
    path = f"/v1/endpoints/{endpoint}/requests"
    reached = []
    with contextlib.ExitStack() as closing:
        if ENDPOINTS.get(endpoint) == "service":
            closing.enter_context(OriginalService(gateway, {"echo": lambda: reached.append(True)}, endpoint))
        status = status_of(plain_http(gateway, "POST", path, headers, json=rpc("echo")))
    assert bool(reached) == (status == 200), "whether the service was asked"
    return status


def send(gateway, endpoint, headers):
    path = f"/v1/endpoints/{endpoint}/messages"
    content_type = {"Content-Type": "text/plain"}
    return status_of(plain_http(gateway, "POST", path, headers, data="hi", headers=content_type))


def watch(gateway, endpoint, headers):
    path = "/v1/events" if endpoint == "all" else f"/v1/endpoints/{endpoint}/events"
    with plain_http(gateway, "GET", path, headers, stream=True) as response:
        return response.status_code if response.status_code == 200 else status_of(response)


def show(gateway, endpoint, headers):
    path = "/v1/endpoints" if endpoint == "all" else f"/v1/endpoints/{endpoint}"
    return status_of(plain_http(gateway, "GET", path, headers))


def close(gateway, what, headers):
    with Peer(gateway, "lab") as peer:
        path = {
            "one": f"/v1/endpoints/lab/connections/{peer.connection_id}",
            "lab": "/v1/endpoints/lab/connections",
            "nowhere": "/v1/endpoints/nowhere/connections",
            "all": "/v1/connections",
        }[what]
        status = status_of(plain_http(gateway, "DELETE", path, headers))
        if status == 200:
            assert peer.receive_close()[0] == 4000
        else:
            peer.ping()
        return status


def join(gateway, endpoint, headers):
    with WebSocketPeer(gateway, f"/{endpoint}", headers=headers) as peer:
        assert peer.open().status == 101
        for _ in range(2):  # a refusal may stand behind the first pong
            peer.send_frame(PING, b"in?")
            _, opcode, payload = peer.read_frame()
            if opcode != PONG:
                break
        else:
            return 101
        assert opcode == TEXT
        message = json.loads(payload)
        assert message["cmd"] == "error" and message["error"]
        assert peer.read_close()[0] == 1008
        return message["status"]


def home(gateway, _, headers):
    return plain_http(gateway, "GET", "/", headers).status_code


def probe(gateway, page, headers):
    return plain_http(gateway, "GET", f"/{page}", headers).status_code


ACTIONS = {"call": call, "send": send, "watch": watch, "show": show, "close": close, "join": join, "home": home,
           "probe": probe}


@pytest.mark.parametrize("action, target, credential, status", CELLS)
def test_every_credential_may_do_what_is_documented_and_nothing_else(
    gateway, headers_of, action, target, credential, status
):
    assert ACTIONS[action](gateway, target, headers_of(credential)) == status


# ---- what lists and streams hold ----

SHOWN = """
            lab other news chat
stray       -   -     -    -
serve:*     -   -     -    -
call:*      -   -     -    -
send:*      -   -     -    -
admin       -   -     -    -
watch:news  -   -     yes  -
watch:*     yes yes   yes  yes
*           yes yes   yes  yes
cookie      yes yes   yes  yes
"""
_names, *_shown = [line.split() for line in SHOWN.strip("\n").splitlines()]
SHOWN_TO = {credential: [name for name, cell in zip(_names, cells) if cell == "yes"] for credential, *cells in _shown}


@pytest.mark.parametrize("credential, names", SHOWN_TO.items())
def test_the_list_and_the_home_page_show_what_may_be_watched(gateway, headers_of, credential, names):
    listed = plain_http(gateway, "GET", "/v1/endpoints", headers_of(credential)).json()["endpoints"]
    assert [endpoint["name"] for endpoint in listed] == names
    page = plain_http(gateway, "GET", "/", headers_of(credential)).text
    assert [name for name in ENDPOINTS if f"<li>{name} " in page] == names


@pytest.mark.parametrize("credential, names", SHOWN_TO.items())
def test_the_stream_of_all_events_holds_what_may_be_watched(gateway, headers_of, stack, credential, names):
    events = stack.enter_context(EventStream(gateway, "/v1/events", headers=headers_of(credential)))
    # Each joins when the one before has joined, so the events come in this order.
    for name in ENDPOINTS:
        stack.enter_context(Peer(gateway, name))
    seen = []
    while len(seen) < len(names):
        kind, data = events.next()
        if kind == "open":
            seen.append(data["endpoint"])
    assert seen == names


# ---- what a broadcast endpoint's connections receive, and what counts of theirs ----

BROADCAST = """
            receives counts
send:news   no       yes
send:*      no       yes
watch:news  yes      no
watch:*     yes      no
both        yes      yes
*           yes      yes
cookie      yes      yes
"""
RIGHTS = [line.split() for line in BROADCAST.strip("\n").splitlines()[1:]]


@pytest.fixture
def member(gateway, headers_of, stack):
    """Joins the endpoint with a credential of the matrix."""

    def enter(credential, endpoint="news"):
        headers = headers_of(credential)
        given = {"header": [f"Authorization: {headers['Authorization']}"] if headers["Authorization"] else []}
        if "Cookie" in headers:
            given["cookie"] = headers["Cookie"]
        return stack.enter_context(Peer(gateway, endpoint, **given))

    return enter


@pytest.mark.parametrize("credential, receives, counts", RIGHTS)
def test_a_member_receives_what_it_may_watch_and_counts_where_it_may_send(
    gateway, stack, member, credential, receives, counts
):
    events = stack.enter_context(EventStream(gateway, "/v1/endpoints/news/events", headers=bearer(OPERATOR)))
    peer = member(credential)
    assert gateway.post_message("hello", "news").json() == {"delivered": 1 if receives == "yes" else 0}
    if receives == "yes":
        assert peer.receive() == "hello"
    peer.send("mine")
    peer.ping()  # nothing but the pong comes, and the gateway has read what was sent
    speaker = member("*")
    speaker.send("last")
    heard = []
    while "last" not in heard:
        kind, data = events.next()
        if kind == "message":
            heard.append(data["text"])
    assert heard == (["mine", "last"] if counts == "yes" else ["last"])
    peer.ping()  # it stays, whatever it sent


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def test_a_service_and_its_caller_need_no_more_than_their_own_scopes(gateway, member):
    service = member("serve:lab", "lab")
    path = "/v1/endpoints/lab/requests"
    call = gateway.background(plain_http, gateway, "POST", path, bearer("key of call:lab"), json=rpc("echo"))
    service.answer_next(b"true")
    assert call.result().json()["data"] == "dHJ1ZQ=="


def test_connections_are_listed_under_the_names_of_their_tokens_and_users(gateway, member):
    member("serve:lab", "lab")
    member("cookie", "lab")
    users = [connection["user"] for connection in gateway.endpoint("lab")["connections"]]
    assert sorted(users)[-2:] == ["ann", "serve for lab"]


def test_a_refusal_names_the_scope_that_is_missing(gateway, headers_of):
    response = plain_http(gateway, "DELETE", "/v1/connections", headers_of("call:lab"))
    assert "admin" in check_problem(response, "forbidden")["detail"]
    response = plain_http(gateway, "POST", "/v1/endpoints/other/requests", headers_of("call:lab"), json=rpc("echo"))
    assert "call:other" in check_problem(response, "forbidden")["detail"]
    with WebSocketPeer(gateway, "/lab", headers=headers_of("call:lab")) as peer:
        assert peer.open().status == 101
        assert "serve:lab" in json.loads(peer.read_message()[1])["error"]


def test_what_is_sent_without_the_right_is_counted_as_dropped(gateway, member):
    before = gateway.dropped("not-allowed", "news")
    peer = member("watch:news")
    peer.send("mine")
    peer.ping()
    assert gateway.dropped("not-allowed", "news") == before + 1
