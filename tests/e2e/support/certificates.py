"""Certificates for tests, made by the command `openssl`."""

import hashlib
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = "DNS:localhost,IP:127.0.0.1"
NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, stdin=subprocess.DEVNULL, capture_output=True)


@dataclass(frozen=True)
class Certificate:
    """PEM files of a certificate and its key."""

    file: Path
    key: Path


def self_signed(folder, name, alternative_name):
    """A server's certificate that nobody vouches for."""
    made = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
    openssl("req", "-x509", *NEW_KEY, "-keyout", made.key, "-out", made.file, "-subj", f"/CN={name}", "-days", 2,
            "-addext", f"subjectAltName={alternative_name}")
    return made


def fingerprint(certificate):
    """SHA-256 of the certificate, in hex."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate.file.read_text())).hexdigest()


class Authority:
    """Issues certificates for servers and their clients."""

    def __init__(self, folder, name):
        self._folder, self._name = folder, name
        self._own = Certificate(folder / f"{name}.pem", folder / f"{name}.key")
        openssl("req", "-x509", *NEW_KEY, "-keyout", self._own.key, "-out", self._own.file, "-subj", f"/CN={name}",
                "-days", 2)

    @property
    def file(self):
        return self._own.file

    def issue(self, name, alternative_name, days=2, subject=None):
        """`alternative_name` as OpenSSL writes it, such as `DNS:lab.example,IP:127.0.0.1`; days may be negative. The
        `subject` is /CN=name unless told otherwise."""
        made = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        request, extensions = made.file.with_suffix(".csr"), made.file.with_suffix(".ext")
        extensions.write_text(f"subjectAltName={alternative_name}\n")
        openssl("req", "-new", *NEW_KEY, "-keyout", made.key, "-out", request,
                "-subj", subject or f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-out", made.file, "-days", days, "-extfile", extensions,
                "-CA", self._own.file, "-CAkey", self._own.key, "-CAcreateserial")
        return made
