"""Remote services: one that behaves as the original's, and one that a test steers step by step."""

import json
import socket
import struct
import threading

import requests
import websocket

from .payload import cut_parts, head_of
from .waiting import DEADLINE, wait_until


def ca_file_of(gateway):
    """The certificate that whoever speaks TLS with `gateway` trusts; None where there is no TLS."""
    return getattr(gateway, "ca_file", None)


def websocket_url(gateway, endpoint):
    """Where to dial, wss when the gateway is spoken to by https."""
    return f"{gateway.url.replace('http', 'ws', 1)}/{endpoint}"


def tls_options(gateway):
    """What websocket-client is told about TLS."""
    ca_file = ca_file_of(gateway)
    return {"ca_certs": str(ca_file)} if ca_file else None


def log_in(gateway, user="test", password="test"):
    """The original's log-in steps. Gives the value of the cookie `login`, or None when there was none."""
    url = gateway.url + "/login"
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ca_file_of(gateway) or True
        page = session.get(url, timeout=10)
        assert page.status_code == 200
        form = {"name": user, "password": password, "_xsrf": session.cookies["_xsrf"]}
        answer = session.post(url, form, timeout=10)
        assert answer.status_code == 200, "the page behind the log-in's redirection"
        return session.cookies.get("login")


class Peer:
    """A WebSocket client on an endpoint that does what the test says, one step after the other."""

    def __init__(self, gateway, endpoint="wsData", join=True, timeout=DEADLINE, receive_buffer=None, **options):
        self.gateway, self.endpoint = gateway, endpoint
        before = set(gateway.connections(endpoint)) if join else set()
        options.setdefault("header", [f"Authorization: Bearer {gateway.token}"])
        sockopt = [(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)] if receive_buffer else None
        # Checking UTF-8 in Python takes seconds for a message of 10 MiB.
        self.socket = websocket.create_connection(
            websocket_url(gateway, endpoint), sslopt=tls_options(gateway),
            timeout=timeout, skip_utf8_validation=True, sockopt=sockopt, **options,
        )
        if join:
            new = wait_until(lambda: set(gateway.connections(endpoint)) - before, f"a new connection on {endpoint}")
            self.connection_id = new.pop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown()

    @property
    def subprotocol(self):
        """What the gateway chose of `subprotocols`, or None."""
        return self.socket.getsubprotocol()

    def receive(self):
        """The next message: text as str, binary as bytes."""
        opcode, data = self.socket.recv_data()
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise AssertionError(f"closed instead of a message: {data!r}")
        return data.decode() if opcode == websocket.ABNF.OPCODE_TEXT else data

    def receive_request(self):
        return json.loads(self.receive())

    def receive_close(self):
        """(code, reason) of the close that must come next."""
        opcode, data = self.socket.recv_data()
        assert opcode == websocket.ABNF.OPCODE_CLOSE, f"a message instead of a close: {data[:200]!r}"
        code = struct.unpack("!H", data[:2])[0] if data else None
        return code, data[2:].decode()

    def send(self, message):
        """Sends text as it is, anything else as JSON."""
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def send_binary(self, data):
        self.socket.send_binary(data)

    def ping(self):
        """Pings and waits for the pong: the gateway has then read all that was sent before."""
        self.socket.ping("heard?")
        while True:
            opcode, frame = self.socket.recv_data_frame(control_frame=True)
            if opcode == websocket.ABNF.OPCODE_PONG and frame.data == b"heard?":
                return
            assert opcode == websocket.ABNF.OPCODE_PING, "a message instead of a pong"

    def answer(self, request, data, **options):
        """Answers with a payload, in parts as the original makes them."""
        for part in cut_parts(request, data, **options):
            self.send(part)

    def answer_next(self, data=b"answer"):
        """Takes the next request and answers it; gives the request."""
        request = self.receive_request()
        self.answer(request, data)
        return request

    def answer_error(self, request, error, status=400):
        self.send(dict(head_of(request), status=status, error=error))

    def leave(self):
        """Closes the connection in order."""
        self.socket.close()

    def crash(self):
        """Ends the connection with RST, as the end of a machine's process does at its worst."""
        raw = self.socket.sock
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raw.close()


class OriginalService:
    """A remote service as the original's unmodified one behaves: log-in, cookie, a ping every 5 s with 1 s for the
    pong, a thread per request, answers in parts under one lock. `methods` maps an attribute to a function."""

    def __init__(self, gateway, methods, endpoint="wsData", check_utf8=True, user="test", password="test", cookie=None,
                 pong_timeout=1):
        """Logs in as `user` unless the value of a `cookie` from another log-in is given. `pong_timeout` is in seconds,
        below 5: more than the original's where a busy machine may be late with a pong."""
        self.methods = methods
        self.errors, self.closes = [], []
        self.pongs = 0
        self._send_lock = threading.Lock()
        before = set(gateway.connections(endpoint))
        self._app = websocket.WebSocketApp(
            websocket_url(gateway, endpoint),
            on_message=self._on_message, on_error=self._on_error, on_close=self._on_close, on_pong=self._on_pong,
            cookie="login=" + (cookie or log_in(gateway, user, password)),
        )
        self._thread = threading.Thread(
            target=self._app.run_forever, daemon=True,
            kwargs=dict(ping_interval=5, ping_timeout=pong_timeout, skip_utf8_validation=not check_utf8,
                        sslopt=tls_options(gateway)),
        )
        self._thread.start()
        self.connection_id = wait_until(lambda: set(gateway.connections(endpoint)) - before, "the service joins").pop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self._app.keep_running = False
        try:
            self._app.sock.sock.shutdown(socket.SHUT_RDWR)
        except (AttributeError, OSError):
            pass  # it has ended already
        self._thread.join(DEADLINE)

    @property
    def connected(self):
        return self._thread.is_alive() and not self.errors and not self.closes

    def _on_message(self, _app, text):
        threading.Thread(target=self._handle, args=(text,), daemon=True).start()

    def _on_error(self, _app, error):
        self.errors.append(error)

    def _on_close(self, _app, code, reason):
        self.closes.append((code, reason))

    def _on_pong(self, _app, _data):
        self.pongs += 1

    def _send(self, message):
        with self._send_lock:
            self._app.send(json.dumps(message))

    def _handle(self, text):
        head = {"status": 400, "error": "unhandled request"}
        try:
            request = json.loads(text)
            head = head_of(request)
            result = self.methods[request["attribute"]](*request.get("args", ()), **request.get("kwargs", {}))
            if isinstance(result, bytes):
                parts = cut_parts(request, result, "bytes")
            else:
                parts = cut_parts(request, json.dumps(result).encode(), "json")
            for part in parts:
                self._send(part)
        except websocket.WebSocketException:
            pass  # the connection went away while answering: as in the original nobody is left to be told
        except Exception as error:
            self._send(dict(head, status=400, error=f"RPC Exception: {request.get('cmd')}: {error}"))


def rpc(attribute, *args, **kwargs):
    """A request as the original's callers write it."""
    return {"cmd": "rpc", "class": "ExampleInterface", "attribute": attribute, "args": list(args), "kwargs": kwargs}


def data_interface(attribute, *args):
    """A request to what `reachback attach` gives away."""
    return {"cmd": "rpc", "class": "DataInterface", "attribute": attribute, "args": list(args)}
