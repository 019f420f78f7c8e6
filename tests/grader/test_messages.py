"""`grader validate --messages`: what wrong submissions are told, as a page."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import write_tiny_course

from grader.authoring.messages import form, messages_page, read_page, shown
from grader.authoring.validate import PAGE
from grader.course import Exercise, load_course
from grader.report import CheckResult, Outcome, Report


def failed(exercise: Exercise, message: str) -> Report:
    """A report whose first check failed with that message."""
    first, *others = exercise.checks
    checks = [CheckResult.of(first, Outcome.FAILED, message)]
    checks += [CheckResult.of(check, Outcome.PASSED) for check in others]
    return Report(
        student="ann",
        exercise=exercise.id,
        score=0,
        max_score=exercise.max_score,
        provisional=False,
        sandbox="bubblewrap",
        seed=1,
        submission_hash="a",
        suite_hash="b",
        checks=tuple(checks),
    )


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


def test_one_exercise_joins_a_page_of_the_same_seed(tmp_path: Path) -> None:
    """Its sections are renewed; those of another exercise stay, those of one that went go."""
    root = write_tiny_course(tmp_path)
    manifest = (root / "course.toml").read_text()
    of_another = (
        '\n[[exercises]]\nid = "02"\ntitle = "Two"\nfiles = ["b.py"]\n[[exercises.checks]]\n'
    )
    of_another += 'id = "02.b"\ntitle = "B"\npoints = 1\nhint = "B."\n'
    (root / "course.toml").write_text(manifest + of_another)
    course = load_course(root)
    report = failed(course.exercise("01"), "3 events should be handled, 2 were")
    before = messages_page(course, 1, [(course.exercise("01"), "old", report)])
    before += (
        "\n## 02.b\n\nB.\n\n```text\nother: it stays\n```\n\n## 03.gone\n\n```text\nx: y\n```\n"
    )
    again = messages_page(course, 1, [(course.exercise("01"), "new", report)], before)
    assert "old:" not in again
    assert read_page(again) == {
        "01.value": ["3 events should be handled, 2 were"],
        "02.b": ["it stays"],
    }
    assert messages_page(course, 1, [(course.exercise("01"), "new", report)], again) == again


@pytest.mark.parametrize(
    ("page", "more", "says"),
    [
        (None, ["--exercise", "01"], "Leave --exercise out"),
        ("grader validate --seed 7 --messages x", ["--exercise", "01"], "Name --seed 7"),
        (None, ["--sample", "1"], "Leave --sample out"),
    ],
)
def test_what_makes_no_page_is_one_line(
    tmp_path: Path, page: str | None, more: list[str], says: str
) -> None:
    """And nothing is run."""
    course = write_tiny_course(tmp_path)
    if page is not None:
        (tmp_path / "page.md").write_text(page)
    words = ["--seed", "1", *more, "--messages", str(tmp_path / "page.md")]
    done = grader(course, "validate", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


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
