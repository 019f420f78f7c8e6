"""Of several versions of a file which one counts: the newest attempt, and the copy in its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import RIGHT, write_tiny_course

from grader.course import Course

ATTEMPTS = {
    "canvas": ("jane_1_20_doubling.py", "jane_LATE_1_21_doubling-1.py"),
    "brightspace": (
        "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
        "1-2 - Jane - Nov 23, 2026 959 AM/doubling.py",
    ),
    "blackboard": (
        "E_jane_attempt_2026-11-03-23-59-00_doubling.py",
        "E_jane_attempt_2026-11-23-09-59-00_doubling.py",
    ),
}


@pytest.mark.parametrize("kind", ATTEMPTS)
@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_attempt_counts(course: Course, tmp_path: Path, kind: str, order: int) -> None:
    """Whatever the order in the download; the format is recognised by the names."""
    old, new = ATTEMPTS[kind]
    files = {old: b"old", new: b"new"}
    found = taken(course, tmp_path, dict(list(files.items())[::order]))
    assert found.kind == kind
    ((who, files_of_who),) = found.files.items()
    assert who[1] == "01"
    assert files_of_who == {"doubling.py": b"new"}
    assert len(found.older) == 1


def test_canvas_numbers_file_by_file(course_of_two: Course, tmp_path: Path) -> None:
    """One file of two was handed in again: the other one still counts."""
    files = {
        "jane_1_19_tail_pipe.py": b"old",
        "jane_1_20_tail_pipe-1.py": b"new",
        "jane_1_21_tcp_socket.py": b"other",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new", "tcp_socket.py": b"other"}}
    assert found.older == ["jane 02: an older tail_pipe.py"]


def test_an_attempt_with_a_time_is_taken_whole(course_of_two: Course, tmp_path: Path) -> None:
    """A file that was handed in earlier only is no part of it, which both sides are told."""
    files = {
        "E_jane_attempt_2026-11-03-23-59-00_tcp_socket.py": b"old",
        "E_jane_attempt_2026-11-23-09-59-00_tail_pipe.py": b"new",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new"}}
    assert found.older == ["jane 02: an older attempt"]
    why = "the newest attempt holds no tcp_socket.py, and an older one does"
    assert found.unmatched == [f"jane 02: {why}"]
    assert found.refused == [("jane", "02", why)]


def test_a_students_archive_and_repository_are_looked_into(course: Course, tmp_path: Path) -> None:
    """An archive inside of the download, and the folders of a repository in it."""
    inner = zipped({"repo/exercises/01/doubling.py": b"mine", "repo/README.md": b"x"})
    found = taken(course, tmp_path, {"jane_1_2_work.zip": inner, "bob_3_4_doubling.py": b"his"})
    assert found.files["jane", "01"] == {"doubling.py": b"mine"}
    assert found.files["bob", "01"] == {"doubling.py": b"his"}
    assert not found.unmatched


COPIES = {
    "the course's layout": (
        ["backup/01/doubling.py", "exercises/01/doubling.py", "zz_old/01/doubling.py"],
        "exercises/01/doubling.py is taken, not backup/01/doubling.py or 1 more",
    ),
    "the exercise's folder": (
        ["01/doubling.py", "doubling.py"],
        "01/doubling.py is taken, not doubling.py",
    ),
    "the less deep one": (
        ["a/b/doubling.py", "src/doubling.py"],
        "src/doubling.py is taken, not a/b/doubling.py",
    ),
}


@pytest.mark.parametrize("inside", ["folder", "zip"])
@pytest.mark.parametrize("case", COPIES)
def test_of_two_copies_the_one_in_its_place_is_taken(
    course: Course, tmp_path: Path, case: str, inside: str
) -> None:
    """Whatever sorts first or last, in a folder and in an archive; and it is said which one."""
    paths, said = COPIES[case]
    right = said.partition(" is taken")[0]
    files = {path: b"right" if path == right else b"stub" for path in paths}
    if inside == "zip":
        files = {"work.zip": zipped({path.replace("/", "\\"): files[path] for path in files})}
        said = "work.zip/" + said.replace("not ", "not work.zip/")
    found = taken(course, tmp_path, {f"jane/{path}": data for path, data in files.items()})
    assert found.files == {("jane", "01"): {"doubling.py": b"right"}}
    assert found.copies == [f"jane 01: {said}"]


def test_two_copies_are_a_line_where_they_differ(tmp_path: Path) -> None:
    """Then the exit code is 1; equal ones, and what `grader reset` put aside, are none."""
    root = write_tiny_course(tmp_path)
    for where in ("exercises/01", "old", ".grader/before-reset/20261101-100000/01"):
        (root / "class/jane" / where).mkdir(parents=True)
        (root / "class/jane" / where / "doubling.py").write_text(RIGHT)
    (root / "class/jane/.grader/before-reset/20261101-100000/01/doubling.py").write_text("stub\n")
    assert grader(root, "intake", "class", "subs").returncode == 0
    (root / "class/jane/old/doubling.py").write_text("stub\n")
    done = grader(root, "intake", "class", "subs")
    assert done.returncode == 1
    assert "is there twice and differs: jane 01: exercises/01/doubling.py is taken" in done.stdout
