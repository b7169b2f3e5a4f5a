"""Messages to connections, event streams, listing and closing (http-api.md, "Messages and events")."""

import base64
import json

import pytest

from support.events import EventStream
from support.gateway import run_to_the_end
from support.payload import KIB, MIB
from support.problems import check_problem
from support.raw import BINARY, TEXT, Aborted
from support.service import rpc
from support.waiting import wait_until

BYTES = "application/octet-stream"
SMALL_BUFFER = 16 * KIB


@pytest.fixture
def subscribe(stack):
    """Opens an event stream, of wsUser unless told otherwise."""

    def open_stream(gateway, path="/v1/endpoints/wsUser/events"):
        return stack.enter_context(EventStream(gateway, path))

    return open_stream


def test_a_message_goes_to_every_connection_of_the_endpoint_and_to_no_other(gateway, dial):
    users = [dial(gateway, "wsUser") for _ in range(3)]
    service = dial(gateway)
    assert gateway.post_message("gr\u00fc\u00dfe".encode()).json() == {"delivered": 3}
    assert [user.receive() for user in users] == ["gr\u00fc\u00dfe"] * 3
    assert gateway.post_message(b"to services", endpoint="wsData").json() == {"delivered": 1}
    assert service.receive() == "to services"


def test_a_message_to_nobody_is_delivered_to_nobody(gateway):
    response = gateway.post_message(b"hello")
    assert (response.status_code, response.json()) == (200, {"delivered": 0})


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json", "application/json; charset=utf-8", "x/y", None]
)
def test_any_content_but_octets_goes_out_as_text_verbatim(gateway, raw_websocket, content_type):
    user = raw_websocket(gateway, "wsUser")
    body = b' {"n": 1.50, "callId": 3} '
    assert gateway.post_message(body, content_type=content_type).json() == {"delivered": 1}
    assert user.read_message() == (TEXT, body)


def test_octets_go_out_as_a_binary_message(gateway, raw_websocket):
    user = raw_websocket(gateway, "wsUser")
    assert gateway.post_message(b"\x00\xff\xfe", content_type=BYTES).json() == {"delivered": 1}
    assert user.read_message() == (BINARY, b"\x00\xff\xfe")


def test_text_that_is_not_utf8_is_refused(gateway, dial):
    user = dial(gateway, "wsUser")
    check_problem(gateway.post_message(b"\xff"), "bad-message")
    gateway.post_message(b"next")
    assert user.receive() == "next"


def test_a_message_may_name_its_connection(gateway, dial):
    first, second = dial(gateway, "wsUser"), dial(gateway, "wsUser")
    assert gateway.post_message(b"for one", connection=first.connection_id).json() == {"delivered": 1}
    gateway.post_message(b"for all")
    assert [first.receive(), first.receive()] == ["for one", "for all"]
    assert second.receive() == "for all"


@pytest.mark.parametrize("name", ["999999999", "abc", "-1", ""])
def test_a_message_to_a_connection_that_is_not_there_is_404(gateway, dial, name):
    dial(gateway, "wsUser")
    check_problem(gateway.post_message(b"x", connection=name), "no-connection")


def test_a_message_to_an_unknown_endpoint_is_404(gateway):
    check_problem(gateway.post_message(b"x", endpoint="wsNothing"), "no-endpoint")


def test_messages_arrive_in_the_order_of_the_posts(gateway, dial):
    users = [dial(gateway, "wsUser") for _ in range(2)]
    for number in range(200):
        gateway.post_message(b"%d" % number)
    for user in users:
        assert [user.receive() for _ in range(200)] == [str(number) for number in range(200)]


def test_a_message_of_8_mib_arrives_whole(gateway, dial):
    user = dial(gateway, "wsUser")
    gateway.post_message(b"abcdefgh" * MIB)
    assert user.receive() == "abcdefgh" * MIB


def test_a_connection_that_does_not_read_is_closed_as_too_slow_and_the_others_go_on(start_gateway, dial, raw_websocket):
    gateway = start_gateway("--outbox-limit", 100 * KIB)
    quick = dial(gateway, "wsUser")
    stalled = raw_websocket(gateway, "wsUser", receive_buffer=SMALL_BUFFER)
    body = b"x" * (64 * KIB)
    for _ in range(500):
        answer = gateway.post_message(body).json()
        assert quick.receive() == body.decode()
        if answer.get("dropped"):
            break
    assert answer == {"delivered": 1, "dropped": 1}
    assert gateway.connections("wsUser") == [quick.connection_id]
    assert gateway.post_message(b"after").json() == {"delivered": 1}
    assert quick.receive() == "after"
    assert stalled.read_close()[0] == 4408


def test_a_connection_that_makes_no_progress_is_closed(start_gateway, raw_websocket):
    gateway = start_gateway("--write-timeout", "0.5")
    raw_websocket(gateway, "wsUser", receive_buffer=SMALL_BUFFER)
    gateway.post_message(b"x" * (16 * MIB))
    wait_until(lambda: gateway.connections("wsUser") == [], "the stalled connection is gone")


def test_open_message_and_close_are_events(gateway, dial, subscribe):
    events = subscribe(gateway)
    user = dial(gateway, "wsUser")
    where = {"endpoint": "wsUser", "connection": events_id(gateway)}
    assert next_event(events) == ("open", where)
    user.send("gr\u00fc\u00dfe\nand \"quotes\"")
    assert next_event(events) == ("message", {**where, "text": "gr\u00fc\u00dfe\nand \"quotes\""})
    user.send_binary(b"\x00\xff")
    assert next_event(events) == ("message", {**where, "base64": base64.b64encode(b"\x00\xff").decode()})
    user.leave()
    assert next_event(events) == ("close", where)


def events_id(gateway, endpoint="wsUser"):
    return gateway.endpoint(endpoint)["connections"][-1]["id"]


def next_event(events):
    """The next event, with what an open or a close may say beyond the documented keys left out."""
    kind, data = events.next()
    return kind, {key: data[key] for key in ("endpoint", "connection", "text", "base64") if key in data}


def test_every_subscriber_gets_every_event(gateway, dial, subscribe):
    streams = [subscribe(gateway) for _ in range(3)]
    user = dial(gateway, "wsUser")
    for number in range(50):
        user.send(str(number))
    for events in streams:
        assert next_event(events)[0] == "open"
        assert [next_event(events)[1]["text"] for _ in range(50)] == [str(number) for number in range(50)]


def test_an_endpoints_events_are_its_own_and_all_endpoints_events_are_all(gateway, dial, subscribe):
    own, everything = subscribe(gateway), subscribe(gateway, "/v1/events")
    for endpoint in ("wsData", "wsSubject", "wsUser"):
        dial(gateway, endpoint)
        kind, data = everything.next()
        assert (kind, data["endpoint"]) == ("open", endpoint)
    assert own.next()[1]["endpoint"] == "wsUser"


def test_a_broadcast_message_does_not_come_back_or_reach_other_connections(gateway, dial, subscribe):
    events = subscribe(gateway)
    sender, other = dial(gateway, "wsUser"), dial(gateway, "wsUser")
    sender.send("only for the callback")
    assert [events.next()[0] for _ in range(3)] == ["open", "open", "message"]
    gateway.post_message(b"published")
    assert [sender.receive(), other.receive()] == ["published", "published"]


def test_the_empty_text_is_a_message(gateway, dial, subscribe):
    events = subscribe(gateway)
    user = dial(gateway, "wsUser")
    user.send("")
    assert events.next()[0] == "open"
    kind, data = events.next()
    assert (kind, data["text"]) == ("message", "")


def test_a_subscriber_that_falls_behind_is_closed_and_the_others_miss_nothing(start_gateway, dial, subscribe, raw_http):
    gateway = start_gateway("--subscriber-limit", 100 * KIB)
    slow = raw_http(gateway, receive_buffer=SMALL_BUFFER)
    slow.request("GET", "/v1/endpoints/wsUser/events")
    assert slow.read_head().status == 200
    quick = subscribe(gateway)
    user = dial(gateway, "wsUser")
    assert quick.next()[0] == "open"
    sent = 300
    for number in range(sent):
        user.send(f"{number} " + "x" * 64 * KIB)
        assert quick.next()[1]["text"].startswith(f"{number} ")
    received = read_lines_to_the_end(slow)
    assert received < sent, "the slow one was closed before the last message"
    user.send("the last")
    assert quick.next()[1]["text"] == "the last"


def read_lines_to_the_end(stream):
    """How many messages came before the stream was closed."""
    count = 0
    try:
        while (line := stream.read_line()) is not None:
            count += line.startswith(b"event: message") or line.startswith(b"event:message")
    except Aborted:
        pass
    return count


def test_events_of_an_unknown_endpoint_are_404(gateway):
    check_problem(gateway.get("/v1/endpoints/wsNothing/events"), "no-endpoint")


def test_the_list_names_every_endpoint_with_its_counts(gateway, dial):
    service = dial(gateway)
    call = gateway.call_later(rpc("echo"))
    request = service.receive_request()
    endpoints = gateway.get("/v1/endpoints").json()["endpoints"]
    assert sorted(endpoints, key=lambda endpoint: endpoint["name"]) == [
        {"name": "wsData", "kind": "service", "path": "/wsData", "connections": 1, "callsInFlight": 1},
        {"name": "wsSubject", "kind": "service", "path": "/wsSubject", "connections": 0, "callsInFlight": 0},
        {"name": "wsUser", "kind": "broadcast", "path": "/wsUser", "connections": 0, "callsInFlight": 0},
    ]
    service.answer(request, b"1")
    assert call.result().status_code == 200


def test_one_endpoint_tells_about_its_connections(gateway, raw_websocket):
    peer = raw_websocket(gateway)
    about = gateway.endpoint("wsData")
    assert (about["name"], about["kind"], about["path"]) == ("wsData", "service", "/wsData")
    (connection,) = about["connections"]
    assert str(connection["id"]) == peer.connection_id
    assert "127.0.0.1" in json.dumps(connection)
    assert len(connection) >= 8, "address, user, since, pending calls, messages and bytes each way, outbox, round trip"


@pytest.mark.parametrize("name", ["wsNothing", "%2e%2e", "1"])
def test_an_endpoint_that_is_not_there_is_404(gateway, name):
    check_problem(gateway.get(f"/v1/endpoints/{name}"), "no-endpoint")


def test_closing_one_connection_leaves_the_others(gateway, dial):
    first, second = dial(gateway), dial(gateway)
    response = gateway.http("DELETE", f"/v1/endpoints/wsData/connections/{first.connection_id}")
    assert (response.status_code, response.json()) == (200, {"closed": 1})
    assert first.receive_close()[0] == 4000
    assert gateway.connections() == [second.connection_id]


def test_closing_an_endpoints_connections_closes_them_all_and_ends_their_calls(gateway, dial):
    peers = [dial(gateway) for _ in range(3)]
    other = dial(gateway, "wsUser")
    call = gateway.call_later(rpc("echo"))
    peers[-1].receive_request()
    assert gateway.http("DELETE", "/v1/endpoints/wsData/connections").json() == {"closed": 3}
    check_problem(call.result(), "service-closed")
    assert [peer.receive_close()[0] for peer in peers] == [4000] * 3
    assert gateway.connections("wsUser") == [other.connection_id]


def test_closing_all_connections_closes_those_of_every_endpoint(gateway, dial):
    peers = [dial(gateway, endpoint) for endpoint in ("wsData", "wsSubject", "wsUser", "wsUser")]
    assert gateway.http("DELETE", "/v1/connections").json() == {"closed": 4}
    assert [peer.receive_close()[0] for peer in peers] == [4000] * 4
    assert gateway.http("DELETE", "/v1/connections").json() == {"closed": 0}


@pytest.mark.parametrize("name", ["999999999", "abc", "-1", "18446744073709551616"])
def test_closing_a_connection_that_is_not_there_is_404(gateway, dial, name):
    dial(gateway)
    check_problem(gateway.http("DELETE", f"/v1/endpoints/wsData/connections/{name}"), "no-connection")


def test_closing_at_an_unknown_endpoint_is_404(gateway):
    check_problem(gateway.http("DELETE", "/v1/endpoints/wsNothing/connections"), "no-endpoint")


REASON = "Remote services are switched off"


@pytest.fixture
def closed_door(start_gateway):
    return start_gateway("--endpoint", f"wsClosed=reject:{REASON}", "--endpoint", "wsOpen=broadcast")


def test_a_rejecting_endpoint_accepts_and_closes_with_its_reason(closed_door, dial):
    assert dial(closed_door, "wsClosed", join=False).receive_close() == (1008, REASON)
    (rejecting,) = [e for e in closed_door.get("/v1/endpoints").json()["endpoints"] if e["name"] == "wsClosed"]
    assert (rejecting["kind"], rejecting["connections"]) == ("reject", 0)


def test_a_message_to_a_rejecting_endpoint_is_disabled(closed_door):
    check_problem(closed_door.post_message(b"x", endpoint="wsClosed"), "disabled")


def test_a_reason_of_123_bytes_fits_and_one_of_124_is_refused_at_the_start(start_gateway, dial):
    gateway = start_gateway("--endpoint", "wsClosed=reject:" + "r" * 123)
    assert dial(gateway, "wsClosed", join=False).receive_close() == (1008, "r" * 123)
    refused = run_to_the_end("serve", "--test", "--port", "0", "--endpoint", "wsClosed=reject:" + "r" * 124)
    assert refused.returncode == 2
    assert len(refused.stderr.strip().splitlines()) == 1


def test_endpoints_of_ones_own_work_as_the_default_ones(start_gateway, dial, subscribe):
    gateway = start_gateway("--endpoint", "sensors=service", "--endpoint", "screens=broadcast")
    names = {endpoint["name"] for endpoint in gateway.get("/v1/endpoints").json()["endpoints"]}
    assert {"sensors", "screens"} <= names
    sensor, screen = dial(gateway, "sensors"), dial(gateway, "screens")
    call = gateway.call_later(rpc("read"), endpoint="sensors")
    sensor.answer_next(b"21")
    assert call.result().status_code == 200
    gateway.post_message(b"21", endpoint="screens")
    assert screen.receive() == "21"
