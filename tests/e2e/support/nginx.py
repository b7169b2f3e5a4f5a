"""Debian's nginx with the project's own docker/nginx.conf before gateways: only addresses, ports and paths differ."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from .certificates import self_signed
from .gateway import ROOT, Client, Gateway
from .waiting import DEADLINE, wait_until

CONF = ROOT / "docker/nginx.conf"
PROGRAM = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "nginx"
LOOPBACK = "127.0.0.1"
LAST_LINES = 60

# What an operator adds for a third gateway, at the marks in nginx.conf.
THIRD_GATEWAY = {
    "# (+) line of a door": "server 127.0.0.1:8003 max_fails=0;",
    "# (+) upstream": """upstream gateway_8003 {
        zone gateway_8003 64k;
        server gateway-3:8888 fail_timeout=2s;
        server 127.0.0.1:8000 backup;
        keepalive 64;
    }""",
    "# (+) door": "listen 127.0.0.1:8003;",
}

ACCOUNT = {"user": "ada", "password": "difference engine"}
HASH = "$2b$05$NC6USSj6XcIx9x9XJ8iUSegGUztwE4gugiu4J4uKxaLg9GzzjpRqe"  # of its password, with few rounds
PASSWORD_FILE = f"ada,{HASH}\nmary,{HASH}\n"
TOKEN = "a-token-of-full-scope"


def free_ports(count):
    """So many different ports that were free a moment ago."""
    with ExitStack() as holding:
        sockets = [holding.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind((LOOPBACK, 0))
        return [one.getsockname()[1] for one in sockets]


def substitute(text, replacements):
    """`text` with each key of `replacements` replaced; each must be there, so that none is forgotten."""
    for old, new in replacements.items():
        assert old in text, f"nginx.conf has no {old!r}"
        text = text.replace(old, new)
    return text


class Nginx:
    """nginx in front of gateways on the ports `gateway_ports`, two or three. `changes` are further replacements of text
    in nginx.conf, such as shorter time-outs."""

    def __init__(self, gateway_ports, changes):
        self._directory = tempfile.TemporaryDirectory(prefix="reachback-nginx-")
        self.home = Path(self._directory.name)
        self.home.chmod(0o755)  # nginx's workers are another user when the master is root
        (self.home / "tmp").mkdir()
        certificate = self_signed(self.home, "tls", f"IP:{LOOPBACK}")
        self.ca_file = certificate.file
        self.https_port, self.http_port, refusing_port, *doors = free_ports(3 + len(gateway_ports))
        text = substitute(CONF.read_text(), {**changes, **(THIRD_GATEWAY if len(gateway_ports) == 3 else {})})
        text = substitute(text, {
            "listen 443": f"listen {LOOPBACK}:{self.https_port}",
            "listen 80;": f"listen {LOOPBACK}:{self.http_port};",
            "/etc/nginx/tls/tls.crt": str(certificate.file),
            "/etc/nginx/tls/tls.key": str(certificate.key),
            "/var/log/nginx": str(self.home),
            "/run/nginx.pid": str(self.home / "nginx.pid"),
            # Where these are is compiled in, and not every user may write there.
            "http {\n": "http {\n" + "".join(
                f"    {name}_temp_path {self.home}/tmp/{name};\n"
                for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            ),
            f"{LOOPBACK}:8000": f"{LOOPBACK}:{refusing_port}",
        })
        for number, (gateway_port, door) in enumerate(zip(gateway_ports, doors), start=1):
            text = substitute(text, {
                f"gateway-{number}:8888": f"{LOOPBACK}:{gateway_port}",
                f"{LOOPBACK}:800{number}": f"{LOOPBACK}:{door}",
                f"gateway_800{number}": f"gateway_{door}",
            })
        (self.home / "nginx.conf").write_text(text)
        self._process = None

    def _command(self, *arguments):
        return [PROGRAM, "-p", str(self.home), "-c", str(self.home / "nginx.conf"), "-e", str(self.home / "error.log"),
                *arguments]

    def check(self):
        """What `nginx -t` says, as (exit code, text)."""
        result = subprocess.run(self._command("-t"), capture_output=True, text=True, timeout=DEADLINE)
        return result.returncode, result.stderr

    def start(self):
        with open(self.home / "stderr", "w") as stderr:
            self._process = subprocess.Popen(
                self._command("-g", "daemon off;"), stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr
            )
        wait_until(self._listens, "nginx listens")

    def _listens(self):
        assert self._process.poll() is None, f"nginx ended\n{self.log()}"
        with socket.socket() as probe:
            return probe.connect_ex((LOOPBACK, self.https_port)) == 0

    def log(self):
        """The last lines of all that nginx wrote."""
        text = ""
        for path in filter(Path.exists, (self.home / name for name in ("stderr", "error.log", "access.log"))):
            lines = path.read_text(errors="replace").splitlines()[-LAST_LINES:]
            text += "\n".join([f"--- nginx {path.name}", *lines, ""])
        return text

    def stop(self):
        if self._process and self._process.poll() is None:
            self._process.terminate()  # the fast end; SIGQUIT would wait for WebSockets
            self._process.wait(DEADLINE)
        self._directory.cleanup()


class Site(Client):
    """Gateways behind nginx, as they run in earnest: with ACCOUNT, TOKEN, and a key for cookies that they share. Spoken
    to over https. At the end of `with` no gateway may have died unasked, and no call may be in flight."""

    def __init__(self, *flags, replicas=2, changes=None):
        self._closing = ExitStack()
        self.gateways = []
        try:
            directory = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="reachback-site-")))
            (directory / "passwords").write_text(PASSWORD_FILE)
            self._flags = (
                "--password-file", directory / "passwords", "--cookie-key-file", directory / "cookie-key",
                "--trusted-proxy", LOOPBACK, "--token", TOKEN, *flags,
            )
            for _ in range(replicas):
                self.gateways.append(self._start_gateway())
            self.nginx = Nginx([gateway.port for gateway in self.gateways], changes or {})
            self._closing.callback(self.nginx.stop)
            self.nginx.start()
        except BaseException:
            self._closing.close()
            raise
        super().__init__(f"http://{LOOPBACK}:{self.nginx.https_port}", TOKEN)
        self._closing.callback(self.let_threads_go)
        self.url = f"https://{self.authority}"
        self.ca_file = self.nginx.ca_file

    def _start_gateway(self, port=0):
        gateway = Gateway(*self._flags, test_mode=False, port=port, token=TOKEN)
        self._closing.callback(gateway.stop)
        return gateway

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self._check_gateways()
        finally:
            print(self.nginx.log())
            for gateway in self.gateways:
                print(f"--- gateway on {gateway.port}\n{gateway.stderr()}")
            self._closing.close()

    def _check_gateways(self):
        for gateway in self.gateways:
            if not gateway.meant_to_end:
                assert gateway.alive, f"a gateway ended with {gateway.process.returncode}\n{gateway.stderr()}"
        wait_until(lambda: self.calls_in_flight() == 0, "no call in flight at the end")

    def http(self, method, path, **options):
        return super().http(method, path, verify=str(self.ca_file), **options)

    def tls_context(self):
        return ssl.create_default_context(cafile=str(self.ca_file))

    def living(self):
        return [gateway for gateway in self.gateways if not gateway.meant_to_end]

    def calls_in_flight(self):
        return sum(gateway.calls_in_flight() for gateway in self.living())

    def where(self, endpoint="wsData"):
        """The gateway with the one connection that `endpoint` has."""
        (found,) = [gateway for gateway in self.living() if gateway.connections(endpoint)]
        return found

    def others_than(self, gateway):
        return [one for one in self.living() if one is not gateway]

    def kill(self, gateway):
        """Ends a gateway as a crash does."""
        gateway.meant_to_end = True
        gateway.kill()

    def bring_back(self, gateway):
        """Starts the one that has ended again, at its port; gives the new one once it is ready."""
        back = self._start_gateway(gateway.port)
        self.gateways[self.gateways.index(gateway)] = back
        wait_until(lambda: back.get("/readyz").status_code == 200, "it is ready")
        return back

    def restart(self, gateway):
        """Ends a gateway in order and starts it again; gives the new one."""
        gateway.meant_to_end = True
        gateway.signal(signal.SIGTERM)
        assert gateway.wait_exit() == 0
        return self.bring_back(gateway)
