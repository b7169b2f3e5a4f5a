"""The echo server as a program."""

import subprocess

import pytest

from support.echo import ECHO_SERVER
from support.raw import HttpCaller
from support.waiting import DEADLINE


@pytest.mark.parametrize("arguments", [[], ["x"], ["65536"], ["-1"], ["80x"], ["0", "0"]], ids=" ".join)
def test_wrong_arguments_end_it_with_its_usage(arguments):
    ended = subprocess.run([ECHO_SERVER, *arguments], capture_output=True, text=True, timeout=DEADLINE)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: echo_server PORT")


def test_it_listens_on_the_port_that_it_is_given_and_ends_with_an_error_when_that_is_taken(echo_server):
    ended = subprocess.run([ECHO_SERVER, str(echo_server.address[1])], capture_output=True, text=True, timeout=DEADLINE)
    assert ended.returncode == 1
    assert "Address already in use" in ended.stderr


def test_a_request_that_is_no_upgrade_is_refused(echo_server):
    with HttpCaller(echo_server.address) as caller:
        head, _ = caller.ask("GET", "/")
        assert head.status == 426
        assert head.get("Upgrade") == "websocket"
