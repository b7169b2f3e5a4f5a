"""No secret and no payload gets into what the gateway writes: log, output, metrics, configuration as printed."""

import base64
import json
import signal
import urllib.parse
import uuid

import pytest
import websocket

from support.accounts import Browser, PasswordFile, token_table
from support.gateway import BYTES, run_to_the_end
from support.jwts import Issuer, base64url, write_keys
from support.raw import TEXT, HttpCaller, WebSocketPeer, frame
from support.service import Peer, data_interface
from support.waiting import wait_until
from test_attach import Attached


class Marks:
    """Texts that may not turn up anywhere. Each is told by its name."""

    def __init__(self):
        self._marks = {}

    def new(self, name, length=40):
        """A new mark that can stand in a header, a URL, a JSON text and a password."""
        mark = ("hush~" + uuid.uuid4().hex * 3)[:length]
        return self.add(name, mark)

    def add(self, name, text):
        self._marks[name] = text
        return text

    def found_in(self, written):
        """The names of the marks that are in a text, in whatever form."""
        return sorted(name for name, mark in self._marks.items() if any(form in written for form in forms_of(mark)))


def forms_of(mark):
    """A text as it is, in hex, encoded for URLs and in JSON, and in base64, wherever in a longer text it began."""
    raw = mark.encode()
    forms = {mark, raw.hex(), raw.hex().upper(), urllib.parse.quote(mark, safe=""), json.dumps(mark)[1:-1], mark[:24]}
    for skipped in range(3):
        # Whole groups of three bytes alone: what is around the mark changes the others.
        inner = raw[skipped : skipped + (len(raw) - skipped) // 3 * 3]
        forms |= {base64.b64encode(inner).decode(), base64.urlsafe_b64encode(inner).decode()}
    return forms


def test_a_mark_is_found_in_every_form():
    marks = Marks()
    mark = marks.new("mark")
    raw = mark.encode()
    for text in (mark, raw.hex(), base64.b64encode(b"x" + raw + b"y").decode(), urllib.parse.quote(mark, safe=""),
                 base64.b64encode(b"xy" + raw).decode(), "Bearer " + mark[:30], base64url(raw)):
        assert marks.found_in(f"log {text} log") == ["mark"], text
    assert marks.found_in(uuid.uuid4().hex) == []


@pytest.fixture
def marks():
    return Marks()


@pytest.fixture
def issuer(marks):
    issuer = Issuer("HS256")
    marks.add("the JWT secret", issuer.jwk()["k"])
    return issuer


@pytest.fixture
def gateway(start_gateway, marks, issuer, tmp_path):
    """One with every kind of credential that logs all there is to log."""
    keys, cookie_key, tokens = tmp_path / "keys.json", tmp_path / "cookie-key", tmp_path / "tokens"
    write_keys(keys, issuer)
    cookie_key.write_text(marks.new("the cookie key") + "\n")
    tokens.write_text(marks.new("a token of the file") + "\n")
    users = PasswordFile(tmp_path / "passwd", ann=marks.new("the password"))
    hashed = tmp_path / "gateway.toml"
    hashed.write_text('log_level = "debug"\n' + token_table("lab", marks.new("a token by its hash"), ["serve:*"]))
    return start_gateway(
        "--config", hashed, "--password-file", users, "--cookie-key-file", cookie_key, "--token-file", tokens,
        "--jwt-keys-file", keys, "--token", marks.new("the token"), "--login-pause", "0", "--drain-wait", "0",
        test_mode=False, token=marks._marks["the token"],
    )


def log_in_and_out(gateway, marks):
    with Browser(gateway) as browser:
        browser.log_in("ann", marks.new("a wrong password"))
        browser.log_in(marks.new("a password in the place of the name"), "x")
        browser.log_in("ann", marks._marks["the password"], "?next=/" + marks.new("a page to go to"))
        cookie = marks.add("a cookie", browser.session.cookies["login"])
        marks.add("the cookie against forgery", browser.session.cookies["_xsrf"])
        assert browser.get("/v1/endpoints").status_code == 200
        form = {"name": "ann", "password": marks.new("a password without the cookie"), "_xsrf": "no"}
        assert browser.session.post(gateway.url + "/login", form).status_code == 403
    changed = marks.new("a changed cookie") + cookie
    assert gateway.get("/v1/endpoints", headers={"Cookie": f"login={changed}"}).status_code == 401


def show_tokens(gateway, marks, issuer):
    def status(authorization, path="/v1/endpoints"):
        return gateway.get(path, headers={"Authorization": authorization}).status_code

    assert status("Bearer " + marks._marks["a token of the file"]) == 200
    assert status("Bearer " + marks.add("a JWT", issuer.token())) == 200
    assert status("Bearer " + marks.new("an unknown token")) == 401
    assert status("Basic " + marks.new("basic credentials")) == 401
    for name, bad in (("an expired JWT", issuer.token(lasts=-5)), ("a JWT of a stranger", Issuer().token()),
                      ("a JWT without an end", issuer.token(exp=None))):
        assert status("Bearer " + marks.add(name, bad)) == 401
        signature = marks.add("the signature of " + name, bad.rsplit(".", 1)[1])
        assert status(f"Bearer a.b.{signature}") == 401
    in_query = marks.new("a token in a query")
    assert gateway.get(f"/v1/endpoints?access_token={in_query}", authorized=False).status_code == 401
    assert gateway.get(f"/{marks.new('a secret for a path')}").status_code == 404


def send_malformed_requests(gateway, marks):
    heads = [
        "GET /{} HTTP/9.9\r\n\r\n", "{}\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nAuth orization: {}\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n folded\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: {}:{}\r\n\r\n", "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        "GET http://ann:{}@x/ HTTP/1.1\r\nHost: x\r\n\r\n", "GET /%zz{} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {}\r\nCookie: login={}\r\nExpect: {}\r\n\r\n",
    ]
    for number, head in enumerate(heads):
        mark = marks.new(f"a secret in the malformed head {number}")
        with HttpCaller(gateway.address) as caller:
            caller.send(head.replace("{}", mark).encode())
            caller.half_close()
            assert b"HTTP/1.1 " in caller.read_to_end()
    body = marks.new("a body that is no JSON")
    for data in ('{"cmd":"' + body, f'{{"callId":1,"x":"{body}"}}', body, f'"{body}"'):
        assert gateway.call(data.encode()).status_code == 400
    with HttpCaller(gateway.address, token=gateway.token) as caller:
        caller.send(caller.head_of("POST", "/v1/endpoints/wsData/requests", content_length=9000) +
                    marks.new("a body that breaks off").encode())
        caller.reset()


def call_and_answer(gateway, marks):
    with Peer(gateway, header=[f"Authorization: Bearer {marks._marks['a token by its hash']}"]) as service:
        call = gateway.call_later({"cmd": marks.new("a request's cmd"), "args": [marks.new("an argument")]})
        service.answer(service.receive_request(), marks.new("an answer").encode())
        assert call.result().status_code == 200
        call = gateway.call_later({"cmd": "rpc", marks.new("a request's key"): 1})
        service.answer_error(service.receive_request(), marks.new("an error of the service"))
        assert call.result().status_code == 200
        call = gateway.call_later({"cmd": "rpc", "args": [marks.new("an argument of a call that times out")]}, timeout=0.2)
        service.receive_request()
        assert call.result().status_code == 504
        for name in ("a broken answer", "another broken answer"):
            service.send('{"cmd":"rpc","callId":1,"data":"' + marks.new(name))
            service.send({"cmd": "rpc", "callId": 7, "status": 200, "data": marks.new(name + " to nothing")})
            service.send_binary(b"\xff" + marks.new(name + " in bytes").encode())
        service.ping()


def break_off_an_answer(gateway, marks):
    """The service dies between the parts of an answer."""
    with Peer(gateway) as service:
        call = gateway.call_later({"cmd": "rpc"}, form="application/x-ndjson")
        request = service.receive_request()
        part = {"cmd": "rpc", "callId": request["callId"], "status": 200, "multipart": True, "numParts": 2, "partId": 1,
                "data": base64.b64encode(marks.new("a part without the next").encode()).decode()}
        service.send(part)
        service.ping()
        service.crash()
        assert "499" in call.result().text


def send_messages(gateway, marks):
    with Peer(gateway, "wsUser") as listener:
        gateway.post_message(marks.new("a message to all"))
        listener.receive()
        listener.send(marks.new("a message from a connection"))
        listener.send({"cmd": marks.new("a message's cmd")})
        listener.send_binary(marks.new("a message of bytes").encode())
        listener.ping()
    with WebSocketPeer.joined(gateway, "wsUser") as peer:
        peer.send(frame(TEXT, b"\xff" + marks.new("a text that is no UTF-8").encode()))
        peer.read_to_end()
    with WebSocketPeer.joined(gateway, "wsUser") as peer:
        peer.send(frame(TEXT, marks.new("a frame without a mask").encode(), mask=False))
        peer.read_to_end()
    for name, headers in (("a bad token of a service", ["Authorization: Bearer {}"]),
                          ("a bad cookie of a service", ["Cookie: login={}"])):
        mark = marks.new(name)
        with Peer(gateway, join=False, header=[header.replace("{}", mark) for header in headers]) as peer:
            assert json.loads(peer.receive())["status"] == 401
    with pytest.raises(websocket.WebSocketBadStatusException):
        url = gateway.url.replace("http", "ws") + "/" + marks.new("a token for an endpoint")
        websocket.create_connection(url, timeout=10)


def test_a_hostile_run_leaves_no_secret_and_no_payload(gateway, marks, issuer):
    log_in_and_out(gateway, marks)
    show_tokens(gateway, marks, issuer)
    send_malformed_requests(gateway, marks)
    call_and_answer(gateway, marks)
    break_off_an_answer(gateway, marks)
    send_messages(gateway, marks)
    metrics = gateway.get("/metrics", authorized=False).text
    with Peer(gateway) as service:
        pending = gateway.call_later({"cmd": "rpc", "args": [marks.new("an argument at the end")]})
        service.receive_request()
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: "draining" in gateway.stderr(), "the drain begins")
        gateway.signal(signal.SIGTERM)
        pending.exception()
    gateway.wait_exit()
    log = gateway.stderr()
    assert "a log-in failed" in log and "a token is refused" in log and "dropped a message" in log
    assert marks.found_in(log) == []
    assert marks.found_in("\n".join(gateway.output())) == []
    assert marks.found_in(metrics) == []


@pytest.mark.parametrize("credential", ["password", "token", "token file", "wrong password", "wrong token"])
def test_attach_writes_no_secret_and_no_payload(gateway, marks, programs, tmp_path, credential):
    token_file = tmp_path / "token-of-attach"
    token_file.write_text(marks._marks["the token"])
    flags = {
        "password": ["--user", "ann", "--password", marks._marks["the password"]],
        "token": ["--token", marks._marks["a token of the file"]],
        "token file": ["--token-file", token_file],
        "wrong password": ["--user", "ann", "--password", marks.new("a wrong password")],
        "wrong token": ["--token", marks.new("a wrong token")],
    }[credential]
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown/file").write_text(marks.new("a file's content"))
    attached = Attached(gateway, tmp_path / "shown", *flags)
    programs.append(attached)
    if credential.startswith("wrong"):
        wait_until(lambda: not attached.alive or attached.stderr(), "it says that it is refused")
    else:
        attached.wait_ready()
        wait_until(gateway.connections, "attach has joined")
        assert gateway.call(data_interface("getFile", "file"), form=BYTES).text == marks._marks["a file's content"]
        assert gateway.call(data_interface(marks.new("a method"), marks.new("an argument"))).status_code == 200
        attached.signal(signal.SIGTERM)
        attached.wait_exit()
    assert marks.found_in(attached.stderr() + "\n".join(attached.output())) == []


def test_the_configuration_as_printed_holds_no_secret(marks, tmp_path, monkeypatch):
    tokens, keys = tmp_path / "tokens", tmp_path / "keys.json"
    tokens.write_text(marks.new("a token of the file"))
    issuer = Issuer()
    write_keys(keys, issuer)
    marks.add("the JWT secret", issuer.jwk()["k"])
    monkeypatch.setenv("REACHBACK_COOKIE_KEY", marks.new("the cookie key"))
    monkeypatch.setenv("REACHBACK_TOKEN", marks.new("the token"))
    for flag in ("--print-config", "--check-config"):
        shown = run_to_the_end("serve", flag, "--token-file", str(tokens), "--jwt-keys-file", str(keys))
        assert shown.returncode == 0, shown.stderr
        assert marks.found_in(shown.stdout + shown.stderr) == []


@pytest.mark.parametrize(
    "text",
    [
        '[[token]]\nname = "lab"\nsha256 = "{}"\nscopes = ["call:*"]',  # the token where its hash belongs
        '[[token]]\nname = "lab"\nsha256 = ["{}"]\nscopes = ["call:*"]',
        '[[token]]\nname = "lab"\ntoken = "{}"\nscopes = ["call:*"]',
        '[[token]]\nname = "lab"\nsha256 = "a:{}"\nscopes = ["call:*"]',
        '[[token]]\nname = "lab"\nsha256 = "{}',
        'token_hash = "{}"',
        'token_hash = "lab:{}:call:*"',
        'token_hash = ["lab:{}"]',
        'token = ["good", "hush {}"]',
        'token = {}',
        'token = "{}',
        'cookie_key = "{:.31}"',
        'cookie_key = {{ value = "{}" }}',
        'cookie_key = \'{}',
        'port = 1\ncookie_key = "{}" "',
        'allow_origin = "https://ann:{}@lab.example"',
    ],
)
def test_a_complaint_about_the_configuration_repeats_no_secret(marks, tmp_path, text):
    path = tmp_path / "gateway.toml"
    mark = marks.new("the secret")
    path.write_text(text.format(mark))
    ended = run_to_the_end("serve", "--port", "0", "--config", str(path))
    assert ended.returncode == 2, ended
    assert ended.stderr.startswith("reachback: ")
    assert marks.found_in(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize(
    "flags",
    [["--token-hash", "{}"], ["--token-hash", "lab:{}"], ["--token-hash", "lab:{}:*"], ["--token", "hush {}"],
     ["--cookie-key", "{}"], ["--cookie-key={}"], ["{}"]],
)
def test_a_complaint_about_a_flag_repeats_no_secret(marks, flags):
    mark = marks.new("the secret")
    ended = run_to_the_end("serve", "--port", "0", *[flag.replace("{}", mark) for flag in flags])
    assert ended.returncode == 2, ended
    assert marks.found_in(ended.stdout + ended.stderr) == []


@pytest.mark.parametrize("name", ["password-file", "token-file", "jwt-keys-file", "cookie-key-file"])
def test_a_complaint_about_a_file_repeats_nothing_of_it(marks, tmp_path, name):
    path = tmp_path / "file"
    mark = marks.new("the secret", length=30)
    path.write_text(f"x {mark}" if name == "token-file" else mark)
    ended = run_to_the_end("serve", "--port", "0", f"--{name}", str(path))
    assert ended.returncode == 2, ended
    assert marks.found_in(ended.stdout + ended.stderr) == []
