"""What only root may do to a machine: a test that needs it is skipped for others, and says so."""

import os
import shutil

import pytest

SBIN = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def needs_root(*programs):
    """Skips a test, or all of a module's as its `pytestmark`, where it could not arrange its fault."""
    missing = [name for name in programs if not shutil.which(name, path=SBIN)]
    why = "root is needed" if os.geteuid() != 0 else f"not installed: {' '.join(missing)}"
    return pytest.mark.skipif(os.geteuid() != 0 or bool(missing), reason=why)
