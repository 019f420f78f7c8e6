"""What pytest says at the end of the public tests, in a students' copy and with pytest's options."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import PUBLIC_TEST, RIGHT, STUB, write_tiny_course

from grader.course import load_course
from grader.learn.marked import marked_checks, public_checks
from grader.learn.reset import STUBS

REPO = Path(__file__).resolve().parents[2]

TWO_MORE = """

@pytest.mark.check("01.each-event")
@pytest.mark.parametrize("count", [0, 2])
def test_forward(count):
    from doubling import forward

    assert forward([1] * count, print) == count


def test_of_the_students_own():
    assert True
"""

HALF = "def double(number):\n    return 2 * number\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A students' copy of a tiny course: two of its checks have public tests, one passes."""
    root = write_tiny_course(tmp_path / "course")
    (root / "exercises/01/test_doubling.py").write_text(PUBLIC_TEST + TWO_MORE)
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    grader(root, "release", str(tmp_path / "copy"))
    (tmp_path / "copy/exercises/01/doubling.py").write_text(HALF)
    return tmp_path / "copy"


def pytest_in(
    copy: Path, *args: str, env: dict[str, str] | None = None, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run pytest there as a student does."""
    return subprocess.run(
        [sys.executable, "-m", "pytest", *args],
        cwd=copy,
        input=typed,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=os.environ | {"COLUMNS": "80", "PYTEST_ADDOPTS": ""} | (env or {}),
    )


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["plain", "xdist"])
def test_the_summary(copy: Path, options: tuple[str, ...]) -> None:
    """Passed behaviours, the public points, the hidden titles, the next step; then pytest's line."""
    said = pytest_in(copy, "exercises/01", *options).stdout
    *_, summary = said.rpartition(" 01 Doubling ---")
    lines = summary.strip("- \n").splitlines()
    assert lines[:-1] == [
        "passed  value: the value is doubled",
        "FAILED  each-event: handle gets every event",
        "1 of 2 public checks pass, worth 3 of 8 points.",
        "The hidden suite looks closer at these, and for 2 points at:",
        "- after-crash: the file survives a crash",
        "Next: 01.each-event. For a hint: grader hint 01 each-event",
    ]
    assert "2 failed, 2 passed" in lines[-1]
    assert "\x1b" not in said
    assert max(map(len, lines)) <= 80


def test_next_is_the_failure_that_hint_speaks_of(copy: Path) -> None:
    """Where a test leans on another check that failed, that one is named first, by both."""
    leaning = PUBLIC_TEST.replace(
        'check("01.value")', 'check("01.value", leans_on="01.each-event")'
    )
    assert leaning != PUBLIC_TEST
    (copy / "exercises/01/test_doubling.py").write_text(leaning + TWO_MORE)
    wrong = "def double(number):\n    return 0\n\n\ndef forward(numbers, handle):\n    return -1\n"
    (copy / "exercises/01/doubling.py").write_text(wrong)
    said = pytest_in(copy, "exercises/01").stdout
    assert "Next: 01.each-event. For a hint: grader hint 01 each-event" in said
    assert grader(copy, "hint", "01").stdout.startswith("01.each-event")
    assert "Next: 01.value." in pytest_in(copy, "exercises/01", "-k", "value").stdout


def test_a_part_of_the_tests(copy: Path) -> None:
    """-k, and one test as an editor runs it: what ran is told from what there is."""
    for chosen in (
        ("exercises/01", "-k", "double"),
        ("exercises/01/test_doubling.py::test_double",),
    ):
        said = pytest_in(copy, *chosen).stdout
        assert "The check that ran passed; the public tests show 2." in said
        assert "Next: all of them, pytest exercises/01" in said
        assert "after-crash" not in said


def test_it_leaves_pytest_as_it_is(copy: Path) -> None:
    """-x stops, --pdb opens the debugger, without a terminal plugin nothing is said."""
    assert "stopping after 1 failures" in pytest_in(copy, "exercises/01", "-x").stdout
    assert "(Pdb)" in pytest_in(copy, "exercises/01", "--pdb", "-x").stdout
    done = pytest_in(copy, "exercises/01", "-p", "no:terminal")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")
    assert "public checks" not in pytest_in(copy, "exercises/01", "-qq").stdout
    assert "::" in pytest_in(copy, "exercises/01", "--collect-only", "-q").stdout


def test_what_never_returns_fails_its_test(copy: Path) -> None:
    """And the tests behind it run."""
    (copy / "conftest.py").write_text("from grader.learn import patience\n\npatience.SECONDS = 1\n")
    endless = "def double(number):\n    while True:\n        pass\n"
    (copy / "exercises/01/doubling.py").write_text(endless)
    said = pytest_in(copy, "exercises/01").stdout
    assert "your function was still running after 1 s" in said
    assert "while True" in said, "where it was"
    assert "patience.py" not in said, "the learner's line is the last of the traceback"
    assert "1 passed" in said


def test_the_story_of_a_hang_says_who_gave_up(copy: Path) -> None:
    """The function raised nothing, and no broker or queue is in the story."""
    (copy / "conftest.py").write_text("from grader.learn import patience\n\npatience.SECONDS = 1\n")
    (copy / "exercises/01/doubling.py").write_text(
        "def double(number):\n    while True:\n        pass\n"
    )
    grader(copy, "check", "01")
    said = grader(copy, "replay", "01", "value").stdout
    assert "gives up: your function was still running" in said, said
    assert "StillRunning" not in said
    assert "broker" not in said


@pytest.mark.parametrize("command", ["check", "replay"])
def test_a_check_that_has_no_public_test_is_said_to_have_none(copy: Path, command: str) -> None:
    """It is neither `0 of 0 checks pass` nor a check that the exercise has not."""
    pytest_in(copy, "exercises/01")
    done = grader(copy, command, "01", "after-crash")
    assert done.returncode == 2
    assert not done.stdout
    assert "no public test shows 01.after-crash" in done.stderr
    assert "grader hint 01 after-crash" in done.stderr


@pytest.mark.parametrize("how", ["--pdb", "breakpoint"])
def test_the_debugger_is_not_hurried(copy: Path, how: str) -> None:
    """Whether the test failed or the code stopped by itself, no alarm is set at the prompt."""
    breaks = "def double(number):\n    breakpoint()\n    return number\n"
    fails = "def double(number):\n    return number\n"
    (copy / "exercises/01/doubling.py").write_text(breaks if how == "breakpoint" else fails)
    options = ["--pdb"] if how == "--pdb" else []
    typed = "__import__('signal').getitimer(0)\nc\n"
    said = pytest_in(copy, "exercises/01", "-x", *options, typed=typed).stdout
    assert "(Pdb) (0.0, 0.0)" in said, said


def test_strict_markers_know_it(copy: Path) -> None:
    """Also where no settings name the marker."""
    (copy / "pyproject.toml").write_text("")
    done = pytest_in(copy, "exercises/01", "--strict-markers", "-W", "error")
    assert "1 of 2 public checks pass" in done.stdout, done.stdout


def test_in_colour_where_that_is_asked_for(copy: Path) -> None:
    """The words carry the meaning, colours only repeat it."""
    assert "\x1b[31mFAILED  \x1b[0m" in pytest_in(copy, "exercises/01", "--color=yes").stdout


def test_status_and_hint_know_what_it_found(copy: Path) -> None:
    """In a copy without hidden suites they go by the last run of the public tests."""
    assert "not checked yet" in grader(copy, "status").stdout
    pytest_in(copy, "exercises/01")
    said = grader(copy, "status").stdout
    assert "3/8" in said
    assert "1 of 2 checks" in said
    assert "Run `grader check 01`, or `grader hint 01 each-event`." in said
    assert "01.each-event" in grader(copy, "hint", "01").stdout
    (copy / "exercises/01/doubling.py").write_text(RIGHT)
    assert "changed since" in grader(copy, "status").stdout
    assert "That was the last exercise" in pytest_in(copy, "exercises/01").stdout
    assert (
        "8 of 8 points. The public tests pass; the hidden suite looks at 1 more behaviour."
        in grader(copy, "status").stdout
    )
    # One test says nothing of the others, which stay as they were for the same file.
    pytest_in(copy, "exercises/01/test_doubling.py::test_double")
    assert (
        "8 of 8 points. The public tests pass; the hidden suite looks at 1 more behaviour."
        in grader(copy, "status").stdout
    )
    (copy / "exercises/01/doubling.py").write_text(HALF)
    assert "Next: run `grader check 01` again." in grader(copy, "status").stdout


def test_a_test_that_passes_says_nothing_of_another_of_its_check(copy: Path) -> None:
    """The check stays failed until the test that failed passes, or the file changes."""
    (copy / "exercises/01/doubling.py").write_text(
        HALF + "\n\ndef forward(events, handle):\n    return 0\n"
    )
    assert "1 failed, 3 passed" in pytest_in(copy, "exercises/01").stdout
    assert "3/8" in grader(copy, "status").stdout
    one = "exercises/01/test_doubling.py::test_forward[0]"
    assert "1 passed" in pytest_in(copy, one).stdout
    assert "3/8" in grader(copy, "status").stdout


def test_a_long_object_in_a_story_is_named_by_its_class(copy: Path) -> None:
    """A channel of pika's shows its connection, its transport and their addresses otherwise."""
    wordy = """
class Wordy:
    def __repr__(self):
        return f"<Wordy {'transport ' * 20}>"


@pytest.mark.check("01.each-event")
def test_wordy():
    assert forward(Wordy(), print) == 1
"""
    (copy / "exercises/01/test_doubling.py").write_text(
        PUBLIC_TEST.replace("import double", "import double, forward") + wordy
    )
    right = "def double(number):\n    return 4\n\n\ndef forward(numbers, handle):\n    return 0\n"
    (copy / "exercises/01/doubling.py").write_text(right)
    checked = grader(copy, "check", "01")
    replayed = grader(copy, "replay", "01", "each-event")
    assert "calls forward(<Wordy>)" in replayed.stdout, checked.stdout + replayed.stderr


def test_replay_before_anything_ran_says_what_to_run(copy: Path) -> None:
    """There is nothing to show yet: one line, with the command."""
    done = grader(copy, "replay", "01", "value")
    assert done.returncode == 2
    assert done.stderr == (
        "grader: exercise 01 was not checked as a whole yet. Run `grader check 01`.\n"
    )


def test_what_the_students_readme_tells_one_to_type_works(copy: Path) -> None:
    """Every command of its table that is the grader's."""
    text = (REPO / "release/README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^\| `grader ([^`]+)`", text, flags=re.MULTILINE)
    assert "check 00" in commands
    for command in (command.replace("00", "01") for command in commands):
        # Of this course; the tiny one has other checks. watch needs a terminal: test_watch.py.
        if command == "watch":
            continue
        done = grader(copy, *command.replace("byte-offset", "value").split())
        assert done.returncode in (0, 1), f"{command}: {done.stderr}"  # 1: not all done yet
        assert not done.stderr


def test_a_manifest_that_is_broken_is_one_line(copy: Path) -> None:
    """The tests run all the same."""
    (copy / "course.toml").write_text("[")
    done = pytest_in(copy, "exercises/01")
    assert "2 failed, 2 passed" in done.stdout
    assert "course.toml is not valid TOML" in done.stdout
    assert "INTERNALERROR" not in done.stdout + done.stderr


LOOKS = """


@pytest.mark.check("01.each-event")
def test_what_is_left():
    from doubling import forward

    left = []
    forward([1], left.append)
    assert left[0] == 1, "the first event should be handled"
"""


def test_a_test_that_ends_at_what_the_code_left_says_where(copy: Path) -> None:
    """It is unmet, as the sentence of an assertion is: no exception of the learner's code."""
    test = copy / "exercises/01/test_doubling.py"
    test.write_text(PUBLIC_TEST + LOOKS)
    (copy / "exercises/01/doubling.py").write_text(
        HALF + "\n\ndef forward(events, handle):\n    pass\n"
    )
    done = grader(copy, "check", "01")
    said = " ".join(done.stdout.split())
    line = (
        test.read_text()
        .splitlines()
        .index('    assert left[0] == 1, "the first event should be handled"')
    )
    assert f"line {line + 1} of test_doubling.py, `assert left[0] == 1," in said
    assert "looks at what your code did, and ended with IndexError: list index out of range" in said
    assert "Next: 01.each-event. Hint: One call an event." in said


FAILS = """


@pytest.mark.check("01.each-event")
def test_it_goes_on():
    from doubling import forward

    def handle(event):
        raise ValueError("no such zone")

    forward([1], handle)
"""


def test_what_a_tests_handle_raises_is_said_to_be_that(copy: Path) -> None:
    """The learner let it out, and the check's own hint helps: no value of theirs is wrong."""
    (copy / "exercises/01/test_doubling.py").write_text(PUBLIC_TEST + FAILS)
    (copy / "exercises/01/doubling.py").write_text(
        HALF + "\n\ndef forward(events, handle):\n    handle(events[0])\n"
    )
    said = " ".join(grader(copy, "check", "01").stdout.split())
    assert (
        "handle() raised ValueError: no such zone, and forward() let it out (line 6 of doubling.py)"
        in said
    )
    assert "Next: 01.each-event. Hint: One call an event." in said
    (copy / "exercises/01/doubling.py").write_text(
        HALF + "\n\ndef forward(events, handle):\n    handle()\n"
    )
    said = " ".join(grader(copy, "check", "01").stdout.split())
    assert "forward() raised TypeError" in said, "this exception is the learner's own"


CASES = """


@pytest.fixture(params=[1, 2], ids=["one", "two"])
def number(request):
    return request.param


@pytest.mark.check("01.each-event")
def test_numbers(number):
    assert double(number) == 2, f"it is {double(number)}"
"""


def test_the_case_of_a_fixture_is_said(copy: Path) -> None:
    """As of a client that decodes and one that does not: the sentence is the same for both."""
    (copy / "exercises/01/test_doubling.py").write_text(PUBLIC_TEST + CASES)
    said = " ".join(grader(copy, "check", "01").stdout.split())
    assert "it is 4 (the test's case: two)" in said
    (copy / "exercises/01/doubling.py").write_text(STUB)
    said = " ".join(grader(copy, "check", "01").stdout.split())
    assert "not filled in yet" in said
    assert "the test's case" not in said


def test_an_exception_of_a_builtins_name_is_told_apart(copy: Path) -> None:
    """A library's TimeoutError is not Python's."""
    code = "import struct\n\n\ndef double(number):\n    raise KIND('late')\n"
    for kind, name in (
        ("struct.error", "struct.error: late"),
        ("TimeoutError", " TimeoutError: late"),
    ):
        (copy / "exercises/01/doubling.py").write_text(code.replace("KIND", kind))
        assert name in " ".join(grader(copy, "check", "01", "value").stdout.split())


def test_a_long_exception_is_cut_and_its_line_is_there(copy: Path) -> None:
    """boto3 names every entry that it does not like."""
    code = "def double(number):\n    raise ValueError('no such entry. ' * 100)\n"
    (copy / "exercises/01/doubling.py").write_text(code)
    said = " ".join(grader(copy, "check", "01", "value").stdout.split())
    assert "no such entry. no such entry" in said
    assert "… (line 2 of doubling.py)" in said
    assert said.count("no such entry") < 40


def test_no_public_test_leaves_the_words_to_pytest() -> None:
    """`pytest.raises` says DID NOT RAISE, and not what the function should have raised, and why."""
    files = sorted((REPO / "exercises").glob("*/test_*.py"))
    assert files
    assert not [path.name for path in files if "pytest.raises" in path.read_text()]


def test_every_public_test_of_the_course_proves_a_check() -> None:
    """The markers name checks of course.toml; most checks have a public test, and some have none."""
    course = load_course(REPO)
    for exercise in course.exercises:
        ids = {check.id for check in exercise.checks}
        assert marked_checks(course, exercise) <= ids
        assert 0 < len(public_checks(course, exercise)) < len(ids)
