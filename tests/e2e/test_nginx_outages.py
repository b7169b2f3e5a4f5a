"""Through nginx: gateways that die, freeze and leave, and what their clients notice of it."""

import signal

import pytest
import requests
import websocket

from support.nginx import Site
from support.service import Peer, rpc
from support.waiting import let_pass, wait_until


@pytest.fixture
def start_site(stack):
    def start(*flags, **options):
        return stack.enter_context(Site(*flags, **options))

    return start


def check_unreachable(response):
    """What nginx says when it could connect to no gateway."""
    assert (response.status_code, response.headers["Content-Type"]) == (503, "application/problem+json")
    assert int(response.headers["Retry-After"]) > 0
    document = response.json()
    assert (document["status"], document["delivery"]) == (503, "not-sent")


def test_a_call_that_was_sent_when_its_gateway_died_is_never_repeated(start_site, dial):
    site = start_site()
    service = dial(site)
    died = site.where()
    (other,) = site.others_than(died)
    call = site.call_later(rpc("once"))
    service.receive_request()
    with Peer(other) as waiting:  # where a repeated call would arrive
        site.kill(died)
        response = call.result()
        document = response.json()
        assert response.headers["Content-Type"] == "application/problem+json"
        assert (response.status_code, document["status"], document["delivery"]) == (502, 502, "unknown")
        next_call = site.call_later(rpc("next"))
        assert waiting.answer_next()["attribute"] == "next"
        assert next_call.result().status_code == 200


def test_without_any_gateway_nginx_says_itself_that_nothing_was_sent(start_site):
    site = start_site()
    for gateway in site.gateways:
        site.kill(gateway)
    check_unreachable(site.call(rpc("echo")))
    check_unreachable(site.call(b'"' + b"x" * (2 << 20) + b'"'))
    check_unreachable(site.get("/readyz"))


def test_with_three_gateways_a_call_finds_its_service_beyond_a_dead_one_and_an_empty_one(start_site, dial):
    site = start_site(replicas=3)
    assert site.nginx.check()[0] == 0
    killed = []
    for _ in range(2):
        dial(site)
        killed.append(site.where())
        site.kill(killed[-1])
    service = dial(site)
    last = site.where()
    site.bring_back(killed[1])
    call = site.call_later(rpc("echo"))
    service.answer_next()
    assert call.result().status_code == 200
    assert last.connections() == [service.connection_id]


def test_while_a_gateway_drains_its_calls_end_and_who_dials_comes_to_another(start_site, dial):
    site = start_site("--drain-wait", "0", "--drain-grace", "120", "--close-timeout", "0.2")
    service = dial(site)
    leaving = site.where()
    (other,) = site.others_than(leaving)
    pending = site.call_later(rpc("slow"))
    request = service.receive_request()
    leaving.meant_to_end = True
    leaving.signal(signal.SIGTERM)
    wait_until(lambda: leaving.get("/readyz").status_code == 503, "it drains")
    with Peer(site, join=False) as moved:
        wait_until(other.connections, "the upgrade was led on")
        call = site.call_later(rpc("echo"))
        moved.answer_next()
        assert call.result().status_code == 200
        service.answer(request, b"done")
        assert pending.result().status_code == 200
        assert leaving.wait_exit() == 0


def test_a_message_is_not_led_past_a_gateway_whose_connections_it_is_for(start_site, dial):
    site = start_site("--drain-wait", "0", "--drain-grace", "120", "--close-timeout", "0.2")
    dial(site, "wsUser")
    home = site.where("wsUser")
    service = Peer(home)  # a pending call holds the drain up
    pending = home.call_later(rpc("slow"))
    request = service.receive_request()
    home.meant_to_end = True
    home.signal(signal.SIGTERM)
    wait_until(lambda: home.get("/readyz").status_code == 503, "it drains")
    response = site.post_message("hello")
    assert (response.status_code, response.json()["type"]) == (503, "/problems/draining")
    service.answer(request, b"done")
    assert pending.result().status_code == 200
    assert home.wait_exit() == 0

    moved = dial(site, "wsUser")
    assert site.post_message("hello again").json() == {"delivered": 1}
    assert moved.receive() == "hello again"


def test_a_message_that_no_gateway_can_take_was_not_sent(start_site):
    site = start_site()
    for gateway in site.gateways:
        site.kill(gateway)
    response = site.post_message("hello")
    assert (response.status_code, response.json()["delivery"]) == (504, "not-sent")
    assert int(response.headers["Retry-After"]) > 0


def unread_bytes(gateway):
    """What has arrived at the gateway's port and waits to be read."""
    rows = [line.split() for line in open("/proc/net/tcp")][1:]
    return sum(int(row[4].split(":")[1], 16) for row in rows if row[1].endswith(f":{gateway.port:04X}") and row[3] == "01")


def test_a_closing_that_was_sent_when_its_gateway_died_is_not_carried_out_at_another(start_site, dial):
    site = start_site()
    dial(site)
    home = site.where()
    (other,) = site.others_than(home)
    with Peer(other) as bystander:
        home.signal(signal.SIGSTOP)
        closing = site.background(site.http, "DELETE", "/v1/endpoints/wsData/connections")
        wait_until(lambda: unread_bytes(home) > 0, "the request has arrived")
        site.kill(home)
        response = closing.result()
        assert (response.status_code, response.json()["delivery"]) == (502, "unknown")
        assert other.connections() == [bystander.connection_id]


def test_quiet_connections_outlive_the_time_out_by_pings_and_those_of_a_frozen_gateway_end_by_it(start_site, dial):
    site = start_site("--ping-interval", "0.3", "--silence-timeout", "60",
                      changes={"proxy_read_timeout 75s": "proxy_read_timeout 5s"})
    service = dial(site)
    home = site.where()
    answering = site.background(service.answer_next)  # reads, and so answers pings
    events = site.get("/v1/endpoints/wsData/events", stream=True)
    let_pass(6)
    assert site.call(rpc("echo")).status_code == 200
    answering.result()

    home.signal(signal.SIGSTOP)
    try:
        with pytest.raises((websocket.WebSocketConnectionClosedException, ConnectionError)):
            service.receive()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in events.iter_content(1024):
                pass
    finally:
        home.signal(signal.SIGCONT)
    again = dial(site)
    call = site.call_later(rpc("echo"))
    again.answer_next()
    assert call.result().status_code == 200
