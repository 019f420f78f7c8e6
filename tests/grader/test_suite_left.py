"""A fault that a test leaves to another check: it is that check's, or else the test's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_course import IN_PLACE, RIGHT, SUITE, write_tiny_course

from grader.report import Outcome, Report

LEAVES = """

@pytest.mark.check("01.value")
def test_that_leaves_it(consumer):
    leave_to("{to}", "it should be whole; it was not")
"""
GRADE = """
import sys
from pathlib import Path
from grader.course import load_course
from grader.grading.one import Grading
from grader.grading.repeat import grade_repeatedly
from grader.sandbox.process import ProcessSandbox
from grader.submission import Submission

course, code = load_course(Path.cwd()), Path(sys.argv[1])
how = Grading(course, ProcessSandbox, 1, {}, only=frozenset(sys.argv[2].split()) or None, repeat=1)
handed_in = Submission("you", course.exercise("01"), {code.name: code.read_bytes()}, {})
print(grade_repeatedly(handed_in, how).model_dump_json())
"""
"""In a process of its own: pytest keeps the suites that it has imported."""


@pytest.fixture
def graded(tmp_path: Path) -> object:
    """Grades a submission twice with a suite whose 01.value leaves a fault to `to`."""

    def grade(code: str, *, to: str = "01.after-crash", only: str = "") -> Report:
        root = write_tiny_course(tmp_path / "course")
        suite = SUITE.replace("import HANDLE", "import HANDLE, leave_to") + LEAVES.format(to=to)
        (root / "tests/hidden/01/test_doubling_hidden.py").write_text(suite)
        file = root / "exercises/01/doubling.py"
        file.write_text(code)
        done = subprocess.run(
            [sys.executable, "-c", GRADE, str(file), only],
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        )
        return Report.model_validate_json(done.stdout)

    return grade


def outcomes(report: Report) -> dict[str, Outcome]:
    """The outcome of each check."""
    return {check.id: check.outcome for check in report.checks}


def test_what_the_other_check_finds_is_its_own(graded) -> None:
    """One mistake costs one check: the one to which it was left."""
    found = outcomes(graded(IN_PLACE))
    assert found["01.value"] is Outcome.PASSED
    assert found["01.after-crash"] is Outcome.FAILED


def test_what_the_other_check_does_not_find_has_failed(graded) -> None:
    """Each time that it is run again too, with the check that it is left to."""
    report = graded(RIGHT)
    assert outcomes(report)["01.after-crash"] is Outcome.PASSED
    value = next(check for check in report.checks if check.id == "01.value")
    assert value.outcome is Outcome.FAILED
    assert value.message == "it should be whole; it was not"


def test_nothing_is_charged_where_the_other_check_does_not_run(graded) -> None:
    """As when a learner checks one alone."""
    assert outcomes(graded(RIGHT, only="01.value"))["01.value"] is Outcome.PASSED


def test_it_is_left_to_a_check_that_there_is(graded) -> None:
    """Anything else is an error of the suite's, said with the name."""
    report = graded(RIGHT, to="01.afterwards")
    value = next(check for check in report.checks if check.id == "01.value")
    assert value.outcome is Outcome.ERROR
    assert value.message == "test_that_leaves_it leaves to 01.afterwards, no check"
