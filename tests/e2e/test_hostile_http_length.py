"""Bodies whose length can be read in two ways, and chunks that are none (service/docs/http.md)."""

import pytest

from support.problems import check_refused
from support.service import rpc

pytestmark = pytest.mark.usefixtures("bystander")

CALLS = "/v1/endpoints/wsData/requests"
MESSAGE = b'{"a":1}'
CHUNKS = b"7\r\n" + MESSAGE + b"\r\n0\r\n\r\n"
SMUGGLED = (
    f"POST {CALLS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer test\r\nContent-Length: 17\r\n\r\n"
    '{"smuggled":true}'
).encode()


@pytest.fixture
def gateway(start_gateway):
    return start_gateway("--request-limit", 1000, "--head-limit", 2000)


@pytest.fixture
def peer(gateway, dial):
    return dial(gateway)


@pytest.fixture
def post(gateway, raw_http):
    """Sends the head of a call with these lines, and these bytes behind it."""

    def send(lines, rest, version="1.1"):
        caller = raw_http(gateway)
        head = caller.head_of("POST", CALLS)[:-2].replace(b"HTTP/1.1", f"HTTP/{version}".encode())
        caller.send(head + "".join(line + "\r\n" for line in lines).encode("latin-1") + b"\r\n" + rest)
        return caller

    return send


def check_nothing_was_sent(gateway, peer):
    call = gateway.call_later(rpc("next"))
    assert peer.answer_next()["attribute"] == "next", "the service got what was refused, or what stood behind it"
    assert call.result().status_code == 200


def check_call(peer, caller):
    """The message arrives as it is, and what stands behind its body is a request of its own."""
    request = peer.receive_request()
    assert request["a"] == 1
    peer.answer(dict(request, cmd="rpc"), b"1")
    assert caller.read_response()[0].status == 200
    assert caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize(
    "lines",
    [["Content-Length: 7", "Content-Length: 7"], ["Content-Length: 7", "Content-Length: 8"],
     ["Content-Length: 7, 7"], ["Content-Length: 7, 8"], ["Content-Length: 7,"], ["Content-Length: +7"],
     ["Content-Length: -1"], ["Content-Length: 0x7"], ["Content-Length: 7 7"], ["Content-Length: 7;"],
     ["Content-Length: 7.0"], ["Content-Length:"], ["Content-Length: 18446744073709551616"],
     ["Content-Length: 18446744073709551623"], ["Content-Length: 99999999999999999999999"],
     ["Content-Length : 7"], ["Content-Length:", " 7"]],
    ids=" | ".join,
)
def test_a_length_that_is_not_one_number_is_refused(gateway, peer, post, lines):
    check_refused(post(lines, MESSAGE + SMUGGLED), "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize("length", ["7", "  7", "\t7 \t", "0000000000000000000000007"])
def test_one_number_with_white_space_and_zeros_is_a_length(peer, post, length):
    check_call(peer, post([f"Content-Length: {length}"], MESSAGE))


@pytest.mark.parametrize("length", ["1001", "9223372036854775808", "18446744073709551615"])
def test_a_length_over_the_limit_is_refused_before_the_body_comes(gateway, peer, post, length):
    check_refused(post([f"Content-Length: {length}"], b""), "too-large")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "lines",
    [["Content-Length: 7", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 7"],
     ["Content-Length: 7", "Transfer-Encoding: identity"], ["Content-Length: 7", "Transfer-Encoding:"],
     ["Content-Length: 7", "Transfer-Encoding: xchunked"], ["Content-Length: 7", "Transfer-Encoding:", " chunked"]],
    ids=" | ".join,
)
def test_a_length_beside_a_transfer_coding_is_refused(gateway, peer, post, lines):
    check_refused(post(lines, CHUNKS + SMUGGLED), "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "lines",
    [["Transfer-Encoding: chunked, chunked"], ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
     ["Transfer-Encoding: gzip, chunked"], ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
     ["Transfer-Encoding: gzip"], ["Transfer-Encoding: chunked, identity"], ["Transfer-Encoding: identity"],
     ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: chunked;q=1"], ["Transfer-Encoding: chunked,"],
     ["Transfer-Encoding: , chunked"], ['Transfer-Encoding: "chunked"'], ["Transfer-Encoding: \x0bchunked"],
     ["Transfer-Encoding:"], ["Transfer-Encoding : chunked"], ["Transfer-Encoding:", " chunked"],
     ["Transfer-Encoding:", "\tchunked"]],
    ids=" | ".join,
)
def test_a_transfer_coding_other_than_chunked_alone_is_refused(gateway, peer, post, lines):
    check_refused(post(lines, CHUNKS + SMUGGLED), "bad-request")
    check_nothing_was_sent(gateway, peer)


def test_a_transfer_coding_in_http_1_0_is_refused(gateway, peer, post):
    caller = post(["Transfer-Encoding: chunked", "Connection: keep-alive"], CHUNKS + SMUGGLED, "1.0")
    check_refused(caller, "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "chunks",
    [b"10000000000000007\r\n{}\r\n0\r\n\r\n", b"-7\r\n{}\r\n0\r\n\r\n", b"+7\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"0x7\r\n" + MESSAGE + b"\r\n0\r\n\r\n", b" 7\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"7 \r\n" + MESSAGE + b"\r\n0\r\n\r\n", b"\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"7g\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"7\r\n" + MESSAGE + b"0\r\n\r\n", b"7\r\n" + MESSAGE + b"x\r\n0\r\n\r\n", b"6\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"7\n" + MESSAGE + b"\r\n0\r\n\r\n", b"7\r" + MESSAGE + b"\r\n0\r\n\r\n", b"7\r\n" + MESSAGE + b"\n0\r\n\r\n",
     b"7\r\n" + MESSAGE + b"\r\n0\n\r\n", b"7\r\n" + MESSAGE + b"\r\n0\r\n\n", b"7\n" + MESSAGE + b"\n0\n\n",
     b"7;=\r\n" + MESSAGE + b"\r\n0\r\n\r\n", b"7;a\nb\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"7;a\rb\r\n" + MESSAGE + b"\r\n0\r\n\r\n", b"7;a\0b\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b'7;a="\r\n' + MESSAGE + b"\r\n0\r\n\r\n"],
)
def test_a_chunk_that_breaks_the_rules_is_refused(gateway, peer, post, chunks):
    check_refused(post(["Transfer-Encoding: chunked"], chunks + SMUGGLED), "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "chunks",
    [CHUNKS, b"0000000000000000000000007\r\n" + MESSAGE + b"\r\n000\r\n\r\n", b"1\r\n{\r\n6\r\n\"a\":1}\r\n0\r\n\r\n",
     b'7;name=value;other="quoted \\" ; text"\r\n' + MESSAGE + b"\r\n0;last\r\n\r\n",
     b"7\r\n" + MESSAGE + b"\r\n0\r\nX-Sum: 1\r\nHost: evil\r\nConnection: close\r\nAuthorization: Bearer x\r\n\r\n"],
    ids=["chunk", "zeros", "two", "extensions", "trailers"],
)
@pytest.mark.parametrize("coding", ["chunked", "Chunked", " CHUNKED\t"])
def test_chunks_make_one_body_and_their_extensions_and_trailers_say_nothing(peer, post, coding, chunks):
    check_call(peer, post([f"Transfer-Encoding: {coding}"], chunks))


@pytest.mark.parametrize("size", [b"3e9", b"FFFFFFFFFFFFFFFF", b"7fffffffffffffff"])
def test_a_chunk_over_the_limit_is_refused_before_it_comes(gateway, peer, post, size):
    check_refused(post(["Transfer-Encoding: chunked"], size + b"\r\n"), "too-large")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "trailer",
    [b"Content-Length: 50\r\n", b"Transfer-Encoding: gzip\r\n", b"Transfer-Encoding: chunked\r\n", b"no colon\r\n",
     b"X : y\r\n", b"X: a\nY: b\r\n", b"X: a\0b\r\n"],
)
def test_a_trailer_about_the_length_or_without_its_form_is_refused(gateway, peer, post, trailer):
    check_refused(post(["Transfer-Encoding: chunked"], CHUNKS[:-2] + trailer + b"\r\n" + SMUGGLED), "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize(
    "chunks",
    [b"7;" + b"x" * 2100 + b"\r\n" + MESSAGE + b"\r\n0\r\n\r\n",
     b"".join(b"1;" + b"x" * 500 + b"\r\n \r\n" for _ in range(5)) + CHUNKS,
     CHUNKS[:-2] + b"X: " + b"y" * 2100 + b"\r\n\r\n", CHUNKS[:-2] + b"X: y\r\n" * 1100 + b"\r\n"],
    ids=["extension", "extensions", "trailer", "trailers"],
)
def test_extensions_and_trailers_over_the_limit_of_a_head_are_refused(gateway, peer, post, chunks):
    check_refused(post(["Transfer-Encoding: chunked"], chunks), "bad-request")
    check_nothing_was_sent(gateway, peer)


@pytest.mark.parametrize("line", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_a_body_on_get_is_no_request_and_its_connection_ends_with_the_answer(gateway, raw_http, line):
    caller = raw_http(gateway)
    head = caller.head_of("GET", "/livez")[:-2] + line.encode() + b"\r\n\r\n"
    caller.send(head + (b"abc" if "Length" in line else b"3\r\nabc\r\n0\r\n\r\n") + caller.head_of("GET", "/version"))
    answer, body = caller.read_response()
    assert (answer.status, answer.get("connection"), body) == (200, "close", b"alive\n")
    assert caller.read_to_end() == b""
