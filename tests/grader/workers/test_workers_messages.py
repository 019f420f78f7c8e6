"""What a worker and a controller take from a broker: submissions as they were sent, and news."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.grading.workers.board import Board
from grader.grading.workers.messages import Work
from grader.submission import Submission

HASH = "0" * 64


@pytest.fixture
def course(root: Path) -> Course:
    """The course, loaded."""
    return load_course(root)


def work_of(course: Course, files: dict[str, bytes]) -> Work:
    """The message for a submission."""
    submission = Submission("ann", course.exercise("01"), files, {})
    return Work.of(submission, run="0" * 16, course_hash=HASH, suite_hash=HASH, seed=1, repeat=0)


def test_a_submission_arrives_as_it_was_sent(course: Course) -> None:
    """Bytes, problems and times are the same after JSON."""
    submission = Submission("Zoë", course.exercise("01"), {"doubling.py": b"\xff\0"}, {"a": "b"})
    sent = Work.of(submission, run="0" * 16, course_hash=HASH, suite_hash=HASH, seed=1, repeat=0)
    assert Work.model_validate_json(sent.model_dump_json()).submission(course) == submission


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../../evil.py": b""}, "which is no file of 01"),
        ({"conftest.py": b""}, "which is no file of 01"),
        ({"doubling.py": bytes(2_000_000)}, "KB"),
    ],
    ids=["outside", "not named", "too large"],
)
def test_a_worker_takes_the_exercises_files_alone(
    course: Course, files: dict[str, bytes], said: str
) -> None:
    """Whoever writes to the broker cannot write a file of another name, or one of any size."""
    with pytest.raises(GraderError, match=said):
        work_of(course, files).submission(course)


def test_a_worker_takes_what_the_hash_names(course: Course) -> None:
    """A message whose files were exchanged is refused."""
    sent = work_of(course, {"doubling.py": b"1"})
    other = sent.model_copy(update={"files": work_of(course, {"doubling.py": b"2"}).files})
    with pytest.raises(GraderError, match="another submission than its hash says"):
        other.submission(course)


@pytest.mark.parametrize("run", ["", "x" * 16, "../" + "0" * 13, "0" * 16 + "\n"])
def test_a_run_is_called_by_hex_digits(course: Course, run: str) -> None:
    """It names the queue into which a worker writes."""
    good = work_of(course, {}).model_dump()
    assert Work.model_validate(good).run == "0" * 16
    with pytest.raises(ValidationError):
        Work.model_validate(good | {"run": run})


def test_a_worker_that_is_silent_counts_no_more() -> None:
    """Who works on what comes from what they say; what is no announcement is passed over."""
    now = [0.0]
    board = Board("a" * 64, lambda: now[0])
    board.hear({"name": "pc1", "course": "a" * 64, "jobs": 2, "tasks": ["t1"]})
    board.hear({"name": "pc2", "course": "b" * 64, "jobs": 4, "tasks": []})
    board.hear({"name": 3})
    assert board.slots == 2
    assert board.lines({"t1": "ann 01"}) == ["1 worker", "  pc1: ann 01"]
    assert not board.missing()
    now[0] = 60.0
    assert board.slots == 0
    assert "no worker takes work" in board.missing()
    board.hear({"name": "pc2", "course": "b" * 64, "jobs": 4, "tasks": []})
    assert "pc2 has others (bbbbbbbbbbbb)" in board.missing()
