"""What a TLS handshake with a gateway shows."""

import socket
import ssl
import subprocess

from .waiting import DEADLINE


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
