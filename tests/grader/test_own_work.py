"""What a learner sees of their own work: status, replay and reset, as commands."""

from __future__ import annotations

import io
import json
import re
import shutil
from pathlib import Path

import pytest
from command_line import grader
from rich.console import Console
from tiny_course import IN_PLACE, RIGHT, STUB, write_tiny_course

from grader.course import load_course
from grader.learn.reset import STUBS
from grader.learn.status import bar, print_status

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course, as a learner has it."""
    root = write_tiny_course(tmp_path)
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    return root


def solve(root: Path, code: str) -> None:
    """Write the exercise's file, and check it."""
    (root / "exercises" / "01" / "doubling.py").write_text(code)
    grader(root, "check", "01")


def test_status_follows_the_work(course: Path) -> None:
    """Not checked, partly done, changed since, done; what is changed after that is not done."""
    assert "not checked yet" in grader(course, "status").stdout
    assert "grader check 01" in grader(course, "status").stdout
    solve(course, IN_PLACE)
    said = grader(course, "status").stdout
    assert "8/10" in said
    assert "2 of 3 checks" in said
    assert "Next: 01.after-crash, the file survives a crash." in said
    (course / "exercises" / "01" / "doubling.py").write_text(RIGHT)
    assert "changed since" in grader(course, "status").stdout
    solve(course, RIGHT)
    assert "10 of 10 points. All done." in grader(course, "status").stdout
    (course / "exercises" / "01" / "doubling.py").write_text(STUB)
    said = grader(course, "status").stdout
    assert "changed since" in said
    assert "Next: run `grader check 01` again." in said


def test_replay_tells_the_story_of_a_crash(course: Path) -> None:
    """In order: the start, the write that the process is held at, the kill, the verdict."""
    solve(course, IN_PLACE)
    said = grader(course, "replay", "1", "after-crash").stdout
    story = ["starts doubling.store", "kills the process (SIGKILL)", "failed: after a kill"]
    places = [said.index(part) for part in story]
    assert places == sorted(places)


def test_replay_before_a_check_says_what_to_run(course: Path) -> None:
    """One line; and a check that does not exist names those that do."""
    done = grader(course, "replay", "01", "value")
    assert done.returncode == 2
    assert "Run `grader check 01`" in done.stderr
    solve(course, RIGHT)
    done = grader(course, "replay", "01", "nothing")
    assert "It has value, each-event, after-crash" in done.stderr


@pytest.mark.parametrize("columns", ["80", "40"])
def test_output_fits_its_terminal(course: Path, columns: str) -> None:
    """Status and replay, without colour where it is piped."""
    solve(course, IN_PLACE)
    for command in (["status"], ["replay", "01", "after-crash"]):
        said = grader(course, *command, env={"COLUMNS": columns}).stdout
        assert max(map(len, said.splitlines())) <= int(columns)
        assert "\x1b" not in said
        assert command != ["status"] or re.search(r"█{8}░{2} +8/10\b", said), "no number is cut"


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_no_number_of_status_is_cut_and_a_bar_is_full_at_the_end_only(columns: int) -> None:
    """Of this course, with its long titles; 99.5 of 100 points leave a part of the bar empty."""
    console = Console(width=columns, record=True, file=io.StringIO())
    print_status(load_course(REPO), console)
    said = console.export_text()
    assert len(re.findall(r"[█░]{10} +[\d.]+/\d+\b", said)) == len(load_course(REPO).exercises)
    assert bar(99.5, 100).plain == "█" * 9 + "░"
    assert bar(100, 100).plain == "█" * 10


def test_reset_brings_the_stub_back_and_loses_nothing(course: Path) -> None:
    """The old file is where the command says."""
    solve(course, RIGHT)
    done = grader(course, "reset", "01")
    assert done.returncode == 0, done.stderr
    assert (course / "exercises" / "01" / "doubling.py").read_text() == STUB
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Your file is in ")]
    assert (course / line.removeprefix("Your file is in ").rstrip(".")).read_text() == RIGHT
    assert "Nothing to do" in grader(course, "reset", "01").stdout


def test_reset_without_the_stub_changes_nothing(course: Path) -> None:
    """One line, and the file is as it was."""
    solve(course, RIGHT)
    shutil.rmtree(course / STUBS)
    done = grader(course, "reset", "01")
    assert done.returncode == 2
    assert "is missing" in done.stderr
    assert (course / "exercises" / "01" / "doubling.py").read_text() == RIGHT


def test_the_stubs_that_reset_brings_back_are_those_of_the_course() -> None:
    """No stub is edited without its copy."""
    for exercise in load_course(REPO).exercises:
        for name in exercise.files:
            stub = (REPO / "exercises" / exercise.id / name).read_text()
            copy = (REPO / STUBS / exercise.id / name).with_suffix(".txt")
            assert copy.read_text() == stub, f"cp exercises/{exercise.id}/{name} {copy}"


@pytest.mark.thorough
@pytest.mark.parametrize(("exercise", "medium"), [("03", "basic.ack"), ("04", "DeleteMessage")])
def test_the_log_of_a_crash_shows_the_medium(tmp_path: Path, exercise: str, medium: str) -> None:
    """Acknowledgements and deletes stand in the report of the real suites, beside the kill."""
    folder = tmp_path / "subs" / "ann" / exercise
    shutil.copytree(REPO / "solutions" / exercise, folder)
    done = grader(REPO, "grade", str(tmp_path / "subs"), "--json", str(tmp_path / "all.json"))
    assert done.returncode == 0, done.stdout
    (report,) = json.loads((tmp_path / "all.json").read_text())["reports"]
    crashes = [
        check["log"]
        for check in report["checks"]
        if any("SIGKILL" in entry["what"] for entry in check["log"])
    ]
    assert crashes
    assert any(medium in entry["what"] for log in crashes for entry in log)
