"""Points: what stored verdicts are worth under the course.toml of today.

A verdict says what the code did, and costs a run. What it is worth follows from points, due dates
and the late policy, so that a change of these needs no run.
"""

from __future__ import annotations

from datetime import timedelta

from grader.course import Course, Exercise
from grader.report import CheckResult, Outcome, Report, is_provisional


def rescore(report: Report, course: Course, extension: timedelta = timedelta()) -> Report:
    """Return `report` with the points, titles and hints of `course`, and the penalty for lateness.

    Args:
        report: a stored report; its verdicts and messages stay.
        course: the manifest as it is now.
        extension: how much later than `due` this student may hand in.
    """
    exercise = course.exercise(report.exercise)
    known = {result.id: result for result in report.checks}
    checks = tuple(_row(exercise, check.id, known.get(check.id)) for check in exercise.checks)
    late = _late(report, exercise, extension)
    return report.model_copy(
        update={
            "checks": checks,
            "score": sum(check.score for check in checks),
            "max_score": exercise.max_score,
            "provisional": is_provisional(checks, unsafe=report.unsafe),
            "late": late,
            "penalty": course.late.penalty(late, exercise.max_score),
        }
    )


def total(report: Report, checks: tuple[CheckResult, ...]) -> Report:
    """Return `report` with these rows, and the points that they come to."""
    return report.model_copy(
        update={
            "checks": checks,
            "score": sum(check.score for check in checks),
            "max_score": sum(check.points for check in checks),
            "provisional": is_provisional(checks, unsafe=report.unsafe),
        }
    )


def _row(exercise: Exercise, check_id: str, found: CheckResult | None) -> CheckResult:
    check = exercise.check(check_id)
    assert check is not None
    if found is None:
        return CheckResult.of(check, Outcome.ERROR, "is new in course.toml; grade again")
    return found.model_copy(
        update={
            "title": check.title,
            "points": check.points,
            "score": check.points if found.outcome is Outcome.PASSED else 0.0,
            "hint": check.hint if found.hint else "",
        }
    )


def _late(report: Report, exercise: Exercise, extension: timedelta) -> timedelta:
    if exercise.due is None or report.submitted is None:
        return timedelta()
    return max(timedelta(), report.submitted - exercise.due - extension)
