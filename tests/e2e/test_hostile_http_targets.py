"""Forms of request targets, encoded paths and odd queries (service/docs/http.md)."""

import json

import pytest

from support.problems import check_problem, check_refused
from support.service import rpc

pytestmark = pytest.mark.usefixtures("bystander")

CALLS = "/v1/endpoints/wsData/requests"


@pytest.fixture
def caller(gateway, raw_http):
    return raw_http(gateway)


def check_kept(caller):
    assert caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize(
    "authority", ["other", "other:99", "OTHER.example", "[::1]:80", "127.0.0.1"],
)
@pytest.mark.parametrize("scheme", ["http", "https", "HTTP"])
def test_an_absolute_form_is_served_whatever_its_authority(caller, scheme, authority):
    head, body = caller.ask("GET", f"{scheme}://{authority}/livez")
    assert (head.status, body) == (200, b"alive\n")
    check_kept(caller)


@pytest.mark.parametrize("target, path", [("http://other", "/"), ("http://other?next=/livez", "/")])
def test_an_absolute_form_without_a_path_is_the_root(caller, target, path):
    here, there = caller.ask("GET", target), caller.ask("GET", path)
    assert (here[0].status, here[1]) == (there[0].status, there[1])


def test_the_host_of_an_absolute_form_counts_and_the_field_does_not(gateway, caller):
    """The rule of origins compares Origin with the host that the request is for."""
    message, target = json.dumps(rpc("echo")).encode(), f"http://{gateway.authority}{CALLS}"
    check_problem(caller.ask("POST", target, message, host="other", origin="http://other"), "forbidden")
    caller.close()


def test_an_origin_that_is_the_host_of_the_absolute_form_may_call(gateway, caller):
    message, target = json.dumps(rpc("echo")).encode(), f"http://{gateway.authority}{CALLS}"
    response = caller.ask("POST", target, message, host="other", origin=f"http://{gateway.authority}")
    check_problem(response, "no-service")


def test_http_1_0_may_name_its_host_in_the_target_alone(caller):
    caller.send(b"GET http://other/livez HTTP/1.0\r\n\r\n")
    assert caller.read_response()[0].status == 200
    assert caller.read_to_end() == b""


def test_http_1_1_needs_a_host_beside_an_absolute_form(caller):
    caller.send(b"GET http://other/livez HTTP/1.1\r\n\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "target",
    ["ftp://other/livez", "ws://other/livez", "1x://other/livez", "://other/livez", "http:///livez", "http://:80/livez",
     "http://user@other/livez", "http://user:password@other/livez", "http://other:x/livez", "http://[::1/livez",
     "http://oth%er/livez", "http:/livez", "http:livez", "mailto:livez", "other:443", "livez", "?",
     "%2flivez", "\\livez", "/livez#x", "/livez?a=b#c", "/#/livez", "http://other/livez#x", "#", "**", "*/livez"],
)
def test_a_target_of_no_form_is_400_and_the_connection_stays(caller, target):
    check_problem(caller.ask("GET", target), "bad-request")
    check_kept(caller)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "options"])
def test_an_asterisk_is_for_options_alone(caller, method):
    caller.request(method, "*")
    head = caller.read_head(to=method)
    assert (head.status, head.get("connection")) == (400, "close")
    caller.read_to_end()


def test_options_of_an_asterisk_tells_every_method(caller):
    head, body = caller.ask("OPTIONS", "*")
    assert (head.status, head.get("allow"), body) == (204, "GET, HEAD, POST, DELETE, OPTIONS", b"")
    check_kept(caller)


@pytest.mark.parametrize("target, problem", [("other:443", "bad-request"), ("/livez", "method-not-allowed")])
def test_connect_opens_no_tunnel_and_what_follows_is_not_read(caller, target, problem):
    caller.send(caller.head_of("CONNECT", target) + caller.head_of("GET", "/version"))
    head, body = caller.read_response()
    check_problem((head, body), problem)
    assert head.get("connection") == "close"
    assert caller.read_to_end() == b""


@pytest.mark.parametrize(
    "path",
    ["/v1/endpoints/ws%44ata", "/v1/%65ndpoints/wsData", "/v1/endpoints/%77%73%44%61%74%61", "/v1/endpoints/wsData/"],
)
def test_an_encoded_path_is_the_path_and_so_is_one_with_a_slash_behind_it(caller, path):
    head, body = caller.ask("GET", path)
    assert head.status == 200 and json.loads(body)["name"] == "wsData"


@pytest.mark.parametrize(
    "name, means",
    [("ws%2FData", "ws/Data"), ("..%2FwsData", "../wsData"), ("%00", "\0"), ("wsData%00", "wsData\0"), ("%2e%2e", ".."),
     ("..", ".."), (".", "."), ("wsData%20", "wsData "), ("ws+Data", "ws+Data"), ("%C3%A9", "é"), ("%ff", "\ufffd"),
     ("WSDATA", "WSDATA"), ("wsData;x=1", "wsData;x=1"), ("%2A", "*"), ("%23", "#"), ("%3F", "?")],
)
def test_an_encoded_name_is_one_name_and_not_resolved(caller, name, means):
    document = check_problem(caller.ask("POST", f"/v1/endpoints/{name}/requests", b"{}"), "no-endpoint")
    assert document["detail"] == f"there is no endpoint '{means}'"


def test_other_bytes_than_ascii_in_a_path_stand_for_themselves(caller):
    caller.send(caller.head_of("GET", "/v1/endpoints/NAME").replace(b"NAME", "é".encode()))
    document = check_problem(caller.read_response(), "no-endpoint")
    assert document["detail"] == "there is no endpoint 'é'"
    check_kept(caller)


@pytest.mark.parametrize(
    "path",
    ["//livez", "///", "/v1//endpoints", "/livez//", "/./livez", "/v1/../livez", "/%2e/livez", "/v1/%2e%2e/livez",
     "/..%2flivez", "/LIVEZ", "/livez;a=b", "/livez\\", "/livez%2f", "/li<vez>", "/wsData%00"],
)
def test_slashes_dots_and_letter_case_are_taken_as_they_are(caller, path):
    check_problem(caller.ask("GET", path), "not-found")
    check_kept(caller)


@pytest.mark.parametrize(
    "target",
    ["/%", "/%4", "/%zz", "/livez%", "/v1/endpoints/%zz", "/livez?a=%zz", "/livez?%=1", "/%-1", "/%u0041"],
)
def test_a_broken_encoding_is_400_and_the_connection_stays(caller, target):
    check_problem(caller.ask("GET", target), "bad-request")
    check_kept(caller)


@pytest.mark.parametrize("query", ["?", "?&&=&", "?a", "?=b", "?%00", "?a=b=c", "?a=%20+", "??", "?/../x"])
def test_an_odd_query_is_passed_over(caller, query):
    assert caller.ask("GET", "/livez" + query)[0].status == 200


@pytest.mark.parametrize(
    "query, problem",
    [("timeout=5&timeout=0", "bad-parameter"), ("timeout=0&timeout=5", "no-service"), ("time%6fut=0", "bad-parameter"),
     ("timeout=", "bad-parameter"), ("timeout", "bad-parameter"), ("timeout=+5", "bad-parameter"),
     ("timeout=1e3", "bad-parameter"), ("timeout=%35", "no-service"), ("TIMEOUT=0", "no-service"),
     ("a=1;timeout=0", "no-service"), ("tiemout=0", "no-service")],
)
def test_of_two_parameters_the_last_counts_and_unknown_ones_do_not(caller, query, problem):
    check_problem(caller.ask("POST", f"{CALLS}?{query}", b"{}"), problem, delivery="not-sent")
