"""Through nginx: those who name the same endpoint meet, whatever became of the gateways meanwhile."""

import pytest

from support.aiohttp_peers import AiohttpPeers
from support.gateway import BINARY, BYTES, Program
from support.nginx import ACCOUNT, Site
from support.service import rpc
from support.waiting import wait_until

ENDPOINTS = [f"e{number:02}" for number in range(50)]
ATTACHED, ORIGINAL, WITH_AIOHTTP = ENDPOINTS[:2], ENDPOINTS[2:26], ENDPOINTS[26:]


@pytest.fixture
def site():
    flags = [text for endpoint in ENDPOINTS for text in ("--endpoint", f"{endpoint}=service")]
    with Site(*flags) as running:
        yield running


@pytest.fixture
def peers(site):
    with AiohttpPeers(site, **ACCOUNT) as running:
        yield running


class Fleet:
    """A service on each of the 50 endpoints, of three kinds: `attach`, the original's, and made with aiohttp."""

    def __init__(self, site, peers, serve, programs, directory):
        self._site, self._peers, self._serve = site, peers, serve
        for endpoint in ATTACHED:
            command = [BINARY, "attach", endpoint, "--files", directory, "--server", site.url,
                       "--ca-file", site.ca_file, "--user", ACCOUNT["user"], "--password", ACCOUNT["password"]]
            programs.append(Program(command, r"reachback: attached to wss://.+/\w+$"))
        for endpoint in WITH_AIOHTTP:
            peers.serve(endpoint)
        self.originals = {endpoint: self.serve_as_original(endpoint) for endpoint in ORIGINAL}

    def serve_as_original(self, endpoint):
        return self._serve(self._site, {"echo": lambda text: text}, endpoint, pong_timeout=4, **ACCOUNT)

    def dial_again_as_originals_do(self, endpoints):
        """Those of `endpoints` that the original's clients serve: each notices its end and comes back."""
        for endpoint in self.originals.keys() & endpoints:
            wait_until(lambda: not self.originals[endpoint].connected, f"{endpoint} notices its end")
            self.originals[endpoint] = self.serve_as_original(endpoint)

    def refused(self):
        """What callers are told by endpoint, where they met no service."""
        return {endpoint: said for endpoint, said in self._peers.echo_all(ENDPOINTS).items() if said != endpoint}

    def wait_complete(self):
        wait_until(lambda: not self.refused(), "callers meet their services on all endpoints", deadline=60)


def test_callers_and_services_of_50_endpoints_meet_also_after_a_gateway_was_killed_and_came_back(
    site, peers, serve, programs, tmp_path
):
    fleet = Fleet(site, peers, serve, programs, tmp_path)
    fleet.wait_complete()
    gone, other = site.gateways
    moving = {endpoint for endpoint in ENDPOINTS if gone.connections(endpoint)}
    assert 0 < len(moving) < len(ENDPOINTS), "both gateways have their share"

    site.kill(gone)
    fleet.dial_again_as_originals_do(moving)
    fleet.wait_complete()
    assert all(other.connections(endpoint) for endpoint in ENDPOINTS)

    back = site.bring_back(gone)
    # Callers come back to it at once, and their services don't: each is led on, and none is refused.

    def all_have_asked_there():
        assert not fleet.refused()
        metrics = back.metrics()
        return all(
            metrics.value("reachback_calls_total", endpoint=endpoint, outcome="no-service") for endpoint in moving
        )

    wait_until(all_have_asked_there, "callers ask at the gateway that came back", deadline=60)

    stayed = min(moving)
    (connection,) = other.connections(stayed)
    response = site.call(rpc("echo", "you"), endpoint=stayed, form=BYTES, connection=connection)
    assert (response.status_code, response.json()) == (200, "you")
    fleet.serve_as_original(stayed)
    assert len(back.connections(stayed)) == 1, "who dials now is at home again"


def test_a_path_written_otherwise_leads_to_the_same_gateway(site, dial):
    for endpoint in ENDPOINTS[:8]:
        service = dial(site, endpoint)
        call = site.call_later(rpc("echo"), endpoint="%65" + endpoint[1:])
        service.answer_next()
        assert call.result().status_code == 200
        assert not any(other.outcome("no-service", endpoint) for other in site.gateways)


def test_a_service_that_dials_in_with_a_slash_at_the_end_is_at_home(site, dial):
    for endpoint in ENDPOINTS[:8]:
        service = dial(site, endpoint + "/", join=False)
        wait_until(lambda: any(gateway.connections(endpoint) for gateway in site.gateways), "it has joined")
        call = site.call_later(rpc("echo"), endpoint=endpoint)
        service.answer_next()
        assert call.result().status_code == 200
        assert not any(other.outcome("no-service", endpoint) for other in site.gateways)


def test_what_a_client_says_in_upgrade_does_not_choose_its_gateway(site):
    for number in range(12):
        forged = {"Upgrade": f"x /v1/endpoints/e{number}", "Connection": "upgrade"}
        assert site.get("/v1/endpoints", headers=forged).status_code == 200
    log = (site.nginx.home / "access.log").read_text()
    asked = {line.split("asked ")[1].split(",")[0] for line in log.splitlines() if '"GET /v1/endpoints HTTP' in line}
    assert len(asked) == 1, "who comes from one address, to log in for instance, comes to one gateway"
