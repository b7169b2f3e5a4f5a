"""service/docs/limits.md names every limit there is, with its default, and nothing else."""

import os
import re
import subprocess
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REACHBACK = os.environ.get("REACHBACK", str(ROOT / "build/release/service/reachback"))
ROW = re.compile(r"^\| `([a-z-]+)` \| ([^|]+) \| [^|]+ \| ([^|]+) \| (?:`([a-z_]+)(?:{([^}]*)})?` )?\|$", re.M)
TEXT = (ROOT / "service/docs/limits.md").read_text()
ROWS = {row[1]: row for row in ROW.finditer(TEXT)}


def defaults_of_the_readme():
    rows = re.findall(r"^\| `--([a-z-]+)[^|]*\|[^|]*\|[^|]*\| `([^`]*)` \|", (ROOT / "README.md").read_text(), re.M)
    return dict(rows)


@pytest.fixture(scope="module")
def metrics():
    gateway = subprocess.Popen([REACHBACK, "serve", "--test", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        port = re.search(r":(\d+)$", gateway.stdout.readline()).group(1)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            yield answer.read().decode()
    finally:
        gateway.kill()
        gateway.communicate()


def test_every_line_of_a_table_is_read():
    assert len(ROWS) == len(re.findall(r"^\| `", TEXT, re.M)) > 20


@pytest.mark.parametrize("family", ["reachback_limit", "reachback_refused_total"])
def test_the_page_and_the_metrics_name_the_same_limits(metrics, family):
    assert set(re.findall(family + r'{limit="([^"]+)"}', metrics)) == set(ROWS)


@pytest.mark.parametrize("setting", ROWS)
def test_a_limit_is_a_setting_with_that_default(setting):
    default = ROWS[setting][2]
    if default == "no limit" or setting == "connection-limit":
        default = "0"
    assert defaults_of_the_readme()[setting] == default


def test_every_setting_that_limits_something_is_on_the_page():
    limits = {name for name in defaults_of_the_readme() if re.search(r"-(limit|budget|reserve|rate)$", name)}
    assert limits <= set(ROWS)


@pytest.mark.parametrize("setting", [setting for setting, row in ROWS.items() if row[4]])
def test_the_level_that_is_named_is_measured(metrics, setting):
    _, _, _, _, name, labels = ROWS[setting].group(0, 1, 2, 3, 4, 5)
    if not labels:
        wanted = f"{name} "
    elif "=" in labels:
        wanted = f"{name}{{{labels}}} "
    else:
        wanted = f'{name}{{{labels}="'
    assert any(line.startswith(wanted) for line in metrics.splitlines())


@pytest.mark.parametrize("setting", ROWS)
def test_a_problem_that_is_named_exists(setting):
    source = (ROOT / "proto/src/problem.cpp").read_text()
    for status, name in re.findall(r"(\d{3}) `([a-z-]+)`", ROWS[setting][3]):
        assert re.search(rf'Problem::\w+, {status}, "{name}"', source), f"{status} {name}"
