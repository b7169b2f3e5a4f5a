"""The log-in, the cookie, tokens, and who may come from where (wire-protocol.md, "Connecting")."""

import json
import time
from urllib.parse import unquote

import pytest
import requests

from support.events import EventStream
from support.problems import check_problem
from support.raw import CLOSE, TEXT, WebSocketPeer, frame
from support.service import log_in, rpc

REFUSAL = {"cmd": "error", "status": 401, "error": "Websocket authentication failed"}
HALF_A_DAY = 12 * 60 * 60


@pytest.fixture
def browser(gateway):
    with requests.Session() as session:
        session.trust_env = False
        yield session


def post_log_in(gateway, browser, query="", **changes):
    xsrf = browser.get(gateway.url + "/login", timeout=10).cookies["_xsrf"]
    form = {"name": "test", "password": "test", "_xsrf": xsrf, **changes}
    form = {key: value for key, value in form.items() if value is not None}
    return browser.post(gateway.url + "/login" + query, form, allow_redirects=False, timeout=10)


def upgrade(gateway, path="/wsData", **headers):
    """The status that an upgrade gets."""
    with WebSocketPeer(gateway, path, headers=headers) as peer:
        return peer.open().status


def check_refused_by_message(peer):
    """The seed's error message comes, and then a close for reasons of policy."""
    opcode, text = peer.read_message()
    assert opcode == TEXT
    assert json.loads(text) == REFUSAL
    code, _ = peer.read_close()
    assert code == 1008


def test_the_log_in_page_sets_an_xsrf_cookie_and_asks_for_name_and_password(gateway, browser):
    page = browser.get(gateway.url + "/login", timeout=10)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.cookies["_xsrf"]
    for field in ("name", "password", "_xsrf"):
        assert f'name="{field}"' in page.text


def test_a_right_log_in_sets_the_cookie_and_redirects_to_the_root_which_is_200(gateway, browser):
    answer = post_log_in(gateway, browser)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert answer.cookies["login"]
    assert browser.get(gateway.url + "/", allow_redirects=False, timeout=10).status_code == 200


def test_the_log_in_cookie_holds_for_half_a_day(gateway, browser):
    answer = post_log_in(gateway, browser)
    (cookie,) = [cookie for cookie in answer.cookies if cookie.name == "login"]
    assert cookie.expires is not None, "a cookie without an end"
    assert abs(cookie.expires - time.time() - HALF_A_DAY) < 60


def test_a_wrong_password_shows_the_page_again_with_an_error_and_sets_no_cookie(gateway, browser):
    first_page = browser.get(gateway.url + "/login", timeout=10).text
    answer = post_log_in(gateway, browser, password="guess")
    assert 'name="password"' in answer.text
    assert len(answer.text) > len(first_page)
    assert "login" not in browser.cookies


def test_in_test_mode_a_failure_does_not_throttle_the_next_try(gateway, browser):
    post_log_in(gateway, browser, password="guess")
    assert post_log_in(gateway, browser).status_code == 302


@pytest.mark.parametrize("xsrf", [None, "", "0123456789abcdef"], ids=["missing", "empty", "different"])
def test_a_log_in_without_the_right_xsrf_field_is_403(gateway, browser, xsrf):
    assert post_log_in(gateway, browser, _xsrf=xsrf).status_code == 403
    assert "login" not in browser.cookies


def test_a_log_in_without_the_xsrf_cookie_is_403(gateway):
    form = {"name": "test", "password": "test", "_xsrf": "abc"}
    assert gateway.http("POST", "/login", authorized=False, data=form).status_code == 403


def test_the_log_in_leads_to_next_when_it_is_a_path_of_ours(gateway, browser):
    answer = post_log_in(gateway, browser, "?next=/version")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/version")


@pytest.mark.parametrize(
    "elsewhere",
    ["https://example.org/", "//example.org/", "/%5Cexample.org", "%5C%5Cexample.org", "javascript:alert(1)",
     "/%09/example.org", "/a%0D%0ASet-Cookie:%20x=1", "example.org"],
)
def test_the_log_in_never_leads_elsewhere(gateway, browser, elsewhere):
    answer = post_log_in(gateway, browser, "?next=" + elsewhere)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    assert "x" not in answer.cookies


def test_logging_out_clears_the_cookie_and_leads_to_the_log_in_page(gateway, browser):
    post_log_in(gateway, browser)
    answer = browser.get(gateway.url + "/logout", allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert "login" not in browser.cookies


def test_the_root_without_a_log_in_leads_to_the_log_in_page_and_back(gateway, browser):
    answer = browser.get(gateway.url + "/", allow_redirects=False, timeout=10)
    assert answer.status_code == 302
    assert unquote(answer.headers["Location"]) == "/login?next=/"


def test_the_log_in_cookie_opens_the_api_too(gateway):
    cookie = {"Cookie": "login=" + log_in(gateway)}
    assert gateway.get("/v1/endpoints", authorized=False, headers=cookie).status_code == 200


def test_a_forged_log_in_cookie_opens_nothing(gateway):
    cookie = log_in(gateway)
    forged = cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BB")
    check_problem(gateway.get("/v1/endpoints", authorized=False, headers={"Cookie": f"login={forged}"}), "unauthorized")


def test_an_unmodified_service_logs_in_dials_in_and_answers(gateway, serve):
    serve(gateway, {"echo": lambda text: text})
    response = gateway.call(rpc("echo", "hi"))
    assert response.status_code == 200
    assert response.json()["status"] == 200


def test_getting_an_endpoints_path_without_an_upgrade_is_426(gateway):
    response = gateway.get("/wsData")
    assert response.status_code == 426
    assert response.headers["Upgrade"].lower() == "websocket"


def test_an_upgrade_of_an_unknown_path_is_404(gateway):
    assert upgrade(gateway, "/wsNothing") == 404


def test_an_upgrade_declines_compression_and_subprotocols_that_are_not_ours(gateway):
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate", "Sec-WebSocket-Protocol": "reachback.v2, chat"}
    with WebSocketPeer(gateway, headers=headers) as peer:
        head = peer.open()
        assert head.status == 101
        assert head.get("Sec-WebSocket-Extensions") is None
        assert head.get("Sec-WebSocket-Protocol") is None


@pytest.mark.parametrize(
    "credential",
    [{}, {"Cookie": "login=forged"}, {"Cookie": "login="}, {"Authorization": "Bearer wrong"},
     {"Authorization": "Basic dGVzdDp0ZXN0"}],
    ids=["nothing", "forged cookie", "empty cookie", "wrong token", "another scheme"],
)
@pytest.mark.parametrize("endpoint", ["wsData", "wsUser"])
def test_an_upgrade_without_a_valid_credential_gets_the_error_message_and_a_close(gateway, endpoint, credential):
    with WebSocketPeer(gateway, f"/{endpoint}", headers={"Authorization": None, **credential}) as peer:
        assert peer.open().status == 101
        check_refused_by_message(peer)
    assert gateway.connections(endpoint) == []


def test_nothing_that_an_unauthenticated_connection_sends_counts(gateway, stack, dial):
    events = stack.enter_context(EventStream(gateway, "/v1/events"))
    with WebSocketPeer(gateway, "/wsUser", headers={"Authorization": None}) as peer:
        assert peer.open(frame(TEXT, b"intruder") * 3).status == 101
        check_refused_by_message(peer)
    dial(gateway, "wsUser")
    kind, data = events.next()
    assert (kind, data["endpoint"]) == ("open", "wsUser"), "the first event is that of the good connection"
    assert str(data["connection"]) == gateway.connections("wsUser")[0]


def test_an_unauthenticated_connection_on_a_service_endpoint_answers_no_call(gateway, dial):
    service = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    request = service.receive_request()
    forged = json.dumps({"cmd": "rpc", "status": 200, "callId": request["callId"], "data": "Zm9yZ2Vk"}).encode()
    with WebSocketPeer(gateway, "/wsData", headers={"Authorization": None}) as peer:
        peer.open(frame(TEXT, forged))
        check_refused_by_message(peer)
    service.answer(request, b"true")
    assert call.result().json()["data"] == "dHJ1ZQ=="


def test_a_refused_connection_that_does_not_close_is_cut(start_gateway):
    gateway = start_gateway("--close-timeout", "0.3")
    with WebSocketPeer(gateway, headers={"Authorization": None}) as peer:
        peer.open()
        while peer.read_frame()[1] != CLOSE:
            pass
        assert peer.read_to_end() == b""


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://example.org"}, {"Origin": "null"},
     {"Origin": "http://127.0.0.1:1"}, {"Origin": "http://127.0.0.1"}],
    ids=lambda headers: " ".join(*headers.items()),
)
def test_upgrades_and_changes_from_elsewhere_are_403_before_anything_else(gateway, headers):
    assert upgrade(gateway, **headers) == 403
    assert upgrade(gateway, Authorization=None, **headers) == 403
    path = "/v1/endpoints/wsData/requests"
    for authorized in (True, False):
        check_problem(gateway.http("POST", path, authorized=authorized, json={}, headers=headers), "forbidden")
    check_problem(gateway.http("DELETE", "/v1/connections", headers=headers), "forbidden")


def test_the_gateways_own_origin_passes_whatever_its_scheme_and_letter_case(gateway):
    host = f"LocalHost:{gateway.port}"
    for origin in (f"http://localhost:{gateway.port}", f"https://LOCALHOST:{gateway.port}"):
        assert upgrade(gateway, Host=host, Origin=origin) == 101
    headers = {"Origin": gateway.url, "Sec-Fetch-Site": "same-origin"}
    check_problem(gateway.call(rpc("echo"), headers=headers), "no-service")


def test_reading_from_elsewhere_is_not_refused(gateway):
    headers = {"Origin": "http://example.org", "Sec-Fetch-Site": "cross-site"}
    response = gateway.get("/v1/endpoints", headers=headers)
    assert response.status_code == 200
    assert "Access-Control-Allow-Origin" not in response.headers


ALLOWED = "https://app.example.org"


def test_an_allowed_origin_may_do_everything_and_gets_cors_answers(start_gateway):
    gateway = start_gateway("--allow-origin", ALLOWED)
    headers = {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}
    response = gateway.call(rpc("echo"), headers=headers)
    check_problem(response, "no-service")
    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "origin" in response.headers["Vary"].lower()
    assert upgrade(gateway, Origin=ALLOWED) == 101
    assert upgrade(gateway, Origin="https://other.example.org") == 403


def test_a_preflight_of_an_allowed_origin_says_what_it_may(start_gateway):
    gateway = start_gateway("--allow-origin", ALLOWED)
    wish = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    path = "/v1/endpoints/wsData/requests"
    response = gateway.http("OPTIONS", path, authorized=False, headers={"Origin": ALLOWED, **wish})
    assert response.status_code in (200, 204)
    assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    allowed_headers = response.headers["Access-Control-Allow-Headers"].lower()
    assert "authorization" in allowed_headers and "content-type" in allowed_headers
    other = gateway.http("OPTIONS", path, authorized=False, headers={"Origin": "https://other.example.org", **wish})
    assert "Access-Control-Allow-Origin" not in other.headers


def test_a_token_given_by_flag_opens_the_api_and_the_upgrade(start_gateway):
    gateway = start_gateway("--token", "first", "--token", "second", test_mode=False, token="second")
    for token in ("first", "second"):
        headers = {"Authorization": f"Bearer {token}"}
        assert gateway.get("/v1/endpoints", headers=headers).status_code == 200
        with WebSocketPeer(gateway, headers=headers) as peer:
            assert peer.open().status == 101
    assert gateway.get("/v1/endpoints", headers={"Authorization": "bearer first"}).status_code == 200


@pytest.mark.parametrize("value", ["Bearer wrong", "Bearer", "Bearer test x", "Basic dGVzdDp0ZXN0", "test"])
def test_a_wrong_token_is_401_with_a_challenge(gateway, value):
    response = gateway.get("/v1/endpoints", headers={"Authorization": value})
    check_problem(response, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_outside_test_mode_neither_the_test_account_nor_the_test_token_exists(start_gateway):
    gateway = start_gateway("--token", "real", test_mode=False, token="real")
    assert log_in_or_none(gateway) is None
    check_problem(gateway.get("/v1/endpoints", headers={"Authorization": "Bearer test"}), "unauthorized")
    with WebSocketPeer(gateway, headers={"Authorization": "Bearer test"}) as peer:
        assert peer.open().status == 101
        check_refused_by_message(peer)


def log_in_or_none(gateway):
    with requests.Session() as session:
        session.trust_env = False
        return post_log_in(gateway, session).cookies.get("login")


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/healthz", "/metrics", "/version", "/login", "/problems/no-service"]
)
def test_probes_metrics_version_and_help_need_no_credential(gateway, path):
    assert gateway.get(path, authorized=False).status_code == 200


@pytest.mark.parametrize(
    "method, path",
    [("GET", "/v1/endpoints"), ("GET", "/v1/endpoints/wsData"), ("GET", "/v1/events"),
     ("GET", "/v1/endpoints/wsUser/events"), ("POST", "/v1/endpoints/wsData/requests"),
     ("POST", "/v1/endpoints/wsUser/messages"), ("DELETE", "/v1/endpoints/wsData/connections"),
     ("DELETE", "/v1/connections")],
)
def test_everything_else_needs_one(gateway, method, path):
    check_problem(gateway.http(method, path, authorized=False), "unauthorized")
