"""A network of its own (a network namespace) for some peers of a gateway, joined to this machine by one cable, which can
be cut, made lossy or slow. Needs root."""

import ctypes
import ipaddress
import itertools
import json
import os
import random
import subprocess
import threading
from contextlib import ExitStack, contextmanager

from .root import SBIN

NEEDS = ("ip", "iptables", "tc")

_libc = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()


def run(*command):
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            env={**os.environ, "PATH": SBIN})
    assert result.returncode == 0, f"{' '.join(map(str, command))}: {result.stderr}"
    return result.stdout


def enter(path):
    """Moves the calling thread into the namespace `path`: sockets that it makes from now on, and programs that it
    starts, are in that network."""
    with open(path) as namespace:
        if _libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"setns {path}")


def free_addresses():
    """Both ends of a cable in a network of four addresses that nobody here has, of those set aside for measuring
    (RFC 2544)."""
    links = json.loads(run("ip", "-json", "address", "show"))
    taken = {ipaddress.ip_address(one["local"]) for link in links for one in link["addr_info"]}
    networks = list(ipaddress.ip_network("198.18.0.0/15").subnets(new_prefix=30))
    random.shuffle(networks)  # who looks at the same time sees the same as free
    free = next(network for network in networks if taken.isdisjoint(network.hosts()))
    return map(str, free.hosts())


class Network:
    """`outside` is this machine's address on the cable, `inside` the other end's."""

    def __init__(self):
        number = next(_numbers)
        self._name = f"reachback-{os.getpid()}-{number}"
        self._cable = f"rb{os.getpid() % 100000}-{number % 1000}"  # 15 letters at most
        self.outside, self.inside = free_addresses()
        with ExitStack() as made:
            run("ip", "netns", "add", self._name)
            made.callback(run, "ip", "netns", "delete", self._name)
            run("ip", "link", "add", f"{self._cable}o", "type", "veth", "peer", "name", f"{self._cable}i",
                "netns", self._name)
            # Not left to the other end, which the kernel keeps as long as somebody's last words there have not come
            # through.
            made.callback(run, "ip", "link", "delete", f"{self._cable}o")
            run("ip", "address", "add", f"{self.outside}/30", "dev", f"{self._cable}o")
            # Single packets, as on a real cable, so that what is lost is no more than that.
            run("ip", "link", "set", f"{self._cable}o", "up", "gso_max_segs", "1")
            self._run("ip", "address", "add", f"{self.inside}/30", "dev", f"{self._cable}i")
            self._run("ip", "link", "set", f"{self._cable}i", "up", "gso_max_segs", "1")
            self._run("ip", "link", "set", "lo", "up")
            self._made = made.pop_all()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._made.close()

    def _run(self, *command):
        return run("ip", "netns", "exec", self._name, *command)

    @contextmanager
    def within(self):
        """What the block opens and starts on this thread is in there, and stays there."""
        here = f"/proc/self/task/{threading.get_native_id()}/ns/net"
        with open(here) as before:
            enter(f"/run/netns/{self._name}")
            try:
                yield
            finally:
                enter(f"/proc/self/fd/{before.fileno()}")

    def _rule(self, direction, *what):
        for chain in {"in": ["INPUT"], "out": ["OUTPUT"], "both": ["INPUT", "OUTPUT"]}[direction]:
            self._run("iptables", "-w", "-A", chain, *what)

    def drop(self, direction):
        """Loses every packet without a word: those that come `in`, those that go `out`, or `both`."""
        self._rule(direction, "-j", "DROP")

    def lose(self, share):
        """Loses that share of the packets of each direction, by chance."""
        self._rule("both", "-m", "statistic", "--mode", "random", "--probability", str(share), "-j", "DROP")

    def lost(self):
        """How many packets have been lost, since the last healing."""
        lines = self._run("iptables", "-w", "-nvxL").splitlines()
        return sum(int(line.split()[0]) for line in lines if " DROP " in line)

    def reset(self):
        """Answers every TCP packet that comes in with a reset, as a machine that was started anew does."""
        self._rule("in", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset")

    def slow_down(self, rate):
        """Lets no more than `rate` (as tc(8) writes it) out."""
        self._run("tc", "qdisc", "add", "dev", f"{self._cable}i", "root", "tbf", "rate", rate, "burst", "64kbit",
                  "latency", "100ms")

    def heal(self):
        """Ends losses and resets."""
        self._run("iptables", "-w", "-F")
