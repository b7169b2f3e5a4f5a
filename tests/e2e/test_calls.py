"""A call's way to its answer: the three forms, headers, time-outs, choice of the connection (http-api.md, "Calls")."""

import base64
import json
import random

import pytest

from support.gateway import BYTES, JSON, NDJSON
from support.payload import MIB, cut_parts, encode_part, head_of, md5, part_bytes, payload, unpack
from support.problems import check_problem
from support.service import rpc
from support.waiting import Stopwatch, let_pass, wait_until

SIZES = [1, 1024, 2 * MIB, 11 * MIB, 35 * MIB]
KEYS_OF_PARTS = ("compressed", "multipart")


@pytest.fixture
def service(gateway, serve):
    """A service of the original's kind that hands out payloads."""
    service = serve(gateway, {"payload": payload})
    yield service
    assert service.connected, (service.errors, service.closes)


@pytest.mark.parametrize("compressible", [True, False], ids=["compressible", "random"])
@pytest.mark.parametrize("size", SIZES)
def test_an_answer_as_one_json_message_carries_the_whole_payload(gateway, service, size, compressible):
    expected = payload(size, compressible)
    response = gateway.call(rpc("payload", size, compressible), form=JSON)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == JSON
    message = response.json()
    assert (message["numParts"], message["partId"], message["status"]) == (1, 1, 200)
    assert (message["hash"], message["dataSize"]) == (md5(expected), size)
    if size > 10 * MIB:
        assert not message.keys() & {"compressed", "multipart"}
    assert md5(unpack([message])) == md5(expected)


@pytest.mark.parametrize("compressible", [True, False], ids=["compressible", "random"])
@pytest.mark.parametrize("size", SIZES)
def test_an_answer_as_lines_carries_every_part(gateway, service, size, compressible):
    response = gateway.call(rpc("payload", size, compressible), form=NDJSON)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == NDJSON
    assert response.content.endswith(b"\n")
    messages = [json.loads(line) for line in response.content.splitlines()]
    assert len(messages) == (size + 10 * MIB - 1) // (10 * MIB)
    assert md5(unpack(messages)) == md5(payload(size, compressible))


@pytest.mark.parametrize("compressible", [True, False], ids=["compressible", "random"])
@pytest.mark.parametrize("size", SIZES)
def test_an_answer_as_bytes_is_the_payload(gateway, service, size, compressible):
    response = gateway.call(rpc("payload", size, compressible), form=BYTES)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == BYTES
    assert len(response.content) == size
    assert md5(response.content) == md5(payload(size, compressible))


@pytest.mark.parametrize("accept", ["*/*", None, "application/json, text/plain;q=0.5", "application/*"])
def test_without_another_wish_the_answer_is_json(gateway, dial, accept):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), headers={"Accept": accept})
    peer.answer_next(b"1")
    assert call.result().headers["Content-Type"] == JSON


def test_the_service_gets_the_callers_message_with_a_call_id_and_nothing_else(gateway, dial):
    peer = dial(gateway)
    message = dict(rpc("echo", "hi", {"callId": 7}), extra=[1.5, None, "\u00e4\U0001f600"])
    call = gateway.call_later(message)
    request = peer.receive_request()
    call_id = request.pop("callId")
    assert isinstance(call_id, int) and 0 < call_id < 2**53
    assert request == message
    peer.answer(dict(message, callId=call_id), b"1")
    assert call.result().status_code == 200


def test_the_callers_text_reaches_the_service_unchanged(gateway, dial):
    peer = dial(gateway)
    members = b'"cmd" : "rpc", "n":1e400,"m":123456789012345678901234567890 ,\n'
    members += b'"u":"\\ud800\\/\\u0041", "k":{"callId":1}}'
    call = gateway.call_later(b"{" + members)
    text = peer.receive()
    assert text.encode().endswith(members)
    peer.answer({"cmd": "rpc", "callId": json.loads(text)["callId"]}, b"1")
    assert call.result().status_code == 200


def test_an_empty_object_is_a_message_too(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later({})
    request = peer.receive_request()
    assert list(request) == ["callId"]
    peer.answer(dict(request, cmd="rpc"), b"1")
    assert call.result().status_code == 200


def test_call_ids_rise_on_an_endpoint(gateway, dial):
    peer = dial(gateway)
    calls = []
    for _ in range(5):
        call = gateway.call_later(rpc("echo"))
        calls.append(peer.answer_next()["callId"])
        call.result()
    assert calls == sorted(set(calls))


def test_a_request_of_33_mib_reaches_the_service(gateway, raw_websocket):
    peer = raw_websocket(gateway)
    argument = base64.b64encode(payload(24 * MIB + 768 * 1024, False)).decode()
    message = dict(rpc("putFile", "encodedBytes_0"), encodedBytes_0=argument, encodedByteArgs=[0])
    call = gateway.call_later(message)
    request = json.loads(peer.read_message()[1])
    assert md5(request["encodedBytes_0"].encode()) == md5(argument.encode())
    peer.send_text(json.dumps(encode_part(dict(head_of(request), status=200), b"true", compress=False)))
    assert call.result().status_code == 200


ODD_ANSWER = (
    ' {"cmd": "rpc",\t"status":200, "callId" :%d, "a":1e400,"b":123456789012345678901234567890.10,"c":-0.0,'
    '"d":"\\ud800\\/\\u0041\u00e4","e":{"callId":1,"status":[]},"e":2,'
    '"data":"eA==","hash":"not checked","dataSize":99} '
)


def test_a_single_part_answer_passes_as_json_byte_for_byte(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    text = ODD_ANSWER % peer.receive_request()["callId"]
    peer.send(text)
    assert call.result().content == text.encode()


def test_a_part_passes_as_a_line_byte_for_byte_but_for_line_ends_between_tokens(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), form=NDJSON)
    text = ODD_ANSWER.replace(", ", ",\r\n") % peer.receive_request()["callId"]
    peer.send(text)
    assert call.result().content == text.replace("\r\n", "  ").encode() + b"\n"


def test_a_binary_message_from_a_service_is_read_as_text(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    (part,) = cut_parts(peer.receive_request(), b"x")
    peer.send_binary(json.dumps(part).encode())
    assert call.result().json() == part


def test_the_first_line_arrives_before_the_service_sends_the_second_part(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    caller.call(b"{}", form=NDJSON)
    first, second = cut_parts(dict(peer.receive_request(), cmd="rpc"), b"abcdef", part_size=3)
    peer.send(first)
    assert caller.read_head().status == 200
    assert json.loads(caller.read_line()) == first
    peer.send(second)
    assert json.loads(caller.read_line()) == second
    assert caller.read_line() is None


def test_the_bytes_of_a_part_arrive_before_the_service_sends_the_next(gateway, dial, raw_http):
    peer, caller = dial(gateway), raw_http(gateway)
    data = payload(300_000, False)
    caller.call(b"{}", form=BYTES)
    first, second = cut_parts(dict(peer.receive_request(), cmd="rpc"), data, part_size=200_000)
    peer.send(first)
    assert caller.read_head().status == 200
    received = b""
    while len(received) < 200_000:
        received += caller.read_piece()
    peer.send(second)
    assert received + caller.read_body() == data


def test_merged_parts_have_exactly_the_documented_keys(gateway, dial):
    peer = dial(gateway)
    data = payload(1000, True)
    call = gateway.call_later(dict(rpc("read"), note="kept"))
    parts = list(cut_parts(peer.receive_request(), data, part_size=300, compress=True))
    parts[0]["only"] = {"first": [1.5]}
    parts[3]["only"] = "of the last part"
    for part in (parts[2], parts[0], parts[3], parts[1]):
        peer.send(part)
    message = call.result().json()
    expected = {key: value for key, value in parts[0].items() if key not in KEYS_OF_PARTS}
    expected.update(numParts=1, partId=1, hash=md5(data), dataSize=1000, data=base64.b64encode(data).decode())
    assert message == expected
    assert list(message)[-1] == "data"


def test_merged_parts_of_a_file_without_hash_and_size_have_none(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("read"))
    for part in cut_parts(peer.receive_request(), b"abcdef", part_size=4):
        del part["fileHash"], part["fileSize"]
        peer.send(part)
    message = call.result().json()
    assert base64.b64decode(message["data"]) == b"abcdef"
    assert not message.keys() & {"hash", "dataSize", "fileHash", "fileSize"}


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_parts_may_come_in_any_order(gateway, dial, form):
    peer = dial(gateway)
    data = payload(5000, False)
    call = gateway.call_later(rpc("read"), form=form)
    parts = list(cut_parts(peer.receive_request(), data, part_size=1000))
    random.Random(1).shuffle(parts)
    for part in parts:
        peer.send(part)
    assert read_payload(form, call.result()) == data


def read_payload(form, response):
    assert response.status_code == 200, response.text
    if form == BYTES:
        return response.content
    return unpack([json.loads(line) for line in response.content.splitlines()])


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_an_empty_payload_in_one_part_is_an_empty_answer(gateway, dial, form):
    peer = dial(gateway)
    call = gateway.call_later(rpc("read"), form=form)
    head = dict(head_of(peer.receive_request()), status=200, numParts=1, partId=1, fileSize=0, fileHash=md5(b""))
    peer.send(encode_part(head, b"", compress=False))
    assert read_payload(form, call.result()) == b""


def test_a_response_without_data_is_an_empty_payload(gateway, dial):
    peer = dial(gateway)
    for extra in ({}, {"data": None}, {"numParts": 0}):
        call = gateway.call_later(rpc("read"), form=BYTES)
        peer.send(dict(head_of(peer.receive_request()), status=200, **extra))
        assert (call.result().status_code, call.result().content) == (200, b"")


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_the_headers_name_status_call_connection_and_times(gateway, dial, form):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), form=form)
    request = peer.answer_next()
    headers = call.result().headers
    assert headers["Reachback-Status"] == "200"
    assert headers["Reachback-Call-Id"] == str(request["callId"])
    assert headers["Reachback-Connection"] == peer.connection_id
    times = {entry.split(";")[0].strip(): entry for entry in headers["Server-Timing"].split(",")}
    assert {"gateway", "service"} <= times.keys()
    assert all("dur=" in entry for entry in times.values())


@pytest.mark.parametrize("form", [JSON, NDJSON])
def test_a_service_that_answers_with_an_error_has_answered(gateway, dial, form):
    peer = dial(gateway)
    call = gateway.call_later(rpc("fail"), form=form)
    request = peer.receive_request()
    peer.answer_error(request, "no such file", status=404)
    response = call.result()
    assert (response.status_code, response.headers["Reachback-Status"]) == (200, "404")
    assert json.loads(response.content) == dict(head_of(request), status=404, error="no such file")
    gateway.wait_outcome("answered", 1)


def test_an_error_instead_of_bytes_is_a_problem_with_the_message_inside(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("fail"), form=BYTES)
    request = peer.receive_request()
    peer.answer_error(request, "no such file")
    document = check_problem(call.result(), "service-error", delivery="sent", endpoint="wsData")
    assert document["message"] == dict(head_of(request), status=400, error="no such file")


def test_an_error_after_the_first_part_is_the_last_line(gateway, dial):
    peer = dial(gateway)
    call = gateway.call_later(rpc("read"), form=NDJSON)
    request = peer.receive_request()
    first = next(cut_parts(request, b"abcdef", part_size=3))
    peer.send(first)
    peer.answer_error(request, "disk gone")
    lines = [json.loads(line) for line in call.result().content.splitlines()]
    assert lines == [first, dict(head_of(request), status=400, error="disk gone")]


def test_a_call_may_name_its_connection(gateway, dial):
    older, newer = dial(gateway), dial(gateway)
    for peer in (older, newer):
        call = gateway.call_later(rpc("echo"), connection=peer.connection_id)
        peer.answer_next(b"%d" % id(peer))
        assert part_bytes(call.result().json()) == b"%d" % id(peer)


@pytest.mark.parametrize("name", ["999999999", "0", "-1", "abc", "18446744073709551616", "", "1.5"])
def test_a_connection_that_is_not_there_is_404_whatever_its_name(gateway, dial, name):
    dial(gateway)
    check_problem(gateway.call(rpc("echo"), connection=name), "no-connection", delivery="not-sent")


def test_a_connection_of_another_endpoint_is_not_there(gateway, dial):
    dial(gateway)
    other = dial(gateway, "wsSubject")
    check_problem(gateway.call(rpc("echo"), connection=other.connection_id), "no-connection", delivery="not-sent")


def test_the_newest_service_wins_and_the_older_takes_over_when_it_leaves(gateway, dial):
    older, newer = dial(gateway), dial(gateway)
    call = gateway.call_later(rpc("echo"))
    newer.answer_next(b"newer")
    assert part_bytes(call.result().json()) == b"newer"
    newer.leave()
    wait_until(lambda: gateway.connections() == [older.connection_id], "the newer one has left")
    call = gateway.call_later(rpc("echo"))
    older.answer_next(b"older")
    assert part_bytes(call.result().json()) == b"older"


@pytest.mark.parametrize("asking", [{"timeout": "0.3"}, {"headers": {"Prefer": "wait=0.3"}}], ids=["query", "Prefer"])
def test_a_call_ends_at_its_time_out(gateway, dial, asking):
    peer = dial(gateway)
    watch = Stopwatch()
    call = gateway.call_later(dict(rpc("sleepy", "secret argument"), data="x" * 5000), **asking)
    peer.receive_request()
    document = check_problem(call.result(), "timed-out", delivery={"sent", "unknown"}, endpoint="wsData")
    assert 0.3 <= watch.seconds < 3
    assert "sleepy" in document["detail"], "the detail names the request"
    assert "secret" not in document["detail"] and "xxxxx" not in document["detail"], "without its payload"
    assert isinstance(document["callId"], int)


def test_the_time_out_of_the_flag_holds_when_a_call_names_none(start_gateway, dial):
    gateway = start_gateway("--call-timeout", "0.3")
    dial(gateway)
    check_problem(gateway.call(rpc("sleepy")), "timed-out")


def test_the_querys_time_out_wins_over_prefer(gateway, dial):
    dial(gateway)
    watch = Stopwatch()
    check_problem(gateway.call(rpc("sleepy"), timeout="0.2", headers={"Prefer": "wait=30"}), "timed-out")
    assert watch.seconds < 5


@pytest.mark.parametrize("prefer", ["wait=soon", "wait", "wait=", "respond-async", "=;,"])
def test_an_unparsable_prefer_is_ignored(gateway, dial, prefer):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), headers={"Prefer": prefer})
    peer.answer_next()
    assert call.result().status_code == 200


@pytest.mark.parametrize(
    "value", ["0", "-1", "3600.1", "3601", "abc", "nan", "inf", "1e999", "", "1x", "0x10", "1,5", "0.0"]
)
def test_a_time_out_that_is_no_valid_value_is_refused(gateway, dial, value):
    dial(gateway)
    check_problem(gateway.call(rpc("echo"), timeout=value), "bad-parameter", delivery="not-sent")


@pytest.mark.parametrize("value", ["3600", "0.5", "60.0"])
def test_every_time_out_up_to_an_hour_is_valid(gateway, dial, value):
    peer = dial(gateway)
    call = gateway.call_later(rpc("echo"), timeout=value)
    peer.answer_next()
    assert call.result().status_code == 200


def test_the_time_out_counts_anew_for_each_part(gateway, dial):
    peer = dial(gateway)
    watch = Stopwatch()
    call = gateway.call_later(rpc("read"), timeout="1")
    for part in cut_parts(peer.receive_request(), b"abcd", part_size=1):
        let_pass(0.5)
        peer.send(part)
    assert unpack([call.result().json()]) == b"abcd"
    assert watch.seconds > 1.5


def test_a_late_answer_is_dropped_and_counted_and_the_service_goes_on(gateway, dial):
    peer = dial(gateway)
    late = gateway.call_later(rpc("sleepy"), timeout="0.1")
    late_request = peer.receive_request()
    check_problem(late.result(), "timed-out")
    peer.answer(late_request, b"too late")
    call = gateway.call_later(rpc("echo"))
    peer.answer_next(b"in time")
    assert part_bytes(call.result().json()) == b"in time"
    assert gateway.dropped("unknown-call") == 1


@pytest.mark.parametrize("form", [JSON, NDJSON, BYTES])
def test_64_callers_get_their_own_answers_however_the_parts_interleave(gateway, dial, form):
    peer = dial(gateway)
    calls = {number: gateway.call_later(rpc("read", number), form=form) for number in range(64)}
    expected = {number: payload(3000 + number, False) for number in range(64)}
    parts = []
    for _ in range(64):
        request = peer.receive_request()
        parts += cut_parts(request, expected[request["args"][0]], part_size=1100)
    random.Random(2).shuffle(parts)
    for part in parts:
        peer.send(part)
    for number, call in calls.items():
        assert read_payload(form, call.result()) == expected[number]
    gateway.wait_outcome("answered", 64)
