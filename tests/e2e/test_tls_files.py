"""TLS of the gateway's own: its certificates at the start and while it runs."""

import shutil
import signal
import ssl
import subprocess

import pytest

from support.certificates import HERE, openssl
from support.gateway import run_to_the_end
from support.handshakes import serial_of, serial_shown
from support.waiting import wait_until


# The files at the start


def check_config(*flags):
    ended = run_to_the_end("serve", "--check-config", "--log-level", "error", *map(str, flags))
    assert ended.returncode == 0 or len(ended.stderr.splitlines()) == 1
    return ended


@pytest.fixture
def broken(certificate_folder, good, authority):
    """Names of what can be wrong, with the certificate, the key, and what the complaint says of which file."""
    folder = certificate_folder
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
                        (["--tls-client-required"], "tls_client_ca"),
                        (["--client-certificate", client], "tls_client_ca")):
        ended = check_config(*flags)
        assert ended.returncode == 2 and word in ended.stderr
    ended = check_config("--tls-certificate", good.file, "--tls-key", good.key, "--tls-client-ca", good.key)
    assert ended.returncode == 2 and str(good.key) in ended.stderr


def test_an_expired_certificate_is_served_with_a_warning(start_gateway, authority):
    expired = authority.issue("expired-at-the-start", HERE, days=-1)
    ended = run_to_the_end("serve", "--check-config", "--tls-certificate", str(expired.file),
                           "--tls-key", str(expired.key))
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


def test_a_new_certificate_is_for_new_connections_and_the_old_ones_stay(start_tls, served, good, authority, dial,
                                                                        raw_http):
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
