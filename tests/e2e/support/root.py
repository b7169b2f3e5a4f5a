"""What only root may do to a machine: a test that needs it is skipped where it cannot be done, and says why."""

import functools
import os
import shutil
import subprocess
import tempfile

import pytest

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def try_network():
    name = f"reachback-probe-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True, env={**os.environ, "PATH": SBIN})
    subprocess.run(["ip", "netns", "delete", name], check=True, capture_output=True, env={**os.environ, "PATH": SBIN})


def try_mount():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mount", "-t", "tmpfs", "probe", directory], check=True, capture_output=True)
        subprocess.run(["umount", directory], check=True, capture_output=True)


# A container's root has the programs, and often not the right.
TRIALS = {"ip": try_network, "mount": try_mount}


@functools.cache
def why_not(program):
    """Why `program` cannot do here what tests need it for; None when it can."""
    if not shutil.which(program, path=SBIN):
        return f"not installed: {program}"
    try:
        TRIALS.get(program, lambda: None)()
    except subprocess.CalledProcessError as error:
        return f"{' '.join(error.cmd)}: {error.stderr.decode(errors='replace').strip()}"
    return None


def needs_root(*programs):
    """Skips a test, or all of a module's as its `pytestmark`, where it could not arrange its fault."""
    reasons = ["root is needed"] if os.geteuid() != 0 else [why for program in programs if (why := why_not(program))]
    return pytest.mark.skipif(bool(reasons), reason="; ".join(reasons))
