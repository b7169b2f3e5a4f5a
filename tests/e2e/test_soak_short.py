"""The soak of `tests/run.sh --soak`, for some seconds: calls, broadcasts, hostile peers and dying services, all at once, and
everything is accounted for at the end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from support.gateway import BINARY, THREADS

SOAK = Path(__file__).resolve().parents[1] / "soak" / "soak.py"


SEED = 20240229
LONGEST = 600  # seconds


def test_nothing_is_lost_or_left_behind_when_everything_happens_at_once():
    run = subprocess.Popen(
        [sys.executable, SOAK, "--minutes", "0.25", "--warm-up", "5", "--rate", "0.7", "--memory-growth", "64",
         "--seed", str(SEED)],
        env={**os.environ, "REACHBACK": str(BINARY), "REACHBACK_THREADS": THREADS},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )
    try:
        print(run.communicate(timeout=LONGEST)[0])
    except BaseException:
        os.killpg(run.pid, signal.SIGKILL)
        print(run.communicate()[0])
        raise
    assert run.returncode == 0
