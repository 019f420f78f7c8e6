"""What the tests of the event generator share: who can run one, its line of refusal, and a sink."""

from __future__ import annotations

import sys
from typing import Any

import pytest

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")


def one_line(done: Any) -> str:
    """The one line on stderr of a run that failed before it began."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return str(done.stderr.rstrip("\n"))
