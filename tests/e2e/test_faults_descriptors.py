"""Out of file descriptors: who is connected is served, who comes waits or is refused, and it passes by itself."""

import json
import os
import resource
import signal
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.figures import print_figures
from support.gateway import BYTES
from support.payload import part_bytes
from support.problems import check_problem
from support.raw import HttpCaller
from support.service import data_interface
from support.waiting import Stopwatch, let_pass, wait_until
from test_attach import Attached

FEW = 64
ENOUGH_FOR_THE_RESERVE = 256
REGULAR, RESERVE = 128, 64  # half of that, and the reserve for probes
OF_THE_FIRST_MESSAGE = 3  # an event loop that is never run, which the first message makes and which stays
WATCHED = 2  # seconds
MOST_PROCESSOR_TIME = 0.3  # of those; a loop that spins takes all


def descriptors(program):
    return len(os.listdir(f"/proc/{program.process.pid}/fd"))


def processor_seconds(program):
    """The time that the process has had of the processor, in user mode and for its system calls."""
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def check_that_it_does_not_spin(program, what):
    before = processor_seconds(program)
    let_pass(WATCHED)
    used = processor_seconds(program) - before
    print_figures(f"processor time {what}", seconds=used, of=float(WATCHED))
    assert used < MOST_PROCESSOR_TIME


def limited(count):
    return "prlimit", f"--nofile={count}:{count}"


class Crowd:
    """Many callers who connect and say nothing."""

    def __init__(self, gateway):
        self._gateway, self._callers = gateway, []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def come(self, count):
        self._callers += [HttpCaller(self._gateway.address) for _ in range(count)]
        return self._callers[-1]

    def leave(self, count=None):
        """The first `count` of them, or all."""
        for caller in self._callers[:count]:
            caller.close()
        del self._callers[:count]


def check_call(peer, caller):
    """A call from an open connection to an open connection."""
    caller.call(json.dumps(data_interface("echo", "hi")).encode())
    peer.answer_next(b"answer")
    head, body = caller.read_response()
    assert (head.status, part_bytes(json.loads(body))) == (200, b"answer")


@pytest.fixture
def crowd_of(stack):
    return lambda gateway: stack.enter_context(Crowd(gateway))


def check_all_is_as_before(gateway, peer, before):
    wait_until(lambda: descriptors(gateway) <= before, f"{before} descriptors as at the start")
    call = gateway.call_later(data_interface("echo", "hi"))
    peer.answer_next(b"as before")
    assert part_bytes(call.result().json()) == b"as before"


def test_a_gateway_without_descriptors_serves_who_is_there_and_later_who_waits(
    start_gateway, dial, raw_http, crowd_of
):
    gateway = start_gateway("--connection-limit", 1000, before=limited(FEW))
    peer, caller = dial(gateway), raw_http(gateway)
    check_call(peer, caller)
    before, crowd = descriptors(gateway), crowd_of(gateway)
    last = crowd.come(2 * FEW)
    wait_until(lambda: descriptors(gateway) == FEW, "it has no descriptor left")
    last.request("GET", "/livez")
    for _ in range(20):
        check_call(peer, caller)
    check_that_it_does_not_spin(gateway, "without descriptors")
    assert not last.has_input()
    wait_until(lambda: "connections wait to be accepted: Too many open files" in gateway.stderr(), "it says so")
    watch = Stopwatch()
    crowd.leave(2 * FEW - 1)
    assert last.read_response()[0].status == 200
    print_figures("who waited for a descriptor", served_after=watch.seconds)
    crowd.leave()
    check_all_is_as_before(gateway, peer, before)


def test_with_limits_that_fit_who_is_too_many_is_refused_and_probes_are_answered(
    start_gateway, dial, raw_http, crowd_of
):
    gateway = start_gateway(before=limited(ENOUGH_FOR_THE_RESERVE))
    peer, caller = dial(gateway), raw_http(gateway)
    check_call(peer, caller)
    before, crowd = descriptors(gateway), crowd_of(gateway)
    crowd.come(REGULAR - 2)  # beside those two
    wait_until(lambda: descriptors(gateway) == before + REGULAR - 2, "all are there")
    for probe in ("/livez", "/readyz", "/metrics"):
        assert gateway.get(probe, authorized=False).status_code == 200
    check_problem(gateway.get("/v1/endpoints"), "overloaded", delivery="not-sent")
    check_problem(gateway.call(data_interface("echo", "hi")), "overloaded", delivery="not-sent")
    crowd.come(RESERVE + 20)
    wait_until(lambda: descriptors(gateway) == before + REGULAR - 2 + RESERVE, "the reserve is taken too")
    check_call(peer, caller)
    check_that_it_does_not_spin(gateway, "at the limit of connections")
    crowd.leave()
    check_all_is_as_before(gateway, peer, before)


@contextmanager
def no_new_descriptor(program):
    """Every attempt to open something fails in the process as long as the block runs."""
    soft, hard = resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        if program.alive:
            resource.prlimit(program.process.pid, resource.RLIMIT_NOFILE, (soft, hard))


def test_a_gateway_without_descriptors_ends_in_order(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.call(b'{"cmd":"rpc"}')
    request = peer.receive_request()
    with no_new_descriptor(gateway):
        gateway.signal(signal.SIGTERM)
        peer.answer(request, b"the last one")
        head, body = caller.read_response()
        assert (head.status, part_bytes(json.loads(body))) == (200, b"the last one")
        caller.close()
        peer.crash()
        assert gateway.wait_exit() == 0


@pytest.fixture
def attached(gateway, programs, tmp_path):
    (tmp_path / "file").write_bytes(b"its bytes")
    attached = Attached(gateway, tmp_path)
    programs.append(attached)
    attached.wait_ready()
    wait_until(gateway.connections, "attach has joined")
    return attached


def file_of(gateway):
    return gateway.call(data_interface("getFile", "file"), form=BYTES)


def test_an_attach_without_descriptors_says_so_and_answers_again_when_it_has_some(gateway, attached):
    before = descriptors(attached)
    assert file_of(gateway).content == b"its bytes"
    with no_new_descriptor(attached):
        for _ in range(10):
            answer = gateway.call(data_interface("getFile", "file")).json()
            assert answer["status"] != 200 and answer["error"]
        assert gateway.call(data_interface("echo", "hi")).json()["status"] == 200
    assert file_of(gateway).content == b"its bytes"
    wait_until(lambda: descriptors(attached) <= before + OF_THE_FIRST_MESSAGE, f"{before} descriptors as at the start")


def test_an_attach_that_cannot_dial_for_want_of_descriptors_tries_on(gateway, attached):
    assert file_of(gateway).content == b"its bytes"
    with no_new_descriptor(attached):
        assert gateway.http("DELETE", "/v1/connections").json() == {"closed": 1}
        wait_until(lambda: attached.stderr().count("Too many open files") >= 2, "it has tried twice")
        check_that_it_does_not_spin(attached, "of attach without descriptors")
    watch = Stopwatch()
    attached.wait_ready(times=2)
    wait_until(gateway.connections, "it has joined again")
    print_figures("attach has descriptors again", joined_after=watch.seconds)
    assert file_of(gateway).content == b"its bytes"
