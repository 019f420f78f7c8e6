"""A suite is collected once for all submissions, and each is judged by all of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_course import RIGHT, write_tiny_course

from grader.course import Course, load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading, grade, suite_hash, warm
from grader.report import Outcome, Report
from grader.sandbox.process import ProcessSandbox
from grader.submission import Submission

WRONG = RIGHT.replace("2 * number", "2 + number")
NOTES_COLLECTIONS = """

def pytest_collection_finish():
    from pathlib import Path
    with Path({path!r}).open("a") as file:
        file.write("collected\\n")
"""
ALL = {"01.value", "01.each-event", "01.after-crash"}


@pytest.fixture
def collections(tmp_path: Path) -> Path:
    """A file with a line for each time that the suite of `course` was collected."""
    return tmp_path / "collections"


@pytest.fixture
def course(tmp_path: Path, collections: Path) -> Course:
    """A tiny course that notes when its suite is collected."""
    root = write_tiny_course(tmp_path)
    with (root / "tests" / "hidden" / "conftest.py").open("a") as file:
        file.write(NOTES_COLLECTIONS.format(path=str(collections)))
    return load_course(root)


def submission(course: Course, student: str, code: str) -> Submission:
    """One of exercise 01."""
    return Submission(student, course.exercise("01"), {"doubling.py": code.encode()}, {})


def passed(report: Report) -> set[str]:
    """The checks that passed."""
    return {check.id for check in report.checks if check.outcome is Outcome.PASSED}


def test_a_class_is_graded_by_one_collection(course: Course, collections: Path) -> None:
    """Each has a process and verdicts of its own."""
    how = Grading(course, ProcessSandbox, 1, {})
    handed_in = [
        submission(course, "ann", RIGHT),
        submission(course, "bob", WRONG),
        submission(course, "cy", RIGHT),
    ]
    reports = {each.student: report for each, report in grade_all(handed_in, how)}
    assert collections.read_text().count("collected") == 1
    assert passed(reports["ann"]) == passed(reports["cy"]) == ALL
    assert passed(reports["bob"]) == ALL - {"01.value"}


def exit_code(work: Callable[[], bool]) -> int:
    """Run `work` in a forked process, since grading changes its own for good; 0 when it returned True."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_one_process_can_grade_again_and_other_checks(course: Course) -> None:
    """As with --repeat: nothing of the first run is in the second."""
    warm(course, course.exercise("01"))

    def twice() -> bool:
        how = Grading(course, ProcessSandbox, 1, {}, only=frozenset({"01.value"}))
        first = passed(grade(submission(course, "bob", WRONG), how)) == set()
        whole = passed(
            grade(submission(course, "bob", WRONG), Grading(course, ProcessSandbox, 1, {}))
        )
        again = passed(grade(submission(course, "ann", RIGHT), how)) == {"01.value"}
        return first and whole == ALL - {"01.value"} and again

    assert exit_code(twice) == 0


def test_what_a_collection_sets_is_set_back(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The instructor's own options of pytest are kept from the suite, and from nothing else."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.delenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", raising=False)
    warm(course, course.exercise("01"))
    assert os.environ["PYTEST_ADDOPTS"] == "--no-such-option"
    assert "PYTEST_DISABLE_PLUGIN_AUTOLOAD" not in os.environ


def test_a_verdict_is_stored_with_the_suite_that_gave_it(course: Course) -> None:
    """A suite that is edited while a class is graded judges nobody of it: the next run grades again."""
    exercise = course.exercise("01")
    before = suite_hash(course, exercise)
    warm(course, exercise)
    for path in course.hidden_suite(exercise).glob("test_*.py"):
        path.write_text(path.read_text() + "\n# edited\n")
    assert suite_hash(course, exercise) != before

    def stored() -> bool:
        report = grade(submission(course, "ann", RIGHT), Grading(course, ProcessSandbox, 1, {}))
        return report.suite_hash == before

    assert exit_code(stored) == 0


def test_a_failing_check_costs_no_look_at_the_suites_source(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pytest's own report has the source of every frame; nobody reads it here."""
    looked: list[object] = []

    def look(*arguments: object, **_: object) -> None:
        looked.append(arguments)

    monkeypatch.setattr("_pytest.nodes.Node._repr_failure_py", look)

    def fails() -> bool:
        report = grade(submission(course, "bob", WRONG), Grading(course, ProcessSandbox, 1, {}))
        return passed(report) == ALL - {"01.value"} and not looked

    assert exit_code(fails) == 0
