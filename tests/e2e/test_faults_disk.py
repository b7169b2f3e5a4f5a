"""Logs that cannot be written: a full disk, a pipe that nobody reads or nobody holds any more. Calls go on, what was
lost is counted in the log itself, and it goes on when it can."""

import fcntl
import os
import re
import signal
import subprocess
import threading

import pytest

from support.figures import print_figures
from support.root import needs_root
from support.payload import KIB
from support.raw import WebSocketPeer
from support.waiting import Stopwatch, wait_until

LOST = re.compile(r"^\S+Z warning (\d+) lines? of this log (?:was|were) lost$", re.MULTILINE)
WHOLE_LINE = re.compile(r"\S+Z (?:debug|info|warning|error) \S.*")
LINES_OF_A_VISIT = 2


def visit(gateway, times):
    """Comes and goes; the gateway logs two lines for each, one when it comes and one when it goes."""
    for _ in range(times):
        with WebSocketPeer(gateway, "/wsUser") as peer:
            assert peer.open().status == 101


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], check=True)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place):
    """Takes all room that is left there; gives the file that does."""
    filler = place / "filler"
    with open(filler, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * KIB):
                pass
        except OSError:
            return filler


def lost(log):
    """How many lines the log says that it lacks."""
    return sum(int(count) for count in LOST.findall(log))


@needs_root("mount")
def test_a_full_disk_holds_nobody_up_and_the_log_goes_on_when_there_is_room(small_disk, start_gateway, neighbours):
    path = small_disk / "log"
    with open(path, "ab") as stderr:
        gateway = start_gateway(stderr=stderr)
    with neighbours(gateway, "the disk is full"):
        visit(gateway, 1)
        wait_until(lambda: "closed" in path.read_text(), "the visit is logged")
        filler = fill(small_disk)
        visit(gateway, 200)
        wait_until(lambda: not gateway.connections("wsUser"), "the last visitor has left")
        filler.unlink()
        visit(gateway, 1)
        log = wait_until(lambda: lost(path.read_text()) and path.read_text(), "the log goes on")
    print_figures("full disk", lines_lost=lost(log))
    assert lost(log) > 300
    assert all(WHOLE_LINE.fullmatch(line) for line in log.splitlines() if line), "a torn line has a line to itself"


@pytest.fixture
def full_pipe():
    """Both ends of a pipe of 4 KiB that has no room left."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4 * KIB)
    os.set_blocking(writing, False)
    os.write(writing, b"\n" * (4 * KIB))
    os.set_blocking(writing, True)
    yield reading, writing
    for end in (reading, writing):
        os.close(end)


def collect(reading, into):
    while piece := os.read(reading, 64 * KIB):
        into.append(piece.decode())


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_the_log_goes_on_when_it_is_read(
    full_pipe, start_gateway, neighbours
):
    reading, writing = full_pipe
    gateway = start_gateway(stderr=writing)
    visits = 2600  # more lines than wait for their turn
    with neighbours(gateway, "nobody reads the log"):
        visit(gateway, visits)
        pieces = []
        threading.Thread(target=collect, args=(reading, pieces), daemon=True).start()
        wait_until(lambda: lost("".join(pieces)), "the log says what was lost")
        visit(gateway, 1)
        wait_until(lambda: "".join(pieces).count("wsUser: connection") >= 100, "what waited comes")

    def complete():
        log = "".join(pieces)
        return log.count("wsUser: connection") + lost(log) >= LINES_OF_A_VISIT * (visits + 1)

    wait_until(complete, "each line has come or is counted as lost")
    print_figures("a pipe that nobody read", lines_lost=lost("".join(pieces)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_pipe_that_nobody_reads_does_not_keep_a_gateway_from_ending(full_pipe, start_gateway, number):
    gateway = start_gateway(stderr=full_pipe[1])
    visit(gateway, 10)
    watch = Stopwatch()
    gateway.signal(number)
    assert gateway.wait_exit() == 0
    print_figures("a gateway whose log nobody reads ends", seconds=watch.seconds)
    assert watch.seconds < 10


def broken_pipe():
    reading, writing = os.pipe()
    os.close(reading)
    return os.fdopen(writing, "wb")


def always_full():
    return open("/dev/full", "wb")


@pytest.mark.parametrize("broken", [broken_pipe, always_full])
def test_a_log_that_cannot_be_written_at_all_changes_nothing(start_gateway, neighbours, broken):
    with broken() as stderr:
        gateway = start_gateway(stderr=stderr)
    with neighbours(gateway, "no line of the log can be written"):
        visit(gateway, 50)
    gateway.signal(signal.SIGTERM)
    assert gateway.wait_exit() == 0
