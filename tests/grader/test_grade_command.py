"""`grader grade` on a tiny course, through the command line, in a real sandbox."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import grader
from tiny_course import ALL_CHECKS, IN_PLACE, RIGHT, add_submission, write_tiny_course


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course."""
    return write_tiny_course(tmp_path)


def grade(root: Path, *args: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """Grade `root`/subs; the exit code and the reports by student."""
    done = grader(root, "grade", "subs", "--json", "out.json", *args)
    assert "Traceback" not in done.stderr + done.stdout
    document = json.loads((root / "out.json").read_text())
    return done.returncode, {report["student"]: report for report in document["reports"]}


def outcomes(report: dict[str, Any]) -> dict[str, str]:
    """Check id to outcome."""
    return {check["id"]: check["outcome"] for check in report["checks"]}


def messages(report: dict[str, Any]) -> str:
    """All messages of a report."""
    return "\n".join(check["message"] for check in report["checks"])


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


AT_IMPORT = (
    "code outside of any function runs at each import; "
    'put what tries your functions out under `if __name__ == "__main__":`'
)
BAD_FILES: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "doubling.py has no function double()"),
    "syntax-error": ("def double(:\n", "could not be imported: SyntaxError"),
    "raises-at-import": ("1 / 0\n", "ZeroDivisionError: division by zero (line 1 of doubling.py)"),
    "exits-at-import": (
        "import sys\nsys.exit(0)\n",
        f"could not be imported: SystemExit: 0 (line 2 of doubling.py); {AT_IMPORT}",
    ),
    "loops-at-import": (
        "while True: pass\n",
        "importing doubling.py did not end within 2 s",  # and where it was, if that could be asked
    ),
    "dies-at-import": (
        "import os\nos._exit(0)\n",
        "importing doubling.py ended its own process (os._exit, a signal, or out of memory); "
        + AT_IMPORT,
    ),
    "asks-at-import": (
        "name = input()\n",
        "EOFError: EOF when reading a line (line 1 of doubling.py); nobody answers input() here",
    ),
    "tries-itself-out": (
        "def double(n):\n    return 1 / n\n\ndouble(0)\n",
        f"ZeroDivisionError: division by zero (line 2 of doubling.py); {AT_IMPORT}",
    ),
    "needs-another-file": (
        "import util\n",
        "No module named 'util' (line 1 of doubling.py); no module util was handed in, and none is",
    ),
    "imports-relatively": (
        "from .util import x\n",
        "write it without the dot, as in `from polling import poll`",
    ),
    "leads-elsewhere": (
        "import sys\nsys.path.insert(0, '/nowhere')\n1 / 0\n",
        "ZeroDivisionError: division by zero (line 3 of doubling.py)",
    ),
    "not-callable": ("double = 3\n", "double in doubling.py is not a function but an int"),
    "other-parameters": (
        "def double(): pass\n",
        "double() does not take the parameters that it is called with: too many positional",
    ),
    "not-utf8": ("# é\n".encode("latin-1"), "doubling.py is not UTF-8 text (line 1)"),
    "zero-bytes": (b"\0" * 10, "doubling.py is not a text file"),
    "huge": ("#" * 300 * 1024, "doubling.py is larger than 256 KB"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_used_gets_a_sentence(course: Path, name: str) -> None:
    """No traceback, no lost row for another student, no point, and the reason in words."""
    code, sentence = BAD_FILES[name]
    add_submission(course, "bad", code)
    add_submission(course, "good", RIGHT)
    exit_code, reports = grade(course)
    assert exit_code == 1
    assert reports["good"]["score"] == 10
    assert reports["bad"]["score"] == 0
    assert sentence in messages(reports["bad"])


def test_time_that_imports_took_is_told_as_that(course: Path) -> None:
    """A trial call at the bottom of the file costs each process of the hidden suite its time."""
    limits = "seconds = 2\n"
    manifest = (course / "course.toml").read_text()
    assert limits in manifest
    (course / "course.toml").write_text(manifest.replace(limits, f"{limits}total_seconds = 2\n"))
    add_submission(course, "ann", f"{RIGHT}\nimport time\ntime.sleep(0.8)\n")
    _, reports = grade(course)
    said = messages(reports["ann"])
    assert "all checks together took longer than 2 s; importing doubling.py took 0." in said
    assert AT_IMPORT in said
    assert reports["ann"]["checks"][0]["outcome"] == "passed"


def test_a_run_that_stops_half_way_says_where(course: Path) -> None:
    """What the test had set up, what was wanted, and how far it came."""
    code = RIGHT.replace(
        "        handle(event)\n", "        handle(event)\n        while True: pass\n"
    )
    add_submission(course, "bad", code)
    _, reports = grade(course)
    said = messages(reports["bad"])
    wanted = (
        "3 events were passed: expected forward() to call handle() or return; "
        "for 2 s it did neither after event 1"
    )
    assert wanted in said


def test_what_was_printed_is_there_also_after_a_kill(course: Path) -> None:
    """Without a flush: whoever looks for a mistake prints, and may be killed at any moment."""
    body = "    import os; print('so far', number); os.kill(os.getpid(), 9)\n"
    add_submission(course, "bad", RIGHT.replace("    return 2 * number\n", body))
    _, reports = grade(course)
    assert re.search(r"so far \d\d", reports["bad"]["output"])


def test_the_stub_that_was_reached_is_named(course: Path) -> None:
    """Not the function that called it, which is filled in."""
    stub = "\n\ndef twice(number):\n    raise NotImplementedError('say it again')\n"
    add_submission(course, "bad", RIGHT.replace("return 2 * number", "return twice(number)") + stub)
    _, reports = grade(course)
    assert "twice() is not filled in yet: NotImplementedError: say it" in messages(reports["bad"])


BAD_FUNCTIONS = {
    "hangs": (
        "    import time; time.sleep(600)\n",
        "expected double() to return; for 2 s it did not",
    ),
    "recurses": ("    return double(number)\n", "RecursionError"),
    "exits": ("    import os; os._exit(0)\n", "double() ended its own process"),
    "system-exit": ("    raise SystemExit(0)\n", "SystemExit"),
    "prints-1-GB": (
        "    while True: print('x' * 10**6)\n",
        "expected double() to return; for 2 s it did not",
    ),
    "another-type": ("    return str(number)\n", "it is "),
    "no-json-type": ("    return object()\n", "an object of type object"),
    "eats-memory": ("    return len(bytearray(10**11))\n", "MemoryError"),
    # Its parent takes it along, before or after it has answered.
    "kills-parent": (
        "    import os; os.kill(os.getppid(), 9)\n",
        ("it is None", "double() ended its own process"),
    ),
}


@pytest.mark.parametrize("name", BAD_FUNCTIONS)
def test_a_function_that_misbehaves_fails_its_own_check_only(course: Path, name: str) -> None:
    """The check of that function fails with a sentence; the others keep their points."""
    body, sentence = BAD_FUNCTIONS[name]
    add_submission(course, "bad", RIGHT.replace("    return 2 * number\n", body))
    _, reports = grade(course)
    report = reports["bad"]
    assert outcomes(report) == {
        "01.value": "failed",
        "01.each-event": "passed",
        "01.after-crash": "passed",
    }
    said = report["checks"][0]["message"]
    assert any(each in said for each in ([sentence] if isinstance(sentence, str) else sentence))


def test_a_missing_file_and_a_folder_in_its_place_are_rows_of_zero(course: Path) -> None:
    """A student with nothing usable still has a row that says why."""
    add_submission(course, "good", RIGHT)
    (course / "subs" / "nothing").mkdir()
    (course / "subs" / "folder" / "01" / "doubling.py").mkdir(parents=True)
    (course / "subs" / "linked" / "01").mkdir(parents=True)
    (course / "subs" / "linked" / "01" / "doubling.py").symlink_to("/etc/passwd")
    os.mkfifo(course / "subs" / "nothing" / "doubling.py")
    _, reports = grade(course)
    assert reports["good"]["score"] == 10
    assert "is a folder, not a file" in messages(reports["folder"])
    assert "is a link, which is not followed" in messages(reports["linked"])
    assert "is not a regular file" in messages(reports["nothing"])


def test_a_students_other_files_are_not_staged(course: Path) -> None:
    """conftest.py, pytest.ini and a module that shadows json have no effect."""
    add_submission(course, "sly", RIGHT.replace("2 * number", "__import__('json').double(number)"))
    folder = course / "subs" / "sly" / "01"
    (folder / "json.py").write_text("def double(number): return 2 * number\n")
    (folder / "conftest.py").write_text("raise SystemExit\n")
    _, reports = grade(course)
    assert "AttributeError: module 'json' has no attribute 'double'" in messages(reports["sly"])


def test_terminal_escapes_of_a_submission_are_shown_not_obeyed(course: Path) -> None:
    """An exception's message may not steer the instructor's terminal."""
    evil = RIGHT.replace("return 2 * number", "raise ValueError('\\x1b]0;owned\\x07')")
    add_submission(course, "esc", evil)
    done = grader(course, "grade", "subs")
    assert "\x1b]0;owned" not in done.stdout
    assert "\\x1b]0;owned" in done.stdout


def test_text_that_no_file_can_hold_costs_no_row(course: Path) -> None:
    """A lone surrogate in an exception, and a name that is not UTF-8, end up as escapes."""
    bad = RIGHT.replace("return 2 * number", "raise ValueError('\\ud800' + 'x' * 10**6)")
    add_submission(course, "sur", bad)
    name = os.fsdecode(b"caf\xe9")
    add_submission(course, name, RIGHT)
    code, reports = grade(course)
    assert code == 1
    assert "ValueError: \\ud800xxx" in reports["sur"]["checks"][0]["message"]
    assert len(reports["sur"]["checks"][0]["message"]) < 3000
    assert reports["caf\\xe9"]["score"] == 10


def test_a_huge_return_value_is_cut_in_the_report(course: Path) -> None:
    """What a submission returns may be megabytes; the report is not."""
    add_submission(course, "big", RIGHT.replace("return 2 * number", "return 'x' * 10**6"))
    _, reports = grade(course)
    assert len(reports["big"]["checks"][0]["message"]) < 3000


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


def wait_for(condition: Callable[[], Any]) -> Any:
    """What `condition` gives once it is true."""
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not come within 30 s"
        time.sleep(0.01)
    return found


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
