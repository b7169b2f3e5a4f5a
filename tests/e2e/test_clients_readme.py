"""The README's first services, run as they stand there."""

import os
import signal
import subprocess
import sys

import pytest

from support.clients import CLIENTS, NODE
from support.gateway import BYTES, Program
from support.readme import program_after
from support.service import rpc
from support.waiting import DEADLINE, wait_until

HEADING = "Your first service"
INTERPRETERS = {"Python": sys.executable, "JavaScript": NODE, "shell": "sh"}


@pytest.fixture(params=INTERPRETERS)
def program(request, tmp_path):
    """The command that runs one of the README's programs."""
    text = program_after(f"In {request.param} (", HEADING)
    assert len(text.splitlines()) <= 10
    path = tmp_path / "service"
    path.write_text(text)
    return [INTERPRETERS[request.param], path]


@pytest.fixture
def start(program, programs, tmp_path):
    def run(gateway, token):
        settings = [f"GATEWAY={gateway.authority}", f"TOKEN={token}"]
        settings += [f"NODE_PATH={CLIENTS / 'node_modules'}", f"TMPDIR={tmp_path}"]
        service = Program(["env", *settings, *program], "")
        programs.append(service)
        return service

    return run


def echo(gateway, *arguments):
    response = gateway.call(rpc("echo", *arguments), form=BYTES)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_it_answers_every_call_and_dials_a_gateway_that_comes_back(start_gateway, start, ending):
    gateway = start_gateway("--ping-interval", "0.2")
    start(gateway, "test")
    wait_until(gateway.connections, "the service joins")
    assert echo(gateway, "Grüße", 2) == ["Grüße", 2]
    assert gateway.call({"cmd": "rpc"}, form=BYTES).json() is None

    def round_trip():
        [member] = gateway.endpoint("wsData")["connections"]
        return member["roundTripMs"] is not None

    wait_until(round_trip, "a ping was answered")
    assert echo(gateway, "x" * 60000) == ["x" * 60000]

    gateway.signal(ending)
    gateway.wait_exit()
    gateway = start_gateway(port=gateway.port)
    wait_until(gateway.connections, "the service joins again")
    assert echo(gateway, "again") == ["again"]


def test_a_token_that_the_gateway_does_not_know_ends_it_with_the_gateways_words(gateway, start):
    service = start(gateway, "wrong")
    service.wait_exit()
    assert "authentication failed" in service.stderr()


def test_the_readmes_call_gets_what_it_sent(gateway, dial):
    peer = dial(gateway)
    settings = {"AUTH": f"Authorization: Bearer {gateway.token}", "API": gateway.url + "/v1"}
    call = subprocess.Popen(
        ["sh", "-c", program_after("Then call it:", HEADING)], env={**os.environ, **settings}, stdout=subprocess.PIPE
    )
    peer.answer_next(b'["hi"]')
    output, _ = call.communicate(timeout=DEADLINE)
    assert (call.returncode, output) == (0, b'["hi"]')
