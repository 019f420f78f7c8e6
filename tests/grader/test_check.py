"""`grader check`: a learner's own work."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from tiny_course import IN_PLACE, PUBLIC_TEST, RIGHT, STUB, SUITE


def fill(root: Path, code: str) -> None:
    """What a learner does."""
    (root / "exercises/01/doubling.py").write_text(code)


def test_full_marks_are_exit_0(course: Path) -> None:
    """Everything right."""
    fill(course, RIGHT)
    done = grader(course, "check", "1")
    assert done.returncode == 0
    assert "public tests: 1 of 1 checks pass" in done.stdout
    assert "10 of 10 points" in done.stdout
    assert "All 10 points" in done.stdout


def test_a_failure_is_a_sentence_and_the_next_hint(course: Path) -> None:
    """Exit 1; the score, what was seen, and one hint."""
    fill(course, IN_PLACE)
    done = grader(course, "check", "01")
    assert done.returncode == 1
    assert "8 of 10 points" in done.stdout
    assert "after a kill the file should hold old or new, it holds b''" in done.stdout
    assert "Next: 01.after-crash. Hint: Write aside." in done.stdout
    assert done.stdout.count("Write aside.") == 1


def test_a_stub_is_told_that_it_is_not_filled_in(course: Path) -> None:
    """Not a traceback: what to fill in."""
    done = grader(course, "check", "01")
    assert done.returncode == 1
    assert "double() is not filled in yet: NotImplementedError: double it" in done.stdout
    assert "Traceback" not in done.stdout


def test_own_work_is_not_called_provisional(course: Path) -> None:
    """It is no grade, and nobody asked for one."""
    fill(course, RIGHT)
    assert "provisional" not in grader(course, "check", "01").stdout


HANGS = RIGHT.replace("    return 2 * number", "    while True:\n        number += 1")
IMPORT = "from doubling import forward\n"
TWO_MORE = """

def test_of_my_own():
    assert True


@pytest.mark.check("01.each-event", leans_on="01.value")
def test_forward():
    handled = []
    forward([2, 3], handled.append)
    assert handled == [2, 3], f"2 events should be handled, not {handled}"
"""


@pytest.fixture
def copy(course: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A students' copy: no hidden suite, two of three checks have public tests."""
    (course / "exercises/01/test_doubling.py").write_text(IMPORT + PUBLIC_TEST + TWO_MORE)
    copy = tmp_path_factory.mktemp("copies") / "copy"
    assert grader(course, "release", str(copy)).returncode == 0
    return copy


def test_one_check_alone(course: Path) -> None:
    """By its name, with what it requires and nothing else; what was known of the others stays."""
    fill(course, IN_PLACE)
    grader(course, "check", "01")
    done = grader(course, "check", "01", "value")
    assert done.returncode == 0
    assert "01.value" in done.stdout
    assert "01.after-crash" not in done.stdout
    assert "Next: the rest, grader check 01" in done.stdout
    done = grader(course, "check", "01", "01.after-crash")
    assert done.returncode == 1
    assert "01.each-event" in done.stdout, "it requires that"
    assert "01.value" not in done.stdout
    assert "8/10" in grader(course, "status").stdout
    done = grader(course, "check", "01", "vlaue")
    assert done.returncode == 2
    assert "has no check" in done.stderr


def test_what_was_proved_and_how_others_did_it(course: Path) -> None:
    """After full marks: course.toml says what they prove; some wheats to compare with."""
    manifest = course / "course.toml"
    text = manifest.read_text().replace(
        'title = "Doubling"', 'title = "Doubling"\nproved = "it doubles."'
    )
    manifest.write_text(text)
    for name in ("one", "two"):
        wheat = course / "tests/submissions/wheat/01" / name
        wheat.mkdir(parents=True)
        (wheat / "expected.toml").write_text(f'about = "Style {name}."\n')
    fill(course, RIGHT)
    said = grader(course, "check", "01").stdout
    assert "What was just proved: it doubles." in said
    assert "- tests/submissions/wheat/01/one: Style one." in said
    assert "- tests/submissions/wheat/01/two: Style two." in said


def test_what_is_printed_stands_with_its_check(course: Path) -> None:
    """Of the check that failed, not of all."""
    fill(course, RIGHT.replace("    return 2 *", '    print("look here")\n    return 3 *'))
    said = grader(course, "check", "01").stdout
    assert said.index("01.value") < said.index("look here") < said.index("01.each-event")


def test_a_check_that_cannot_run_is_exit_2(course: Path) -> None:
    """Not passed and not failed: it says why, and no `All`."""
    suite = course / "tests/hidden/01/test_doubling_hidden.py"
    lacks = SUITE.replace("import HANDLE", "import HANDLE, not_graded").replace(
        "    number = rng", '    not_graded("no broker here: install one")\n    number = rng'
    )
    suite.write_text(lacks)
    fill(course, RIGHT)
    done = grader(course, "check", "01")
    assert done.returncode == 2
    assert "Next: 01.value could not be checked: no broker here: install one" in done.stdout
    said = grader(course, "status").stdout
    assert "no broker here: install one" in said
    assert "again" not in said


@pytest.mark.parametrize("where", ["course", "copy"])
def test_breakpoint_does_not_hang(where: str, request: pytest.FixtureRequest) -> None:
    """Nobody can type there: it says where one can."""
    root: Path = request.getfixturevalue(where)
    fill(root, RIGHT.replace("    return 2 *", "    breakpoint()\n    return 2 *"))
    done = grader(root, "check", "01", timeout=100)
    assert done.returncode == 1
    assert "breakpoint() works with `pytest`" in done.stdout


def test_a_copy_without_hidden_suites_goes_by_the_public_tests(copy: Path) -> None:
    """The stub, a failure as a sentence with its print, all: each with what is next."""
    done = grader(copy, "check", "01")
    assert done.returncode == 1
    assert "double() is not filled in yet" in done.stdout
    fill(copy, RIGHT.replace("handle(event)", 'print("at", event)'))
    done = grader(copy, "check", "01")
    assert "2 events should be handled, not []" in done.stdout
    assert "at 3" in done.stdout
    assert "Next: 01.each-event. Hint: One call an event." in done.stdout
    assert "1 of 2 checks pass, 3 of 8 points" in done.stdout
    assert "One call an event." in grader(copy, "hint", "01").stdout
    story = grader(copy, "replay", "01", "each-event").stdout
    assert "calls forward([2, 3])" in story
    fill(copy, RIGHT)
    done = grader(copy, "check", "01")
    assert done.returncode == 0
    assert "The public tests pass; the hidden suite looks at 1 more behaviour." in done.stdout
    said = grader(copy, "status").stdout
    assert "All done" not in said
    assert "the hidden suite looks at 1 more behaviour" in said


def test_what_does_not_parse_is_what_every_command_says(copy: Path) -> None:
    """check, hint and status, whatever failed before."""
    grader(copy, "check", "01")
    fill(copy, STUB.replace("def double(number):", "def double(number:"))
    for command in (["status"], ["hint", "01"], ["check", "01"]):
        said = grader(copy, *command).stdout
        assert "doubling.py could not be imported: SyntaxError" in said, command


@pytest.mark.parametrize("where", ["course", "copy"])
def test_an_endless_loop_costs_its_time_once(
    where: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line where it stood; what comes to the same function again is not waited for."""
    root: Path = request.getfixturevalue(where)
    fill(root, HANGS)
    done = grader(root, "check", "01", timeout=200)
    assert done.returncode == 1
    assert "number += 1`" in done.stdout or "while True:`" in done.stdout
    assert "what ends its loop?" in done.stdout


def test_a_process_that_is_ended_in_a_public_test_is_a_failure(copy: Path) -> None:
    """os._exit in a function: no verdict is lost, and it says so."""
    fill(copy, RIGHT.replace("    return 2 *", "    os._exit(0)\n    return 2 *"))
    done = grader(copy, "check", "01")
    assert done.returncode == 1
    assert "your code ended the process" in done.stdout


def test_public_tests_that_do_not_begin_are_not_the_learners_crash(copy: Path) -> None:
    """What was not seen is not said: no test ran."""
    fill(copy, RIGHT)
    (copy / "pyproject.toml").write_text(
        "[tool.pytest.ini_options]\naddopts = '--no-such-option'\n"
    )
    done = grader(copy, "check", "01")
    assert done.returncode == 1
    assert "the public tests did not begin; `pytest exercises/01` shows why" in done.stdout
    assert "your code ended the process" not in done.stdout


def test_help_lists_what_a_learner_types_first(course: Path, copy: Path) -> None:
    """In a students' copy nothing else; elsewhere the instructor's commands after it."""
    said = grader(copy, "--help").stdout
    assert said.index("  check ") < said.index("  watch ") < said.index("  doctor ")
    assert "To teach" not in said
    assert "  grade " not in said
    said = grader(course, "--help").stdout
    assert said.index("  doctor ") < said.index("To teach") < said.index("  grade ")
