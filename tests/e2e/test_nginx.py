"""Through nginx with docker/nginx.conf: what a client sees is what a gateway would have said to it, over TLS."""

import http.client
import json
import socket
from contextlib import closing

import pytest
import requests

from support.gateway import BINARY, BYTES, Program, run_to_the_end
from support.nginx import ACCOUNT, LOOPBACK, Site
from support.payload import MIB, cut_parts, md5, payload
from support.problems import check_problem
from support.service import log_in, rpc
from support.waiting import DEADLINE, wait_until

CALLS = "/v1/endpoints/wsData/requests"
STRANGER = "127.0.0.3"  # another address of this machine, which no gateway trusts
FORGED = "203.0.113.9"


@pytest.fixture(scope="module")
def running_site():
    with Site() as running:
        yield running


@pytest.fixture
def site(running_site):
    """One for all tests; each finds it without connections."""
    for gateway in running_site.gateways:
        for endpoint in ("wsData", "wsSubject", "wsUser"):
            wait_until(lambda: not gateway.connections(endpoint), f"the last test's connections leave {endpoint}")
    return running_site


def test_the_configuration_is_valid_without_a_warning(site):
    code, text = site.nginx.check()
    assert code == 0, text
    assert "warn" not in text


def test_http_leads_to_https(site):
    url = f"http://{LOOPBACK}:{site.nginx.http_port}{CALLS}?timeout=1"
    answer = requests.post(url, json={}, allow_redirects=False, timeout=DEADLINE)
    assert (answer.status_code, answer.headers["Location"]) == (308, f"https://{LOOPBACK}{CALLS}?timeout=1")


def test_an_unmodified_service_logs_in_dials_in_and_answers_over_https_and_wss(site, serve):
    serve(site, {"echo": lambda text: text}, **ACCOUNT)
    response = site.call(rpc("echo", "hi"), form=BYTES)
    assert (response.status_code, response.json()) == (200, "hi")


def test_a_wrong_password_opens_nothing(site):
    assert log_in(site, "mary", "guess") is None


def test_the_log_in_cookie_is_for_https_only(site):
    with requests.Session() as browser:
        browser.trust_env, browser.verify = False, site.ca_file
        xsrf = browser.get(site.url + "/login", timeout=DEADLINE).cookies["_xsrf"]
        form = {"name": ACCOUNT["user"], "password": ACCOUNT["password"], "_xsrf": xsrf}
        browser.post(site.url + "/login", form, timeout=DEADLINE)
    assert {cookie.name for cookie in browser.cookies if cookie.secure} >= {"login"}


def test_a_log_in_made_at_one_gateway_is_valid_at_the_other(site):
    first, second = site.gateways
    cookie = {"Cookie": "login=" + log_in(first, **ACCOUNT)}
    for gateway in (first, second, site):
        assert gateway.get("/v1/endpoints", authorized=False, headers=cookie).status_code == 200


def test_attach_serves_over_https(site, programs, tmp_path):
    (tmp_path / "file").write_bytes(payload(3 * MIB, False))
    command = [BINARY, "attach", "wsData", "--files", tmp_path, "--server", site.url, "--ca-file", site.ca_file,
               "--user", ACCOUNT["user"], "--password", ACCOUNT["password"]]
    programs.append(Program(command, r"reachback: attached to wss://.+/wsData$"))
    programs[-1].wait_ready()
    wait_until(site.connections, "attach has joined")
    response = site.call({"cmd": "rpc", "class": "DataInterface", "attribute": "getFile", "args": ["file"]}, form=BYTES)
    assert md5(response.content) == md5(payload(3 * MIB, False))


def test_health_asks_over_https(site):
    result = run_to_the_end("health", "--server", site.url, "--ca-file", str(site.ca_file), "--timeout", "60")
    assert result.returncode == 0, result.stderr
    assert run_to_the_end("health", "--server", site.url).returncode != 0, "without trust in the certificate"


def test_an_answer_of_40_mib_comes_whole(site, serve):
    serve(site, {"big": lambda: payload(40 * MIB, False)}, pong_timeout=4, **ACCOUNT)
    response = site.call(rpc("big"), form=BYTES)
    assert (response.status_code, md5(response.content)) == (200, md5(payload(40 * MIB, False)))


def receive_in_pieces(service):
    """The next request, taken fragment by fragment: the library puts a long message together in quadratic time."""
    pieces = []
    while True:
        _, frame = service.socket.recv_data_frame()
        pieces.append(frame.data)
        if frame.fin:
            return json.loads(b"".join(pieces))


def test_a_message_of_60_mib_reaches_the_service(site, dial):
    service = dial(site, fire_cont_frame=True)
    text = "x" * (60 * MIB)
    call = site.call_later(rpc("keep", text))
    request = receive_in_pieces(service)
    assert request["args"] == [text]
    service.answer(request, b"kept")
    assert call.result().status_code == 200


def test_a_body_over_the_limit_is_413_by_the_gateway_and_one_far_over_it_by_nginx(site):
    by_gateway = check_problem(site.call(b'"' + b"x" * (64 * MIB) + b'"'), "too-large", "not-sent")
    by_nginx = check_problem(site.call(b'"' + b"x" * (66 * MIB) + b'"'), "too-large", "not-sent")
    assert by_gateway["detail"] != by_nginx["detail"]


def test_a_head_over_the_limit_is_431_by_the_gateway_and_a_line_over_it_by_nginx(site):
    half = "x" * 9000
    by_gateway = check_problem(site.get("/version", headers={"A": half, "B": half}), "head-too-large")
    by_nginx = check_problem(site.get("/version", headers={"A": half + half}), "head-too-large")
    assert by_gateway["detail"] != by_nginx["detail"]


def test_an_aborted_answer_is_aborted_for_the_caller(site, dial):
    service = dial(site)
    call = site.call_later(rpc("big"), form=BYTES, stream=True)
    first, *_ = cut_parts(service.receive_request(), payload(3 * MIB, False), part_size=MIB)
    service.send(first)
    response = call.result()
    assert response.status_code == 200
    pieces = response.iter_content(64 * 1024)
    received = next(pieces)
    while len(received) < MIB:
        received += next(pieces)
    service.crash()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        for piece in pieces:
            received += piece
    assert received == payload(3 * MIB, False)[:MIB]


def test_a_caller_that_hangs_up_cancels_its_call(site, dial):
    service = dial(site)
    headers = {"Authorization": f"Bearer {site.token}"}
    with closing(http.client.HTTPSConnection(site.authority, timeout=DEADLINE, context=site.tls_context())) as caller:
        caller.request("POST", CALLS, json.dumps(rpc("never")), headers)
        service.receive_request()
    wait_until(lambda: site.calls_in_flight() == 0, "the call is cancelled")


def test_a_service_that_is_nowhere_is_the_gateways_own_503_and_counts_against_no_gateway(site, dial):
    service = dial(site)
    for _ in range(3):
        check_problem(site.call(rpc("echo"), endpoint="wsSubject"), "no-service", "not-sent", "wsSubject")
    call = site.call_later(rpc("echo"))
    service.answer_next()
    assert call.result().status_code == 200


def test_a_connection_that_is_nowhere_is_the_gateways_own_404(site, dial):
    dial(site)
    check_problem(site.call(rpc("echo"), connection="17"), "no-connection", "not-sent", "wsData")


def test_a_problem_of_the_gateway_is_passed_as_it_is(site, dial):
    service = dial(site)
    call = site.call_later(rpc("echo"))
    service.receive_request()
    service.leave()
    check_problem(call.result(), "service-closed", endpoint="wsData")
    dial(site)
    check_problem(site.call(rpc("never"), timeout="0.2"), "timed-out", endpoint="wsData")


def test_events_come_at_once(site, dial):
    response = site.get("/v1/endpoints/wsUser/events", stream=True)
    lines = response.iter_lines(chunk_size=1, decode_unicode=True)
    browser = dial(site, "wsUser")
    site.post_message("hello")
    assert browser.receive() == "hello"
    browser.send("there")
    texts = (json.loads(line[5:])["text"] for line in lines if line.startswith("data:") and '"text"' in line)
    assert "there" in texts
    response.close()


def test_a_page_of_the_sites_own_may_call_and_a_strange_one_may_not(site, dial):
    service = dial(site)
    call = site.call_later(rpc("echo"), headers={"Origin": site.url})
    service.answer_next()
    assert call.result().status_code == 200
    check_problem(site.call(rpc("echo"), headers={"Origin": "https://elsewhere.example"}), "forbidden")


def test_the_metrics_are_not_given_to_the_outside(site):
    for path in ("/metrics", "/metrics/", "//metrics", "/%6detrics", "/v1/../metrics"):
        check_problem(site.get(path), "forbidden")


def remote_address_seen(gateway, dial, stack, address):
    """The address that the list of connections shows for a client at `address` that claims to be FORGED."""
    client = socket.create_connection(gateway.address, timeout=DEADLINE, source_address=(address, 0))
    stack.enter_context(client)
    if gateway.url.startswith("https"):
        client = gateway.tls_context().wrap_socket(client, server_hostname=LOOPBACK)
    header = [f"Authorization: Bearer {gateway.token}", f"X-Forwarded-For: {FORGED}", f"X-Real-IP: {FORGED}"]
    dial(gateway, "wsSubject", socket=client, header=header)
    (connection,) = gateway.endpoint("wsSubject")["connections"]
    return connection["remoteAddress"]


@pytest.mark.parametrize("address", [STRANGER, LOOPBACK], ids=["a stranger", "who shares the proxy's address"])
def test_a_forged_x_forwarded_for_counts_nothing_and_nginx_tells_the_true_address(site, dial, stack, address):
    assert remote_address_seen(site, dial, stack, address) == address


def test_a_forged_x_forwarded_for_counts_nothing_at_the_gateway_itself(site, dial, stack):
    assert remote_address_seen(site.gateways[0], dial, stack, STRANGER).startswith(f"{STRANGER}:")
