"""Deployments lose nothing: three gateways behind nginx under load, restarted one after the other, and killed."""

import re
import time
from collections import Counter

import pytest
import requests

from support.deployment_load import DeploymentLoad, echo, file, in_parts, slow, table
from support.gateway import BINARY, NDJSON, Program
from support.nginx import ACCOUNT, Site
from support.payload import cut_parts
from support.service import Peer, rpc
from support.waiting import let_pass, wait_until

RATE = 500
ORIGINALS = [f"original-{number}" for number in range(6)]
ATTACHED = [f"attached-{number}" for number in range(3)]
HELD = "held"  # its calls wait for the test
NGINX_NOTICES = 3  # seconds, on a slow machine
# Like the default longer than the 2 s for which nginx passes over a gateway that was gone: when the next one sends its
# services away, the one before takes them.
DRAIN_WAIT = "2.5"
CONTENT = b"some bytes of a file" * 20


def errands():
    """Of 50 calls 19 go to `attach`; of the others two are slow and one has its answer in parts. In each 100, every
    endpoint has its turn."""
    for turn in range(6):
        at = ORIGINALS[turn:] + ORIGINALS[:turn]
        yield from [slow(at[0]), slow(at[1]), in_parts(at[2])]
        yield from [echo(at[number % len(at)]) for number in range(28)]
        yield from [file(ATTACHED[number % len(ATTACHED)], "file", CONTENT) for number in range(19)]


@pytest.fixture
def site():
    flags = [text for endpoint in [*ORIGINALS, *ATTACHED, HELD] for text in ("--endpoint", f"{endpoint}=service")]
    with Site("--drain-wait", DRAIN_WAIT, "--drain-grace", "20", *flags, replicas=3) as running:
        yield running


@pytest.fixture
def load(site, attached):
    with DeploymentLoad(site, ORIGINALS, list(errands()), RATE, **ACCOUNT) as running:
        wait_until(lambda: all_served(site), "a service on each endpoint")
        yield running


@pytest.fixture
def attached(site, programs, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    for endpoint in ATTACHED:
        command = [BINARY, "attach", endpoint, "--files", tmp_path, "--server", site.url,
                   "--ca-file", site.ca_file, "--user", ACCOUNT["user"], "--password", ACCOUNT["password"]]
        programs.append(Program(command, r"reachback: attached to wss://.+/[-\w]+$"))
    return list(programs)


def all_served(site):
    served = {endpoint for gateway in site.living() for endpoint in gateway.served()}
    return served >= {*ORIGINALS, *ATTACHED}


def test_a_rolling_restart_of_all_gateways_fails_no_call(site, load):
    load.begin()
    let_pass(1)
    under_way, logs = [], ""
    for gateway in list(site.gateways):
        under_way.append(int(gateway.calls_in_flight()))
        site.restart(gateway)
        logs += gateway.stderr()
    wait_until(lambda: all_served(site), "a service on each endpoint")
    let_pass(1)
    calls = load.end()
    print(table("rolling restart of three gateways", calls))
    print(f"under way when each of them was told to end    {under_way}")
    began = [call.began for call in calls]
    assert len(calls) > RATE / 2 * (max(began) - min(began)), "a load that deserves the name"
    assert Counter(call.failure for call in calls if call.failure) == {}
    assert sum(under_way) > 0
    closed = re.findall(r"attached-\d: connection .* closed \((\d+)\)", logs)
    assert len(closed) >= len(ATTACHED) and {*closed} == {"1001"}, "who hears goaway joins elsewhere, then leaves"


def hold_calls(site, victim, stack):
    """Two calls that are under way at the victim: the response of one whose answer has begun to come, and the future of
    one that has heard nothing yet."""
    service = stack.enter_context(Peer(victim, HELD))
    beginning = site.call_later(rpc("hold"), HELD, form=NDJSON, stream=True)
    service.send(next(cut_parts(service.receive_request(), CONTENT, part_size=len(CONTENT) // 2)))
    begun = beginning.result()
    assert begun.status_code == 200
    waiting = site.call_later(rpc("hold"), HELD)
    service.receive_request()
    return begun, waiting


def test_the_death_of_a_gateway_fails_only_the_calls_under_way_there(site, load, stack):
    load.begin()
    let_pass(1)
    victim = site.where(ORIGINALS[0])
    begun, waiting = hold_calls(site, victim, stack)
    there = victim.served()
    died_from = time.monotonic()
    site.kill(victim)
    died_until = time.monotonic()
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        begun.content
    assert (waiting.result().status_code, waiting.result().json()["delivery"]) == (502, "unknown")
    wait_until(lambda: all_served(site), "a service on each endpoint, at the other gateways")
    site.bring_back(victim)
    let_pass(3)
    calls = load.end()
    print(table("kill -9 of one gateway of three", calls))
    failed = [call for call in calls if call.failure]
    answered_by_nginx = [call for call in failed if call.document is not None]
    broken_off = [call for call in failed if call.broken_off]
    print(f"told that it is unknown {len(answered_by_nginx):25}\nbroken off {len(broken_off):38}")
    for call in failed:
        what = f"{call.failure}, began {call.began - died_from:.3f} s after the kill, ended {call.ended - died_from:.3f} s"
        # What comes in the moment in which nginx does not know of it yet goes there too.
        assert call.endpoint in there and call.began < died_until + NGINX_NOTICES and call.ended > died_from, what
        assert call.document is not None or (call.broken_off and call.status == 200), what
    for call in answered_by_nginx:
        assert (call.status, call.document["status"], call.document["delivery"]) == (502, 502, "unknown")
        assert call.content_type == "application/problem+json"
