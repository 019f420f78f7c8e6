"""`grader validate --messages`: what wrong submissions are told, as a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import write_tiny_course

from grader.authoring.messages import form, read_page, shown
from grader.authoring.validate import PAGE


def test_validate_writes_the_page(tmp_path: Path) -> None:
    """What each chaff was told, by check; the wheats and the stub are not on it."""
    course = write_tiny_course(tmp_path)
    done = grader(course, "validate", "--seed", "1", "--messages", str(tmp_path / "page.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    found = read_page((tmp_path / "page.md").read_text())
    assert found["01.after-crash"] == ["after a kill the file should hold old or new, it holds b''"]
    assert found["01.each-event"] == ["3 events should be handled, 2 were"]


@pytest.mark.thorough
def test_validate_names_a_sentence_that_the_page_lacks(tmp_path: Path) -> None:
    """Values aside; it is a note, since another seed may meet another assertion."""
    course = write_tiny_course(tmp_path)
    (course / "docs").mkdir()
    grader(course, "validate", "--seed", "1", "--messages", str(course / PAGE))
    done = grader(course, "validate", "--seed", "2")
    assert "new on" not in done.stdout
    suite = course / "tests/hidden/01/test_doubling_hidden.py"
    suite.write_text(suite.read_text().replace("should be handled", "must be handled"))
    done = grader(course, "validate", "--seed", "2")
    assert done.returncode == 0
    assert "01.each-event drops-last: 3 events must be handled, 2 were" in done.stdout


def test_a_page_is_of_the_whole_course(tmp_path: Path) -> None:
    """One line, and nothing is run."""
    course = write_tiny_course(tmp_path)
    done = grader(course, "validate", "--exercise", "01", "--messages", str(tmp_path / "page.md"))
    assert done.returncode == 2
    assert "Leave --exercise and --sample out" in done.stderr


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("it handled 1, 2, 3 of 4", "it handled none of 7"),
        ("got [{'event_id': 1}]", "got [{'event_id': 2}, {'event_id': 3}]"),
        ("the queue 'trips-…' is gone", "the queue 'other' is gone"),
        ("the call read 4.0 MB", "the call read 12 MB"),
    ],
)
def test_values_do_not_count(one: str, other: str) -> None:
    """Another seed, the same sentence."""
    assert form(one) == form(other)
    assert form(one) != form(f"{one} again")


def test_what_differs_from_run_to_run_is_left_out() -> None:
    """Names that are new each time, line ends, and how patient the run was."""
    assert shown("no queue 'trips-8dece5204be2' at /state/2641ed-offset") == (
        "no queue 'trips-…' at /state/offset"
    )
    assert shown("for 3 s it did neither\nafter event 2") == "for 10 s it did neither after event 2"
