"""Expectations, requests in a row, HEAD, OPTIONS, upgrades and the ends of connections (service/docs/http.md)."""

import json

import pytest

from support.problems import check_problem, check_refused
from support.service import rpc

pytestmark = pytest.mark.usefixtures("bystander")

CALLS = "/v1/endpoints/wsData/requests"
MESSAGE = b'{"cmd":"rpc"}'
LENGTH = len(MESSAGE)
GET_PATHS = ["/", "/livez", "/readyz", "/healthz", "/version", "/metrics", "/problems/no-service", "/login", "/logout",
             "/v1/endpoints", "/v1/endpoints/wsData", "/v1/endpoints/wsNo"]
UPGRADE = {"connection": "Upgrade", "upgrade": "websocket", "sec_websocket_version": "13",
           "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ=="}


@pytest.fixture
def gateway(start_gateway):
    return start_gateway("--request-limit", 1000)


@pytest.fixture
def caller(gateway, raw_http):
    return raw_http(gateway)


def check_kept(caller):
    assert caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize(
    "path, fields, problem",
    [(CALLS, {"content_length": 1001}, "too-large"), (CALLS, {"authorization": None}, "unauthorized"),
     (CALLS, {"authorization": "Bearer wrong"}, "unauthorized"), ("/v1/endpoints/wsNo/requests", {}, "no-endpoint"),
     ("/v1/endpoints/wsUser/requests", {}, "wrong-kind"), ("/nothing", {}, "not-found"),
     ("/livez", {}, "method-not-allowed"), (CALLS + "?timeout=0", {}, "bad-parameter"),
     (CALLS, {"accept": "text/html"}, "not-acceptable"),
     (CALLS, {"content_type": "text/plain"}, "unsupported-media-type"),
     (CALLS, {"origin": "http://other"}, "forbidden"), ("/v1/endpoints/wsNo/messages", {}, "no-endpoint")],
)
def test_what_the_head_decides_is_refused_without_100_continue(caller, path, fields, problem):
    caller.request("POST", path, **{"content_length": LENGTH, "expect": "100-continue", **fields})
    head, body = caller.read_response()
    check_problem((head, body), problem)
    assert head.get("connection") == "close", "nobody knows whether the body comes"
    assert caller.read_to_end() == b""


@pytest.mark.parametrize("length", [{"content_length": LENGTH}, {"transfer_encoding": "chunked"}], ids=str)
@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_what_the_head_allows_gets_100_continue_and_then_its_answer(gateway, dial, caller, expect, length):
    peer = dial(gateway)
    caller.request("POST", CALLS, expect=expect, **length)
    assert caller.read_head().status == 100
    caller.send(MESSAGE if "content_length" in length else b"%x\r\n" % LENGTH + MESSAGE + b"\r\n0\r\n\r\n")
    peer.answer_next()
    assert caller.read_response()[0].status == 200
    check_kept(caller)


def test_a_body_that_does_not_wait_gets_no_100_continue(gateway, dial, caller):
    peer = dial(gateway)
    caller.request("POST", CALLS, MESSAGE, expect="100-continue")
    peer.answer_next()
    assert caller.read_head().status == 200


@pytest.mark.parametrize("expect", ["tea", "100-continue, tea", "tea, 100-continue", "100", "100-continue;q=1"])
@pytest.mark.parametrize("method, path", [("POST", CALLS), ("GET", "/livez")])
def test_another_expectation_is_417(caller, method, path, expect):
    caller.request(method, path, expect=expect, **({"content_length": LENGTH} if method == "POST" else {}))
    check_refused(caller, "expectation-failed")


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_expectation_without_a_body_gets_no_100_continue(caller, method):
    path = "/livez" if method == "GET" else "/v1/endpoints/wsData/connections"
    assert caller.ask(method, path, expect="100-continue")[0].status == 200
    assert caller.ask(method, path, expect="")[0].status == 200


@pytest.mark.parametrize("expect", ["100-continue", "tea"])
def test_http_1_0_has_no_expectations(caller, expect):
    head = caller.head_of("POST", CALLS, content_length=LENGTH, expect=expect, host=None)
    caller.send(head.replace(b"HTTP/1.1", b"HTTP/1.0") + MESSAGE)
    check_problem(caller.read_response(), "no-service")
    assert caller.read_to_end() == b""


def test_requests_in_a_row_are_answered_in_their_order(gateway, dial, caller):
    peer = dial(gateway)
    heads = [caller.head_of("POST", CALLS, content_length=len(body)) + body
             for body in (json.dumps(rpc(f"call {i}")).encode() for i in range(20))]
    between = [caller.head_of("HEAD", "/version"), caller.head_of("GET", "/nothing"), caller.head_of("OPTIONS", CALLS)]
    caller.send(b"".join(head + b"".join(between) for head in heads))
    for i in range(20):
        request = peer.receive_request()
        assert request["attribute"] == f"call {i}"
        peer.answer(request, b"%d" % i)
        head, body = caller.read_response()
        assert (head.status, json.loads(body)["callId"]) == (200, request["callId"])
        assert caller.read_response(to="HEAD")[0].status == 200
        assert caller.read_response()[0].status == 404
        assert caller.read_response()[0].status == 204
    check_kept(caller)


@pytest.mark.parametrize(
    "bad",
    [b"rubbish\r\n\r\n", b"GET /livez HTTP/1.1\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n"],
)
def test_a_bad_request_in_a_row_is_the_last_one_and_those_before_it_are_answered(gateway, dial, caller, bad):
    peer = dial(gateway)
    call = caller.head_of("POST", CALLS, content_length=LENGTH) + MESSAGE
    caller.send(caller.head_of("GET", "/livez") + call + bad + call)
    assert caller.read_response()[0].status == 200
    peer.answer_next()
    assert caller.read_response()[0].status == 200
    check_refused(caller, "bad-request")
    later = gateway.call_later(rpc("later"))
    assert peer.answer_next()["attribute"] == "later", "the call behind the bad request was not sent"
    assert later.result().status_code == 200


def test_requests_in_a_row_behind_a_close_are_not_read(caller):
    caller.send(caller.head_of("GET", "/livez", connection="close") + caller.head_of("GET", "/livez"))
    head, body = caller.read_response()
    assert (head.status, head.get("connection")) == (200, "close")
    assert caller.read_to_end() == b""


@pytest.mark.parametrize("value", ["close", "Close", "x, close", "close, keep-alive", ",,close ,"])
def test_close_in_a_list_ends_the_connection(caller, value):
    head, _ = caller.ask("GET", "/livez", connection=value)
    assert (head.status, head.get("connection")) == (200, "close")
    assert caller.read_to_end() == b""


@pytest.mark.parametrize(
    "value", ["keep-alive", "", ",", "closed", "x-close", "Host", "Content-Length", "TE, trailers"]
)
def test_whatever_else_connection_says_the_connection_stays(caller, value):
    head, _ = caller.ask("GET", "/livez", connection=value)
    assert (head.status, head.get("connection")) == (200, None)
    check_kept(caller)


@pytest.mark.parametrize(
    "connection, kept",
    [(None, False), ("keep-alive", True), ("Keep-Alive, x", True), ("close", False), ("keep-alive, close", False)],
)
def test_http_1_0_is_kept_only_when_it_asks(caller, connection, kept):
    head = "GET /livez HTTP/1.0\r\n" + (f"Connection: {connection}\r\n" if connection else "") + "\r\n"
    caller.send(head.encode())
    answer, body = caller.read_response()
    assert (answer.status, body, answer.get("connection")) == (200, b"alive\n", "keep-alive" if kept else "close")
    if kept:
        check_kept(caller)
    else:
        assert caller.read_to_end() == b""


def test_an_answer_without_length_ends_with_the_connection_in_http_1_0(gateway, dial, caller):
    peer = dial(gateway)
    head = caller.head_of("POST", CALLS, content_length=LENGTH, accept="application/x-ndjson", connection="keep-alive")
    caller.send(head.replace(b"HTTP/1.1", b"HTTP/1.0") + MESSAGE)
    peer.answer_next()
    answer = caller.read_head()
    assert (answer.status, answer.get("transfer-encoding"), answer.get("connection")) == (200, None, "close")
    assert json.loads(caller.read_to_end())["status"] == 200


@pytest.mark.parametrize("path", GET_PATHS)
def test_head_is_answered_as_get_without_the_body(caller, path):
    changing = {"date", "set-cookie"} | ({"content-length"} if path in ("/metrics", "/login") else set())

    def lines(head):
        return head.status, [field for field in head.fields if field[0].lower() not in changing]

    expected = lines(caller.ask("GET", path)[0])
    assert lines(caller.ask("HEAD", path)[0]) == expected
    check_kept(caller)


@pytest.mark.parametrize("path", ["/v1/events", "/v1/endpoints/wsUser/events"])
def test_head_of_an_event_stream_ends_with_its_head(gateway, raw_http, caller, path):
    other = raw_http(gateway)
    other.request("GET", path)
    stream = other.read_head()
    head, _ = caller.ask("HEAD", path)
    without_date = [[field for field in answer.fields if field[0] != "Date"] for answer in (head, stream)]
    assert without_date[0] == without_date[1]
    check_kept(caller)


@pytest.mark.parametrize("path", [CALLS, "/v1/endpoints/wsData/messages"])
def test_head_of_a_path_without_get_is_405(caller, path):
    head, _ = caller.ask("HEAD", path)
    assert (head.status, head.get("allow")) == (405, "POST")
    check_kept(caller)


@pytest.mark.parametrize(
    "path, allowed",
    [(CALLS, "POST, OPTIONS"), ("/v1/endpoints/wsData/messages", "POST, OPTIONS"), ("/livez", "GET, HEAD, OPTIONS"),
     ("/v1/endpoints/wsData/connections", "DELETE, OPTIONS"), ("/login", "GET, HEAD, POST, OPTIONS"),
     ("/", "GET, HEAD, OPTIONS"), ("http://other/livez", "GET, HEAD, OPTIONS")],
)
def test_options_is_204_and_tells_the_methods_without_a_credential(caller, path, allowed):
    head, body = caller.ask("OPTIONS", path, authorization=None)
    assert (head.status, head.get("allow"), head.get("content-length"), body) == (204, allowed, None, b"")
    check_kept(caller)


@pytest.mark.parametrize("path, problem", [("/nothing", "not-found"), ("/wsData", "upgrade-required")])
def test_options_of_other_paths_is_answered_as_every_method_there(caller, path, problem):
    check_problem(caller.ask("OPTIONS", path), problem)
    check_kept(caller)


@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.0", "foo/2, h2c", '"'])
def test_an_upgrade_to_something_else_is_passed_over(caller, upgrade):
    fields = {"connection": "Upgrade, HTTP2-Settings", "upgrade": upgrade, "http2_settings": "AAMAAABkAAQAAP__"}
    head, body = caller.ask("GET", "/livez", **fields)
    assert (head.status, body) == (200, b"alive\n")
    check_kept(caller)


@pytest.mark.parametrize("length", [{"content_length": 2}, {"transfer_encoding": "chunked"}], ids=str)
def test_an_upgrade_with_a_body_is_refused(caller, length):
    caller.send(caller.head_of("GET", "/wsData", **UPGRADE, **length) + b"\x81\x80\0\0\0\0")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "method, path, fields, problem",
    [("GET", "/wsData", {}, "upgrade-required"), ("GET", "/wsData", {"upgrade": "websocket"}, "upgrade-required"),
     ("GET", "/wsData", {**UPGRADE, "upgrade": "websocketx"}, "upgrade-required"),
     ("GET", "/wsData", {**UPGRADE, "sec_websocket_version": "8"}, "upgrade-required"),
     ("GET", "/wsData", {**UPGRADE, "sec_websocket_key": "short"}, "bad-request"),
     ("POST", "/wsData", UPGRADE, "upgrade-required"), ("GET", "/wsNo", UPGRADE, "not-found")],
)
def test_an_upgrade_that_is_none_is_refused_and_the_connection_stays(caller, method, path, fields, problem):
    check_problem(caller.ask(method, path, **fields), problem)
    check_kept(caller)


def test_an_upgrade_elsewhere_is_passed_over(caller):
    assert caller.ask("GET", "/livez", **UPGRADE)[0].status == 200
    check_kept(caller)
