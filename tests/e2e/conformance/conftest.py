"""One echo server for all cases, and a connection of its own for each."""

import pytest

from support.echo import ECHO_SERVER, EchoClient, EchoServer


@pytest.fixture(scope="session")
def echo_server():
    assert ECHO_SERVER.exists(), f"{ECHO_SERVER} does not exist: build the target `echo_server`, or set ECHO_SERVER"
    server = EchoServer()
    yield server
    server.kill()
    assert server.stderr() == ""


@pytest.fixture
def client(echo_server):
    """A connection on which nothing has been sent. The server must outlive what is done with it."""
    with EchoClient(echo_server) as open_client:
        yield open_client
    assert echo_server.alive, f"the echo server ended with {echo_server.process.returncode}\n{echo_server.stderr()}"
