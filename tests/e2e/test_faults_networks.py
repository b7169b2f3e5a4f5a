"""Networks that are cut, in both directions or in one, that lose packets, are slow or far away. The peers at the far end
are in a network namespace."""

import json
import socket
import subprocess
from contextlib import nullcontext

import pytest

from support.delaying_proxy import DelayingProxy
from support.figures import percentile, print_figures
from support.gateway import BINARY, BYTES
from support.network import NEEDS, Network
from support.payload import MIB, payload
from support.problems import check_problem
from support.raw import HttpCaller
from support.root import needs_root
from support.service import data_interface
from support.waiting import DEADLINE, Stopwatch, let_pass, wait_until
from test_attach import Attached

in_a_network = needs_root(*NEEDS)

SILENT_AFTER, WRITE_TIMEOUT = 2, 2
SLACK = 3  # of a slow machine
AT_ONCE = 2
BIG = 10 * MIB
SMALLER = 1 * MIB
DELAY = 0.05


@pytest.fixture
def network():
    with Network() as network:
        yield network


@pytest.fixture
def gateway(network, start_gateway):
    return start_gateway("--host", network.outside, "--ping-interval", "0.5", "--silence-timeout", SILENT_AFTER,
                         "--write-timeout", WRITE_TIMEOUT)


@pytest.fixture
def files(tmp_path):
    for size in (BIG, SMALLER):
        (tmp_path / str(size)).write_bytes(payload(size, False))
    return tmp_path


@pytest.fixture
def near_service(programs, files):
    """Starts `attach`; it has joined when this returns. Gives it with its connection's id."""

    def start(gateway, where=nullcontext):
        before = set(gateway.connections())
        with where():
            attached = Attached(gateway, files)
        programs.append(attached)
        attached.wait_ready()
        return attached, wait_until(lambda: set(gateway.connections()) - before, "attach has joined").pop()

    return start


@pytest.fixture
def far_service(network, near_service):
    """The same at the far end."""
    return lambda gateway: near_service(gateway, network.within)


def echo(gateway, connection=None, timeout=30):
    options = {"connection": connection} if connection else {}
    return gateway.call(data_interface("echo", "hi"), timeout=timeout, **options)


def check_back(gateway, attached, left):
    """The service joins again, for the second time, and answers; gives how long that takes."""
    watch = Stopwatch()
    attached.wait_ready(times=2)
    joined = wait_until(lambda: set(gateway.connections()) - {left}, "it has joined again")
    seconds = watch.seconds
    assert echo(gateway, joined.pop()).status_code == 200
    return seconds


@in_a_network
@pytest.mark.parametrize("lost", ["both", "in", "out"], ids=["cut", "it-hears-nothing", "it-is-not-heard"])
def test_a_service_whose_network_loses_everything_is_found_and_comes_back(gateway, network, far_service, neighbours, lost):
    attached, connection = far_service(gateway)
    with neighbours(gateway, "another one's network is cut"):
        network.drop(lost)
        watch = Stopwatch()
        call = gateway.background(echo, gateway, connection)
        check_problem(call.result(), "service-closed", delivery="unknown")
        found = watch.seconds
        assert connection not in gateway.connections()
    network.heal()
    back = check_back(gateway, attached, connection)
    print_figures(f"a service's network cut ({lost})", silence_timeout=SILENT_AFTER, found_after=found,
                  back_after_healing=back)
    assert found < SILENT_AFTER + SLACK


@in_a_network
def test_a_service_whose_machine_knows_nothing_of_the_connection_any_more_is_found_at_the_first_word(
    gateway, network, far_service
):
    far_service(gateway)
    network.reset()
    watch = Stopwatch()
    check_problem(echo(gateway), "service-closed", delivery="unknown")
    print_figures("a service's packets are reset", found_after=watch.seconds)
    assert watch.seconds < AT_ONCE
    assert gateway.connections() == []


def far_caller(network, gateway, stack, **options):
    with network.within():
        return stack.enter_context(HttpCaller(gateway.address, **options))


@in_a_network
def test_a_caller_who_vanishes_in_the_middle_of_an_answer_ends_by_the_write_timeout(
    gateway, network, near_service, stack, files
):
    with open(files / "long", "wb") as long:
        long.truncate(64 * MIB)  # more than fits into the buffers on its way
    near_service(gateway)
    caller = far_caller(network, gateway, stack, receive_buffer=64 * 1024)
    caller.call(json.dumps(data_interface("getFile", "long")).encode(), form=BYTES)
    assert caller.read_head().status == 200
    caller.read_piece()
    network.drop("both")
    watch = Stopwatch()
    gateway.wait_in_flight(0)
    print_figures("a caller vanished in the middle of an answer", write_timeout=WRITE_TIMEOUT, ended_after=watch.seconds)
    assert watch.seconds < WRITE_TIMEOUT + SLACK
    assert echo(gateway).status_code == 200


def check_gone(gateway, before, what, watch):
    wait_until(lambda: open_connections(gateway) == before, "it is gone", deadline=WRITE_TIMEOUT + SLACK)
    print_figures(what, write_timeout=WRITE_TIMEOUT, ended_after=watch.seconds)


def open_connections(gateway):
    return gateway.metrics().value("reachback_budget_used", budget="connections")


@in_a_network
def test_a_caller_who_vanishes_while_it_waits_is_found(network, start_gateway, dial, stack):
    gateway = start_gateway("--host", network.outside, "--write-timeout", WRITE_TIMEOUT)  # which waits for the service
    peer = dial(gateway)
    before = open_connections(gateway)
    caller = far_caller(network, gateway, stack)
    caller.call(b'{"cmd":"rpc"}', query=f"?timeout=600&connection={peer.connection_id}")
    peer.receive_request()
    network.drop("both")
    watch = Stopwatch()
    gateway.wait_in_flight(0, deadline=WRITE_TIMEOUT + SLACK)
    check_gone(gateway, before, "a waiting caller vanished", watch)


@in_a_network
def test_a_caller_who_is_there_and_quiet_is_waited_for(gateway, network, dial, stack):
    peer, caller = dial(gateway), far_caller(network, gateway, stack)
    caller.call(b'{"cmd":"rpc"}', query="?timeout=600")
    request = peer.receive_request()
    for _ in range(2 * WRITE_TIMEOUT):
        let_pass(1)
        peer.ping()
    peer.answer(request, b"at last")
    assert caller.read_response()[0].status == 200


@in_a_network
def test_a_subscriber_of_events_who_vanishes_is_found(gateway, network, stack):
    before = open_connections(gateway)
    subscriber = far_caller(network, gateway, stack)
    subscriber.request("GET", "/v1/events", accept="text/event-stream")
    assert subscriber.read_head().status == 200
    network.drop("both")
    check_gone(gateway, before, "a subscriber of events vanished", Stopwatch())


def check_calls_and_a_big_answer(gateway, what, calls=60, size=BIG):
    """Calls by four callers, then an answer of `size` bytes, all of them right; prints how long they took. Gives the
    median of the calls."""

    def timed(_):
        watch = Stopwatch()
        response = echo(gateway)
        assert response.status_code == 200, response.text
        return watch.seconds

    each = [gateway.background(lambda: [timed(number) for number in range(calls // 4)]) for _ in range(4)]
    seconds = [one for caller in each for one in caller.result(120)]
    watch = Stopwatch()
    response = gateway.call(data_interface("getFile", str(size)), form=BYTES)
    assert (response.status_code, response.content) == (200, payload(size, False))
    print_figures(what, calls=len(seconds), p50=percentile(seconds, 0.5), p99=percentile(seconds, 0.99),
                  bytes_of_the_answer=size, seconds_of_it=watch.seconds)
    return percentile(seconds, 0.5)


@in_a_network
@pytest.mark.parametrize("share, size", [(0.01, BIG), (0.1, SMALLER)])
def test_a_lossy_network_costs_time_and_no_call(network, start_gateway, far_service, share, size):
    gateway = start_gateway("--host", network.outside)
    far_service(gateway)
    network.lose(share)
    check_calls_and_a_big_answer(gateway, f"{share:.0%} of packets lost both ways", size=size)
    assert network.lost() > 0
    print_figures(f"{share:.0%} of packets lost both ways", packets_lost=network.lost())
    network.heal()


@in_a_network
def test_a_slow_network_costs_time_and_no_call(network, start_gateway, far_service):
    gateway = start_gateway("--host", network.outside)
    far_service(gateway)
    network.slow_down("50mbit")
    check_calls_and_a_big_answer(gateway, "50 Mbit/s from the service")


@needs_root("mount")
def test_an_address_that_swallows_packets_hides_no_other_of_the_same_name(start_gateway, stack, tmp_path):
    gateway = start_gateway()
    nobody_accepts = stack.enter_context(socket.socket(socket.AF_INET6))
    try:
        nobody_accepts.bind(("::1", gateway.port))
    except OSError as error:
        pytest.skip(f"no IPv6 here: {error}")
    nobody_accepts.listen(0)
    stack.enter_context(socket.create_connection(nobody_accepts.getsockname()[:2]))
    hosts = tmp_path / "hosts"
    hosts.write_text("::1 two.example\n127.0.0.1 two.example\n")
    ended = subprocess.run(
        ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts, BINARY, "health",
         "--server", f"http://two.example:{gateway.port}", "--timeout", "4"],
        capture_output=True, text=True, timeout=DEADLINE)
    assert ended.returncode == 0, ended.stderr


def test_a_service_that_is_far_away_costs_time_and_no_call(start_gateway, programs, files, stack):
    gateway = start_gateway()
    proxy = stack.enter_context(DelayingProxy(gateway, DELAY))
    attached = Attached(proxy, files)
    programs.append(attached)
    attached.wait_ready()
    wait_until(gateway.connections, "attach has joined")
    assert check_calls_and_a_big_answer(gateway, f"{DELAY} s there and {DELAY} s back") >= 2 * DELAY
