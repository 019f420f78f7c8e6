"""`grader check`: a learner's own work."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import IN_PLACE, RIGHT, write_tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course."""
    return write_tiny_course(tmp_path)


def fill(root: Path, code: str) -> None:
    """What a learner does."""
    (root / "exercises/01/doubling.py").write_text(code)


def test_full_marks_are_exit_0(course: Path) -> None:
    """Everything right."""
    fill(course, RIGHT)
    done = grader(course, "check", "1")
    assert done.returncode == 0
    assert "public tests: 1 passed" in done.stdout
    assert "10 of 10 points" in done.stdout
    assert "All 10 points" in done.stdout


def test_full_marks_say_what_was_proved(course: Path) -> None:
    """The lesson's own words, where it has them; nothing of the kind below full marks."""
    lesson = course / "exercises/01/README.md"
    lesson.write_text(
        f"{lesson.read_text()}\n## What full marks prove\n\n`store` was killed\nat every write.\n\nNo more.\n"
    )
    fill(course, RIGHT)
    said = grader(course, "check", "01").stdout
    assert "store was killed at every write." in said
    assert "No more" not in said
    assert '"What full marks prove" in exercises/01/README.md' in said
    fill(course, IN_PLACE)
    assert "was killed at every write" not in grader(course, "check", "01").stdout


def test_a_failure_is_a_sentence_and_the_next_hint(course: Path) -> None:
    """Exit 1; the score, what was seen, and one hint."""
    fill(course, IN_PLACE)
    done = grader(course, "check", "01")
    assert done.returncode == 1
    assert "8 of 10 points" in done.stdout
    assert "after a kill the file should hold old or new, it holds b''" in done.stdout
    assert "Next: 01.after-crash. Hint: Write aside." in done.stdout
    assert done.stdout.count("Write aside.") == 1


def test_a_stub_is_told_that_it_is_not_filled_in(course: Path) -> None:
    """Not a traceback: what to fill in."""
    done = grader(course, "check", "01")
    assert done.returncode == 1
    assert "double() is not filled in yet: NotImplementedError: double it" in done.stdout
    assert "Traceback" not in done.stdout


def test_own_work_is_not_called_provisional(course: Path) -> None:
    """It is no grade, and nobody asked for one."""
    fill(course, RIGHT)
    assert "provisional" not in grader(course, "check", "01").stdout
