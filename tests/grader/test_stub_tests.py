"""What pytest shows of public tests: stubs in a line each, tests by their check, files in order."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]

HALF = """\
def read_new_events(path, offset):
    return [], 0


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=None):
    raise NotImplementedError("call read_new_events")
"""


def pytest_in(course: Path, *args: str) -> str:
    """What pytest prints there."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *args],
        cwd=course,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "80", "PYTEST_ADDOPTS": ""},
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Exercises 01 and 03 as a student gets them."""
    for exercise in ("01", "03"):
        folder = tmp_path / "exercises" / exercise
        folder.mkdir(parents=True)
        for file in (REPO / "exercises" / exercise).glob("*.py"):
            (folder / file.name).write_bytes(file.read_bytes())
    for name in ("exercises/conftest.py", "course.toml"):
        (tmp_path / name).write_bytes((REPO / name).read_bytes())
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    return tmp_path


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_stubs_are_a_line_each(course: Path, options: tuple[str, ...]) -> None:
    """The first run prints no page of docstrings: each stub once, where it is, what needs it."""
    said = pytest_in(course, "exercises/01", *options)
    joined = re.sub(r"\n  ", " ", said)
    assert joined.count("exercises/01/polling.py:39: read_new_events: read the file") == 1
    assert joined.count("exercises/01/polling.py:73: poll: call read_new_events") == 1
    assert "(6 tests need it)" in joined
    assert "Args:" not in said
    assert "Traceback" not in said
    assert len(said.splitlines()) <= 45
    assert "10 failed as stubs" in said


def test_what_is_filled_in_is_shown_with_its_failure(course: Path) -> None:
    """A short traceback with the sentence; the other function is still one line."""
    (course / "exercises/01/polling.py").write_text(HALF)
    said = pytest_in(course, "exercises/01")
    assert "E   AssertionError: the first call should return both events of the file" in said
    assert "@pytest.mark.check" not in said, "short: not the source of the whole test"
    assert "polling.py:6: poll: call read_new_events (4 tests need it)" in said


DEEP = """\
import json


def read_new_events(path, offset):
    try:
        json.loads("{")
    except ValueError:
        json.loads(None)


def poll(path, handle, **options):
    return 0
"""


def test_a_traceback_ends_at_the_learners_line(course: Path) -> None:
    """What the library did below it is no help, and takes seconds to show."""
    (course / "exercises/01/polling.py").write_text(DEEP)
    said = pytest_in(course, "exercises/01", "-k", "byte-offset")
    assert "exercises/01/polling.py:8: in read_new_events" in said
    assert "exercises/01/polling.py:6: in read_new_events" in said, "the one that led to it, too"
    assert "E   TypeError: the JSON object must be str, bytes or bytearray, not NoneType" in said
    assert "json/" not in said
    said = pytest_in(course, "exercises/01", "-k", "byte-offset", "--tb=short")
    assert "json/" in said, "who asks for a traceback gets all of it"


def test_who_asks_for_a_traceback_gets_it(course: Path) -> None:
    """With --tb everything is as pytest has it."""
    said = pytest_in(course, "exercises/01", "--tb=long", "-k", "byte-offset")
    assert "Args:" in said
    assert "NOT FILLED IN YET" not in said
    assert "1 failed, 9 deselected" in said


def test_a_test_is_chosen_by_its_check(course: Path) -> None:
    """-k takes the name that the end of a run and the hints use."""
    for word in ("partial-line", "01.partial-line"):
        said = pytest_in(course, "exercises/01", "-k", word, "--collect-only", "-q")
        assert re.findall(r"::(\w+)", said) == ["test_a_line_that_is_still_being_written_waits"]


def test_tests_run_in_the_order_of_the_exercises_files(course: Path) -> None:
    """Redis comes before RabbitMQ, as in the lesson, whatever the files' names."""
    said = pytest_in(course, "exercises/03", "--collect-only", "-q")
    files = [line.partition("::")[0] for line in said.splitlines() if "::" in line]
    assert list(dict.fromkeys(files)) == [
        "exercises/03/test_redis_pubsub.py",
        "exercises/03/test_rabbitmq.py",
    ]


def test_one_sleep_too_many_is_told_in_a_sentence(course: Path) -> None:
    """Not by an exception out of the test's own list."""
    code = (REPO / "solutions/01/polling.py").read_text(encoding="utf-8")
    wrong = code.replace("def poll(", "def _poll(") + (
        "\n\ndef poll(path, handle, *, poll_interval=2.0, sleep=time.sleep, **rest):\n"
        "    count = _poll(path, handle, poll_interval=poll_interval, sleep=sleep, **rest)\n"
        "    sleep(poll_interval)\n"
        "    return count\n"
    )
    (course / "exercises/01/polling.py").write_text(wrong)
    said = pytest_in(course, "exercises/01")
    assert "IndexError" not in said
    assert "3 polls have 2 pauses between them; sleep was called with [2.0, 2.0, 2.0]" in said
