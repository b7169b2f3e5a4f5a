"""TLS of the gateway's own: certificates of clients as a credential."""

import hashlib
import http.client
import signal
import ssl

import pytest

from support.certificates import Authority, fingerprint, self_signed
from support.gateway import BYTES, PATIENT, run_to_the_end
from support.handshakes import handshake_fails
from support.raw import WebSocketPeer
from support.service import data_interface
from support.waiting import DEADLINE, wait_until


@pytest.fixture(scope="session")
def clients(tmp_path_factory):
    """The authority of clients."""
    return Authority(tmp_path_factory.mktemp("clients"), "clients")


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
    pair = certificate and (str(certificate.file), str(certificate.key))
    return gateway.http("GET", path, authorized=False, cert=pair, **options)


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
def test_a_certificate_that_is_not_good_ends_the_handshake(start_mutual, certificate_folder, authority, clients,
                                                           version):
    gateway = start_mutual("--log-level", "debug")
    subject = "/O=Example, Inc./OU=Calls/CN=caller"
    wrong = Authority(certificate_folder, "clients-of-others").issue("impostor", "DNS:x", subject=subject)
    expired = clients.issue("late", "DNS:x", days=-1, subject=subject)
    for bad, word in ((wrong, "the client's certificate comes from an unknown authority"),
                      (expired, "the client's certificate has expired"),
                      (self_signed(certificate_folder, "own", "DNS:x"), "unknown authority")):
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
    start_attach("--server", gateway.url, "--ca-file", gateway.ca_file, "--certificate", lab.file, "--key", lab.key,
                 credential=()).wait_ready()
    wait_until(gateway.connections, "attach has joined")
    assert gateway.endpoint("wsData")["connections"][0]["user"] == "lab"
    answer = gateway.http("POST", "/v1/endpoints/wsData/requests", authorized=False,
                          json=data_interface("getFile", "small.txt"), headers={"Accept": BYTES},
                          cert=(str(caller_certificate.file), str(caller_certificate.key)))
    assert (answer.status_code, answer.content) == (200, b"a small file")


def test_a_service_whose_certificate_may_not_serve_is_refused(start_mutual, start_attach, caller_certificate):
    gateway = start_mutual()
    attached = start_attach("--server", gateway.url, "--ca-file", gateway.ca_file, "--certificate",
                            caller_certificate.file, "--key", caller_certificate.key, credential=())
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


def test_a_new_authority_of_clients_counts_after_a_reload(start_tls, certificate_folder, clients, caller_certificate,
                                                          tmp_path):
    trusted = tmp_path / "clients.pem"
    trusted.write_text(clients.file.read_text())
    gateway = start_tls("--tls-client-ca", trusted, "--client-certificate",
                        "caller:subject=CN=caller,OU=Calls,O=Example\\, Inc.:scopes=watch:wsData")
    assert ask(gateway, caller_certificate).status_code == 200
    trusted.write_text(Authority(certificate_folder, "new-clients").file.read_text())
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: handshake_fails(gateway, context_with(gateway, caller_certificate)), "the old authority is out")


@pytest.mark.parametrize("flags", [["--certificate", "FILE"], ["--key", "FILE"],
                                   ["--certificate", "FILE", "--key", "FILE", "--server", "http://localhost"]],
                         ids=" ".join)
def test_half_a_certificate_or_one_without_tls_makes_no_sense(flags, good):
    flags = [str(good.file) if flag == "FILE" else flag for flag in flags]
    for command in (["health"], ["attach", "wsData", "--files", "/", "--test"]):
        ended = run_to_the_end(*command, *flags)
        assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1
