"""A machine for the tests beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest
from setup_lab import Machine, new_machine


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One with a Python, with bubblewrap, and with servers, of an ordinary user."""
    return new_machine(tmp_path / "course", tmp_path / "bin")
