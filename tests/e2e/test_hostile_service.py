"""Messages that a broken or hostile service sends. Each is dropped and counted or ends its own call; a well-behaved
service on the same endpoint and its caller notice nothing."""

import base64
import json
import threading
import zlib

import pytest

from support.gateway import BYTES, JSON, NDJSON
from support.payload import KIB, MIB, cut_parts, encode_part, head_of, md5, part_bytes, payload
from support.problems import check_problem
from support.raw import Aborted
from support.service import rpc


class Neighbours:
    """A well-behaved service and its caller, busy all the time."""

    def __init__(self, gateway, service):
        self._gateway, self._service = gateway, service
        self._stop = threading.Event()
        self._rounds = 0
        self._busy = gateway.background(self._run)

    def _run(self):
        while not self._stop.is_set():
            data = b"%d" % self._rounds
            response = self._gateway.call(rpc("echo", data.decode()), connection=self._service.connection_id, timeout=5)
            assert response.status_code == 200, response.text
            assert part_bytes(response.json()) == json.dumps(data.decode()).encode()
            self._rounds += 1

    def check(self):
        self._stop.set()
        self._busy.result(20)
        assert self._rounds > 0
        assert self._service.connected


@pytest.fixture
def hostile(gateway, serve, dial):
    """The connection of the hostile service, the newest one, beside busy neighbours."""
    neighbours = Neighbours(gateway, serve(gateway, {"echo": lambda text: text}))
    yield dial(gateway)
    neighbours.check()


def valid(request, **changes):
    (part,) = cut_parts(request, b"fine")
    part.update(changes)
    return {key: value for key, value in part.items() if value is not REMOVED}


REMOVED = object()


def check_dropped(gateway, peer, send_bad, *reasons):
    """What `send_bad(request)` sends is counted under one of `reasons`, and the call is then answered as usual."""
    call = gateway.call_later(rpc("echo"))
    request = peer.receive_request()
    send_bad(request)
    peer.send(valid(request))
    assert part_bytes(call.result().json()) == b"fine"
    counted = {reason: gateway.dropped(reason) for reason in reasons}
    assert sum(counted.values()) == 1, (counted, gateway.metrics().text)


def say_and_be_heard(peer, message):
    """Sends and waits until the gateway has taken it: pings are answered in order."""
    peer.send(message)
    peer.ping()


@pytest.mark.parametrize("text", ["[]", '"text"', "42", "null", "true", "[{}]"])
def test_a_text_that_is_no_object_is_dropped(gateway, hostile, text):
    check_dropped(gateway, hostile, lambda _: hostile.send(text), "not-an-object")


@pytest.mark.parametrize("text", ["", " ", "garbage", "}{", "\u0000"])
def test_garbage_is_dropped(gateway, hostile, text):
    check_dropped(gateway, hostile, lambda _: hostile.send(text), "not-an-object", "bad-json")


@pytest.mark.parametrize(
    "text", ["{", '{"cmd":', "{'cmd':1}", '{"a":1,}', '{"a":1}}', '{"a":tru}', '{"a":"\\x"}', '{"a":+1}']
)
def test_a_broken_object_is_dropped(gateway, hostile, text):
    check_dropped(gateway, hostile, lambda _: hostile.send(text), "bad-json")


@pytest.mark.parametrize("depth", [600, 100_000, 4_000_000])
def test_nesting_too_deep_is_dropped(gateway, hostile, depth):
    def send(request):
        text = json.dumps(valid(request))
        hostile.send(text[:-1] + ',"deep":' + "[" * depth + "]" * depth + "}")

    check_dropped(gateway, hostile, send, "too-deep")


def test_nesting_of_500_is_not_too_deep(gateway, hostile):
    call = gateway.call_later(rpc("echo"))
    text = json.dumps(valid(hostile.receive_request()))[:-1] + ',"deep":' + "[" * 500 + "]" * 500 + "}"
    hostile.send(text)
    assert call.result().text == text


@pytest.mark.parametrize(
    "value", [REMOVED, None, True, -1, 1.5, "7", [7], {}, 2**53, 2**62, 2**64 + 7, 10**400], ids=lambda v: str(v)[:20]
)
def test_an_odd_call_id_is_dropped(gateway, hostile, value):
    check_dropped(gateway, hostile, lambda request: hostile.send(valid(request, callId=value)), "bad-call-id")


def test_a_call_id_written_as_text_or_fraction_matches_no_call(gateway, hostile):
    def send(request):
        hostile.send(json.dumps(valid(request)).replace(str(request["callId"]), f'{request["callId"]}.0'))

    check_dropped(gateway, hostile, send, "bad-call-id")


@pytest.mark.parametrize("value", [REMOVED, None, "200", 200.5, [], {}, True], ids=str)
def test_an_answer_without_a_proper_status_is_dropped(gateway, hostile, value):
    check_dropped(gateway, hostile, lambda request: hostile.send(valid(request, status=value)), "bad-status")


@pytest.mark.parametrize("value", [REMOVED, None, 7, [], {}, False], ids=str)
def test_an_answer_without_a_proper_cmd_is_dropped(gateway, hostile, value):
    check_dropped(gateway, hostile, lambda request: hostile.send(valid(request, cmd=value)), "bad-cmd")


@pytest.mark.parametrize("change", [1, -1, 10**9])
def test_an_answer_to_an_unknown_call_is_dropped(gateway, dial, change):
    peer = dial(gateway)
    check_dropped(gateway, peer, lambda r: peer.send(valid(r, callId=r["callId"] + change)), "unknown-call")


def test_a_second_answer_is_dropped(gateway, hostile):
    call = gateway.call_later(rpc("echo"))
    request = hostile.receive_request()
    for text in (b"first", b"second"):
        hostile.answer(request, text)
    assert part_bytes(call.result().json()) == b"first"
    check_dropped(gateway, hostile, lambda _: None, "unknown-call")


def test_an_answer_from_the_wrong_connection_is_dropped(gateway, hostile, dial):
    honest = dial(gateway)

    def lie(request):
        say_and_be_heard(hostile, valid(request, data=base64.b64encode(b"lie").decode()))

    check_dropped(gateway, honest, lie, "wrong-connection")


def test_an_answer_from_another_endpoint_reaches_no_call(gateway, hostile, dial):
    stranger = dial(gateway, "wsSubject")
    call = gateway.call_later(rpc("echo"))
    request = hostile.receive_request()
    say_and_be_heard(stranger, valid(request, data=base64.b64encode(b"lie").decode()))
    other = gateway.call_later(rpc("echo"), endpoint="wsSubject")
    stranger.answer_next(b"after the lie")
    assert part_bytes(other.result().json()) == b"after the lie"
    hostile.send(valid(request))
    assert part_bytes(call.result().json()) == b"fine"


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_a_repeated_part_is_dropped(gateway, hostile, form):
    call = gateway.call_later(rpc("echo"), form=form)
    first, second = cut_parts(hostile.receive_request(), b"abcdef", part_size=3)
    for part in (first, first, first, second):
        hostile.send(part)
    assert call.result().status_code == 200
    if form == BYTES:
        assert call.result().content == b"abcdef"
    assert gateway.dropped("duplicate-part") == 2


def test_a_binary_message_that_is_not_utf8_is_dropped(gateway, hostile):
    check_dropped(gateway, hostile, lambda _: hostile.send_binary(b'{"cmd":"\xff"}'), "not-utf8")


@pytest.mark.parametrize(
    "changes",
    [dict(partId=2**62), dict(partId=0), dict(partId=-1), dict(partId=2), dict(partId=1.5), dict(partId="1"),
     dict(numParts=2**62), dict(numParts=-1), dict(numParts=1_000_001), dict(numParts="1"), dict(numParts=[1]),
     dict(numParts=10**400), dict(partId=True)],
    ids=lambda changes: str(changes)[:24],
)
@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_odd_part_numbers_end_the_call_in_every_form(gateway, hostile, form, changes):
    call = gateway.call_later(rpc("echo"), form=form)
    hostile.send(valid(hostile.receive_request(), **changes))
    check_problem(call.result(), "bad-answer", delivery="sent", endpoint="wsData")
    gateway.wait_outcome("bad-answer", 1)
    check_dropped(gateway, hostile, lambda request: hostile.send("[]"), "not-an-object")


def bad_base64(part):
    part["data"] = "Zm9v!Zm9v"


def base64_without_padding(part):
    part["data"] = base64.b64encode(b"fine").decode().rstrip("=")


def data_that_is_no_text(part):
    part["data"] = 7


def wrong_hash(part):
    part["hash"] = md5(b"other")


def hash_that_is_no_text(part):
    part["hash"] = 7


def wrong_size(part):
    part["dataSize"] = 5


def size_that_is_no_number(part):
    part["dataSize"] = "4"


def size_beyond_all_bounds(part):
    part["dataSize"] = 2**62


def not_compressed_at_all(part):
    part["compressed"] = True


def compressed_and_cut(part):
    part.update(compressed=True, data=base64.b64encode(zlib.compress(b"fine" * 1000)[:-6]).decode())


def inflates_beyond_its_size(part):
    data = bytes(32 * MIB)
    part.update(compressed=True, data=base64.b64encode(zlib.compress(data)).decode(), dataSize=1000, hash=md5(data))


def inflates_beyond_the_part_limit(part):
    data = bytes(200 * MIB)
    part.update(compressed=True, data=base64.b64encode(zlib.compress(data)).decode())
    del part["dataSize"], part["hash"], part["fileHash"], part["fileSize"]


@pytest.mark.parametrize(
    "spoil",
    [bad_base64, base64_without_padding, data_that_is_no_text, wrong_hash, hash_that_is_no_text, wrong_size,
     size_that_is_no_number, size_beyond_all_bounds, not_compressed_at_all, compressed_and_cut,
     inflates_beyond_its_size, inflates_beyond_the_part_limit],
)
def test_wrong_data_ends_a_call_for_bytes(gateway, hostile, spoil):
    call = gateway.call_later(rpc("echo"), form=BYTES)
    part = valid(hostile.receive_request())
    spoil(part)
    hostile.send(part)
    check_problem(call.result(), "bad-answer", delivery="sent", endpoint="wsData")
    assert gateway.peak_memory() < 150 * MIB, "nothing inflates beyond its bounds"
    check_dropped(gateway, hostile, lambda request: hostile.send("[]"), "not-an-object")


@pytest.mark.parametrize("key, value", [("fileHash", md5(b"other")), ("fileSize", 5)])
def test_a_wrong_hash_or_size_of_the_whole_ends_a_call_for_bytes(gateway, hostile, raw_http, key, value):
    caller = raw_http(gateway)
    caller.call(b'{"cmd":"rpc"}', form=BYTES)
    hostile.send(valid(hostile.receive_request(), **{key: value}))
    check_bad_answer_or_abort(caller)


def check_bad_answer_or_abort(caller):
    """Before the head was sent the problem comes, after it the body is cut."""
    head = caller.read_head()
    if head.status == 200:
        with pytest.raises(Aborted):
            caller.read_body()
    else:
        check_problem((head, caller.read_body()), "bad-answer")


@pytest.mark.parametrize("spoil", [bad_base64, wrong_hash, wrong_size, not_compressed_at_all])
@pytest.mark.parametrize("form", [JSON, BYTES])
def test_wrong_data_in_a_later_part_aborts_what_is_checked(gateway, hostile, raw_http, form, spoil):
    caller = raw_http(gateway)
    caller.call(b'{"cmd":"rpc"}', form=form)
    first, second = cut_parts(hostile.receive_request(), payload(2 * KIB, False), part_size=KIB)
    spoil(second)
    hostile.send(first)
    hostile.send(second)
    check_bad_answer_or_abort(caller)


def other_number_of_parts(part):
    part["numParts"] = 3


def no_data(part):
    del part["data"]


@pytest.mark.parametrize("spoil", [other_number_of_parts, no_data])
def test_a_second_part_that_contradicts_the_first_is_the_end_of_the_lines(gateway, hostile, spoil):
    call = gateway.call_later(rpc("read"), form=NDJSON)
    first, second = cut_parts(hostile.receive_request(), b"abcdef", part_size=3)
    spoil(second)
    hostile.send(first)
    hostile.send(second)
    lines = [json.loads(line) for line in call.result().content.splitlines()]
    assert lines[0] == first
    assert (len(lines), lines[1]["status"]) == (2, 502)


@pytest.mark.parametrize("form", [JSON, NDJSON])
@pytest.mark.parametrize("spoil", [bad_base64, wrong_hash, wrong_size, not_compressed_at_all])
def test_forms_that_pass_a_part_verbatim_do_not_look_into_it(gateway, hostile, form, spoil):
    call = gateway.call_later(rpc("echo"), form=form)
    part = valid(hostile.receive_request())
    spoil(part)
    hostile.send(part)
    assert json.loads(call.result().content) == part


def test_the_part_limit_is_a_flag(start_gateway, dial):
    gateway = start_gateway("--part-limit", 1 * MIB)
    peer = dial(gateway)
    for size, status in ((MIB, 200), (MIB + 1, 502)):
        call = gateway.call_later(rpc("read"), form=BYTES)
        head = dict(head_of(peer.receive_request()), status=200)
        peer.send(encode_part(head, bytes(size), compress=True))
        assert call.result().status_code == status


def test_hashes_are_compared_without_regard_to_letter_case(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), form=BYTES)
    part = valid(peer.receive_request())
    peer.send(dict(part, hash=part["hash"].upper(), fileHash=part["fileHash"].upper()))
    assert call.result().content == b"fine"


def test_keys_are_read_after_unescaping_and_of_equal_ones_the_last_counts(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), form=BYTES)
    call_id = peer.receive_request()["callId"]
    last = '"c\\u0061llId":%d,"st\\u0061tus":200,"data":"eA=="' % call_id
    peer.send('{"cmd":"rpc","callId":1,"status":"x","data":"eg==",' + last + "}")
    assert call.result().content == b"x"


def test_a_flood_of_dropped_messages_does_not_slow_others_down(gateway, hostile):
    def flood(_):
        for _ in range(5000):
            hostile.send("[]")

    call = gateway.call_later(rpc("echo"))
    request = hostile.receive_request()
    flood(request)
    hostile.send(valid(request))
    assert call.result().status_code == 200
    assert gateway.dropped("not-an-object") == 5000
