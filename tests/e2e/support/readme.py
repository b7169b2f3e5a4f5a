"""The programs that the README shows."""

import textwrap

from .gateway import ROOT


def section(heading):
    """The text below a heading of the second level."""
    text = (ROOT / "README.md").read_text()
    assert text.count(f"\n## {heading}\n") == 1, heading
    return text.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def program_after(lead, heading):
    """The indented block behind the paragraph of a section that begins with `lead`, as it would be copied."""
    _, found, rest = section(heading).partition(f"\n{lead}")
    assert found, f"no paragraph begins with {lead!r}"
    lines = []
    for line in rest.split("\n\n", 1)[1].splitlines():
        if line and not line.startswith("    "):
            break
        lines.append(line)
    return textwrap.dedent("\n".join(lines)).strip() + "\n"
