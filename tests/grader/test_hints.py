"""Hints come step by step, lead to a heading that exists, and work in a students' copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import IN_PLACE, RIGHT, STUB, write_tiny_course

from grader.course import load_course
from grader.learn.lessons import faults, headings
from grader.learn.reset import STUBS

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course, as a learner has it."""
    root = write_tiny_course(tmp_path / "course")
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    return root


def hint(root: Path, *args: str, columns: str = "80") -> str:
    """What `grader hint` says."""
    done = grader(root, "hint", *args, env={"COLUMNS": columns})
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_call_says_one_step_more(course: Path) -> None:
    """The nudge, the concept with its place in the lesson, nearly the answer, and no more."""
    said = hint(course, "01", "value")
    assert "Twice as much." in said
    assert "factors" not in said
    assert "Step 1 of 3" in said
    said = hint(course, "01", "01.value")
    assert "Twice as much." in said
    assert '"Twice is two times" in exercises/01/README.md#twice-is-two-times' in said
    assert "2 * number" not in said
    assert "2 * number" in hint(course, "01", "value")
    said = hint(course, "01", "value")
    assert "2 * number" in said
    assert "That was the last step." in said


def test_each_check_is_at_a_step_of_its_own(course: Path) -> None:
    """Asking about one says nothing of another; a check with one step has one."""
    hint(course, "01", "value")
    said = hint(course, "1", "each-event")
    assert "One call an event." in said
    assert "That was the last step." in said
    assert "Step 2 of 3" in hint(course, "01", "value")


def test_without_a_check_it_is_the_first_that_failed(course: Path) -> None:
    """Before any check ran, the first one; then the first that failed, and how it failed."""
    assert "01.value" in hint(course, "01")
    (course / "exercises" / "01" / "doubling.py").write_text(IN_PLACE)
    grader(course, "check", "01")
    said = hint(course, "01")
    assert "01.after-crash" in said
    assert "should hold old or new" in said


def test_when_nothing_failed_no_hint_is_given_away(course: Path, tmp_path: Path) -> None:
    """After a full report, here and in a students' copy, it asks for a check's name, in lines."""
    grader(course, "release", str(tmp_path / "copy"))
    for root in (course, tmp_path / "copy"):
        (root / "exercises" / "01" / "doubling.py").write_text(RIGHT)
        assert grader(root, "check", "01").returncode == 0
        for _ in range(2):
            said = hint(root, "01")
            assert " ".join(said.split()) == (
                "Nothing failed when exercise 01 was last checked. Check it again, or name a check "
                "for its hint: grader hint 01 value"
            )
            assert max(map(len, said.splitlines())) <= 80
        assert "Step 1 of 3" in hint(root, "01", "value")


def test_a_students_copy_has_hints(course: Path, tmp_path: Path) -> None:
    """Without hidden suites, by what the public tests found."""
    grader(course, "release", str(tmp_path / "out"))
    said = hint(tmp_path / "out", "01")
    assert "01.value" in said
    assert "Twice as much." in said


def test_reset_begins_them_anew(course: Path) -> None:
    """Whoever starts the exercise again gets the nudge first."""
    hint(course, "01", "value")
    hint(course, "01", "value")
    grader(course, "reset", "01")
    assert "Step 1 of 3" in hint(course, "01", "value")


def test_a_check_that_does_not_exist_is_one_line(course: Path) -> None:
    """It names those that do, and remembers nothing."""
    done = grader(course, "hint", "01", "vlaue")
    assert done.returncode == 2
    assert "exercise 01 has no check 'vlaue'. It has value, each-event, after-crash." in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (course / ".grader").exists()


def test_a_memory_that_is_broken_is_begun_anew(course: Path) -> None:
    """What lies in .grader/hints.json may be anything."""
    (course / ".grader").mkdir()
    (course / ".grader" / "hints.json").write_text("[1")
    assert "Step 1 of 3" in hint(course, "01", "value")


@pytest.mark.parametrize("columns", ["80", "40"])
def test_it_fits_its_terminal(course: Path, columns: str) -> None:
    """Every step of a check, without colour where it is piped."""
    for _ in range(3):
        said = hint(course, "01", "value", columns=columns)
    assert max(map(len, said.splitlines())) <= int(columns)
    assert "\x1b" not in said


def test_every_check_of_the_course_has_three_steps() -> None:
    """A nudge, a concept with its place, nearly the answer; different ones, each a sentence."""
    course = load_course(REPO)
    for exercise in course.exercises:
        assert list(faults(course, exercise)) == []
        for check in exercise.checks:
            assert check.concept, f"{check.id} has no concept"
            assert check.lesson, f"{check.id} leads nowhere in the lesson"
            assert check.nearly, f"{check.id} has no last step"
            for step in (check.hint, check.concept, check.nearly):
                assert step[-1] in ".?!`", f"{check.id}: {step}"
            assert "def " not in check.nearly, f"{check.id}: a line is enough, not the function"


def test_a_link_to_no_heading_is_named(course: Path) -> None:
    """`grader validate` finds it."""
    (course / "exercises" / "01" / "README.md").write_text("# 01 Doubling\n")
    done = grader(course, "validate")
    assert done.returncode == 1
    assert "01.value: its hint leads to exercises/01/README.md#twice-is-two-times" in done.stdout


def test_headings_have_the_anchors_that_github_gives() -> None:
    """Punctuation goes, spaces become hyphens, and code is no heading."""
    text = "# Redis Pub/Sub: fire\n```console\n# a comment\n```\n## Did it arrive?\n#hashtag\n"
    assert headings(text) == {
        "redis-pubsub-fire": "Redis Pub/Sub: fire",
        "did-it-arrive": "Did it arrive?",
    }
