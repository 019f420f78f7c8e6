"""Failing checks run again: a verdict that varies is an error of ours to look at, never a zero."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from grader.course import Exercise
from grader.grading.one import Grading, grade
from grader.report import CheckResult, Outcome, Report, is_provisional
from grader.submission import Submission


def grade_repeatedly(submission: Submission, how: Grading) -> Report:
    """Grade, then run what failed `how.repeat` times more, with the same random content.

    A check that does not fail each time becomes an `error`, which makes the report provisional.

    Raises:
        CourseError: the exercise has no hidden suite here.
    """
    report = grade(submission, how)
    exercise = how.course.exercise(submission.exercise)
    failed = [check.id for check in report.checks if check.outcome is Outcome.FAILED]
    if not (how.repeat and failed and submission.files):
        return report
    again = replace(how, only=with_required(exercise, failed))
    verdicts: dict[str, list[CheckResult]] = {check.id: [check] for check in report.checks}
    for _ in range(how.repeat):
        for check in grade(submission, again).checks:
            if check.id in failed:
                verdicts[check.id].append(check)
    checks = tuple(_steady(found) for found in verdicts.values())
    return report.model_copy(
        update={
            "checks": checks,
            "score": sum(check.score for check in checks),
            "provisional": report.provisional or is_provisional(checks),
        }
    )


def with_required(exercise: Exercise, check_ids: Iterable[str]) -> frozenset[str]:
    """These checks and all that they require, directly or not."""
    wanted = set(check_ids)
    for check in reversed(exercise.checks):  # what a check requires stands before it
        if check.id in wanted:
            wanted.update(check.requires)
    return frozenset(wanted)


def _steady(found: list[CheckResult]) -> CheckResult:
    """The first verdict where all agree, else an error that says how often it failed."""
    failures = sum(check.outcome is Outcome.FAILED for check in found)
    if len({check.outcome for check in found}) == 1:
        return found[0]
    message = (
        f"failed in {failures} of {len(found)} runs with the same content, so this is no verdict; "
        f"look at the code, or grade it again. A failure was: {found[0].message}"
    )
    return found[0].model_copy(
        update={"outcome": Outcome.ERROR, "score": 0.0, "message": message, "hint": ""}
    )
