"""course.toml: what is wrong with it is said in one line that names the key and where."""

from __future__ import annotations

from pathlib import Path

import pytest
from tiny_course import MANIFEST

from grader.course import Course, find_root, load_course
from grader.errors import CourseError

REPO = Path(__file__).resolve().parents[2]


def load(folder: Path, text: str) -> Course:
    """The course of that text."""
    (folder / "course.toml").write_text(text)
    return load_course(folder)


FAULTS = {
    "unknown-key": (("points = 3", "points = 3\npoint = 4"), "unknown key exercises[01].checks[01.value].point"),
    "unknown-limit": (("seconds = 2", "second = 2"), "unknown key limits.second"),
    "duplicate-check": (('id = "01.each-event"', 'id = "01.value"'), "check id '01.value' is used twice"),
    "no-hint": (('hint = "One call an event."', ""), "exercises[01].checks[01.each-event].hint is missing"),
    "empty-hint": (('hint = "One call an event."', 'hint = ""'), "exercises[01].checks[01.each-event].hint is ''"),
    "points-no-number": (("points = 5", 'points = "five"'), "exercises[01].checks[01.each-event].points is 'five'"),
    "points-negative": (("points = 5", "points = -5"), "exercises[01].checks[01.each-event].points is -5"),
    "foreign-check": (("01.value", "02.value"), "check '02.value' does not start with '01.'"),
    "requires-nothing": (('["01.each-event"]', '["01.nothing"]'), "requires '01.nothing', which is not a check before it"),
    "unknown-service": (('files = ["doubling.py"]', 'files = ["doubling.py"]\nservices = ["kinesis"]'), "'kinesis' is none of redis, rabbitmq, sqs, kafka, nor"),
    "climbing-file": (("doubling.py", "../doubling.py"), "is not the name of a Python module"),
    "hiding-python": (('"doubling.py"]', '"json.py"]'), "'json.py' is the name of a module of Python's own"),
    "optional-twice": (('["doubling.py"]', '["doubling.py"]\noptional = ["doubling.py"]'), "exercises[01]: 'doubling.py' is in `files`"),
    "optional-test": (('["doubling.py"]', '["doubling.py"]\noptional = ["test_x.py"]'), "exercises[01]: 'test_x.py' would be taken for"),
    "no-title": (('title = "Doubling"', ""), "exercises[01].title is missing"),
    "other-format": (("format_version = 1", "format_version = 2"), "format_version is 2"),
    "due-without-a-time": (('files = ["doubling.py"]', 'files = ["doubling.py"]\ndue = 2026-11-30'), "exercises[01].due is 2026-11-30; write the day, the time and its offset from UTC, such as 2026-11-30T23:59:00+01:00"),
    "due-a-number": (('files = ["doubling.py"]', 'files = ["doubling.py"]\ndue = 12'), "exercises[01].due is 12; write the day, the time"),
    "due-digits": (('files = ["doubling.py"]', 'files = ["doubling.py"]\ndue = "20261130"'), "exercises[01].due is 20261130; write the day, the time"),
    "due-no-time": (('files = ["doubling.py"]', 'files = ["doubling.py"]\ndue = "monday"'), "exercises[01].due is monday; write the day, the time"),
    "no-toml": (("[limits]", "[limits"), "is not valid TOML"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_line_that_names_the_key(tmp_path: Path, name: str) -> None:
    """Each kind of mistake in the manifest."""
    (old, new), sentence = FAULTS[name]
    text = MANIFEST.replace(old, new).replace('requires = ["01.each-event"]', "")
    if name == "requires-nothing":
        text = MANIFEST.replace(old, new)
    with pytest.raises(CourseError) as caught:
        load(tmp_path, text)
    said = str(caught.value)
    assert sentence in said
    assert "course.toml" in said
    assert "\n" not in said


def test_a_duplicate_exercise_is_refused(tmp_path: Path) -> None:
    """Two exercises of one id."""
    exercise = MANIFEST[MANIFEST.index("[[exercises]]") :]
    with pytest.raises(CourseError, match="exercise id '01' is used twice"):
        load(tmp_path, MANIFEST + exercise)


def test_a_missing_manifest_says_where_to_run(tmp_path: Path) -> None:
    """Outside a course."""
    with pytest.raises(
        CourseError, match=r"no course.toml in .* Run this inside the course's folder"
    ):
        find_root(tmp_path)


def test_find_root_climbs() -> None:
    """From a folder below it the course is found."""
    assert find_root(REPO / "exercises" / "01") == REPO


def test_the_courses_own_manifest() -> None:
    """It loads; every exercise is worth 100 points, and its stubs, lesson and suite are there."""
    course = load_course(REPO)
    for exercise in course.exercises:
        folder = REPO / "exercises" / exercise.id
        assert exercise.max_score == 100, exercise.id
        assert (folder / "README.md").is_file(), f"{exercise.id} has no lesson"
        assert all((folder / name).is_file() for name in exercise.files)
        assert course.hidden_suite(exercise).is_dir()


def test_an_exercise_is_found_by_its_bare_number(tmp_path: Path) -> None:
    """`grader check 1` means 01."""
    assert load(tmp_path, MANIFEST).exercise("1").id == "01"
