"""What peers make the gateway hold stays within the budgets of service/docs/limits.md, of one kind and of all at once."""

import json
import resource
from pathlib import Path

import pytest

from support.bystander import Bystander
from support.gateway import JSON, NDJSON
from support.payload import KIB, MIB, cut_parts, payload
from support.peers import CALLS, EVENTS, SMALL_BUFFER, Peers
from support.problems import check_problem
from support.service import rpc
from support.waiting import wait_until

BUDGET = 16 * MIB
SMALL_BUDGETS = ("--body-budget", BUDGET, "--receive-budget", BUDGET, "--total-outbox-budget", BUDGET,
                 "--total-part-budget", BUDGET, "--subscriber-limit", 1 * MIB, "--event-stream-limit", 16,
                 "--connection-limit", 1500, "--head-limit", 16 * KIB, "--call-limit", 400)
# What a connection takes beside what the budgets count: a head, what it receives and sends, its call.
PER_CONNECTION = 24 * KIB
SLACK = 8 * MIB  # what the allocator keeps, and what is under way between two budgets
SUM_OF_BUDGETS = 4 * BUDGET + 16 * MIB  # bodies, messages, outboxes, parts; subscribers

OVERLOADS = {}


@pytest.fixture
def many_sockets():
    """For a test that opens more of them than a process usually may."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def overload(budget, connections):
    """Registers a function that makes a gateway with small budgets hold as much as it lets itself be made to hold, of
    which `budget` bytes are counted, over so many connections."""

    def register(function):
        OVERLOADS[function.__name__] = (budget, connections, function)
        return function

    return register


# In an order in which all together can be provoked: what waits to be sent has come in as a body before.


@overload(2 * BUDGET, 60)  # the bodies of calls that are about to be queued count as bodies
def outboxes(gateway, peers):
    peers.websocket(receive_buffer=SMALL_BUFFER)
    body = json.dumps(rpc("put", "x" * MIB)).encode()
    for _ in range(60):
        peers.http().call(body)
    wait_until(lambda: gateway.refused("total-outbox-budget") >= 1, "calls are refused")


@overload(BUDGET, 12)
def parts(gateway, peers):
    peer = peers.dial()
    for _ in range(12):
        peers.http(receive_buffer=SMALL_BUFFER).call(b'{"cmd":"rpc"}', form=NDJSON)
        for part in cut_parts(peer.receive_request(), payload(8 * MIB, True), part_size=512 * KIB, compress=False):
            peer.send(part)
    wait_until(lambda: gateway.refused("total-part-budget") >= 1, "calls are ended")


@overload(16 * MIB, 20)
def events(gateway, peers):
    for _ in range(16):
        slow = peers.http(receive_buffer=SMALL_BUFFER)
        slow.request("GET", EVENTS)
        assert slow.read_head().status == 200
    check_problem(gateway.get(EVENTS), "overloaded")
    user = peers.dial("wsUser")
    for _ in range(160):
        user.send("x" * 64 * KIB)
    user.ping()


@overload(0, 500)
def calls(gateway, peers):
    peers.dial()
    for _ in range(500):
        peers.http().call(b'{"cmd":"rpc"}')
    wait_until(lambda: gateway.refused("call-limit") >= 1, "calls are refused")


@overload(500 * 16 * KIB, 500)
def heads(gateway, peers):
    callers = [peers.http() for _ in range(500)]
    for caller in callers:
        caller.send(b"GET /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 15 * KIB)
    ports = {caller.local_port for caller in callers}
    wait_until(lambda: unread_from(ports) == 0, "the gateway has read all of them")


def unread_from(ports):
    """How many bytes from our ports wait in the kernel for the one who has not read them yet (proc_net_tcp(5))."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].split(":")[1], 16) for row in rows if int(row[2].split(":")[1], 16) in ports)


@overload(BUDGET, 40)
def messages(gateway, peers):
    for _ in range(40):
        peer = peers.websocket("wsUser")
        peer.send_frame(0x1, b"x" * MIB, fin=False)
    wait_until(lambda: gateway.refused("receive-budget") >= 1, "messages are refused")


@overload(BUDGET, 40)
def bodies(gateway, peers):
    for _ in range(40):
        caller = peers.http()
        caller.send(caller.head_of("POST", CALLS, content_length=8 * MIB, content_type=JSON))
        send_in_pieces(caller, b" " * 64 * KIB, 48)
    wait_until(lambda: gateway.refused("body-budget") >= 1, "bodies are refused")


def send_in_pieces(stream, piece, count):
    """Sends until the other side does not want any more."""
    try:
        for _ in range(count):
            if stream.has_input():
                break
            stream.send(piece)
    except OSError:
        pass


@pytest.mark.parametrize("name", OVERLOADS)
@pytest.mark.usefixtures("many_sockets")
def test_memory_under_an_overload_stays_within_its_budget(name, start_gateway, stack):
    budget, connections, overloads = OVERLOADS[name]
    gateway = start_gateway(*SMALL_BUDGETS)
    with Bystander(gateway) as bystander:
        before = gateway.peak_memory()
        overloads(gateway, Peers(gateway, stack))
        bystander.is_served()
        grown = gateway.peak_memory() - before
        most = budget + connections * PER_CONNECTION + SLACK
        print(f"{name}: {grown / MIB:.1f} MiB more, its budget {budget / MIB:.0f} MiB, allowed {most / MIB:.0f} MiB")
        assert grown <= most
        stack.close()


@pytest.mark.usefixtures("many_sockets")
def test_memory_under_all_overloads_at_once_stays_within_the_sum_of_the_budgets(start_gateway, stack):
    gateway = start_gateway(*SMALL_BUDGETS)
    with Bystander(gateway) as bystander:
        before = gateway.peak_memory()
        for _, _, overloads in OVERLOADS.values():
            overloads(gateway, Peers(gateway, stack))
        bystander.is_served()
        grown = gateway.peak_memory() - before
        most = SUM_OF_BUDGETS + sum(connections for _, connections, _ in OVERLOADS.values()) * PER_CONNECTION
        print(f"all at once: {grown / MIB:.1f} MiB more, allowed {most / MIB:.0f} MiB")
        assert grown <= most
        stack.close()
