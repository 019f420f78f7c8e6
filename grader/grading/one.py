"""Grading one submission of one exercise."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.course import Course, Exercise
from grader.errors import CourseError, GraderError
from grader.report import CheckResult, Outcome, Report, is_provisional, presentable
from grader.sandbox.base import Sandbox, Setup
from grader.sandbox.process import ProcessSandbox
from grader.services.catalog import WELL_KNOWN_PORTS
from grader.submission import Submission
from grader.suite.budget import Budget
from grader.suite.plugin import SuitePlugin
from grader.suite.session import ServiceFactory, Session


@dataclass(frozen=True)
class Grading:
    """How submissions are graded in one run."""

    course: Course
    sandbox: type[Sandbox]
    seed: int
    services: Mapping[str, ServiceFactory]
    repeat: int = 0
    """How many times more a failing check is run."""
    only: frozenset[str] | None = None
    """Run the tests of these checks alone; None runs all."""
    first_failure: bool = False
    """Run nothing more once a check failed; the rest is skipped."""
    pulse: Callable[[float], None] = lambda _: None
    """Told the grading process's CPU time again and again: it is not stuck."""


def grade(submission: Submission, how: Grading) -> Report:
    """Run the hidden suite on `submission`.

    Changes this process for good (pytest's imports, threads of services): run it in a child.

    Raises:
        CourseError: the exercise has no hidden suite here.
    """
    exercise = how.course.exercise(submission.exercise)
    suite = require_suite(how.course, exercise)
    if not submission.files:
        reason = next(iter(submission.problems.values()))
        return _report(submission, how, [(Outcome.FAILED, reason)] * len(exercise.checks))
    limits = how.course.limits
    setup = Setup(
        files=submission.files,
        ports=[WELL_KNOWN_PORTS[name] for name in exercise.services],
        services=exercise.services,
        limits=limits,
    )
    session = Session(exercise, lambda: how.sandbox(setup), how.services, submission.problems)
    budget = Budget(limits.judge_cpu_seconds, limits.judge_memory_mb, how.pulse)
    plugin = SuitePlugin(
        exercise,
        session,
        how.seed,
        limits.total_seconds,
        only=how.only,
        first_failure=how.first_failure,
        budget=budget,
    )
    try:
        session.sandbox()
        _run_pytest(suite, plugin)
    except GraderError as error:
        return _report(submission, how, [(Outcome.ERROR, str(error))] * len(exercise.checks))
    finally:
        session.close()
    report = _assemble(submission, how, plugin.results(), session.output)
    return report.model_copy(
        update={
            "judge_cpu_seconds": round(budget.cpu_seconds, 2),
            "judge_memory_mb": round(budget.memory_mb, 1),
        }
    )


def failed_report(
    submission: Submission, how: Grading, reason: str, outcome: Outcome = Outcome.ERROR
) -> Report:
    """A report with the same row for each check: by default an error of ours, as grading broke."""
    count = len(how.course.exercise(submission.exercise).checks)
    return _report(submission, how, [(outcome, reason)] * count)


def require_suite(course: Course, exercise: Exercise) -> Path:
    """The folder of the exercise's hidden suite.

    Raises:
        CourseError: there is none, as in a students' copy.
    """
    suite = course.hidden_suite(exercise)
    if not suite.is_dir():
        raise CourseError(
            f"there is no hidden suite of exercise {exercise.id} here ({suite})",
            "In a students' copy only the public tests run: `pytest exercises/"
            + exercise.id
            + "`.",
        )
    return suite


_JUDGES = ("grading", "host", "sandbox", "services", "suite", "worker")
"""The grader's packages that a verdict can depend on."""


def suite_hash(course: Course, exercise: Exercise) -> str:
    """SHA-256 over what a verdict depends on besides the submission.

    The suite, the parts of the grader that run it, the limits, and which checks there are; not
    what they are worth, which :func:`grader.scoring.rescore` applies to a stored verdict.
    """
    checks = [(check.id, check.requires) for check in exercise.checks]
    rules = (course.limits.model_dump_json(), exercise.all_files, exercise.services, checks)
    digest = hashlib.sha256(repr(rules).encode())
    suite = course.hidden_suite(exercise)
    package = Path(__file__).parent.parent
    files = [*suite.rglob("*.py"), suite.parent / "conftest.py"]
    files += [path for part in _JUDGES for path in (package / part).rglob("*.py")]
    for path in sorted(files):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def warm(course: Course, exercise: Exercise) -> None:
    """Import pytest's plugins and the suite, so that processes forked from this one need not."""
    session = Session(exercise, lambda: ProcessSandbox(Setup(files={})), {}, {})
    plugin = SuitePlugin(exercise, session, 0, course.limits.total_seconds)
    _run_pytest(require_suite(course, exercise), plugin, "--collect-only")


class _Interrupts:
    """Sees Ctrl-C, which pytest keeps to itself."""

    came = False

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.came |= isinstance(excinfo.value, KeyboardInterrupt)


def _run_pytest(suite: Path, plugin: SuitePlugin, *more: str) -> None:
    # An instructor's own plugins and settings must not change a verdict.
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    os.environ.pop("PYTEST_ADDOPTS", None)
    off = (
        *("cacheprovider", "terminal", "junitxml", "logging", "faulthandler", "doctest"),
        *("unittest", "pastebin", "nose", "stepwise", "setuponly", "setupplan", "debugging"),
        *("unraisableexception", "threadexception", "recwarn", "warnings", "legacypath"),
    )
    interrupts = _Interrupts()
    pytest.main(
        [
            *("-c", os.devnull, "--rootdir", str(suite.parent), "--confcutdir", str(suite.parent)),
            *("--assert=plain", "--capture=no", "--import-mode=importlib", "--strict-markers"),
            *(word for name in off for word in ("-p", f"no:{name}")),
            *(*more, str(suite)),
        ],
        plugins=[plugin, interrupts],
    )
    if interrupts.came:
        raise KeyboardInterrupt


def _report(submission: Submission, how: Grading, rows: list[tuple[Outcome, str]]) -> Report:
    exercise = how.course.exercise(submission.exercise)
    checks = tuple(
        CheckResult.of(check, outcome, message, hint=False)
        for check, (outcome, message) in zip(exercise.checks, rows, strict=True)
    )
    return _assemble(submission, how, checks, "")


def _assemble(
    submission: Submission, how: Grading, checks: tuple[CheckResult, ...], output: str
) -> Report:
    exercise = how.course.exercise(submission.exercise)
    return Report(
        student=submission.student,
        exercise=exercise.id,
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks, unsafe=how.sandbox is ProcessSandbox),
        sandbox=how.sandbox.kind,
        seed=how.seed,
        submission_hash=submission.hash,
        suite_hash=suite_hash(how.course, exercise),
        submitted=submission.submitted,
        marked_late=submission.marked_late,
        not_taken=presentable(submission.not_taken),
        output=output,
        checks=checks,
    )
