"""Callers on other people's HTTP clients: curl, Python's requests and aiohttp, Node's fetch, and wrk."""

import asyncio
import base64
import json
import re
import subprocess
import threading
from dataclasses import dataclass

import aiohttp
import pytest

from support.clients import node
from support.gateway import BYTES, JSON, NDJSON
from support.payload import MIB, md5, payload, unpack
from support.service import rpc
from support.waiting import DEADLINE

BIG = 10 * MIB
REQUESTS = "/v1/endpoints/wsData/requests"


@dataclass
class Answer:
    status: int
    content_type: str
    md5: str
    text: str


def answer_of(status, content_type, body):
    return Answer(status, content_type, md5(body), body.decode() if len(body) < 65536 else "")


def run(command):
    done = subprocess.run(list(map(str, command)), capture_output=True, timeout=30)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def call_with_curl(gateway, message, form):
    output = run([
        "curl", "--silent", "--show-error", "--header", f"Authorization: Bearer {gateway.token}",
        "--header", f"Accept: {form}", "--json", json.dumps(message),
        "--write-out", r"\n%{http_code} %{content_type}", gateway.url + REQUESTS,
    ])
    body, _, end = output.rpartition(b"\n")
    status, content_type = end.decode().split(" ", 1)
    return answer_of(int(status), content_type, body)


def call_with_requests(gateway, message, form):
    response = gateway.call(message, form=form)
    return answer_of(response.status_code, response.headers["Content-Type"], response.content)


def call_with_aiohttp(gateway, message, form):
    async def call():
        headers = {"Authorization": f"Bearer {gateway.token}", "Accept": form}
        async with aiohttp.ClientSession(headers=headers) as session:
            async with session.post(gateway.url + REQUESTS, json=message) as response:
                return answer_of(response.status, response.headers["Content-Type"], await response.read())

    return asyncio.run(call())


def call_with_fetch(gateway, message, form):
    told = json.loads(run(node("fetch_caller.mjs", gateway.url + REQUESTS, gateway.token, form, json.dumps(message))))
    return Answer(told["status"], told["type"], told["md5"], told["text"])


@pytest.fixture(params=[call_with_curl, call_with_requests, call_with_aiohttp, call_with_fetch],
                ids=["curl", "requests", "aiohttp", "fetch"])
def call(request):
    return request.param


@pytest.fixture
def service(gateway, serve):
    return serve(gateway, {"echo": lambda text: text.encode(), "file": lambda: payload(BIG, False)}, check_utf8=False)


def test_each_form_of_answer_is_what_the_caller_asked_for(gateway, service, call):
    answer = call(gateway, rpc("echo", "Grüße"), JSON)
    assert (answer.status, answer.content_type) == (200, JSON)
    assert base64.b64decode(json.loads(answer.text)["data"]).decode() == "Grüße"

    answer = call(gateway, rpc("echo", "Grüße"), NDJSON)
    assert (answer.status, answer.content_type) == (200, NDJSON)
    assert unpack([json.loads(line) for line in answer.text.splitlines()]).decode() == "Grüße"

    answer = call(gateway, rpc("echo", "Grüße"), BYTES)
    assert (answer.status, answer.content_type, answer.text) == (200, BYTES, "Grüße")


def test_10_mib_arrive_with_the_md5_that_they_left_with(gateway, service, call):
    answer = call(gateway, rpc("file"), BYTES)
    assert (answer.status, answer.content_type) == (200, BYTES)
    assert answer.md5 == md5(payload(BIG, False))


def test_a_call_without_a_service_is_told_by_a_problem_document(gateway, call):
    answer = call(gateway, rpc("echo", "hi"), BYTES)
    assert (answer.status, answer.content_type) == (503, "application/problem+json")
    problem = json.loads(answer.text)
    assert (problem["type"], problem["status"], problem["delivery"]) == ("/problems/no-service", 503, "not-sent")


class CountingService:
    """Answers every request on a thread of its own and counts them."""

    def __init__(self, peer):
        self.count = 0
        self._peer = peer
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        answer = '{"cmd":"rpc","status":200,"callId":%d,"data":"aGk="}'
        while (message := self._peer.socket.recv()):
            self.count += 1
            self._peer.send(answer % json.loads(message)["callId"])

    def join(self):
        self._thread.join(DEADLINE)
        assert not self._thread.is_alive()


WRK_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer test"
wrk.body = '{"cmd":"rpc","class":"ExampleInterface","attribute":"echo","args":["hi"]}'
"""
CONNECTIONS = 16


def test_each_request_of_wrk_gets_200_and_the_service_has_seen_as_many(gateway, dial, tmp_path):
    peer = dial(gateway)
    service = CountingService(peer)
    script = tmp_path / "calls.lua"
    script.write_text(WRK_SCRIPT)
    output = run([
        "wrk", "--threads", 1, "--connections", CONNECTIONS, "--duration", "2s", "--timeout", "10s",
        "--script", script, gateway.url + REQUESTS,
    ]).decode()
    assert "Non-2xx" not in output and "Socket errors" not in output, output
    answered = int(re.search(r"(\d+) requests in", output).group(1))
    assert answered > 0, output
    # wrk hangs up when its time is over: of each connection one more may have been on its way.
    gateway.wait_in_flight(0)
    gateway.http("DELETE", "/v1/endpoints/wsData/connections")
    service.join()
    assert answered <= service.count <= answered + CONNECTIONS, output
