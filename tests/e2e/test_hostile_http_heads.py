"""Request lines and header fields that break the rules (service/docs/http.md)."""

import pytest

from support.problems import check_problem, check_refused

pytestmark = pytest.mark.usefixtures("bystander")

GET = b"GET /livez HTTP/1.1\r\nHost: x\r\n"


@pytest.fixture
def gateway(start_gateway):
    return start_gateway("--head-limit", 2000)


@pytest.fixture
def caller(gateway, raw_http):
    return raw_http(gateway)


def check_alive(caller):
    """The next response is that of /livez, and another request is served behind it."""
    assert caller.read_response() and caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize(
    "head",
    [(GET + b"\r\n").replace(b"\r\n", b"\n"), GET.replace(b"1.1\r\n", b"1.1\n") + b"\r\n", GET + b"X: y\nZ: 1\r\n\r\n",
     GET + b"\n", GET[:-2] + b"\n\n", GET + b"X: a\rb\r\n\r\n", GET[:-2] + b"\r\r\n\r\n",
     GET.replace(b"\r\n", b"\r") + b"\r\r"],
    ids=["LF", "LF behind the request line", "LF behind a field", "LF at the end", "two LF", "CR in a value",
         "CR behind a value", "CR"],
)
def test_a_line_ends_with_cr_and_lf_alone(caller, head):
    caller.send(head + GET + b"\r\n")
    check_refused(caller, "bad-request")


def test_a_lone_lf_for_the_end_of_a_head_is_refused_without_waiting_for_more(caller):
    caller.send(GET + b"\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "field",
    [b"X: a\0b", b"X: a\x01b", b"X: a\x1bb", b"X: a\x7fb", b"X\0: a", b"X\x01: a", b"X\xe9: a", b"X(y): a", b"X y: a",
     b"X : a", b"X\t: a", b" X: a", b": a", b":", b"no colon", b"Connection: \""],
)
def test_control_bytes_and_names_that_are_none_are_refused(caller, field):
    caller.send(GET + field + b"\r\n\r\n" + GET + b"\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "head",
    [GET + b"X: a\r\n b\r\n\r\n", GET + b"X: a\r\n\tb\r\n\r\n", GET + b"X:\r\n b\r\n\r\n", GET + b"X: a\r\n \r\n\r\n",
     b"GET /livez HTTP/1.1\r\nHost:\r\n x\r\n\r\n", b"GET /livez HTTP/1.1\r\n Host: x\r\n\r\n"],
)
def test_a_folded_line_is_refused(caller, head):
    caller.send(head + GET + b"\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize("field", [b"X:", b"X: \t", b"X:y", b"X: \xe9\xff", b"X!#$%&'*+-.^_`|~1: a", b"X: a\tb"])
def test_empty_values_odd_names_and_other_bytes_than_ascii_are_passed_over(caller, field):
    caller.send(GET + field + b"\r\n\r\n")
    check_alive(caller)


def test_one_empty_line_may_come_before_each_request(caller):
    for _ in range(3):
        caller.send(b"\r\n" + GET + b"\r\n")
        assert caller.read_response()[0].status == 200
    caller.send_byte_by_byte(b"\r\n" + GET + b"\r\n")
    check_alive(caller)


@pytest.mark.parametrize("before", [b"\r\n\r\n", b"\n", b"\r", b" ", b"\r\n\n", b"\r\n" * 2000], ids=repr)
def test_anything_else_before_a_request_is_refused(caller, before):
    caller.send(before + GET + b"\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize("method", ["get", "Get", "BREW", "PATCH", "TRACE", "PUT", "A" * 500, "M-SEARCH"])
def test_an_unknown_method_of_a_known_path_is_405_and_the_connection_stays(caller, method):
    caller.request(method, "/livez")
    head, body = caller.read_response()
    check_problem((head, body), "method-not-allowed")
    assert head.get("allow") == "GET, HEAD" and head.get("connection") is None
    assert caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize(
    "line",
    [b"GET /livez", b"GET", b"GET  /livez HTTP/1.1", b"GET /livez  HTTP/1.1", b"GET\t/livez\tHTTP/1.1",
     b"GET /livez HTTP/1.1 ", b" GET /livez HTTP/1.1", b"GET /li vez HTTP/1.1", b"/livez HTTP/1.1",
     b"G(T /livez HTTP/1.1", b"G\0T /livez HTTP/1.1", b"GET /li\x01vez HTTP/1.1", b"GET /li\x7fvez HTTP/1.1",
     b"GET /livez http/1.1", b"GET /livez HTTP/1", b"GET /livez HTTP/11", b"GET /livez HTTP/1.10",
     b"GET /livez HTTP/1.2", b"GET /livez HTTP/2.0", b"GET /livez HTTP/0.9", b"GET /livez HTTPS/1.1", b"GET /livez HTTP/-1.1"],
)
def test_a_request_line_that_is_none_is_refused(caller, line):
    caller.send(line + b"\r\nHost: x\r\n\r\n" + GET + b"\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "bytes_",
    [b"GET /livez\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03" + bytes(range(240)),
     b"SSH-2.0-OpenSSH_9.2\r\n", b"\0" * 500, b'{"cmd":"rpc"}', b"\x81\x85\x00\x00\x00\x00hello",
     bytes(range(255, 127, -1))],
    ids=["HTTP/0.9", "HTTP/2", "TLS", "SSH", "zeros", "JSON", "WebSocket", "high bytes"],
)
def test_other_protocols_and_garbage_are_refused(caller, bytes_):
    caller.send(bytes_)
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "lines",
    [[], ["Host: a", "Host: b"], ["Host: a", "host: a"], ["Host: a b"], ["Host: a, b"], ["Host: a/b"], ["Host: u@a"],
     ["Host: u:p@a"], ["Host: http://a"], ["Host: a:x"], ["Host: a:80:80"], ["Host: a:-1"], ["Host: ::1"],
     ["Host: [::1"], ["Host: []"], ["Host: [::1]x"], ["Host: a%zz"], ["Host: a%4"], ["Host: a\"b"], ["Host: <a>"],
     ["Host: a\\b"], ["Host: \xc3\xa9"], ["Host: a?b"], ["Host: a#b"]],
    ids=" | ".join,
)
def test_a_request_without_one_proper_host_is_refused(caller, lines):
    head = "\r\n".join(["GET /livez HTTP/1.1", *lines, "", ""]).encode("latin-1")
    caller.send(head + GET + b"\r\n")
    check_refused(caller, "bad-request")


@pytest.mark.parametrize(
    "host",
    ["", "a", "a.b-c_d~e", "A.EXAMPLE.", "a:80", "a:", "127.0.0.1:8888", "[::1]", "[::1]:8888", "[v1.a:b]",
     "a%20b", "a!$&'()*+,;=b"],
)
def test_every_host_that_the_grammar_knows_is_taken(caller, host):
    caller.send(f"GET /livez HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    check_alive(caller)


@pytest.mark.parametrize(
    "head, problem",
    [(GET + b"X: " + b"y" * 2000, "head-too-large"), (GET + b"X: y\r\n" * 400, "head-too-large"),
     (GET + b"x" * 2000, "head-too-large"), (b"GET /" + b"x" * 2000, "uri-too-long"),
     (b"GET /" + b"x" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "uri-too-long"),
     (b"GET /livez?" + b"x&" * 1000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", "uri-too-long"), (b"A" * 2000, "uri-too-long")],
    ids=["field", "fields", "name", "line without end", "path", "query", "method"],
)
def test_a_head_over_its_limit_is_refused_before_it_ends(caller, head, problem):
    caller.send(head)
    check_refused(caller, problem)


def test_a_head_of_just_the_limit_is_taken(caller):
    caller.send(GET + b"X: " + b"y" * (2000 - len(GET) - 7) + b"\r\n\r\n")
    check_alive(caller)


def test_a_head_is_not_as_long_as_its_limit_for_each_line(caller):
    """Line by line, so that none of them is in the way of the next."""
    caller.send(GET)
    for _ in range(200):
        try:
            caller.send(b"X-Field: value\r\n")
        except ConnectionError:
            break
    check_refused(caller, "head-too-large")
