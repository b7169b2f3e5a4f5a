"""JSON Web Tokens as credentials: who comes in, until when, and how keys are changed over."""

import base64
import hashlib
import hmac
import json

import pytest
import websocket

from support.events import EventStream
from support.gateway import BINARY, Client, Program, run_to_the_end
from support.jwts import Issuer, base64url, write_keys
from support.service import Peer
from support.waiting import Stopwatch, wait_until

SHORT = 2  # seconds that a token lasts whose end a test waits for
ADMIN = "admin-token"


@pytest.fixture
def issuer():
    return Issuer()


@pytest.fixture
def keys(tmp_path, issuer):
    path = tmp_path / "keys.json"
    write_keys(path, issuer)
    return path


@pytest.fixture
def start(start_gateway, keys):
    """A gateway that knows the keys, and `ADMIN` for the test itself."""

    def with_keys(*flags):
        return start_gateway("--jwt-keys-file", keys, "--token", ADMIN, *flags, test_mode=False, token=ADMIN)

    return with_keys


def bearing(token):
    return {"Authorization": f"Bearer {token}"}


def lists(gateway, token):
    """The answer to who asks for the list of endpoints."""
    return gateway.get("/v1/endpoints", headers=bearing(token))


def status(gateway, token):
    return lists(gateway, token).status_code


def join(gateway, stack, token, endpoint="wsData", **options):
    """A peer that has joined with that token."""
    before = set(gateway.connections(endpoint))
    peer = Peer(gateway, endpoint, join=False, header=[f"Authorization: Bearer {token}"], **options)
    stack.enter_context(peer)
    wait_until(lambda: set(gateway.connections(endpoint)) - before, "the peer has joined")
    return peer


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256"])
def test_who_has_a_token_of_a_known_issuer_calls_and_serves(start, keys, stack, algorithm):
    issuer = Issuer(algorithm, key_id="2026")
    write_keys(keys, issuer)
    gateway = start()
    service = join(gateway, stack, issuer.token("serve:wsData", name="telescope"))
    assert gateway.endpoint("wsData")["connections"][0]["user"] == "telescope"
    caller = Client(gateway.url, issuer.token("call:wsData openid email"))
    answer = caller.call_later({"cmd": "rpc"})
    service.answer_next(b'"seen"')
    assert base64.b64decode(answer.result().json()["data"]) == b'"seen"'


def test_a_token_is_good_for_its_scopes_alone(start, issuer):
    gateway = start()
    token = issuer.token("call:wsSubject")
    refused = gateway.call({"cmd": "rpc"}, headers=bearing(token))
    assert (refused.status_code, refused.json()["detail"]) == (403, "the token lacks the scope call:wsData")
    assert gateway.call({"cmd": "rpc"}, "wsSubject", headers=bearing(token)).status_code == 503
    assert gateway.http("DELETE", "/v1/connections", headers=bearing(token)).status_code == 403


@pytest.mark.parametrize(
    "claims, detail",
    [
        ({"lasts": -1}, "the token has expired"),
        ({"nbf": 32503680000}, "the token is not valid yet"),
        ({"exp": None}, "the token lacks sub or exp, or has a time that is none"),
        ({"sub": None}, "the token lacks sub or exp, or has a time that is none"),
        ({"aud": "another"}, "the token is for another audience"),
    ],
)
def test_a_token_that_is_not_good_is_refused_with_the_reason(start, issuer, claims, detail):
    response = lists(start(), issuer.token(**claims))
    assert response.status_code == 401
    assert response.json()["detail"] == detail
    challenge = f'Bearer error="invalid_token", error_description="{detail}"'
    assert response.headers["WWW-Authenticate"] == challenge


def test_issuer_and_audience_are_held_to_what_is_set(start, issuer):
    gateway = start("--jwt-issuer", "https://id.example", "--jwt-audience", "lab")
    good = {"iss": "https://id.example", "aud": ["mail", "lab"]}
    assert status(gateway, issuer.token(**good)) == 200
    for change in ({"iss": "https://id.example.evil"}, {"iss": None}, {"aud": "mail"}, {"aud": None}):
        assert status(gateway, issuer.token(**{**good, **change})) == 401, change


def hs256(header, claims, key):
    signed = base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())
    return signed + "." + base64url(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def test_whoever_knows_the_public_key_alone_makes_no_token(start, keys):
    issuer = Issuer("RS256")
    write_keys(keys, issuer)
    gateway = start()
    claims = {"sub": "mallory", "scope": "*", "exp": 32503680000}
    assert status(gateway, issuer.token()) == 200
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = issuer.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secrets = [pem, pem.strip(), json.dumps(issuer.jwk()).encode(), keys.read_bytes(), b""]
    forged = [hs256({"alg": "HS256", "typ": "JWT"}, claims, secret) for secret in secrets]
    none = base64url(b'{"alg":"none"}') + "." + base64url(json.dumps(claims).encode())
    for token in [*forged, none + ".", none + ".AAAA", none]:
        response = lists(gateway, token)
        assert response.status_code == 401, token
        assert response.json()["detail"] == "the token is not valid"


def test_a_token_is_taken_from_the_header_alone(start, issuer):
    gateway = start()
    token = issuer.token()
    assert gateway.get(f"/v1/endpoints?access_token={token}", authorized=False).status_code == 401
    assert gateway.get("/v1/endpoints", headers={"Cookie": f"login={token}"}).status_code == 401
    with pytest.raises(websocket.WebSocketBadStatusException):
        websocket.create_connection(f"{gateway.url.replace('http', 'ws')}/nowhere?token={token}", timeout=10)


def test_a_service_with_a_bad_token_hears_the_original_message(start, stack, issuer):
    gateway = start()
    peer = Peer(gateway, join=False, header=[f"Authorization: Bearer {issuer.token(lasts=-1)}"])
    stack.enter_context(peer)
    assert json.loads(peer.receive()) == {"cmd": "error", "status": 401, "error": "Websocket authentication failed"}
    assert peer.receive_close() == (1008, "Websocket authentication failed")


def test_a_service_is_closed_when_its_token_expires_and_its_calls_end(start, stack, issuer):
    gateway = start()
    lasting = join(gateway, stack, issuer.token("serve:wsSubject"), "wsSubject")
    watch = Stopwatch()
    service = join(gateway, stack, issuer.token("serve:wsData", lasts=SHORT))
    call = gateway.call_later({"cmd": "rpc"})
    service.receive_request()
    assert service.receive_close() == (1008, "the credential has expired")
    assert SHORT - 1 < watch.seconds < SHORT + 5
    ended = call.result()
    assert ended.status_code == 502
    assert ended.json()["type"] == "/problems/service-closed"
    lasting.ping()
    assert gateway.connections("wsSubject")
    assert not gateway.connections()


def test_a_subscriber_of_a_broadcast_is_closed_when_its_token_expires(start, stack, issuer):
    gateway = start()
    subscriber = join(gateway, stack, issuer.token("watch:wsUser", lasts=SHORT), "wsUser")
    gateway.post_message("still here")
    assert subscriber.receive() == "still here"
    assert subscriber.receive_close() == (1008, "the credential has expired")
    assert gateway.post_message("gone").json()["delivered"] == 0


def test_an_event_stream_ends_when_its_token_expires(start, stack, issuer):
    gateway = start()
    short = Client(gateway.url, issuer.token("watch:*", lasts=SHORT))
    stream = stack.enter_context(EventStream(short))
    stack.enter_context(EventStream(gateway))
    assert stream.next_comment() == ": connected"
    assert stream.next_comment() == ": the credential has expired"
    assert stream.next()[0] == "ended"


def test_a_conversation_outlives_its_token_but_its_requests_do_not(start, raw_http, issuer):
    gateway = start()
    caller = raw_http(gateway, token=issuer.token("watch:*", lasts=SHORT))

    def asked():
        return caller.ask("GET", "/v1/endpoints")[0].status

    assert asked() == 200
    wait_until(lambda: asked() == 401, "the token has expired")
    assert asked() == 401


def test_keys_are_changed_over_without_a_restart(start, keys, issuer, raw_http):
    gateway = start()
    fresh = Issuer("ES256", key_id="new")
    old_token, new_token = issuer.token(), fresh.token()
    caller = raw_http(gateway, token=old_token)
    assert caller.ask("GET", "/v1/endpoints")[0].status == 200
    assert status(gateway, new_token) == 401
    write_keys(keys, issuer, fresh)
    wait_until(lambda: status(gateway, new_token) == 200, "the new key is known")
    assert status(gateway, old_token) == 200
    write_keys(keys, fresh)
    wait_until(lambda: status(gateway, old_token) == 401, "the old key is forgotten")
    assert caller.ask("GET", "/v1/endpoints")[0].status == 401
    assert status(gateway, new_token) == 200


def test_a_bad_file_leaves_the_keys_as_they_were(start, keys, issuer):
    gateway = start()
    mark = "hush" + "x" * 40
    for faults, text in enumerate(("", '{"keys":[{"kty":"RSA","n":"' + mark + '"}]}'), start=1):
        keys.write_text(text)
        wait_until(lambda: gateway.stderr().count("stays in force") == faults, "the fault is logged")
        assert status(gateway, issuer.token()) == 200
    assert mark not in gateway.stderr()
    other = Issuer()
    write_keys(keys, other)
    wait_until(lambda: status(gateway, other.token()) == 200, "the file counts again")


@pytest.mark.parametrize(
    "content, complaint",
    [
        ("", "is no JWK Set"),
        ("-----BEGIN PUBLIC KEY-----", "is no JWK Set"),
        ('{"keys":[{"kty":"oct","k":"aHVzaA"}]}', "has a key 1 that has 4 bytes: HS256 needs 32"),
        ('{"keys":[]}', "has no key for HS256, RS256 or ES256"),
    ],
)
def test_a_gateway_does_not_start_with_keys_that_make_no_sense(tmp_path, content, complaint):
    path = tmp_path / "keys.json"
    path.write_text(content)
    ended = run_to_the_end("serve", "--port", "0", "--jwt-keys-file", str(path))
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert "aHVzaA" not in ended.stderr


def test_attach_takes_each_connections_token_out_of_its_file(start, programs, tmp_path, issuer):
    gateway = start()
    files, token = tmp_path / "files", tmp_path / "token"
    files.mkdir()
    token.write_text(issuer.token("serve:wsData", lasts=SHORT, name="first"))
    command = [BINARY, "attach", "wsData", "--files", files, "--server", gateway.authority, "--token-file", token]
    attached = Program(command, r"reachback: attached to ws://.+/\w+$")
    programs.append(attached)
    attached.wait_ready()
    token.write_text(issuer.token("serve:wsData", name="second") + "\n")
    attached.wait_ready(times=2)

    def users():
        return [connection["user"] for connection in gateway.endpoint("wsData")["connections"]]

    wait_until(lambda: users() == ["second"], "attach is back with its new token")
