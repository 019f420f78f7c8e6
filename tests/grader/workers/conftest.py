"""A broker, and a course, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from worker_machines import TestBroker, course_of_its_own


@pytest.fixture(scope="module")
def broker() -> Iterator[TestBroker]:
    """A node of a module's own."""
    made = TestBroker()
    yield made
    made.node.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tiny course that no other test's worker has."""
    return course_of_its_own(tmp_path / "course")
