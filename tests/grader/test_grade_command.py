"""`grader grade` on a tiny course, through the command line, in a real sandbox: points and exit codes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from command_line import grade, grader, outcomes, wait_for
from tiny_course import ALL_CHECKS, IN_PLACE, RIGHT, add_submission


def test_right_submission_gets_full_marks_and_exit_0(course: Path) -> None:
    """Everything passes, the report is final and says where and how it was made."""
    add_submission(course, "ann", RIGHT)
    code, reports = grade(course, "--seed", "7")
    report = reports["ann"]
    assert code == 0
    assert report["score"] == report["max_score"] == 10
    assert outcomes(report) == dict.fromkeys(ALL_CHECKS, "passed")
    assert report["sandbox"] == "bubblewrap"
    assert report["seed"] == 7
    assert not report["provisional"]


@pytest.mark.parametrize("out", ["res[old]", "r[/b]", "x:smile:"])
def test_a_folders_name_is_printed_as_it_is(course: Path, out: str) -> None:
    """Brackets and colons in it are no markup."""
    add_submission(course, "ann", RIGHT)
    done = grader(course, *["grade", "subs", "--out", out, "--no-gradebook"])
    assert done.returncode == 0, done.stderr
    assert f"The results are in {out}." in done.stdout


def test_one_mistake_costs_its_points_alone(course: Path) -> None:
    """A torn file fails its check, with a sentence and a hint; exit code 1."""
    add_submission(course, "ann", RIGHT)
    add_submission(course, "bob", IN_PLACE)
    code, reports = grade(course)
    assert code == 1
    assert reports["ann"]["score"] == 10
    assert reports["bob"]["score"] == 8
    torn = reports["bob"]["checks"][2]
    assert torn["outcome"] == "failed"
    assert "should hold old or new, it holds b''" in torn["message"]
    assert torn["hint"] == "Write aside."


def test_a_check_that_requires_a_failed_one_is_skipped(course: Path) -> None:
    """`requires` skips, and says what is missing."""
    add_submission(course, "cy", RIGHT.replace("in events:", "in events[:-1]:"))
    _, reports = grade(course)
    assert outcomes(reports["cy"]) == {
        "01.value": "passed",
        "01.each-event": "failed",
        "01.after-crash": "skipped",
    }
    assert "it needs 01.each-event" in reports["cy"]["checks"][2]["message"]


def test_same_seed_same_content(course: Path) -> None:
    """With one seed a wrong answer is wrong with the same numbers; with another it differs."""
    add_submission(course, "wrong", RIGHT.replace("2 * number", "-number"))
    seen = [grade(course, "--seed", seed)[1]["wrong"]["checks"][0]["message"] for seed in "112"]
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["grade", "nowhere"], "nowhere is not a folder"),
        (["grade", "subs"], "subs is not a folder"),
        (["grade", "tests"], "holds a file of an exercise"),
        (
            ["grade", "tests", "--exercise", "1", "--json", "no/such.json"],
            "No such file or directory",
        ),
        (["grade", "tests", "--exercise", "1", "--json", "tests"], "it is a folder"),
        (["grade", "tests", "--exercise", "9"], "there is no exercise '9'"),
        (["check", "x"], "there is no exercise 'x'"),
        (["release", "tests"], "tests is not empty"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    course: Path, args: list[str], sentence: str
) -> None:
    """One line on standard error that names the fault; nothing on standard output."""
    done = grader(course, *args)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not done.stdout


def test_without_bubblewrap_nothing_is_graded(course: Path) -> None:
    """No wall, no grading: exit 2, what to install, and no file written."""
    add_submission(course, "ann", RIGHT)
    done = grader(course, "grade", "subs", "--json", "o.json", env={"PATH": str(course / "empty")})
    assert done.returncode == 2
    assert "bubblewrap is not installed" in done.stderr
    assert not (course / "o.json").exists()


def test_unsafe_marks_the_report(course: Path) -> None:
    """A run without a sandbox is provisional and says so, and its exit code is 2."""
    add_submission(course, "ann", RIGHT)
    code, reports = grade(course, "--unsafe")
    assert code == 2
    assert reports["ann"]["provisional"]
    assert reports["ann"]["sandbox"] == "process"


def test_nothing_is_left_behind(course: Path) -> None:
    """The folders of the sandboxes are gone after a run, whatever the submissions did."""
    add_submission(course, "ann", RIGHT)
    add_submission(course, "bob", "import os\nos.fork()\nwhile True: pass\n")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)
        done = grader(course, "grade", "subs", env={"TMPDIR": scratch})
        assert done.returncode == 1
        assert not list(Path(scratch).iterdir())


def test_ctrl_c_stops_the_run_and_leaves_nothing(course: Path) -> None:
    """SIGINT in the middle: one line, exit 130, no process and no folder of a sandbox left."""
    add_submission(course, "slow", "while True: pass\n")
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)
        run = subprocess.Popen(
            [sys.executable, "-m", "grader", "grade", "subs"],
            cwd=course,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"TMPDIR": scratch},
            start_new_session=True,
        )
        # The sandbox that proves the walls comes and goes first; the submission's stays.
        inside = wait_for(lambda: list(Path(scratch).glob("*/submission/doubling.py")))
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
        assert run.returncode == 130
        assert said.strip().splitlines()[-1] == "grader: stopped"
        assert inside
        assert not list(Path(scratch).iterdir())
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if scratch in command_of(p)]


def command_of(path: Path) -> str:
    """A process's command line; empty when it has ended."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_one_student_alone(course: Path) -> None:
    """As for an appeal: nobody else is run, and a name that is mistyped is one line."""
    add_submission(course, "ann", RIGHT)
    add_submission(course, "bob", RIGHT)
    code, reports = grade(course, "--student", "ann")
    assert (code, list(reports)) == (0, ["ann"])
    done = grader(course, "grade", "subs", "--student", "anne")
    assert done.returncode == 2
    assert done.stderr == "grader: subs holds no folder of a student 'anne'. Did you mean ann?\n"


def test_the_folder_of_one_student_is_no_class(course: Path) -> None:
    """Its exercises are not taken for students."""
    add_submission(course, "ann", RIGHT)
    done = grader(course, "grade", "subs/ann")
    assert done.returncode == 2
    assert "subs/ann looks like one student's folder" in done.stderr
    (course / "copy" / "grader").mkdir(parents=True)
    shutil.copytree(course / "subs" / "ann" / "01", course / "copy" / "exercises" / "01")
    done = grader(course, "grade", "copy")
    assert done.returncode == 2, "a whole copy of the course: `exercises` is nobody"
    assert "copy looks like one student's folder" in done.stderr


def test_an_assertion_of_a_library_is_no_failure_of_the_students(course: Path) -> None:
    """Only what the suite itself asserts is blamed on the submission; the rest is an error."""
    suite = course / "tests/hidden/01/test_doubling_hidden.py"
    library = "    import unittest; unittest.TestCase().assertEqual(1, 2, 'not the student')\n"
    text = suite.read_text()
    head, brace, body = text.partition("def test_value(consumer, rng):\n")
    suite.write_text(head + brace + library + body)
    add_submission(course, "good", RIGHT)
    code, reports = grade(course)
    assert code == 2
    assert reports["good"]["checks"][0]["outcome"] == "error"
    assert "not the student" in reports["good"]["checks"][0]["message"]
