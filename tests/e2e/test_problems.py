"""Each row of the table of problems (http-api.md, "Calls"), with limits lowered by flags."""

import json

import pytest

from support.gateway import BYTES, JSON
from support.payload import KIB, MIB
from support.problems import STATUS, check_problem
from support.raw import Aborted
from support.service import rpc

CALLS = "/v1/endpoints/wsData/requests"


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"garbage", b"[]", b'"text"', b"1", b"null", b'{"cmd":', b'{"cmd":"rpc"', b'{"a":1,}', b"{'a':1}",
     b'{"a":1}{"b":2}', b'{"a":1} x', b'{"a":"\xff"}', b'{"a":"\xc0\x80"}', b'{"a":"\xed\xa0\x80"}', b'{"a":"\n"}',
     b'{"a":01}', b'{"a":NaN}', b'{"a":"\\x"}', b'{"a":"\\u12"}', b'\xef\xbb\xbf{"a":1}',
     b'{"callId":7}', b'{"cmd":"rpc","callId":null}', b'{"call\\u0049d":7}'],
)
def test_a_body_that_is_no_proper_message_is_refused(gateway, dial, body):
    peer = dial(gateway)
    check_problem(gateway.call(body), "bad-message", delivery="not-sent", endpoint="wsData")
    call = gateway.call_later(rpc("echo"))
    assert peer.answer_next()["attribute"] == "echo", "nothing of the refused one was sent"
    assert call.result().status_code == 200


def test_a_message_nested_without_end_is_refused(gateway):
    check_problem(gateway.call(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "bad-message", delivery="not-sent")


@pytest.mark.parametrize("query", ["timeout=0", "timeout=3601", "timeout=x"])
def test_a_bad_parameter_is_refused(gateway, query):
    check_problem(gateway.http("POST", f"{CALLS}?{query}", json={}), "bad-parameter", delivery="not-sent")


def test_a_missing_credential_is_a_problem_with_a_challenge(gateway):
    response = gateway.http("POST", CALLS, authorized=False, json={})
    check_problem(response, "unauthorized")
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_call_from_another_origin_is_forbidden(gateway):
    check_problem(gateway.call(rpc("echo"), headers={"Origin": "http://example.org"}), "forbidden")


@pytest.mark.parametrize("name", ["wsNothing", "wsdata", "wsData%2F", "ws%44ata2", "%00"])
def test_an_unknown_endpoint_is_404(gateway, name):
    check_problem(gateway.call(rpc("echo"), endpoint=name), "no-endpoint", delivery="not-sent")


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v2/endpoints", "/v1/endpoints/wsData/nothing", "/v1/endpointsX"])
def test_an_unknown_path_is_404(gateway, path):
    response = gateway.get(path)
    assert response.status_code == 404
    assert response.headers["Content-Type"].split(";")[0] == "application/problem+json"


@pytest.mark.parametrize(
    "method, path, allowed",
    [("GET", CALLS, {"POST"}), ("PUT", CALLS, {"POST"}), ("DELETE", "/v1/endpoints", {"GET"}),
     ("POST", "/v1/endpoints/wsData", {"GET"}), ("GET", "/v1/connections", {"DELETE"}),
     ("POST", "/metrics", {"GET"}), ("GET", "/v1/endpoints/wsUser/messages", {"POST"})],
)
def test_a_wrong_method_is_405_and_names_the_right_ones(gateway, method, path, allowed):
    response = gateway.http(method, path)
    check_problem(response, "method-not-allowed")
    named = {name.strip() for name in response.headers["Allow"].split(",")}
    assert allowed <= named and method not in named


def test_a_head_request_is_answered_without_a_body(gateway, raw_http):
    caller = raw_http(gateway)
    caller.request("HEAD", "/version")
    head = caller.read_head()
    assert head.status == 200
    caller.request("GET", "/livez")
    assert caller.read_response()[0].status == 200, "the next response follows right behind the head"


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", "application/xml"])
def test_a_form_that_does_not_exist_is_406(gateway, dial, accept):
    dial(gateway)
    response = gateway.call(rpc("echo"), headers={"Accept": accept})
    check_problem(response, "not-acceptable", delivery="not-sent")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
def test_a_wrong_content_type_is_415_and_the_detail_says_what_to_type(gateway, dial, content_type):
    dial(gateway)
    document = check_problem(
        gateway.call(b"{}", headers={"Content-Type": content_type}), "unsupported-media-type", delivery="not-sent"
    )
    assert "-H 'Content-Type: application/json'" in document["detail"]


@pytest.mark.parametrize(
    "content_type", [None, "application/json", "application/json; charset=utf-8", "Application/JSON"]
)
def test_json_in_any_letter_case_or_no_content_type_is_accepted(gateway, dial, content_type):
    peer = dial(gateway)
    call = gateway.call_later(b"{}", headers={"Content-Type": content_type})
    peer.answer(dict(peer.receive_request(), cmd="rpc"), b"1")
    assert call.result().status_code == 200


def test_a_call_to_a_broadcast_endpoint_is_409(gateway, dial):
    dial(gateway, "wsUser")
    check_problem(gateway.call(rpc("echo"), endpoint="wsUser"), "wrong-kind", delivery="not-sent", endpoint="wsUser")


def test_a_body_over_the_limit_is_413_and_one_at_the_limit_is_not(start_gateway, dial):
    gateway = start_gateway("--request-limit", 1000)
    peer = dial(gateway)
    body = b'{"a":"%s"}' % (b"x" * 992)
    assert len(body) == 1000
    call = gateway.call_later(body)
    peer.answer(dict(peer.receive_request(), cmd="rpc"), b"1")
    assert call.result().status_code == 200
    check_problem(gateway.call(body + b" "), "too-large", delivery="not-sent")


def test_a_chunked_body_over_the_limit_is_413(start_gateway, raw_http):
    gateway = start_gateway("--request-limit", 1000)
    caller = raw_http(gateway)
    caller.request("POST", CALLS, transfer_encoding="chunked")
    caller.send(b"800\r\n" + b" " * 2048 + b"\r\n0\r\n\r\n")
    check_problem(caller.read_response(), "too-large", delivery="not-sent")


def test_an_announced_length_over_the_limit_is_refused_before_the_body_comes(start_gateway, raw_http):
    gateway = start_gateway("--request-limit", 1000)
    caller = raw_http(gateway)
    caller.request("POST", CALLS, content_length=1 << 40)
    check_problem(caller.read_response(), "too-large", delivery="not-sent")


def test_a_head_that_does_not_come_is_408(start_gateway, raw_http):
    gateway = start_gateway("--head-timeout", "0.3")
    caller = raw_http(gateway)
    caller.send(b"GET /version HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    check_problem(caller.read_response(), "too-slow")
    assert caller.read_to_end() == b""


def test_a_body_without_progress_is_408(start_gateway, raw_http):
    gateway = start_gateway("--body-timeout", "0.3")
    caller = raw_http(gateway)
    caller.request("POST", CALLS, content_length=100)
    caller.send(b'{"cmd":')
    check_problem(caller.read_response(), "too-slow", delivery="not-sent")
    assert caller.read_to_end() == b""


def test_an_idle_connection_is_closed_without_a_word(start_gateway, raw_http):
    gateway = start_gateway("--idle-timeout", "0.3")
    caller = raw_http(gateway)
    caller.request("GET", "/version")
    assert caller.read_response()[0].status == 200
    assert caller.read_to_end() == b""


def test_a_head_over_the_limit_is_431(start_gateway, raw_http):
    gateway = start_gateway("--head-limit", 2000)
    caller = raw_http(gateway)
    caller.request("GET", "/version", x_long="x" * 3000)
    check_problem(caller.read_response(), "head-too-large")
    assert gateway.get("/version").status_code == 200


@pytest.mark.parametrize(
    "text",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
     b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
    ids=["tls", "short", "version", "colon", "negative length", "two lengths", "chunk size"],
)
def test_what_is_no_http_is_refused_and_closed_and_others_go_on(gateway, raw_http, text):
    caller = raw_http(gateway)
    caller.send(text)
    rest = caller.read_to_end()
    assert rest == b"" or rest.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4", b"HTTP/1.1 505"))
    assert gateway.get("/version").status_code == 200


def test_a_body_with_length_and_chunks_is_refused(gateway, raw_http):
    caller = raw_http(gateway)
    caller.send(caller.head_of("POST", CALLS, content_length=5, transfer_encoding="chunked") + b"0\r\n\r\n")
    assert caller.read_head().status == 400


def test_calls_over_the_limit_are_429(start_gateway, dial):
    gateway = start_gateway("--call-limit", 1)
    peer = dial(gateway)
    first = gateway.call_later(rpc("echo"))
    request = peer.receive_request()
    check_problem(gateway.call(rpc("echo")), "too-many-calls", delivery="not-sent", endpoint="wsData")
    peer.answer(request, b"1")
    assert first.result().status_code == 200
    second = gateway.call_later(rpc("echo"))
    peer.answer_next()
    assert second.result().status_code == 200


@pytest.mark.parametrize("endpoint, service", [("wsData", "DataService"), ("wsSubject", "SubjectService")])
def test_without_a_service_the_detail_is_the_seeds_text(gateway, endpoint, service):
    document = check_problem(gateway.call(rpc("echo"), endpoint=endpoint), "no-service", delivery="not-sent")
    text = f"RemoteService: {service} not connected. Please start the remote service."
    assert document["detail"] == text
    assert document["endpoint"] == endpoint


def test_bodies_over_their_budget_in_all_are_refused_as_overload(start_gateway, raw_http):
    gateway = start_gateway("--body-budget", 100 * KIB)
    first, second = raw_http(gateway), raw_http(gateway)
    for caller in (first, second):
        caller.send(caller.head_of("POST", CALLS, content_length=90 * KIB, content_type=JSON))
        caller.send(b"{" + b" " * 80 * KIB)
        if caller is first:
            assert gateway.get("/version").status_code == 200
    check_problem(second.read_response(), "overloaded", delivery="not-sent")


def test_a_message_over_the_budget_of_all_outboxes_is_refused_as_overload(start_gateway, dial):
    gateway = start_gateway("--total-outbox-budget", 1 * KIB)
    dial(gateway)
    check_problem(gateway.call(rpc("put", "x" * MIB)), "overloaded", delivery="not-sent")


@pytest.fixture
def closed_door(start_gateway):
    return start_gateway("--endpoint", "wsClosed=reject:switched off", "--endpoint", "wsData=service")


def test_a_call_to_a_rejecting_endpoint_is_disabled(closed_door):
    check_problem(closed_door.call(rpc("echo"), endpoint="wsClosed"), "disabled", delivery="not-sent")


def test_the_ways_in_which_a_service_fails_have_their_problems(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), form=BYTES)
    peer.send(dict(peer.receive_request(), status=200, data="!!"))
    check_problem(call.result(), "bad-answer", delivery="sent", endpoint="wsData")
    call = gateway.call_later(rpc("echo"), form=BYTES)
    peer.answer_error(peer.receive_request(), "no")
    check_problem(call.result(), "service-error", delivery="sent", endpoint="wsData")
    call = gateway.call_later(rpc("echo"), timeout="0.1")
    peer.receive_request()
    check_problem(call.result(), "timed-out", delivery={"sent", "unknown"}, endpoint="wsData")
    call = gateway.call_later(rpc("echo"))
    peer.receive_request()
    peer.crash()
    check_problem(call.result(), "service-closed", delivery={"sent", "unknown"}, endpoint="wsData")


@pytest.mark.parametrize("name", sorted(STATUS))
def test_every_problem_has_its_page(gateway, name):
    page = gateway.get(f"/problems/{name}", authorized=False, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/")
    assert len(page.text) > 100 and name in page.text


def test_a_problem_that_does_not_exist_has_no_page(gateway):
    assert gateway.get("/problems/nonsense", authorized=False).status_code == 404


def test_an_http_connection_is_kept_after_a_refused_call(gateway, raw_http):
    caller = raw_http(gateway)
    for _ in range(3):
        caller.call(b"[]")
        check_problem(caller.read_response(), "bad-message")
    caller.request("GET", "/version")
    assert caller.read_response()[0].status == 200


def test_outcomes_of_calls_are_counted_by_the_problems_name(gateway, dial):
    gateway.call(rpc("echo"))
    gateway.wait_outcome("no-service", 1)
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), timeout="0.1")
    peer.receive_request()
    assert call.result().status_code == 504
    gateway.wait_outcome("timed-out", 1)


def test_a_body_that_ends_early_starts_no_call(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.request("POST", CALLS, content_length=100, content_type=JSON)
    caller.send(json.dumps(rpc("half")).encode())
    caller.half_close()
    try:
        assert caller.read_head().status == 400
    except Aborted:
        pass  # closing without a word is as good: nobody is left who reads
    call = gateway.call_later(rpc("whole"))
    assert peer.answer_next()["attribute"] == "whole"
    assert call.result().status_code == 200
