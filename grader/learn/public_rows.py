"""What a public test showed, as a row of a report: its kind, and a sentence for its author."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import Any

import pytest

from grader.course import Course, Exercise
from grader.learn.marked import public_checks
from grader.learn.own_work import PublicRun
from grader.learn.patience import StillRunning
from grader.report import CheckResult, Kind, Outcome, Report
from grader.worker.importing import shortened, told_apart

SANDBOX = "public tests"
"""What the report of a public run has for a sandbox: it says nothing of a grade."""
_RANK = (Outcome.FAILED, Outcome.ERROR, Outcome.NOT_GRADED, Outcome.SKIPPED, Outcome.PASSED)


def seen(
    failure: pytest.ExceptionInfo[BaseException], folder: Path, *, called: bool = True
) -> dict[str, Any]:
    """Return the kind and the sentence of what a test ended with.

    `folder` is the exercise's; what lies in it beside the tests is the learner's code. `called`
    says that it was the test itself that ended so, and not what it needs before.
    """
    error = failure.value
    frames = [entry for entry in failure.traceback if _is_students(Path(entry.path), folder)]
    words = _first_words(error)
    if isinstance(error, StillRunning):
        return {"kind": Kind.HUNG, "message": words}
    if isinstance(error, pytest.fail.Exception):
        return {"kind": Kind.UNMET, "message": words}
    last = failure.traceback[-1]
    in_students_code = bool(frames) and Path(last.path) == Path(frames[-1].path)
    if isinstance(error, AssertionError) and not in_students_code:
        return {"kind": Kind.UNMET, "message": words}
    words = shortened(words)
    name = told_apart(type(error))
    said = f"{name}: {words}" if words else name
    if not frames:
        tests = [each for each in failure.traceback if Path(each.path).parent == folder]
        if not (called and tests):
            return {"kind": Kind.CRASHED, "message": said}
        # The test looked at what the learner's code had left, and did not find what it reads.
        line, file = tests[0].lineno + 1, Path(tests[0].path).name
        source = linecache.getline(str(tests[0].path), line).strip()
        looked = f"line {line} of {file}, `{source}`, looks at what your code did, and ended with"
        return {"kind": Kind.UNMET, "message": f"{looked} {said}"}
    place = f"(line {frames[-1].lineno + 1} of {Path(frames[-1].path).name})"
    if isinstance(error, NotImplementedError) and in_students_code:
        message = f"{frames[-1].name}() is not filled in yet: {said} {place}"
        return {"kind": Kind.NOT_FILLED_IN, "message": message}
    if _raised_by_test(Path(last.path), last.lineno + 1, folder):
        message = f"{last.name}() raised {said}, and {frames[0].name}() let it out {place}"
        return {"kind": Kind.UNMET, "message": message}
    return {"kind": Kind.CRASHED, "message": f"{frames[0].name}() raised {said} {place}"}


def _is_students(path: Path, folder: Path) -> bool:
    return path.parent == folder and not path.match("test_*.py") and path.name != "conftest.py"


def _raised_by_test(path: Path, line: int, folder: Path) -> bool:
    """Tell whether a test's own callback raised it on purpose, such as a handle that fails."""
    statement = linecache.getline(str(path), line).strip()
    return path.parent == folder and not _is_students(path, folder) and statement[:6] == "raise "


def _first_words(error: BaseException) -> str:
    """Return the exception's own words, without what pytest adds to those of an assertion."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a learner's __str__ may do anything
        return "(its message cannot be shown)"
    return text.partition("\nassert ")[0].strip()


def as_report(course: Course, exercise: Exercise, run: PublicRun) -> Report:
    """Return a run of the public tests as a report: a row for each check that they show."""
    checks = tuple(_row(exercise, check.id, run) for check in public_checks(course, exercise))
    return Report(
        student="you",
        exercise=exercise.id,
        score=sum(row.score for row in checks),
        max_score=sum(row.points for row in checks),
        provisional=False,
        sandbox=SANDBOX,
        seed=0,
        submission_hash=run.submission_hash,
        suite_hash="",
        checks=checks,
    )


def _row(exercise: Exercise, check_id: str, run: PublicRun) -> CheckResult:
    check = exercise.check(check_id)
    assert check is not None
    rows = [run.rows[test] for test in run.tests.get(check_id, {}) if test in run.rows]
    if rows:
        row = min(rows, key=lambda row: (_RANK.index(row.outcome), *_weak(row, run)))
        return row if _follows(row, run) else row.model_copy(update={"because": ""})
    if check_id in run.tests:  # kept by an older version: no more than what became of it is known
        outcome = {"passed": Outcome.PASSED, "failed": Outcome.FAILED}.get(run.checks[check_id])
        return CheckResult.of(check, outcome or Outcome.NOT_GRADED)
    return CheckResult.of(check, Outcome.SKIPPED, "its tests were not run")


def _weak(row: CheckResult, run: PublicRun) -> tuple[bool, bool]:
    return _follows(row, run), row.kind is Kind.NOT_FILLED_IN


def _follows(row: CheckResult, run: PublicRun) -> bool:
    """Tell whether the failure may only follow from that of the check that its test leans on."""
    return row.kind is not Kind.NOT_FILLED_IN and run.checks.get(row.because) == "failed"
