"""Grading one submission of one exercise."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.course import Course, Exercise, Limits
from grader.errors import CourseError, GraderError
from grader.grading.collected import CollectedSuite
from grader.grading.sources import judging_sources
from grader.report import CheckResult, Kind, Outcome, Report, is_provisional, presentable
from grader.sandbox.base import Sandbox
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.services.catalog import service_kinds
from grader.services.kind import ServiceFactory
from grader.source_file import MISSING
from grader.submission import Submission
from grader.suite.budget import Budget
from grader.suite.session import Session


@dataclass(frozen=True)
class Grading:
    """The course, sandbox, seed and services with which a run grades."""

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
    waits_once: bool = False
    """Skip what hangs in a function that hung before: for a learner's own code, never a grade."""
    pulse: Callable[[float], None] = lambda _: None
    """Told the grading process's CPU time again and again: it is not stuck."""


Tell = Callable[[CheckResult, bool], None]
"""Gets a check's row when it has failed, and, with True, when its last test has run."""


def _untold(_row: CheckResult, _last: bool) -> None:  # noqa: FBT001 - as Tell says
    """Tell nobody."""


def grade(submission: Submission, how: Grading, tell: Tell = _untold) -> Report:
    """Run the hidden suite on `submission`; `tell` gets each row as soon as it is known.

    Changes this process for good (pytest's imports, threads of services): run it in a child.

    Raises:
        CourseError: the exercise has no hidden suite here.
    """
    exercise = submission.exercise
    suite = require_suite(how.course, exercise)
    if not submission.files:
        reason = _joined([*submission.problems.values()])
        return _report(submission, how, [(Outcome.FAILED, reason)] * len(exercise.checks))
    limits = how.course.limits
    kinds = service_kinds(exercise.services)
    setup = Setup(
        files=submission.files,
        ports=[kind.port for kind in kinds],
        clients=[client for kind in kinds for client in kind.clients],
        first_calls=[kind.first_call for kind in kinds if kind.first_call is not None],
        limits=limits,
    )
    budget = Budget(limits.judge_cpu_seconds, limits.judge_memory_mb, how.pulse)
    session = Session(
        exercise,
        lambda: how.sandbox(setup),
        how.services,
        submission.problems,
        waits_once=how.waits_once,
    )
    try:
        session.sandbox()
        ready = _warm_one(how.course, exercise)
        collected = ready.collected if ready else CollectedSuite(suite, exercise)
        collected.plugin.begin(
            session,
            how.seed,
            limits.total_seconds,
            only=how.only,
            first_failure=how.first_failure,
            tell=tell,
            budget=budget,
        )
        collected.run()
    except GraderError as error:
        return _report(submission, how, [(Outcome.ERROR, str(error))] * len(exercise.checks))
    finally:
        session.close()
    report = _assemble(submission, how, collected.plugin.results(), session.output)
    return report.model_copy(
        update={
            "judge_cpu_seconds": round(budget.cpu_seconds, 2),
            "judge_memory_mb": round(budget.memory_mb, 1),
        }
    )


def failed_report(
    submission: Submission, how: Grading, reason: str, outcome: Outcome = Outcome.ERROR
) -> Report:
    """Return a report with the same row for each check: by default an error, as grading broke."""
    count = len(submission.exercise.checks)
    return _report(submission, how, [(outcome, reason)] * count)


def unread_report(submission: Submission, course: Course, seed: int) -> Report:
    """Return the report of what this machine cannot read: no verdict, whatever is in it."""
    reason = presentable(submission.unread)
    checks = tuple(
        CheckResult.of(check, Outcome.NOT_GRADED, reason) for check in submission.exercise.checks
    )
    return Report(
        student=submission.student,
        exercise=submission.exercise.id,
        score=0,
        max_score=submission.exercise.max_score,
        provisional=True,
        sandbox="",
        seed=seed,
        submission_hash=submission.hash,
        suite_hash=suite_hash(course, submission.exercise),
        submitted=submission.submitted,
        checks=checks,
    )


def _joined(problems: Sequence[str]) -> str:
    """Return one sentence on all files that cannot be used."""
    parts = [each.partition(f" {MISSING}") for each in problems]
    if len(parts) > 1 and all(missing for _, missing, _ in parts):
        *some, last = [name for name, _, _ in parts]
        return f"{', '.join(some)} and {last} {MISSING.replace('is', 'are', 1)}{parts[0][2]}"
    return "; ".join(problems)


def require_suite(course: Course, exercise: Exercise) -> Path:
    """Return the folder of the exercise's hidden suite.

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


def suite_hash(course: Course, exercise: Exercise) -> str:
    """SHA-256 over what a verdict depends on besides the submission.

    The suite, the parts of the grader that run it, the limits, and which checks there are; not
    what they are worth, which :func:`grader.scoring.rescore` applies to a stored verdict.
    """
    checks = [(check.id, check.requires) for check in exercise.checks]
    rules = (course.limits.model_dump_json(), exercise.all_files, exercise.services, checks)
    digest = hashlib.sha256(repr(rules).encode())
    suite = course.hidden_suite(exercise)
    files = [
        path for path in (*suite.rglob("*.py"), suite.parent / "conftest.py") if path.is_file()
    ]
    for path in sorted(judging_sources(files, service_kinds(exercise.services))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def suite_hashes(course: Course) -> dict[str, str]:
    """Return the hash of each exercise that has a hidden suite here, by its id."""
    return {
        exercise.id: suite_hash(course, exercise)
        for exercise in course.exercises
        if course.hidden_suite(exercise).is_dir()
    }


@dataclass(frozen=True)
class _Warm:
    """A suite as it was when it was collected."""

    collected: CollectedSuite
    limits: Limits
    hash: str


_WARM: dict[Path, _Warm] = {}
"""By the suite's folder."""


def warm(course: Course, exercise: Exercise) -> None:
    """Collect the suite, so that processes forked from this one need not.

    Their verdicts are those of the suite as it is now, and so is the hash in their reports,
    whatever becomes of the files meanwhile.
    """
    suite = require_suite(course, exercise)
    digest = suite_hash(course, exercise)
    _WARM[suite] = _Warm(CollectedSuite(suite, exercise), course.limits, digest)


def _warm_one(course: Course, exercise: Exercise) -> _Warm | None:
    found = _WARM.get(course.hidden_suite(exercise))
    same = found and found.collected.exercise == exercise and found.limits == course.limits
    return found if same else None


def _report(submission: Submission, how: Grading, rows: list[tuple[Outcome, str]]) -> Report:
    checks = tuple(
        CheckResult.of(check, outcome, message, kind=Kind.NOT_IMPORTABLE)
        for check, (outcome, message) in zip(submission.exercise.checks, rows, strict=True)
    )
    return _assemble(submission, how, checks, "")


def _assemble(
    submission: Submission, how: Grading, checks: tuple[CheckResult, ...], output: str
) -> Report:
    exercise = submission.exercise
    ready = _warm_one(how.course, exercise)
    return Report(
        student=submission.student,
        exercise=exercise.id,
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks, unsafe=how.sandbox is ProcessSandbox),
        sandbox=how.sandbox.kind,
        seed=how.seed,
        submission_hash=submission.hash,
        suite_hash=ready.hash if ready else suite_hash(how.course, exercise),
        submitted=submission.submitted,
        marked_late=submission.marked_late,
        not_taken=presentable(submission.not_taken),
        handed_in=submission.handed_in,
        output=output,
        checks=checks,
    )
