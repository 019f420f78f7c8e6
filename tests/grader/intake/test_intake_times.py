"""When something was handed in, as the source says it and no student can: times and late marks."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from download import taken

from grader.class_folder import find_submissions
from grader.course import Course
from grader.intake.write import write_submissions

TIMES = {
    "brightspace": "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
    "blackboard": "E_Jane_attempt_2026-11-03-23-59-00_doubling.py",
}


@pytest.mark.parametrize("kind", TIMES)
def test_a_time_in_a_name_becomes_the_time_of_handing_in(
    course: Course, tmp_path: Path, kind: str
) -> None:
    """As nbgrader writes it, in this machine's zone; late penalties follow from it."""
    write_submissions(taken(course, tmp_path, {TIMES[kind]: b"x = 1\n"}), tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 23, 59).astimezone()


def test_nbgraders_own_timestamps_are_kept(course: Course, tmp_path: Path) -> None:
    """Its `submitted` folder, with the time beside the work."""
    files = {"jane/01/doubling.py": b"x = 1\n", "jane/01/timestamp.txt": b"2026-11-03 10:00:00 UTC"}
    found = taken(course, tmp_path, files)
    assert found.kind == "nbgrader"
    assert not found.unmatched
    write_submissions(found, tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("place", ["exercises/01", "01", "01/src"])
def test_no_student_writes_the_time_of_handing_in(
    course: Course, tmp_path: Path, place: str
) -> None:
    """In repositories a timestamp.txt is the student's own: it is passed over, and says nothing."""
    files = {
        "bob/exercises/01/doubling.py": b"x = 1\n",
        "jane/exercises/01/doubling.py": b"x = 1\n",
        f"jane/{place}/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    found = taken(course, tmp_path, files)
    assert found.kind == "folder"
    assert not found.stamps
    assert not found.unmatched
    assert found.passed_over == {"jane": 1}


def test_nbgraders_stamp_lies_right_beside_the_work(course: Course, tmp_path: Path) -> None:
    """Deeper down it is something that the student handed in."""
    files = {
        "jane/01/doubling.py": b"x = 1\n",
        "jane/01/notes/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    assert not taken(course, tmp_path, files, "nbgrader").stamps


def test_a_late_mark_without_a_time_stays_with_the_newest_attempt(
    course: Course, tmp_path: Path
) -> None:
    """Canvas says LATE and not when; an attempt that was in time and is replaced does not count."""
    files = {
        "jane_1_20_doubling.py": b"x = 1\n",
        "jane_LATE_1_21_doubling-1.py": b"x = 2\n",
        "bob_3_4_doubling.py": b"x = 3\n",
    }
    found = taken(course, tmp_path, files)
    assert found.late == {("jane", "01")}
    write_submissions(found, tmp_path / "subs")
    late = {each.student: each.marked_late for each in find_submissions(tmp_path / "subs", course)}
    assert late == {"bob": False, "jane": True}
    write_submissions(taken(course, tmp_path, {"jane_1_20_doubling.py": b"x"}), tmp_path / "subs")
    again = find_submissions(tmp_path / "subs", course)
    assert not any(each.marked_late for each in again)
