"""`grader new`: what it writes passes `grader validate` at once, and says what is still to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import write_tiny_course

NEW = ("new", "exercise", "08", 'A "new" way', "--file", "consumer.py")


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course with one exercise, all as it should be."""
    return write_tiny_course(tmp_path)


@pytest.mark.parametrize("more", [(), ("--service", "redis")])
def test_a_new_exercise_is_valid_at_once(course: Path, more: tuple[str, ...]) -> None:
    """Solution, stub, wheat and chaff are judged as expected; each placeholder is named."""
    done = grader(course, *NEW, *more)
    assert done.returncode == 0, done.stderr
    written = done.stdout.splitlines()[:-1]
    assert all((course / name).is_file() for name in written)
    done = grader(course, "validate", "--exercise", "08")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 submissions judged as expected" in done.stdout
    assert "- exercises/08/README.md still holds a PLACEHOLDER" in done.stdout
    assert "- course.toml: 08.handles-all still holds a PLACEHOLDER" in done.stdout


def test_a_new_check_is_valid_at_once(course: Path) -> None:
    """Of a new exercise, and of one between others; the rest of course.toml stays as it is."""
    assert grader(course, *NEW).returncode == 0
    before = (course / "course.toml").read_text()
    for check in ("08.last-event", "01.not-too-early"):
        done = grader(course, "new", "check", check)
        assert done.returncode == 0, done.stderr
    after = (course / "course.toml").read_text()
    kept = iter(after.splitlines())
    assert all(line in kept for line in before.splitlines()), "lines are added, and none is moved"
    assert after.index("01.after-crash") < after.index("01.not-too-early") < after.index('"08"')
    done = grader(course, "validate")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "11 submissions judged as expected" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("exercise", "01", "Again", "--file", "x.py"), "there is an exercise 01 already"),
        (("exercise", "08", "Json", "--file", "json.py"), "'json.py' is the name of a module"),
        (("exercise", "08", "X", "--file", "x.txt"), "'x.txt' is not the name of a Python module"),
        (("exercise", "08", "X", "--file", "x.py", "--service", "y"), "'y' is none of redis"),
        (("exercise", "eight", "X", "--file", "x.py"), "course.toml would be wrong"),
        (("check", "01.value"), "there is a check 01.value already"),
        (("check", "01.Not_A_Slug"), "'01.Not_A_Slug' is no id of a check"),
        (("check", "09.slug"), "there is no exercise '09'"),
    ],
)
def test_what_cannot_be_is_one_line_and_nothing_is_written(
    course: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    """Exit code 2, and the course is as it was."""
    before = {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}
    done = grader(course, "new", *arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert before == {path: path.read_bytes() for path in course.rglob("*") if path.is_file()}


def test_a_file_that_is_there_is_kept(course: Path) -> None:
    """Also when course.toml does not know of it."""
    lesson = course / "exercises/08/README.md"
    lesson.parent.mkdir()
    lesson.write_text("mine\n")
    done = grader(course, *NEW)
    assert done.returncode == 2
    assert "exercises/08/README.md is there already" in done.stderr
    assert lesson.read_text() == "mine\n"
    assert not (course / "solutions/08").exists()
