"""The soak of `tests/run.sh --soak`, for some seconds: calls, broadcasts, hostile peers and dying services, all at once, and
everything is accounted for at the end."""

import os
import subprocess
import sys
from pathlib import Path

from support.gateway import BINARY, THREADS

SOAK = Path(__file__).resolve().parents[1] / "soak" / "soak.py"


def test_nothing_is_lost_or_left_behind_when_everything_happens_at_once():
    run = subprocess.run(
        [sys.executable, SOAK, "--minutes", "0.25", "--warm-up", "5", "--rate", "0.7", "--memory-growth", "64"],
        env={**os.environ, "REACHBACK": str(BINARY), "REACHBACK_THREADS": THREADS},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600,
    )
    print(run.stdout, run.stderr)
    assert run.returncode == 0
