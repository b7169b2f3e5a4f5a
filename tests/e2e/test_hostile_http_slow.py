"""Heads and bodies that come slowly, or not at all (service/docs/http.md)."""

import pytest

from support.problems import check_refused
from support.waiting import Stopwatch, let_pass

pytestmark = pytest.mark.usefixtures("bystander")

CALLS = "/v1/endpoints/wsData/requests"
MESSAGE = b'{"cmd":"x"}'


@pytest.fixture
def timeout():
    """Of heads and bodies. A test that has to be faster than it has a longer one, for slow machines."""
    return 0.7


@pytest.fixture
def gateway(start_gateway, timeout):
    return start_gateway("--head-timeout", timeout, "--body-timeout", timeout, "--idle-timeout", 60)


@pytest.fixture
def caller(gateway, raw_http):
    return raw_http(gateway)


def trickle(caller, data, pause):
    """Sends byte by byte with a pause behind each, until an answer comes; gives how many bytes it sent."""
    for at in range(len(data)):
        caller.send(data[at : at + 1])
        let_pass(pause)
        if caller.has_input():
            return at + 1
    return len(data)


@pytest.mark.parametrize("timeout", [30])
def test_a_head_that_comes_byte_by_byte_within_its_time_is_served(caller):
    caller.send_byte_by_byte(caller.head_of("GET", "/livez"))
    assert caller.read_response()[0].status == 200


@pytest.mark.parametrize(
    "beginning",
    [b"G", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\n", b"\r\nG", b"\r"],
    ids=repr,
)
def test_a_head_that_does_not_go_on_is_408(caller, timeout, beginning):
    watch = Stopwatch()
    caller.send(beginning)
    check_refused(caller, "too-slow")
    assert watch.seconds > timeout * 0.9


def test_an_empty_line_begins_no_head(caller, timeout):
    caller.send(b"\r\n")
    let_pass(timeout * 1.5)
    assert caller.ask("GET", "/livez")[0].status == 200


def test_a_head_that_goes_on_gets_no_more_time_for_it(caller, timeout):
    head = caller.head_of("GET", "/livez")
    assert trickle(caller, head, timeout / 10) < len(head)
    check_refused(caller, "too-slow")


def test_a_head_behind_another_request_has_its_own_time(caller):
    caller.send(caller.head_of("GET", "/livez") + b"GET /livez HTTP/1.1\r\n")
    assert caller.read_response()[0].status == 200
    check_refused(caller, "too-slow")


@pytest.mark.parametrize(
    "length, beginning",
    [("Content-Length: 11", b""), ("Content-Length: 11", MESSAGE[:6]), ("Transfer-Encoding: chunked", b""),
     ("Transfer-Encoding: chunked", b"b"), ("Transfer-Encoding: chunked", b"b\r\n" + MESSAGE),
     ("Transfer-Encoding: chunked", b"b\r\n" + MESSAGE + b"\r\n0\r\n"),
     ("Transfer-Encoding: chunked", b"b\r\n" + MESSAGE + b"\r\n0\r\nX: y\r\n")],
)
def test_a_body_that_does_not_go_on_is_408(caller, length, beginning):
    caller.send(caller.head_of("POST", CALLS)[:-2] + length.encode() + b"\r\n\r\n" + beginning)
    check_refused(caller, "too-slow")


def test_a_body_that_was_asked_for_and_does_not_come_is_408(caller):
    caller.request("POST", CALLS, content_length=11, expect="100-continue")
    assert caller.read_head().status == 100
    check_refused(caller, "too-slow")


@pytest.mark.parametrize("timeout", [4])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunks"])
def test_a_body_that_is_slow_but_goes_on_has_all_the_time(gateway, dial, caller, timeout, chunked):
    peer, watch = dial(gateway), Stopwatch()
    body = b"b\r\n" + MESSAGE + b"\r\n0\r\n\r\n" if chunked else MESSAGE
    caller.request("POST", CALLS, **({"transfer_encoding": "chunked"} if chunked else {"content_length": 11}))
    assert trickle(caller, body, timeout * 1.3 / len(body)) == len(body)
    assert watch.seconds > timeout * 1.2
    assert peer.answer_next()["cmd"] == "x"
    assert caller.read_response()[0].status == 200


@pytest.mark.parametrize("timeout", [8])
def test_many_slow_callers_keep_nobody_waiting(gateway, raw_http):
    slow = [raw_http(gateway) for _ in range(100)]
    for caller in slow:
        caller.send(b"POST %s HTTP/1.1\r\nHost: x\r\n" % CALLS.encode())
    assert gateway.get("/livez").status_code == 200
    assert not any(caller.has_input() for caller in slow[-10:]), "served before the slow ones were given up"
    for caller in slow:
        check_refused(caller, "too-slow")
