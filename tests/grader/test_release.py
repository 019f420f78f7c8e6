"""`grader release`: what students get, and what they do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import RIGHT, write_tiny_course

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course."""
    return write_tiny_course(tmp_path / "course")


def test_a_release_holds_no_private_file(course: Path, tmp_path: Path) -> None:
    """No solution, no suite, no known submission, by name or by content."""
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    released = {
        p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert {Path("course.toml"), Path("exercises/01/doubling.py")} <= released
    assert not [p for p in released if p.parts[0] in ("solutions", "tests")]
    for path in (tmp_path / "out").rglob("*.py"):
        assert path.read_text() != RIGHT


def test_an_exercise_solved_in_place_is_refused(course: Path, tmp_path: Path) -> None:
    """The stub was overwritten with the solution: nothing is released."""
    shutil.copy(course / "solutions/01/doubling.py", course / "exercises/01/doubling.py")
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "exercises/01/doubling.py has the content of a private file" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(course: Path, tmp_path: Path) -> None:
    """Nothing is overwritten."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    done = grader(course, "release", str(tmp_path / "out"))
    assert done.returncode == 2
    assert "is not empty" in done.stderr
    assert (tmp_path / "out" / "mine").read_text() == "kept"


def test_check_in_a_release_runs_the_public_tests(course: Path, tmp_path: Path) -> None:
    """Without a hidden suite `grader check` says so and goes by the public tests."""
    grader(course, "release", str(tmp_path / "out"))
    done = grader(tmp_path / "out", "check", "01")
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "The hidden suite is not part of this copy" in done.stdout
    (tmp_path / "out/exercises/01/doubling.py").write_text(RIGHT)
    assert grader(tmp_path / "out", "check", "01").returncode == 0


def test_the_courses_own_release_has_lessons_stubs_and_no_answers(tmp_path: Path) -> None:
    """The real course: every exercise's lesson and stubs, nothing of the private folders."""
    done = grader(REPO, "release", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/exercises/01/README.md").is_file()
    assert "NotImplementedError" in (tmp_path / "out/exercises/01/polling.py").read_text()
    assert sorted(p.name for p in (tmp_path / "out").iterdir() if p.is_dir()) == [
        "exercises",
        "grader",
        "resources",
    ]
