"""TLS of the gateway's own: what it speaks and with whom."""

import asyncio
import json
import signal
import socket
import ssl
import subprocess

import pytest
import websockets

from support.certificates import self_signed
from support.events import EventStream
from support.gateway import BYTES, PATIENT, run_to_the_end
from support.handshakes import handshake_fails
from support.payload import MIB, md5, payload
from support.raw import CLOSE, TEXT, ByteStream, HttpCaller, WebSocketPeer, frame
from support.service import data_interface, rpc
from support.waiting import DEADLINE, Stopwatch, let_pass, wait_until

BIG = 40 * MIB


@pytest.fixture
def gateway(start_tls):
    return start_tls()


# What is spoken


@pytest.mark.parametrize("version,spoken", [("tls1_1", False), ("tls1_2", True), ("tls1_3", True)])
def test_tls_begins_with_version_1_2(gateway, authority, version, spoken):
    old = ["-cipher", "DEFAULT:@SECLEVEL=0"] if not spoken else []
    client = subprocess.run(["openssl", "s_client", "-connect", gateway.authority, f"-{version}", *old, "-CAfile",
                             authority.file, "-verify_return_error"],
                            input="", capture_output=True, text=True, timeout=DEADLINE)
    assert (client.returncode == 0) == spoken, client.stderr
    assert ("Cipher is (NONE)" in client.stdout) != spoken
    assert spoken or "protocol version" in client.stderr


def test_ciphers_of_1_2_are_authenticated_and_keep_old_talks_secret(gateway):
    for cipher in ("AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256"):
        context = gateway.tls_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(cipher)
        assert handshake_fails(gateway, context), cipher
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    assert not handshake_fails(gateway, context)


@pytest.mark.parametrize("offered,chosen", [(["h2", "http/1.1"], "http/1.1"), ([], None)])
def test_the_protocol_is_http_1_1(gateway, offered, chosen):
    context = gateway.tls_context()
    if offered:
        context.set_alpn_protocols(offered)
    with socket.create_connection(gateway.address, DEADLINE) as plain:
        with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
            assert secured.selected_alpn_protocol() == chosen


def test_a_client_that_speaks_only_other_protocols_is_turned_away(gateway):
    context = gateway.tls_context()
    context.set_alpn_protocols(["h2"])
    assert handshake_fails(gateway, context)


def test_curl_is_served(gateway, authority):
    answer = subprocess.run(["curl", "-sS", "--cacert", authority.file, f"{gateway.url}/version"], check=True,
                            capture_output=True, text=True, timeout=DEADLINE)
    assert json.loads(answer.stdout)["name"] == "reachback"


def test_the_end_of_an_answer_is_announced(gateway):
    with socket.create_connection(gateway.address, DEADLINE) as plain:
        # Without leave to overlook it: a missing close_notify raises.
        context = gateway.tls_context()
        with context.wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as secured:
            secured.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = b""
            while piece := secured.recv(1000):
                received += piece
            assert received.endswith(b"alive\n")


def test_who_says_goodbye_hears_it_too(gateway):
    with socket.create_connection(gateway.address, DEADLINE) as plain:
        secured = gateway.tls_context().wrap_socket(plain, server_hostname="127.0.0.1")
        secured.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        assert secured.recv(1000)
        secured.unwrap().close()


# What is no TLS


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1", b"POST /v1/endpoints/wsData/requests HTTP/1.1"])
def test_plain_http_is_told_that_this_is_a_tls_port(gateway, bystander, request_line):
    with HttpCaller(gateway.address) as caller:
        caller.send(request_line + b"\r\nHost: x\r\n\r\n")
        head, body = caller.read_response()
        assert head.status == 400 and head.get("connection") == "close"
        assert "https" in json.loads(body)["detail"]
        assert caller.read_to_end() == b""


@pytest.mark.parametrize("garbage", [b"\x00" * 64, b"SSH-2.0-OpenSSH_9.2\r\n", bytes(range(256)),
                                     b"\x16\x03\x01\xff\xff" + b"a" * 2000,
                                     b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff"])
def test_garbage_is_closed_at_once(gateway, bystander, garbage):
    watch = Stopwatch()
    with ByteStream(gateway.address) as stream:
        stream.send(garbage)
        stream.half_close()
        assert len(stream.read_to_end()) <= 7, "no more than an alert"
    assert watch.seconds < 8, "not by the time-out"


def test_a_client_that_leaves_in_the_middle_of_the_handshake_disturbs_nobody(gateway, bystander, hello):
    for length in (0, 1, 5, len(hello) // 2, len(hello)):
        with ByteStream(gateway.address) as stream:
            stream.send(hello[:length])
            stream.reset() if length % 2 else stream.half_close()


@pytest.fixture
def hello(gateway):
    """A client's first message."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = gateway.tls_context().wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


def test_a_handshake_has_the_time_of_a_head(start_tls, hello):
    gateway = start_tls("--head-timeout", "1.5")
    watch = Stopwatch()
    with ByteStream(gateway.address) as silent, ByteStream(gateway.address) as slow:
        for value in hello:
            try:
                slow.send(bytes([value]))
            except ConnectionError:
                break
            if slow.has_input():
                break
            let_pass(0.1)
        assert slow.read_to_end() == b""
        assert 1.4 < watch.seconds < 15, "cut while it still sent"
        assert silent.read_to_end() == b""
    assert gateway.get("/livez").status_code == 200


# Calls, messages, events


def test_many_calls_at_once_are_answered(gateway, serve):
    serve(gateway, {"echo": lambda text: text}, pong_timeout=4)
    calls = [gateway.call_later(rpc("echo", f"{i}" * 500), form=BYTES) for i in range(100)]
    for i, call in enumerate(calls):
        assert json.loads(call.result().content) == f"{i}" * 500


@pytest.mark.parametrize("threads", [1, 4])
def test_an_answer_of_40_mib_arrives_whole_in_each_form(start_tls, serve, threads):
    gateway = start_tls(threads=threads)
    data = payload(BIG, False)
    serve(gateway, {"big": lambda: data, "echo": lambda text: text}, pong_timeout=4)
    assert md5(gateway.call(rpc("big"), form=BYTES).content) == md5(data)
    merged = gateway.call(rpc("big")).json()
    assert merged["fileHash"] == md5(data) and len(merged["data"]) > BIG
    assert gateway.call(rpc("echo", "behind it"), form=BYTES).json() == "behind it"


def test_a_slow_reader_of_a_big_answer_gets_all_of_it(gateway, serve, raw_http):
    data = payload(BIG, False)
    serve(gateway, {"big": lambda: data, "echo": lambda text: text}, pong_timeout=4)
    caller = raw_http(gateway, receive_buffer=16 * 1024)
    caller.call(json.dumps(rpc("big")).encode(), form=BYTES)
    assert caller.read_head().status == 200
    let_pass(1)
    assert gateway.call(rpc("echo", "meanwhile"), form=BYTES).json() == "meanwhile"
    assert md5(caller.read_body(deadline=60)) == md5(data)


def test_a_big_request_and_pipelined_ones_are_read_whole(gateway, serve, raw_http):
    serve(gateway, {"size": lambda text: len(text)}, pong_timeout=4)
    text = payload(5 * MIB, False).hex()
    assert gateway.call(rpc("size", text), form=BYTES).json() == len(text)
    caller = raw_http(gateway)
    caller.send(caller.head_of("GET", "/livez") * 500)
    for _ in range(500):
        assert caller.read_response()[0].status == 200


def test_a_caller_that_hangs_up_cancels_its_call(gateway, dial, raw_http):
    service = dial(gateway)
    caller = raw_http(gateway)
    caller.call(json.dumps(rpc("never")).encode())
    service.receive_request()
    gateway.wait_in_flight(1)
    caller.close()
    gateway.wait_in_flight(0)
    gateway.wait_outcome("cancelled", 1)


def test_a_service_that_is_cut_off_ends_its_calls(gateway, dial):
    service = dial(gateway)
    call = gateway.call_later(rpc("never"))
    service.receive_request()
    service.crash()
    assert call.result().status_code == 502


@pytest.mark.parametrize("threads", [1, 4])
def test_a_broadcast_and_its_events_reach_everybody(start_tls, dial, stack, threads):
    gateway = start_tls(threads=threads)
    events = stack.enter_context(EventStream(gateway))
    watchers = [dial(gateway, "wsUser") for _ in range(8)]
    for _ in watchers:
        assert events.next()[0] == "open"
    text = payload(4 * MIB, False).hex()
    assert gateway.post_message(text).json() == {"delivered": 8}
    assert gateway.post_message("the end").json() == {"delivered": 8}
    for watcher in watchers:
        assert md5(watcher.receive().encode()) == md5(text.encode())
        assert watcher.receive() == "the end"
    watchers[0].send("from inside")
    kind, event = events.next()
    assert (kind, event["text"]) == ("message", "from inside")
    watchers[0].leave()
    assert events.next()[0] == "close"


def test_bytes_right_behind_the_upgrade_move_with_the_connection(start_tls, stack):
    gateway = start_tls(threads=4)
    events = stack.enter_context(EventStream(gateway))
    # Whichever shard a connection begins on, most of them move: one record with the upgrade and the first messages.
    for number in range(8):
        peer = stack.enter_context(WebSocketPeer(gateway, "/wsUser"))
        big = f"{number}" * 20_000
        assert peer.open(frame(TEXT, f"first {number}".encode()) + frame(TEXT, big.encode())).status == 101
        texts = []
        while len(texts) < 2:
            kind, event = events.next()
            texts += [event["text"]] if kind == "message" else []
        assert texts == [f"first {number}", big]


def test_pings_pass_and_a_closing_is_announced(start_tls, dial):
    gateway = start_tls("--ping-interval", "0.2", "--silence-timeout", "5")
    peer = dial(gateway, "wsUser")
    assert gateway.post_message("hello").json() == {"delivered": 1}
    assert peer.receive() == "hello"
    wait_until(lambda: peer.ping() or gateway.endpoint("wsUser")["connections"][0].get("roundTripMs"), "a pong came")
    assert gateway.http("DELETE", "/v1/endpoints/wsUser/connections").json() == {"closed": 1}
    assert peer.receive_close()[0] == 4000


def test_the_websockets_library_is_served(gateway, authority):
    async def talk():
        async with websockets.connect(f"wss://{gateway.authority}/wsUser", ssl=gateway.tls_context(),
                                      extra_headers={"Authorization": "Bearer test"}) as peer:
            while not gateway.connections("wsUser"):
                await asyncio.sleep(0.01)
            gateway.post_message("x" * 100_000)
            return await asyncio.wait_for(peer.recv(), DEADLINE)

    assert asyncio.run(talk()) == "x" * 100_000


def test_a_drain_ends_connections_in_order(gateway, raw_websocket):
    peer = raw_websocket(gateway, "wsUser")
    gateway.signal(signal.SIGTERM)
    assert peer.read_close()[0] == 1012
    peer.send_frame(CLOSE, (1012).to_bytes(2, "big"))
    assert peer.read_to_end() == b""
    assert gateway.wait_exit() == 0


# Our own client side against our own server side


@pytest.mark.parametrize("threads", [1, 4])
def test_attach_serves_by_tls_to_the_gateway_itself(start_tls, start_attach, shared_files, threads):
    gateway = start_tls(threads=threads)
    start_attach("--server", gateway.url, "--ca-file", gateway.ca_file).wait_ready()
    wait_until(gateway.connections, "attach has joined")
    big = gateway.call(data_interface("getFile", "big"), form=BYTES).content
    assert md5(big) == md5((shared_files / "big").read_bytes())
    assert gateway.call(data_interface("getFile", "small.txt"), form=BYTES).content == b"a small file"


def test_cookies_are_for_tls_alone(gateway):
    page = gateway.http("GET", "/login", authorized=False)
    assert page.headers["Set-Cookie"].endswith("; Secure")


def test_health_asks_by_tls_where_the_gateway_is_told_to_speak_it(gateway, good, monkeypatch):
    monkeypatch.setenv("REACHBACK_PORT", str(gateway.port))
    assert run_to_the_end("health", *PATIENT).returncode == 1, "by plain HTTP"
    monkeypatch.setenv("REACHBACK_TLS_CERTIFICATE", str(good.file))
    assert run_to_the_end("health", *PATIENT).returncode == 0
    assert run_to_the_end("health", "--server", gateway.url, "--ca-file", gateway.ca_file, *PATIENT).returncode == 0
    assert run_to_the_end("health", "--server", gateway.url, *PATIENT).returncode == 1, "an unknown authority"


def test_health_of_ones_own_machine_looks_at_no_certificate(start_tls, certificate_folder, monkeypatch):
    elsewhere = self_signed(certificate_folder, "health-elsewhere", "DNS:elsewhere.example")
    gateway = start_tls(certificate=elsewhere, ca_file=None)
    monkeypatch.setenv("REACHBACK_PORT", str(gateway.port))
    monkeypatch.setenv("REACHBACK_TLS_CERTIFICATE", "/no/longer/there")
    assert run_to_the_end("health", *PATIENT).returncode == 0
    gateway.meant_to_end = True  # nobody here trusts it enough to ask for its metrics
