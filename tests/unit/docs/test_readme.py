"""What the documents point at is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [
    "README.md", "SECURITY.md", "proto/README.md", "service/docs/CHANGELOG.md", "service/docs/http.md",
    "service/docs/limits.md", "tests/fuzz/README.md", "tests/soak/README.md",
]
# A path of ours in backticks; `{a,b}` stands for either, as in the shell, and a trailing * for any ending.
NAMED = re.compile(r"`((?:proto|lib|service|tests|docker)/[^`\s]*)`")
BOUND = re.compile(r"`(?:--)?([a-z-]+-(?:limit|budget|rate|timeout|pause))`")


def alternatives(path):
    match = re.match(r"(.*)\{([^}]*)\}(.*)", path)
    return [match[1] + name + match[3] for name in match[2].split(",")] if match else [path]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_exists(document):
    named = {path for found in NAMED.findall((ROOT / document).read_text()) for path in alternatives(found)}
    assert [path for path in sorted(named) if not list(ROOT.glob(path.rstrip("/")))] == []


@pytest.mark.parametrize("document", ["SECURITY.md", "service/docs/limits.md"])
def test_every_bound_that_a_document_names_is_a_setting(document):
    settings = set(re.findall(r"^\| `--([a-z-]+)", (ROOT / "README.md").read_text(), re.M))
    named = set(BOUND.findall((ROOT / document).read_text()))
    assert named
    assert named - settings == set()


def test_the_example_of_embedding_fits_on_a_page():
    assert len((ROOT / "tests/examples/embed.cpp").read_text().splitlines()) <= 60
