"""A tiny course for the tests below this folder, whose helpers they import by their bare names."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_course import write_tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course's folder."""
    return write_tiny_course(tmp_path)
