"""`reachback attach`: a remote service of our own that hands out files."""

import base64
import hashlib
import json
import os
import signal

import pytest

from support.gateway import BINARY, BYTES, NDJSON, Program
from support.payload import MIB, md5, part_bytes, payload, unpack
from support.raw import HttpCaller
from support.service import data_interface
from support.waiting import wait_until

BIG = 5 << 30 if os.environ.get("REACHBACK_BIG") == "1" else 300 * MIB
MOST_MEMORY = 150 * MIB
SIZES = {"empty": 0, "one": 1, "small.txt": 1000, "medium.bin": 3 * MIB, "parts.bin": 25 * MIB}


@pytest.fixture
def files(tmp_path):
    """A directory of files, with things beside it that nobody may read."""
    directory = tmp_path / "files"
    (directory / "below").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    for name, size in SIZES.items():
        (directory / name).write_bytes(payload(size, False))
    (directory / "below" / "deep.txt").write_text("deep")
    (directory / "n\u00e4me with space").write_text("odd name")
    (directory / "link-out").symlink_to(tmp_path / "secret")
    (directory / "link-in").symlink_to("small.txt")
    return directory


class Attached(Program):
    def __init__(self, gateway, files, *flags, endpoint="wsData"):
        command = [BINARY, "attach", endpoint, "--files", files, "--server", gateway.authority]
        super().__init__([*command, *(flags or ("--test",))], r"reachback: attached to ws://.+/\w+$")


@pytest.fixture
def attach(programs):
    """Starts `attach`; it has joined when this returns."""

    def start(gateway, files, *flags, endpoint="wsData"):
        before = len(gateway.connections(endpoint))
        attached = Attached(gateway, files, *flags, endpoint=endpoint)
        programs.append(attached)
        attached.wait_ready()
        wait_until(lambda: len(gateway.connections(endpoint)) > before, "attach has joined")
        return attached

    return start


@pytest.mark.parametrize("name", sorted(SIZES))
def test_a_file_comes_as_its_bytes_in_every_form(gateway, files, attach, name):
    attach(gateway, files)
    expected = (files / name).read_bytes()
    request = data_interface("getFile", name)
    response = gateway.call(request, form=BYTES)
    assert (response.status_code, md5(response.content)) == (200, md5(expected))
    assert part_bytes(gateway.call(request).json()) == expected
    lines = gateway.call(request, form=NDJSON).content.splitlines()
    assert unpack([json.loads(line) for line in lines]) == expected


def test_parts_are_cut_compressed_and_hashed_as_the_protocol_says(gateway, files, attach):
    attach(gateway, files)
    response = gateway.call(data_interface("getFile", "parts.bin"), form=NDJSON)
    parts = [json.loads(line) for line in response.content.splitlines()]
    assert [part["dataSize"] for part in parts] == [10 * MIB, 10 * MIB, 5 * MIB]
    for number, part in enumerate(parts, start=1):
        assert (part["partId"], part["numParts"], part["multipart"], part["compressed"]) == (number, 3, True, True)
        assert (part["status"], part["dataSerialization"]) == (200, "bytes")
        assert (part["fileSize"], part["fileHash"]) == (25 * MIB, md5((files / "parts.bin").read_bytes()))
        assert (part["cmd"], part["class"], part["attribute"]) == ("rpc", "DataInterface", "getFile")
        assert "args" not in part


def test_a_small_file_is_not_compressed(gateway, files, attach):
    attach(gateway, files)
    message = gateway.call(data_interface("getFile", "small.txt")).json()
    assert not message.get("compressed")
    assert base64.b64decode(message["data"]) == (files / "small.txt").read_bytes()


def test_an_empty_file_is_one_part_with_empty_data(gateway, files, attach):
    attach(gateway, files)
    message = gateway.call(data_interface("getFile", "empty")).json()
    assert (message["data"], message["fileSize"], message["status"]) == ("", 0, 200)


@pytest.mark.parametrize("name, text", [("below/deep.txt", b"deep"), ("n\u00e4me with space", b"odd name")])
def test_files_in_directories_and_with_odd_names_are_found(gateway, files, attach, name, text):
    attach(gateway, files)
    assert gateway.call(data_interface("getFile", name), form=BYTES).content == text


@pytest.mark.parametrize(
    "name",
    ["../secret", "below/../../secret", "{root}/secret", "link-out", "./../secret", "below/../../files/../secret",
     "nothing", "below", "", ".", "..", "/", "/etc/passwd", "small.txt\u0000.png", "small.txt/"],
)
def test_nothing_outside_the_directory_and_nothing_that_is_no_file_is_handed_out(gateway, files, attach, name):
    attached = attach(gateway, files)
    message = gateway.call(data_interface("getFile", name.format(root=files.parent))).json()
    assert message["status"] != 200
    assert message["error"] and "data" not in message
    assert attached.alive


@pytest.mark.parametrize(
    "args", [[], [7], [None], [["small.txt"]], ["small.txt", "surplus", {}], [{}]], ids=str
)
def test_odd_arguments_are_an_error_answer_or_ignored_and_never_the_end(gateway, files, attach, args):
    attached = attach(gateway, files)
    message = gateway.call(data_interface("getFile", *args)).json()
    assert message["status"] != 200 or args[0] == "small.txt"
    assert attached.alive
    assert gateway.call(data_interface("echo", "alive")).json()["status"] == 200


def test_files_are_listed_by_pattern(gateway, files, attach):
    attach(gateway, files)

    def names(pattern):
        response = gateway.call(data_interface("listFiles", pattern), form=BYTES)
        assert response.status_code == 200, response.text
        return sorted(json.loads(response.content))

    assert names("*.bin") == ["medium.bin", "parts.bin"]
    assert names("s*") == ["small.txt"]
    assert names("no such *") == []


@pytest.mark.parametrize("value", ["hi", 1.5, None, [1, {"a": "\u00e4"}], ""])
def test_echo_gives_back_its_argument(gateway, files, attach, value):
    attach(gateway, files)
    message = gateway.call(data_interface("echo", value)).json()
    assert message["dataSerialization"] == "json"
    assert json.loads(base64.b64decode(message["data"])) == value


def test_an_unknown_attribute_is_an_error_answer(gateway, files, attach):
    attach(gateway, files)
    for request in (data_interface("deleteFile", "small.txt"), {"cmd": "rpc"}, {"cmd": "nonsense"}):
        message = gateway.call(request).json()
        assert message["status"] != 200 and message["error"]
    assert (files / "small.txt").exists()


def test_many_requests_are_answered_in_parallel(gateway, files, attach):
    attach(gateway, files, "--test", "--workers", "4")
    calls = [gateway.call_later(data_interface("getFile", name), form=BYTES) for name in SIZES for _ in range(3)]
    for number, call in enumerate(calls):
        assert md5(call.result().content) == md5((files / list(SIZES)[number // 3]).read_bytes())


def test_attach_connects_again_when_the_gateway_comes_back(start_gateway, programs, files, attach):
    first = start_gateway()
    attached = attach(first, files)
    first.signal(signal.SIGINT)
    assert first.wait_exit() == 0
    second = start_gateway(port=first.port)
    attached.wait_ready(times=2, deadline=30)
    wait_until(lambda: second.connections(), "attach has joined again")
    assert gateway_gives(second, "small.txt") == (files / "small.txt").read_bytes()


def gateway_gives(gateway, name):
    return gateway.call(data_interface("getFile", name), form=BYTES).content


def test_attach_connects_again_after_an_operator_closed_it(gateway, files, attach):
    attached = attach(gateway, files)
    assert gateway.http("DELETE", "/v1/connections").json() == {"closed": 1}
    attached.wait_ready(times=2, deadline=30)
    wait_until(lambda: gateway.connections(), "attach has joined again")
    assert gateway_gives(gateway, "small.txt") == (files / "small.txt").read_bytes()


def test_attach_waits_for_a_gateway_that_is_not_there_yet(start_gateway, programs, files):
    placeholder = start_gateway()
    placeholder.signal(signal.SIGINT)
    assert placeholder.wait_exit() == 0
    attached = Attached(placeholder, files)
    programs.append(attached)
    wait_until(lambda: attached.stderr(), "attach says that it found no gateway")
    gateway = start_gateway(port=placeholder.port)
    attached.wait_ready(deadline=30)
    wait_until(lambda: gateway.connections(), "attach has joined")
    assert gateway_gives(gateway, "one") == (files / "one").read_bytes()


def test_attach_comes_in_with_a_token(start_gateway, files, attach):
    gateway = start_gateway("--token", "secret", test_mode=False, token="secret")
    attach(gateway, files, "--token", "secret")
    assert gateway_gives(gateway, "one") == (files / "one").read_bytes()


def test_attach_comes_in_with_name_and_password(gateway, files, attach):
    attach(gateway, files, "--user", "test", "--password", "test")
    assert gateway_gives(gateway, "one") == (files / "one").read_bytes()


def test_attach_serves_any_service_endpoint(gateway, files, attach):
    attach(gateway, files, endpoint="wsSubject")
    response = gateway.call(data_interface("getFile", "one"), endpoint="wsSubject", form=BYTES)
    assert response.content == (files / "one").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_attach_ends_at_a_signal_and_leaves_in_order(gateway, files, attach, number):
    attached = attach(gateway, files)
    attached.signal(number)
    assert attached.wait_exit() == 0
    wait_until(lambda: gateway.connections() == [], "it has left")


def test_a_directory_that_is_not_there_is_exit_code_2(gateway, files, programs):
    attached = Attached(gateway, files / "nothing")
    programs.append(attached)
    assert attached.wait_exit() == 2
    assert len(attached.stderr().strip().splitlines()) == 1


def test_a_big_file_passes_through_with_bounded_memory(gateway, files, attach, raw_http):
    with open(files / "big", "wb") as big:
        big.truncate(BIG)
        big.seek(BIG // 2)
        big.write(b"middle")
    attached = attach(gateway, files)
    caller = raw_http(gateway)
    caller.call(json.dumps(data_interface("getFile", "big")).encode(), form=BYTES, query="?timeout=600")
    head = caller.read_head(deadline=600)
    assert head.status == 200
    digest, size = hashlib.md5(), 0
    while piece := caller.read_piece(deadline=600):
        digest.update(piece)
        size += len(piece)
    assert (size, digest.hexdigest()) == (BIG, md5_of(files / "big"))
    print(f"peak memory: gateway {gateway.peak_memory() / MIB:.0f} MiB, attach {attached.peak_memory() / MIB:.0f} MiB")
    assert attached.peak_memory() < MOST_MEMORY
    assert gateway.peak_memory() < MOST_MEMORY


def test_slow_callers_are_waited_for_and_hold_up_nobody(gateway, files, attach, raw_http):
    workers, size = 2, 100 * MIB
    (files / "noise").write_bytes(payload(size, False))
    attached = attach(gateway, files, "--test", "--workers", workers)
    request = json.dumps(data_interface("getFile", "noise")).encode()
    callers = [raw_http(gateway, receive_buffer=64 * 1024) for _ in range(workers + 1)]
    for caller in callers:
        caller.call(request, form=BYTES)
        assert caller.read_head(deadline=60).status == 200
    # Each of them waits, and none of the workers does.
    digest, received, calls = hashlib.md5(), 0, 0
    while piece := callers[0].read_piece(deadline=60):
        digest.update(piece)
        received += len(piece)
        calls += 1
        assert gateway_gives(gateway, "small.txt") == (files / "small.txt").read_bytes()
    assert (received, digest.hexdigest()) == (size, md5_of(files / "noise"))
    assert calls >= 10
    for caller in callers[1:]:
        caller.close()
    gateway.wait_in_flight(0)
    assert gateway_gives(gateway, "one") == (files / "one").read_bytes()
    print(f"peak memory: gateway {gateway.peak_memory() / MIB:.0f} MiB, attach {attached.peak_memory() / MIB:.0f} MiB")
    assert attached.peak_memory() < MOST_MEMORY
    assert gateway.peak_memory() < 200 * MIB


def md5_of(path):
    digest = hashlib.md5()
    with open(path, "rb") as stream:
        while block := stream.read(MIB):
            digest.update(block)
    return digest.hexdigest()


def test_a_caller_that_leaves_in_the_middle_of_a_big_file_costs_attach_nothing(gateway, files, attach):
    with open(files / "big", "wb") as big:
        big.truncate(300 * MIB)
    attach(gateway, files)
    with HttpCaller(gateway.address) as caller:
        caller.call(json.dumps(data_interface("getFile", "big")).encode(), form=BYTES)
        assert caller.read_head(deadline=60).status == 200
    gateway.wait_in_flight(0)
    assert gateway_gives(gateway, "one") == (files / "one").read_bytes()
