"""A real browser: the log-in page, a WebSocket on /wsUser from a page of the gateway's own, and pages from elsewhere."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.browser import Browser
from support.events import EventStream
from support.waiting import wait_until

# The promise is kept when the socket is open; its messages come in through `received`.
OPEN_SOCKET = """
new Promise((resolve) => {
  window.socket = new WebSocket(URL)
  const waiting = [], messages = []
  socket.onmessage = ({ data }) => waiting.length ? waiting.shift()(data) : messages.push(data)
  window.received = () => messages.length ? messages.shift() : new Promise((resolve) => waiting.push(resolve))
  window.ended = new Promise((resolve) => { socket.onclose = ({ code }) => resolve(code) })
  socket.onopen = () => resolve('open')
  socket.onerror = () => resolve('error')
})
"""


class BlankPage(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    """The port of a server of pages that are none of the gateway's."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BlankPage)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def chromium():
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium):
    chromium.newPage()
    return chromium


def submit_log_in(browser, password):
    browser.fill("input[name=name]", "test")
    browser.fill("input[name=password]", password)
    browser.submit("button")


def log_in(browser, gateway):
    browser.goto(gateway.url + "/")
    submit_log_in(browser, "test")
    assert browser.url() == gateway.url + "/"


def open_socket(browser, url="'/wsUser'"):
    return browser.evaluate(OPEN_SOCKET.replace("URL", url))


def test_the_log_in_page_says_that_a_password_is_wrong_and_lets_the_right_one_in(gateway, browser):
    assert browser.goto(gateway.url + "/") == 200
    assert browser.url() == gateway.url + "/login?next=/"
    submit_log_in(browser, "wrong")
    assert "password" in browser.text("[role=alert]")
    assert "login" not in browser.cookies()
    submit_log_in(browser, "test")
    assert browser.url() == gateway.url + "/"
    assert browser.responses()[-1] == [gateway.url + "/", 200]
    assert "login" in browser.cookies()


def test_a_page_receives_a_broadcast_and_what_it_sends_is_an_event(start_gateway, browser, stack):
    gateway = start_gateway("--ping-interval", "0.2")
    events = stack.enter_context(EventStream(gateway))
    log_in(browser, gateway)
    assert open_socket(browser) == "open"
    assert events.next()[0] == "open"
    assert browser.evaluate("socket.extensions") == "", "compression was not declined"

    assert gateway.post_message("Grüße an alle".encode()).json() == {"delivered": 1}
    assert browser.evaluate("received()") == "Grüße an alle"

    browser.evaluate("socket.send('Grüße zurück')")
    kind, message = events.next()
    assert (kind, message["text"]) == ("message", "Grüße zurück")

    def pinged():
        [member] = gateway.endpoint("wsUser")["connections"]
        return member["roundTripMs"] is not None

    wait_until(pinged, "the browser answered a ping")
    assert gateway.http("DELETE", "/v1/connections").json() == {"closed": 1}
    assert browser.evaluate("ended") == 4000
    assert events.next()[0] == "close"


def test_a_page_that_is_not_logged_in_is_refused_by_message(gateway, browser):
    browser.goto(gateway.url + "/login")
    assert open_socket(browser) == "open"
    assert '"status":401' in browser.evaluate("received()")
    assert browser.evaluate("ended") == 1008


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"], ids=["another port", "another site"])
def test_a_page_from_elsewhere_can_neither_open_a_socket_nor_post(gateway, browser, elsewhere, host):
    log_in(browser, gateway)
    assert browser.goto(f"http://{host}:{elsewhere}/") == 200

    assert open_socket(browser, f"'ws://{gateway.authority}/wsUser'") == "error"
    assert any("/wsUser" in message and "403" in message for message in browser.messages()), browser.messages()

    path = gateway.url + "/v1/endpoints/wsUser/messages"
    browser.evaluate(f"fetch('{path}', {{ method: 'POST', body: 'x', mode: 'no-cors', credentials: 'include' }})"
                     ".then(() => null)")
    assert browser.responses()[-1] == [path, 403]
    assert gateway.connections("wsUser") == []
    assert gateway.metrics().value("reachback_sent_messages_total", endpoint="wsUser") == 0
