"""README's tables of flags say what the executable's help says."""

import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
REACHBACK = os.environ.get("REACHBACK", str(ROOT / "build/release/service/reachback"))
FLAG = re.compile(r"^ +(--[a-z-]+)(?: ([A-Z][][A-Z:=]*))?(?: .*?)?  +(\S.*)$")
DEFAULT = re.compile(r"^(.*?) \[([^\]]*)\]$")
ROW = re.compile(r"^\| `(--[a-z-]+)(?: ([^`]+))?` \| (?:`([^`]*)`)? *\| (.*) \|$")


def flags_of_help(command):
    help_text = subprocess.run([REACHBACK, command, "--help"], capture_output=True, text=True, check=True).stdout
    flags = {}
    # What does not fit beside the flag stands below it.
    for line in re.sub(r"\n {30,}(?=\S)", "  ", help_text).splitlines():
        match = FLAG.match(line)
        if not match:
            continue
        flag, value, text = match.groups()
        text, default = DEFAULT.match(text).groups() if DEFAULT.match(text) else (text, None)
        flags[flag] = (value, default, text)
    return flags


def flags_of_readme(command):
    text = (ROOT / "README.md").read_text()
    section = re.search(rf"^#+ `reachback {command}.*?$(.*?)(?=^#)", text, re.M | re.S).group(1)
    rows = [ROW.match(line) for line in section.splitlines()]
    return {row[1]: (row[2], row[3], row[4]) for row in rows if row}


# The settings of `serve` have a table that unit_service holds against the code.
@pytest.mark.parametrize("command", ["attach", "health"])
def test_the_readme_lists_every_flag_with_its_value_default_and_meaning(command):
    of_help = flags_of_help(command)
    assert len(of_help) > 3
    assert flags_of_readme(command) == of_help
