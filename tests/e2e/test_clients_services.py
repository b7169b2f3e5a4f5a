"""Remote services on other people's WebSocket libraries, each a program of its own (`clients/`)."""

import json
import signal

import pytest

from support.clients import TOKEN_HEADER, ClientProgram, compile_c, node, python
from support.gateway import BYTES
from support.payload import MIB, md5, payload
from support.problems import check_problem
from support.service import log_in, rpc
from support.waiting import wait_until

LIBRARIES = ("websockets", "aiohttp", "ws", "node", "libwebsockets")
OFFERING_COMPRESSION = {"websockets", "aiohttp", "ws", "node"}
# Debian 12's libwebsockets knows the close codes of RFC 6455 alone: it takes a later one for an error of protocol.
RESTART = {"libwebsockets": 1002}
BIG_ANSWER = 40 * MIB
BIG_ARGUMENT = 20 * MIB


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    """Half of it compresses well, half not at all."""
    half = BIG_ANSWER // 2
    path = tmp_path_factory.mktemp("clients") / "answer"
    path.write_bytes(payload(half, True) + payload(half, False))
    return path


@pytest.fixture(scope="module")
def libwebsockets_service(tmp_path_factory):
    return compile_c("libwebsockets_service.c", tmp_path_factory.mktemp("clients"))


@pytest.fixture(params=LIBRARIES)
def library(request):
    return request.param


@pytest.fixture
def dial_in(library, big_file, libwebsockets_service, programs):
    """Starts a service on the library; it has dialled in to /wsData when this returns."""

    def start(gateway, header=TOKEN_HEADER.format("test")):
        url = f"ws://{gateway.authority}/wsData"
        command = {
            "websockets": lambda: python("websockets_service.py", url, header, big_file),
            "aiohttp": lambda: python("aiohttp_service.py", url, header, big_file),
            "ws": lambda: node("ws_service.mjs", url, header, big_file),
            "node": lambda: node("node_service.mjs", url, header, big_file),
            "libwebsockets": lambda: [
                libwebsockets_service, gateway.host, gateway.port, "/wsData", header, big_file
            ],
        }[library]()
        service = ClientProgram(command)
        programs.append(service)
        service.wait_event("open")
        return service

    return start


def call_for_bytes(gateway, attribute, *arguments):
    response = gateway.call(rpc(attribute, *arguments), form=BYTES)
    assert response.status_code == 200, response.text
    return response.content


def echoes(gateway):
    return json.loads(call_for_bytes(gateway, "echo", "Grüße")) == "Grüße"


def test_a_service_gets_20_mib_answers_40_mib_and_pongs(library, start_gateway, dial_in, big_file):
    gateway = start_gateway("--ping-interval", "0.2")
    dial_in(gateway)
    [connection] = wait_until(gateway.connections, "the service joins")
    assert echoes(gateway)
    argument = "0123456789abcdef" * (BIG_ARGUMENT // 16)
    assert call_for_bytes(gateway, "md5", argument).decode() == md5(argument.encode())
    assert md5(call_for_bytes(gateway, "file")) == md5(big_file.read_bytes())

    def round_trip():
        [member] = gateway.endpoint("wsData")["connections"]
        assert str(member["id"]) == connection, "another connection than before"
        return member["roundTripMs"] is not None

    wait_until(round_trip, "a ping was answered")
    assert echoes(gateway)


def test_compression_is_declined_and_an_operators_closing_is_seen_as_4000(library, gateway, dial_in):
    service = dial_in(gateway)
    opened = service.wait_event("open")
    assert ("permessage-deflate" in (opened["offered"] or "")) == (library in OFFERING_COMPRESSION)
    assert opened["accepted"] == ""
    [connection] = wait_until(gateway.connections, "the service joins")
    assert echoes(gateway)
    answer = gateway.http("DELETE", f"/v1/endpoints/wsData/connections/{connection}")
    assert answer.json() == {"closed": 1}
    assert service.wait_event("close")["code"] == 4000
    assert service.wait_exit() == 0, service.stderr()
    check_problem(gateway.call(rpc("echo", "hi")), "no-service", "not-sent")


def test_a_log_in_cookie_dials_in_and_a_restart_is_seen_as_1012(library, gateway, dial_in):
    service = dial_in(gateway, f"Cookie: login={log_in(gateway)}")
    wait_until(gateway.connections, "the service joins")
    assert echoes(gateway)
    gateway.signal(signal.SIGTERM)
    assert service.wait_event("close")["code"] == RESTART.get(library, 1012)
    assert service.wait_exit() == 0, service.stderr()
    assert gateway.wait_exit() == 0


def test_a_wrong_token_is_told_by_message_and_closed_for_policy(gateway, dial_in):
    service = dial_in(gateway, TOKEN_HEADER.format("wrong"))
    refusal = json.loads(service.wait_event("message")["text"])
    assert refusal == {"cmd": "error", "status": 401, "error": "Websocket authentication failed"}
    assert service.wait_event("close")["code"] == 1008
    assert service.wait_exit() == 0, service.stderr()
    assert gateway.connections() == []
