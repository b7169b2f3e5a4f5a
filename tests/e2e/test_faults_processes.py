"""Processes that stand still (SIGSTOP) or are killed: those who wait for them are told, nobody else notices."""

import json

import pytest

from support.figures import print_figures
from support.gateway import BYTES, TOKEN, Program
from support.payload import MIB, payload
from support.problems import check_problem
from support.raw import Aborted
from support.service import data_interface
from support.stopped_service import SILENCE
from support.waiting import Stopwatch, wait_until
from test_attach import Attached

SILENT_AFTER = 2
QUICK = ("--ping-interval", "0.5", "--silence-timeout", SILENT_AFTER)
SLACK = 3  # of a slow machine
AT_ONCE = 2
WRITE_TIMEOUT = 2
BIG = 64 * MIB  # more than fits into the buffers on its way
GET_BIG = json.dumps(data_interface("getFile", "big")).encode()


@pytest.fixture
def files(tmp_path):
    (tmp_path / "small").write_bytes(b"a small file")
    with open(tmp_path / "big", "wb") as big:
        big.write(payload(1 * MIB, False))
        big.truncate(BIG)
    return tmp_path


@pytest.fixture
def attach(programs, files):
    """Starts `attach`, a service with a process of its own; gives it with its connection's id."""

    def start(gateway):
        before = set(gateway.connections())
        attached = Attached(gateway, files)
        programs.append(attached)
        attached.wait_ready()
        return attached, wait_until(lambda: set(gateway.connections()) - before, "attach has joined").pop()

    return start


def echo(gateway, connection):
    return gateway.call(data_interface("echo", "hi"), connection=connection)


def test_a_service_that_is_stopped_in_the_middle_of_calls_is_found_and_comes_back(start_gateway, attach, neighbours):
    gateway = start_gateway(*QUICK)
    with neighbours(gateway, "a service is stopped and comes back"):
        attached, connection = attach(gateway)
        attached.freeze()
        watch = Stopwatch()
        calls = [gateway.background(echo, gateway, connection) for _ in range(5)]
        for call in calls:
            check_problem(call.result(), "service-closed", delivery={"sent", "unknown"}, endpoint="wsData")
        found = watch.seconds
        assert connection not in gateway.connections()
        gateway.wait_outcome("service-closed", len(calls))

        attached.thaw()
        back = Stopwatch()
        attached.wait_ready(times=2)
        joined = wait_until(lambda: len(gateway.connections()) == 2 and gateway.connections(), "it has joined again")
        assert connection not in joined
        assert gateway.call(data_interface("getFile", "small"), form=BYTES).content == b"a small file"
    print_figures("stopped service", silence_timeout=SILENT_AFTER, found_after=found, back_after=back.seconds)
    assert found < SILENT_AFTER + SLACK
    assert gateway.outcome("service-closed") == len(calls), "its late answers end nothing a second time"


def test_a_service_that_is_stopped_while_idle_is_found_before_anybody_calls(start_gateway, attach):
    gateway = start_gateway(*QUICK)
    attached, _ = attach(gateway)
    attached.freeze()
    watch = Stopwatch()
    wait_until(lambda: not gateway.connections(), "it is gone", deadline=SILENT_AFTER + SLACK)
    print_figures("stopped idle service", silence_timeout=SILENT_AFTER, found_after=watch.seconds)
    check_problem(gateway.call(data_interface("echo", "hi")), "no-service", delivery="not-sent")


def test_an_answer_whose_service_is_stopped_in_the_middle_breaks_off(start_gateway, attach, neighbours, raw_http):
    gateway = start_gateway(*QUICK)
    with neighbours(gateway, "a service is stopped in the middle of an answer"):
        attached, connection = attach(gateway)
        caller = raw_http(gateway, receive_buffer=64 * 1024)
        caller.call(GET_BIG, form=BYTES, query=f"?connection={connection}")
        assert caller.read_head().status == 200
        caller.read_piece()
        attached.freeze()
        watch = Stopwatch()
        with pytest.raises(Aborted):
            caller.read_body()
    print_figures("answer whose service was stopped", silence_timeout=SILENT_AFTER, ended_after=watch.seconds)
    assert watch.seconds < SILENT_AFTER + SLACK


def pending_calls(gateway, connection):
    """How many calls wait for that connection."""
    return {str(one["id"]): one["pendingCalls"] for one in gateway.endpoint("wsData")["connections"]}[connection]


def test_a_service_that_is_killed_is_gone_at_once_with_its_calls(gateway, attach, neighbours):
    with neighbours(gateway, "services are killed"):
        idle, _ = attach(gateway)
        busy, connection = attach(gateway)
        busy.freeze()  # so that its call is still under way
        call = gateway.background(echo, gateway, connection)
        wait_until(lambda: pending_calls(gateway, connection) == 1, "the call is under way")
        watch = Stopwatch()
        for killed in (busy, idle):
            killed.process.kill()
        check_problem(call.result(), "service-closed", delivery={"sent", "unknown"})
        wait_until(lambda: len(gateway.connections()) == 1, "both are gone")
    print_figures("killed services", gone_after=watch.seconds)
    assert watch.seconds < AT_ONCE


def curl(gateway, connection, output):
    """A caller with a process of its own that takes a big answer, 10 MiB in each second."""
    return Program(
        ["curl", "--silent", "--noproxy", "*", "--limit-rate", "10M", "--output", output,
         "--header", f"Authorization: Bearer {TOKEN}", "--header", f"Accept: {BYTES}",
         "--json", GET_BIG.decode(), f"{gateway.url}/v1/endpoints/wsData/requests?connection={connection}"],
        "",
    )


def test_a_caller_that_is_stopped_in_the_middle_of_an_answer_ends_alone(start_gateway, attach, neighbours, programs, tmp_path):
    gateway = start_gateway("--write-timeout", WRITE_TIMEOUT)
    with neighbours(gateway, "a caller is stopped in the middle of an answer"):
        _, connection = attach(gateway)
        output = tmp_path / "output"
        caller = curl(gateway, connection, output)
        programs.append(caller)
        wait_until(lambda: output.exists() and output.stat().st_size > 1 * MIB, "the answer is under way")
        caller.freeze()
        watch = Stopwatch()
        wait_until(lambda: pending_calls(gateway, connection) == 0, "its call has ended")
        ended = watch.seconds
        assert echo(gateway, connection).status_code == 200
        caller.thaw()
        assert caller.wait_exit() != 0, "it does not take what it got for all"
    print_figures("stopped caller", write_timeout=WRITE_TIMEOUT, ended_after=ended)
    assert ended < WRITE_TIMEOUT + SLACK


def test_with_the_default_settings_a_stopped_service_is_found_within_40_seconds(stopped_service):
    response, seconds = stopped_service.result()
    check_problem(response, "service-closed", delivery={"sent", "unknown"}, endpoint="wsData")
    print_figures("stopped service, default settings", found_after=seconds)
    assert SILENCE / 2 < seconds < SILENCE + SLACK
    assert stopped_service.gateway.connections() == []
