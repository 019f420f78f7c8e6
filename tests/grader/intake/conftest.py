"""A tiny course, and this one, for the tests beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_course import write_tiny_course

from grader.course import Course, load_course

REPO = Path(__file__).resolve().parents[3]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: exercise 01 with doubling.py."""
    return load_course(write_tiny_course(tmp_path / "course"))


@pytest.fixture
def course_of_two() -> Course:
    """This course, whose exercise 02 has two files."""
    return load_course(REPO)
