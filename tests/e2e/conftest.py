"""Fixtures. Every test has gateways of its own, on ports that the system chooses."""

import os
from contextlib import ExitStack

import pytest

from support.certificates import HERE, Authority
from support.gateway import BINARY, Gateway, Program
from support.neighbours import Neighbours
from support.payload import MIB, payload
from support.raw import HttpCaller, WebSocketPeer
from support.service import OriginalService, Peer
from support.stopped_service import StoppedService
from support.waiting import wait_until

for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(variable, None)


def pytest_collection_finish(session):
    if session.items and not session.config.option.collectonly and not BINARY.exists():
        pytest.exit(f"{BINARY} does not exist: build the preset `release` first, or set REACHBACK", returncode=2)


@pytest.fixture(scope="session")
def stopped_service():
    """A service that stopped when the first test began."""
    stopped = StoppedService()
    yield stopped
    stopped.end()


@pytest.fixture(scope="session", autouse=True)
def begun_early(request):
    """Begins, before all tests, what one of them needs and what takes long by its nature."""
    if any("stopped_service" in item.fixturenames for item in request.session.items):
        request.getfixturevalue("stopped_service")


@pytest.fixture
def programs():
    """Holds running programs; they are killed at the end, and what they wrote is shown if the test failed."""
    running = []
    yield running
    for program in reversed(running):
        program.kill()
        print(f"--- stderr of {' '.join(map(str, program.process.args))}\n{program.stderr()}")


@pytest.fixture
def start_gateway(programs):
    """Starts gateways with flags. After the test each whose end the test did not wait for must be alive and have no
    call in flight."""
    gateways = []

    def start(*flags, **options):
        gateway = Gateway(*flags, **options)
        programs.append(gateway)
        gateways.append(gateway)
        return gateway

    yield start
    try:
        for gateway in gateways:
            if not gateway.meant_to_end:
                assert gateway.alive, f"the gateway ended with {gateway.process.returncode}\n{gateway.stderr()}"
                wait_until(lambda: gateway.calls_in_flight() == 0, "no call in flight after the test")
    finally:
        for gateway in gateways:
            gateway.stop()


@pytest.fixture
def gateway(start_gateway):
    return start_gateway()


@pytest.fixture
def stack(start_gateway):
    """Closes what a test opened, before the gateways are looked at for the last time."""
    with ExitStack() as closing:
        yield closing


@pytest.fixture
def dial(stack):
    """Connects a scripted peer to an endpoint; it has joined when this returns."""

    def connect(gateway, endpoint="wsData", **options):
        return stack.enter_context(Peer(gateway, endpoint, **options))

    return connect


@pytest.fixture
def serve(stack):
    """Starts a remote service that behaves as the original's; it has joined when this returns."""

    def start(gateway, methods, endpoint="wsData", **options):
        return stack.enter_context(OriginalService(gateway, methods, endpoint, **options))

    return start


@pytest.fixture
def neighbours(serve):
    """A service that is called all the time while the block runs; `what` says what happens meanwhile."""

    def calling(gateway, what):
        return Neighbours(gateway, serve(gateway, {"echo": lambda text: text}), what)

    return calling


@pytest.fixture
def raw_http(stack):
    """Opens a TCP connection that speaks HTTP byte by byte."""

    def connect(gateway, **options):
        return stack.enter_context(HttpCaller(gateway.address, tls=gateway.tls_context(), **options))

    return connect


@pytest.fixture
def raw_websocket(stack):
    """Opens a WebSocket whose frames are built by hand. With an endpoint that exists it has joined on return."""

    def connect(gateway, endpoint="wsData", **options):
        return stack.enter_context(WebSocketPeer.joined(gateway, endpoint, **options))

    return connect


@pytest.fixture
def bystander(gateway, raw_http):
    """Another caller, who is served before a hostile test and behind it, on the same connection."""
    caller = raw_http(gateway)

    def is_served():
        assert caller.ask("GET", "/livez")[0].status == 200

    is_served()
    yield
    is_served()


@pytest.fixture(scope="session")
def certificate_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="session")
def authority(certificate_folder):
    return Authority(certificate_folder, "authority")


@pytest.fixture(scope="session")
def good(authority):
    """A certificate for this machine."""
    return authority.issue("good", HERE)


@pytest.fixture
def start_tls(start_gateway, good, authority):
    """Starts gateways that speak TLS."""

    def start(*flags, certificate=good, ca_file=authority.file, **options):
        return start_gateway(*flags, certificate=certificate, ca_file=ca_file, **options)

    return start


@pytest.fixture
def shared_files(tmp_path):
    """What `attach` gives away by TLS: a small file and one of 40 MiB."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "small.txt").write_text("a small file")
    (shared / "big").write_bytes(payload(40 * MIB, False))
    return shared


@pytest.fixture
def start_attach(programs, shared_files):
    """Starts `attach` by TLS, and does not wait until it has joined."""

    def start(*flags, credential=("--test",), **environment):
        variables = [f"{name}={value}" for name, value in environment.items()]
        command = ["env", *variables, BINARY, "attach", "wsData", "--files", shared_files, *credential, *flags]
        attached = Program(command, r"reachback: attached to wss://.+/wsData$")
        programs.append(attached)
        return attached

    return start
