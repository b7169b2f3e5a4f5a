"""`reachback attach` and `reachback health` by TLS, through a proxy that ends it in front of the gateway."""

import json
import signal
import socket
import ssl

import pytest

from support.certificates import HERE, Authority, self_signed
from support.gateway import BYTES, PATIENT, Program, run_to_the_end
from support.payload import MIB, md5, payload
from support.service import data_interface
from support.tls_proxy import TlsProxy, server_context
from support.waiting import Stopwatch, let_pass, wait_until


@pytest.fixture
def start_proxy(stack):
    def start(gateway, context, port=0):
        return stack.enter_context(TlsProxy(gateway, context, port))

    return start


@pytest.fixture
def proxy(gateway, start_proxy, good):
    return start_proxy(gateway, server_context(good))


def check_answers(gateway):
    assert gateway.call(data_interface("getFile", "small.txt"), form=BYTES).content == b"a small file"


def wait_joined(gateway, attached, times=1):
    attached.wait_ready(times, deadline=30)
    wait_until(gateway.connections, "attach has joined")


def test_small_calls_and_a_big_file_are_answered_by_tls_while_pings_pass(start_gateway, start_proxy, good, authority,
                                                                        start_attach, shared_files, raw_http):
    gateway = start_gateway("--ping-interval", "0.2", "--silence-timeout", "5")
    proxy = start_proxy(gateway, server_context(good))
    attached = start_attach("--server", proxy.url, "--ca-file", authority.file)
    wait_joined(gateway, attached)
    check_answers(gateway)
    caller = raw_http(gateway, receive_buffer=64 * 1024)
    caller.call(json.dumps(data_interface("getFile", "big")).encode(), form=BYTES)
    assert caller.read_head(deadline=60).status == 200
    received = [caller.read_piece(deadline=60)]
    # Longer than a connection may be silent, in the middle of an answer.
    let_pass(6)
    check_answers(gateway)
    while piece := caller.read_piece(deadline=60):
        received.append(piece)
    assert md5(b"".join(received)) == md5((shared_files / "big").read_bytes())
    let_pass(6)
    check_answers(gateway)
    (connection,) = gateway.endpoint("wsData")["connections"]
    assert connection["roundTripMs"] > 0
    assert len(attached.output()) == 1, "it stayed on one connection"


def test_a_big_request_reaches_the_service(gateway, proxy, authority, start_attach):
    wait_joined(gateway, start_attach("--server", proxy.url, "--ca-file", authority.file))
    text = payload(20 * MIB, False).hex()
    request = json.dumps(data_interface("echo", text)).encode()
    response = gateway.http("POST", "/v1/endpoints/wsData/requests", data=request, timeout=120,
                            headers={"Accept": BYTES, "Content-Type": "application/json"})
    assert response.status_code == 200
    assert md5(json.loads(response.content).encode()) == md5(text.encode())


def test_many_calls_at_once_are_answered(gateway, proxy, authority, start_attach):
    wait_joined(gateway, start_attach("--server", proxy.url, "--ca-file", authority.file))
    calls = [gateway.call_later(data_interface("echo", f"{i}" * 1000), form=BYTES) for i in range(100)]
    for i, call in enumerate(calls):
        assert json.loads(call.result().content) == f"{i}" * 1000


def test_the_name_and_the_protocol_are_told_to_the_server(gateway, start_proxy, good, authority, start_attach):
    names, connections = [], []
    context = server_context(good)
    context.set_alpn_protocols(["h2", "http/1.1"])

    def seen(connection, name, _):
        names.append(name)
        connections.append(connection)

    context.sni_callback = seen
    proxy = start_proxy(gateway, context)
    attached = start_attach("--server", f"wss://localhost:{proxy.port}", "--ca-file", authority.file)
    wait_joined(gateway, attached)
    check_answers(gateway)
    assert set(names) == {"localhost"}
    assert {connection.selected_alpn_protocol() for connection in connections} == {"http/1.1"}


BAD = {
    "wrong host": (lambda authority, _: authority.issue("elsewhere", "DNS:elsewhere.example,IP:127.0.0.2"),
                   "another host"),
    "expired": (lambda authority, _: authority.issue("expired", HERE, days=-1), "expired"),
    "unknown authority": (lambda _, folder: Authority(folder, "nobody").issue("stranger", HERE), "unknown authority"),
    "self-signed": (lambda _, folder: self_signed(folder, "selfish", HERE), "unknown authority"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_gateway_that_cannot_be_verified_is_refused_until_its_certificate_is_renewed(
        gateway, start_proxy, certificate_folder, authority, good, start_attach, case):
    make, word = BAD[case]
    bad_proxy = start_proxy(gateway, server_context(make(authority, certificate_folder)))
    attached = start_attach("--server", bad_proxy.url, "--ca-file", authority.file)
    wait_until(lambda: attached.stderr().count("next try") >= 2, "it tries again")
    assert f"{bad_proxy.url}: the server's certificate" in attached.stderr()
    assert word in attached.stderr()
    assert gateway.connections() == [] and attached.output() == []
    health = run_to_the_end("health", "--server", bad_proxy.url, "--ca-file", str(authority.file), *PATIENT)
    assert (health.returncode, health.stdout) == (1, "")
    assert word in health.stderr and len(health.stderr.splitlines()) == 1
    bad_proxy.kill()
    start_proxy(gateway, server_context(good), port=bad_proxy.port)
    wait_joined(gateway, attached)
    check_answers(gateway)


def test_a_server_that_knows_only_old_versions_is_refused(programs, good, authority, start_attach):
    # Python's own closes without the alert that says why.
    command = ["openssl", "s_server", "-www", "-accept", "127.0.0.1:0", "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0",
               "-cert", good.file, "-key", good.key]
    server = Program(command, r"ACCEPT .+:(\d+)$")
    programs.append(server)
    port = server.wait_ready().group(1)
    attached = start_attach("--server", f"https://127.0.0.1:{port}", "--ca-file", authority.file)
    wait_until(lambda: "next try" in attached.stderr(), "it says why")
    assert "the server speaks no TLS from version 1.2 on" in attached.stderr()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_today_do(gateway, start_proxy, good, authority, start_attach, version):
    context = server_context(good)
    context.minimum_version = context.maximum_version = version
    proxy = start_proxy(gateway, context)
    wait_joined(gateway, start_attach("--server", proxy.url, "--ca-file", authority.file))
    check_answers(gateway)


def test_a_gateway_that_speaks_plainly_is_not_taken_for_one_with_tls(gateway, authority, start_attach):
    attached = start_attach("--server", f"https://{gateway.authority}", "--ca-file", authority.file)
    wait_until(lambda: "next try" in attached.stderr(), "it says why")
    assert "does not speak TLS" in attached.stderr()


def test_a_self_signed_certificate_can_itself_be_the_ca_file(gateway, start_proxy, certificate_folder, start_attach):
    certificate = self_signed(certificate_folder, "its-own-authority", HERE)
    proxy = start_proxy(gateway, server_context(certificate))
    wait_joined(gateway, start_attach("--server", proxy.url, "--ca-file", certificate.file))
    check_answers(gateway)


def test_without_a_ca_file_the_certificates_of_the_system_count(gateway, proxy, authority, start_attach):
    stranger = start_attach("--server", proxy.url)
    wait_until(lambda: "next try" in stranger.stderr(), "it says why")
    assert "unknown authority" in stranger.stderr()
    # Where OpenSSL looks for them is the machine's affair; this is how a test has a say in it.
    wait_joined(gateway, start_attach("--server", proxy.url, SSL_CERT_FILE=authority.file))
    check_answers(gateway)


def test_attach_comes_back_when_the_proxy_was_killed(gateway, start_proxy, good, authority, start_attach):
    first = start_proxy(gateway, server_context(good))
    attached = start_attach("--server", first.url, "--ca-file", authority.file)
    wait_joined(gateway, attached)
    first.kill()
    wait_until(lambda: gateway.connections() == [], "the connection is gone")
    start_proxy(gateway, server_context(good), port=first.port)
    wait_joined(gateway, attached, times=2)
    check_answers(gateway)


def test_attach_leaves_in_order(gateway, proxy, authority, start_attach):
    attached = start_attach("--server", proxy.url, "--ca-file", authority.file)
    wait_joined(gateway, attached)
    attached.signal(signal.SIGTERM)
    assert attached.wait_exit() == 0
    wait_until(lambda: gateway.connections() == [], "it has left")


def test_the_environment_stands_in_for_the_flags(start_gateway, start_proxy, good, authority, start_attach, tmp_path):
    gateway = start_gateway("--token", "secret", test_mode=False, token="secret")
    proxy = start_proxy(gateway, server_context(good))
    (tmp_path / "token").write_text("secret\n")
    attached = start_attach(credential=(), REACHBACK_SERVER=proxy.url, REACHBACK_CA_FILE=authority.file,
                            REACHBACK_TOKEN_FILE=tmp_path / "token")
    wait_joined(gateway, attached)
    check_answers(gateway)


def test_empty_variables_count_as_none(monkeypatch, tmp_path):
    absent = str(tmp_path / "token")
    for name in ("PORT", "SERVER", "CA_FILE", "TOKEN"):
        monkeypatch.setenv("REACHBACK_" + name, "")
    monkeypatch.setenv("REACHBACK_TOKEN_FILE", absent)
    # Whoever may be at the standard port, it was asked.
    assert run_to_the_end("health").returncode != 2
    ended = run_to_the_end("attach", "wsData", "--files", str(tmp_path))
    assert ended.returncode == 2 and absent in ended.stderr


def test_a_ca_file_that_is_none_is_exit_code_2(tmp_path):
    nonsense = tmp_path / "nonsense.pem"
    nonsense.write_text("no certificate")
    for file in (tmp_path / "nothing", nonsense):
        for command in (["attach", "wsData", "--files", str(tmp_path), "--test"], ["health"]):
            ended = run_to_the_end(*command, "--server", "https://localhost:1", "--ca-file", str(file))
            assert ended.returncode == 2
            assert str(file) in ended.stderr and len(ended.stderr.splitlines()) == 1


# health


def health(*flags, **environment):
    ended = run_to_the_end("health", *map(str, flags))
    assert ended.stdout == ""
    assert len(ended.stderr.splitlines()) == (0 if ended.returncode == 0 else 1)
    return ended


def test_health_of_a_gateway_that_is_ready(gateway, proxy, authority, monkeypatch):
    assert health("--server", gateway.url, *PATIENT).returncode == 0
    assert health("--server", gateway.authority, *PATIENT).returncode == 0
    assert health("--server", gateway.url, "--path", "/livez", *PATIENT).returncode == 0
    assert health("--server", proxy.url, "--ca-file", authority.file, *PATIENT).returncode == 0
    monkeypatch.setenv("REACHBACK_PORT", str(gateway.port))
    assert health(*PATIENT).returncode == 0
    monkeypatch.setenv("REACHBACK_PORT", "no port")
    assert health().returncode == 2


def test_health_of_a_path_that_is_not_there(gateway):
    ended = health("--server", gateway.url, "--path", "/nowhere", *PATIENT)
    assert ended.returncode == 1 and "404" in ended.stderr


def test_health_of_a_gateway_that_drains(start_gateway, start_proxy, good, authority):
    gateway = start_gateway("--drain-wait", "60")
    proxy = start_proxy(gateway, server_context(good))
    gateway.signal(signal.SIGTERM)
    wait_until(lambda: gateway.get("/readyz").status_code == 503, "it drains")
    for flags in (["--server", gateway.url], ["--server", proxy.url, "--ca-file", authority.file]):
        ended = health(*flags, *PATIENT)
        assert ended.returncode == 1 and "503" in ended.stderr
    gateway.signal(signal.SIGTERM)
    gateway.wait_exit()


def test_health_where_nothing_is():
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        # Bound and not listening: nobody else can be there.
        for scheme in ("http", "https"):
            ended = health("--server", f"{scheme}://127.0.0.1:{placeholder.getsockname()[1]}", *PATIENT)
            assert ended.returncode == 1 and "refused" in ended.stderr


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_health_of_a_server_that_says_nothing_ends_in_time(scheme):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        watch = Stopwatch()
        ended = health("--server", f"{scheme}://127.0.0.1:{silent.getsockname()[1]}", "--timeout", "5.5")
        assert ended.returncode == 1 and "in time" in ended.stderr
        assert watch.seconds >= 5.5, "ended by the time-out there is without the flag"


@pytest.mark.parametrize(
    "flags",
    [["--server", "ftp://localhost"], ["--server", "localhost"], ["--server", "https://localhost/gateway"],
     ["--ca-file", "/etc/hosts"], ["--path", "readyz"], ["--timeout", "0"], ["--timeout", "soon"], ["--nonsense"]],
    ids=" ".join,
)
def test_health_without_sense_is_exit_code_2(flags):
    assert health(*flags).returncode == 2
