"""TLS of the gateway's own: what it speaks and with whom, its certificates while it runs, and those of clients."""

import asyncio
import hashlib
import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess

import pytest
import websockets

from support.certificates import Authority, fingerprint, openssl, self_signed
from support.events import EventStream
from support.gateway import BINARY, BYTES, Program, run_to_the_end
from support.payload import MIB, md5, payload
from support.raw import CLOSE, TEXT, ByteStream, HttpCaller, WebSocketPeer, frame
from support.service import rpc
from support.waiting import DEADLINE, Stopwatch, let_pass, wait_until

HERE = "DNS:localhost,IP:127.0.0.1"
BIG = 40 * MIB
PATIENT = ("--timeout", "60")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("server-certificates")


@pytest.fixture(scope="session")
def authority(folder):
    return Authority(folder, "authority")


@pytest.fixture(scope="session")
def good(authority):
    return authority.issue("good", HERE)


@pytest.fixture
def start_tls(start_gateway, good, authority):
    def start(*flags, certificate=good, ca_file=authority.file, **options):
        return start_gateway(*flags, certificate=certificate, ca_file=ca_file, **options)

    return start


@pytest.fixture
def gateway(start_tls):
    return start_tls()


def serial_shown(gateway, context=None):
    """The serial number of the certificate that a new connection is shown."""
    with socket.create_connection(gateway.address, DEADLINE) as plain:
        with (context or gateway.tls_context()).wrap_socket(plain, server_hostname="127.0.0.1") as secured:
            return secured.getpeercert()["serialNumber"]


def serial_of(certificate):
    text = subprocess.run(["openssl", "x509", "-in", certificate.file, "-noout", "-serial"], check=True,
                          capture_output=True, text=True).stdout
    return text.strip().partition("=")[2]


def handshake_fails(gateway, context):
    """Whether the gateway ends the connection of such a client before any answer. By TLS 1.3 the client hears of it
    behind its own handshake only."""
    with socket.create_connection(gateway.address, DEADLINE) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secured:
                secured.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                return not secured.recv(1000)
        except (ssl.SSLError, ConnectionError):
            return True


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
        with gateway.tls_context().wrap_socket(plain, server_hostname="127.0.0.1", suppress_ragged_eofs=False) as secured:
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


@pytest.fixture
def bystander(gateway, raw_http):
    caller = raw_http(gateway)
    assert caller.ask("GET", "/livez")[0].status == 200
    yield
    assert caller.ask("GET", "/livez")[0].status == 200


@pytest.mark.parametrize("request_line", [b"GET / HTTP/1.1", b"POST /v1/endpoints/wsData/requests HTTP/1.1"])
def test_plain_http_is_told_that_this_is_a_tls_port(gateway, bystander, request_line):
    with HttpCaller(gateway.address) as caller:
        caller.send(request_line + b"\r\nHost: x\r\n\r\n")
        head, body = caller.read_response()
        assert head.status == 400 and head.get("connection") == "close"
        assert "https" in json.loads(body)["detail"]
        assert caller.read_to_end() == b""


@pytest.mark.parametrize("garbage", [b"\x00" * 64, b"SSH-2.0-OpenSSH_9.2\r\n", bytes(range(256)),
                                     b"\x16\x03\x01\xff\xff" + b"a" * 2000, b"\x16\x03\x01\x00\x05\x01\xff\xff\xff\xff"])
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


@pytest.fixture
def files(tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "small.txt").write_text("a small file")
    (shared / "big").write_bytes(payload(BIG, False))
    return shared


@pytest.fixture
def start_attach(programs, files):
    def start(gateway, *flags):
        command = [BINARY, "attach", "wsData", "--files", files, "--server", gateway.url, "--ca-file",
                   gateway.ca_file, *flags]
        attached = Program(command, r"reachback: attached to wss://.+/wsData$")
        programs.append(attached)
        return attached

    return start


def get_file(name):
    return {"cmd": "rpc", "class": "DataInterface", "attribute": "getFile", "args": [name]}


@pytest.mark.parametrize("threads", [1, 4])
def test_attach_serves_by_tls_to_the_gateway_itself(start_tls, start_attach, files, threads):
    gateway = start_tls(threads=threads)
    start_attach(gateway, "--test").wait_ready()
    wait_until(gateway.connections, "attach has joined")
    assert md5(gateway.call(get_file("big"), form=BYTES).content) == md5((files / "big").read_bytes())
    assert gateway.call(get_file("small.txt"), form=BYTES).content == b"a small file"


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


def test_health_of_ones_own_machine_looks_at_no_certificate(start_tls, folder, monkeypatch):
    elsewhere = self_signed(folder, "elsewhere", "DNS:elsewhere.example")
    gateway = start_tls(certificate=elsewhere, ca_file=None)
    monkeypatch.setenv("REACHBACK_PORT", str(gateway.port))
    monkeypatch.setenv("REACHBACK_TLS_CERTIFICATE", "/no/longer/there")
    assert run_to_the_end("health", *PATIENT).returncode == 0
    gateway.meant_to_end = True  # nobody here trusts it enough to ask for its metrics


# The files at the start


def check_config(*flags):
    ended = run_to_the_end("serve", "--check-config", "--log-level", "error", *map(str, flags))
    assert ended.returncode == 0 or len(ended.stderr.splitlines()) == 1
    return ended


@pytest.fixture
def broken(folder, good, authority):
    """Names of what can be wrong, with the certificate, the key, and what the complaint says of which file."""
    other = authority.issue("other", HERE)
    nonsense, locked, empty = folder / "nonsense.pem", folder / "locked.key", folder / "empty.pem"
    nonsense.write_text("no certificate and no key")
    empty.write_text("")
    cut = folder / "cut.pem"
    cut.write_text(good.file.read_text()[:200] + "\n-----END CERTIFICATE-----\n")
    openssl("ec", "-in", good.key, "-aes256", "-passout", "pass:secret", "-out", locked)
    return {
        "no certificate file": (folder / "absent.pem", good.key, folder / "absent.pem", "No such file"),
        "no key file": (good.file, folder / "absent.key", folder / "absent.key", "No such file"),
        "a folder": (folder, good.key, folder, "no regular file"),
        "no certificate in it": (nonsense, good.key, nonsense, "no certificate (PEM)"),
        "an empty file": (empty, good.key, empty, "no certificate (PEM)"),
        "a malformed certificate": (cut, good.key, cut, "malformed"),
        "no key in it": (good.file, nonsense, nonsense, "no private key (PEM)"),
        "a certificate for a key": (good.file, good.file, good.file, "no private key (PEM)"),
        "another key": (good.file, other.key, other.key, f"not that of {good.file}"),
        "a key with a password": (good.file, locked, locked, "password"),
    }


BROKEN = ["no certificate file", "no key file", "a folder", "no certificate in it", "an empty file",
          "a malformed certificate", "no key in it", "a certificate for a key", "another key", "a key with a password"]


@pytest.mark.parametrize("case", BROKEN)
def test_files_that_cannot_be_used_end_the_start_with_one_line(broken, case):
    certificate, key, named, word = broken[case]
    flags = ["--tls-certificate", certificate, "--tls-key", key]
    for ended in (check_config(*flags), run_to_the_end("serve", "--test", "--port", "0", *map(str, flags))):
        assert ended.returncode == 2
        assert str(named) in ended.stderr and word in ended.stderr and len(ended.stderr.splitlines()) == 1


def test_half_a_pair_or_a_client_rule_without_tls_makes_no_sense(good, authority):
    client = "lab:subject=CN=lab:scopes=*"
    for flags, word in ((["--tls-certificate", good.file], "tls_key"), (["--tls-key", good.key], "tls_certificate"),
                        (["--tls-client-ca", authority.file], "tls_certificate"),
                        (["--tls-client-required"], "tls_client_ca"), (["--client-certificate", client], "tls_client_ca")):
        ended = check_config(*flags)
        assert ended.returncode == 2 and word in ended.stderr
    ended = check_config("--tls-certificate", good.file, "--tls-key", good.key, "--tls-client-ca", good.key)
    assert ended.returncode == 2 and str(good.key) in ended.stderr


def test_an_expired_certificate_is_served_with_a_warning(start_gateway, authority):
    expired = authority.issue("expired", HERE, days=-1)
    ended = run_to_the_end("serve", "--check-config", "--tls-certificate", str(expired.file), "--tls-key", str(expired.key))
    assert ended.returncode == 0
    assert ended.stderr.count("has expired") == 1 and str(expired.file) in ended.stderr
    gateway = start_gateway(certificate=expired)
    assert gateway.stderr().count("has expired") == 1
    gateway.meant_to_end = True  # nobody accepts it


# New files while it runs


class Served:
    """A certificate's files that are replaced while a gateway uses them."""

    def __init__(self, folder, first):
        self.file, self.key = folder / "served.pem", folder / "served.key"
        self.put(first)

    def put(self, certificate):
        shutil.copy(certificate.file, self.file)
        shutil.copy(certificate.key, self.key)


@pytest.fixture
def served(tmp_path, good):
    return Served(tmp_path, good)


def expiry(gateway):
    return gateway.metrics().value("reachback_tls_certificate_expiry_seconds")


def test_a_new_certificate_is_for_new_connections_and_the_old_ones_stay(start_tls, served, good, authority, dial, raw_http):
    gateway = start_tls(certificate=served)
    before = expiry(gateway)
    assert before == ssl.cert_time_to_seconds(not_after(good))
    peer, caller = dial(gateway, "wsUser"), raw_http(gateway)
    assert caller.ask("GET", "/livez")[0].status == 200
    renewed = authority.issue("renewed", HERE, days=30)
    served.put(renewed)
    assert serial_shown(gateway) == serial_of(good), "nobody has said anything yet"
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: serial_shown(gateway) == serial_of(renewed), "the new certificate is shown")
    assert expiry(gateway) == ssl.cert_time_to_seconds(not_after(renewed)) > before
    assert caller.ask("GET", "/livez")[0].status == 200
    assert gateway.post_message("still here").json() == {"delivered": 1}
    assert peer.receive() == "still here"


def not_after(certificate):
    text = subprocess.run(["openssl", "x509", "-in", certificate.file, "-noout", "-enddate"], check=True,
                          capture_output=True, text=True).stdout
    return text.strip().partition("=")[2]


def test_new_files_that_are_wrong_leave_the_old_certificate(start_tls, served, good, authority):
    gateway = start_tls(certificate=served)
    renewed = authority.issue("renewed", HERE, days=30)
    shutil.copy(renewed.file, served.file)
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: f"{served.key}: the key is not that of" in gateway.stderr(), "it is logged")
    assert serial_shown(gateway) == serial_of(good)
    secret = good.key.read_text().splitlines()[1]
    assert secret not in gateway.stderr()
    shutil.copy(renewed.key, served.key)
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: serial_shown(gateway) == serial_of(renewed), "the new certificate is shown")


def test_without_tls_there_is_no_expiry(start_gateway):
    assert "reachback_tls_certificate_expiry" not in start_gateway().get("/metrics").text


# Certificates of clients


@pytest.fixture(scope="session")
def clients(folder):
    """The authority of clients."""
    return Authority(folder, "clients")


@pytest.fixture(scope="session")
def lab(clients):
    return clients.issue("lab", "DNS:lab")


@pytest.fixture(scope="session")
def caller_certificate(clients):
    return clients.issue("caller", "DNS:caller", subject="/O=Example, Inc./OU=Calls/CN=caller")


@pytest.fixture
def start_mutual(start_tls, clients, lab, caller_certificate, tmp_path):
    """A gateway that takes lab's certificate by its fingerprint and the caller's by its subject."""
    config = tmp_path / "gateway.toml"
    config.write_text(f"""
tls_client_ca = "{clients.file}"

[[client_certificate]]
name = "lab"
sha256 = "{fingerprint(lab)}"
scopes = ["serve:wsData"]

[[client_certificate]]
name = "the caller"
subject = 'CN=caller,OU=Calls,O=Example\\, Inc.'
scopes = ["call:wsData", "watch:wsData"]
""")
    return lambda *flags, **options: start_tls("--config", config, *flags, **options)


def ask(gateway, certificate, path="/v1/endpoints/wsData", **options):
    """One request without a token, by a client with that certificate."""
    return gateway.http("GET", path, authorized=False, cert=certificate and (str(certificate.file), str(certificate.key)),
                        **options)


def context_with(gateway, certificate, version=None):
    context = gateway.tls_context()
    context.load_cert_chain(certificate.file, certificate.key)
    if version:
        context.maximum_version = version
    return context


def test_a_certificate_stands_for_its_scopes(start_mutual, caller_certificate, lab):
    gateway = start_mutual()
    assert ask(gateway, caller_certificate).status_code == 200
    forbidden = ask(gateway, lab)
    assert forbidden.status_code == 403 and "watch:wsData" in forbidden.json()["detail"]
    assert ask(gateway, None).status_code == 401


def test_a_valid_certificate_that_nobody_knows_is_nobody(start_mutual, clients):
    gateway = start_mutual()
    for stranger in (clients.issue("stranger", "DNS:x"), clients.issue("near", "DNS:x", subject="/OU=Calls/CN=caller"),
                     clients.issue("trick", "DNS:x", subject="/CN=caller,OU=Calls,O=Example, Inc.")):
        assert ask(gateway, stranger).status_code == 401
        assert ask(gateway, stranger, "/livez").status_code == 200


def test_a_subject_is_known_in_each_of_its_certificates_and_a_fingerprint_in_one(start_mutual, clients, lab):
    gateway = start_mutual()
    subject = "/O=Example, Inc./OU=Calls/CN=caller"
    assert ask(gateway, clients.issue("caller-2", "DNS:x", subject=subject)).status_code == 200
    assert ask(gateway, clients.issue("lab-2", "DNS:x", subject="/CN=lab")).status_code == 401


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_is_not_good_ends_the_handshake(start_mutual, folder, authority, clients, version):
    gateway = start_mutual("--log-level", "debug")
    subject = "/O=Example, Inc./OU=Calls/CN=caller"
    wrong = Authority(folder, "clients-of-others").issue("impostor", "DNS:x", subject=subject)
    expired = clients.issue("late", "DNS:x", days=-1, subject=subject)
    for bad, word in ((wrong, "the client's certificate comes from an unknown authority"),
                      (expired, "the client's certificate has expired"),
                      (self_signed(folder, "own", "DNS:x"), "unknown authority")):
        assert handshake_fails(gateway, context_with(gateway, bad, version))
        wait_until(lambda: word in gateway.stderr(), f"the log says {word}")
    assert ask(gateway, None, "/livez").status_code == 200


def test_a_token_or_cookie_goes_before_the_certificate(start_mutual, caller_certificate):
    gateway = start_mutual("--token-hash", f"narrow:{sha256_of('narrow')}:serve:wsData")
    assert ask(gateway, caller_certificate, headers={"Authorization": "Bearer narrow"}).status_code == 403
    assert ask(gateway, caller_certificate, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert ask(gateway, caller_certificate, headers={"Cookie": "login=wrong"}).status_code == 401
    assert ask(gateway, caller_certificate, headers={"Cookie": "other=1"}).status_code == 200


def sha256_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def test_each_request_of_a_connection_is_the_certificates(start_mutual, caller_certificate):
    gateway = start_mutual()
    connection = http.client.HTTPSConnection(gateway.host, gateway.port, timeout=DEADLINE,
                                             context=context_with(gateway, caller_certificate))
    for header, status in (({}, 200), ({"Authorization": "Bearer wrong"}, 401), ({}, 200)):
        connection.request("GET", "/v1/endpoints/wsData", headers=header)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status
    connection.close()


@pytest.mark.parametrize("threads", [1, 4])
def test_a_service_dials_in_by_its_certificate_and_is_called_by_another(start_mutual, start_attach, lab,
                                                                        caller_certificate, threads):
    gateway = start_mutual(threads=threads)
    start_attach(gateway, "--certificate", lab.file, "--key", lab.key).wait_ready()
    wait_until(gateway.connections, "attach has joined")
    assert gateway.endpoint("wsData")["connections"][0]["user"] == "lab"
    answer = gateway.http("POST", "/v1/endpoints/wsData/requests", authorized=False, json=get_file("small.txt"),
                          headers={"Accept": BYTES}, cert=(str(caller_certificate.file), str(caller_certificate.key)))
    assert (answer.status_code, answer.content) == (200, b"a small file")


def test_a_service_whose_certificate_may_not_serve_is_refused(start_mutual, start_attach, caller_certificate):
    gateway = start_mutual()
    attached = start_attach(gateway, "--certificate", caller_certificate.file, "--key", caller_certificate.key)
    assert attached.wait_exit() == 1
    assert "serve:wsData" in attached.stderr()


def test_an_upgrade_without_any_credential_is_refused(start_mutual, stack):
    gateway = start_mutual()
    peer = stack.enter_context(WebSocketPeer(gateway, headers={"Authorization": None}))
    assert peer.open().status == 101
    assert b"401" in peer.read_message()[1]


def test_where_a_certificate_is_required_nobody_comes_in_without(start_mutual, caller_certificate, lab, monkeypatch):
    gateway = start_mutual("--tls-client-required")
    gateway.meant_to_end = True  # its metrics ask for a certificate too
    assert handshake_fails(gateway, gateway.tls_context())
    assert ask(gateway, caller_certificate).status_code == 200
    monkeypatch.setenv("REACHBACK_PORT", str(gateway.port))
    monkeypatch.setenv("REACHBACK_TLS_CERTIFICATE", "set")
    assert run_to_the_end("health", *PATIENT).returncode == 1
    assert run_to_the_end("health", "--certificate", str(lab.file), "--key", str(lab.key), *PATIENT).returncode == 0
    monkeypatch.setenv("REACHBACK_CERTIFICATE", str(lab.file))
    monkeypatch.setenv("REACHBACK_KEY", str(lab.key))
    assert run_to_the_end("health", *PATIENT).returncode == 0


def test_a_new_authority_of_clients_counts_after_a_reload(start_tls, folder, clients, caller_certificate, tmp_path):
    trusted = tmp_path / "clients.pem"
    trusted.write_text(clients.file.read_text())
    gateway = start_tls("--tls-client-ca", trusted, "--client-certificate",
                        "caller:subject=CN=caller,OU=Calls,O=Example\\, Inc.:scopes=watch:wsData")
    assert ask(gateway, caller_certificate).status_code == 200
    trusted.write_text(Authority(folder, "new-clients").file.read_text())
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: handshake_fails(gateway, context_with(gateway, caller_certificate)), "the old authority is out")


@pytest.mark.parametrize("flags", [["--certificate", "FILE"], ["--key", "FILE"],
                                   ["--certificate", "FILE", "--key", "FILE", "--server", "http://localhost"]], ids=" ".join)
def test_half_a_certificate_or_one_without_tls_makes_no_sense(flags, good):
    flags = [str(good.file) if flag == "FILE" else flag for flag in flags]
    for command in (["health"], ["attach", "wsData", "--files", "/", "--test"]):
        ended = run_to_the_end(*command, *flags)
        assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
