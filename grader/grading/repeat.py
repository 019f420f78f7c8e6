"""Checks run again: what was disturbed, and what failed.

A verdict that varies is an error of ours to look at, never a zero.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from grader.course import Exercise
from grader.grading.one import Grading, Tell, grade
from grader.host.idle import free_megabytes
from grader.report import CheckResult, Outcome, Report, is_provisional, presentable
from grader.submission import Submission

TRIES = 2
"""How often what was disturbed is graded again."""
ROOM_SECONDS = 30
"""How long each of these tries waits for memory to be free."""
_SPARE_MB = 256
"""Of memory, beside what the submission may use."""


def grade_repeatedly(submission: Submission, how: Grading, *tell: Tell) -> Report:
    """Grade, then run what failed `how.repeat` times more, with the same random content.

    The first round's rows go to `tell`, where one is given, as soon as they are known.
    A check that does not fail each time becomes an `error`, which makes the report provisional.

    Raises:
        CourseError: the exercise has no hidden suite here.
    """
    exercise = submission.exercise
    report = _grade_undisturbed(submission, how, exercise, *tell)
    failed = [check.id for check in report.checks if check.outcome is Outcome.FAILED]
    if not (how.repeat and failed and submission.files):
        return report
    others = {each for check in report.checks for each in check.unfounded}
    again = replace(how, only=with_required(exercise, {*failed, *others}))
    verdicts: dict[str, list[CheckResult]] = {check.id: [check] for check in report.checks}
    for _ in range(how.repeat):
        found = grade(submission, again)
        report = _with_usage(report, found)
        for check in found.checks:
            if check.id in failed:
                verdicts[check.id].append(check)
    steady = {check_id: _steady(rows) for check_id, rows in verdicts.items()}
    return _with_rows(report, steady)


def _grade_undisturbed(
    submission: Submission, how: Grading, exercise: Exercise, *tell: Tell
) -> Report:
    """Grade, and grade again what a lack of memory or of a service left undecided."""
    report = grade(submission, how, *tell)
    for _ in range(TRIES):
        undecided = {check.id for check in report.checks if check.again}
        if not undecided:
            break
        wait_for_memory(how.course.limits.memory_mb + _SPARE_MB)
        open_ones = with_dependants(exercise, undecided)
        again = grade(submission, replace(how, only=with_required(exercise, open_ones)))
        report = _with_rows(report, {row.id: row for row in again.checks if row.id in open_ones})
        report = _with_usage(report, again)
    return _with_rows(report, {row.id: _broke_its_own(row) for row in report.checks if row.again})


def _broke_its_own(row: CheckResult) -> CheckResult:
    """Return the row after the last try: who broke a service of its own each time, failed."""
    if not row.own_service:
        return row
    message = presentable(
        f"in {1 + TRIES} runs the service that it used stood still: {row.message}"
    )
    return row.model_copy(update={"outcome": Outcome.FAILED, "message": message})


def _with_usage(report: Report, again: Report) -> Report:
    """Return the report with what grading it again has used besides."""
    return report.model_copy(
        update={
            "judge_cpu_seconds": round(report.judge_cpu_seconds + again.judge_cpu_seconds, 2),
            "judge_memory_mb": max(report.judge_memory_mb, again.judge_memory_mb),
        }
    )


def _with_rows(report: Report, rows: Mapping[str, CheckResult]) -> Report:
    checks = tuple(rows.get(check.id, check) for check in report.checks)
    return report.model_copy(
        update={
            "checks": checks,
            "score": sum(check.score for check in checks),
            "provisional": is_provisional(checks, unsafe=report.unsafe),
        }
    )


def wait_for_memory(megabytes: int, meminfo: Path = Path("/proc/meminfo")) -> None:
    """Wait until so much is free, ROOM_SECONDS at most; see proc(5)."""
    deadline = time.monotonic() + ROOM_SECONDS
    while time.monotonic() < deadline:
        free = free_megabytes(meminfo)
        if free is None or free >= megabytes:
            return
        time.sleep(0.5)


def with_dependants(exercise: Exercise, check_ids: Iterable[str]) -> frozenset[str]:
    """Return these checks and all that require them, directly or not."""
    wanted = set(check_ids)
    for check in exercise.checks:  # what a check requires stands before it
        if wanted.intersection(check.requires):
            wanted.add(check.id)
    return frozenset(wanted)


def with_required(exercise: Exercise, check_ids: Iterable[str]) -> frozenset[str]:
    """Return these checks and all that they require, directly or not."""
    wanted = set(check_ids)
    for check in reversed(exercise.checks):  # what a check requires stands before it
        if check.id in wanted:
            wanted.update(check.requires)
    return frozenset(wanted)


def _steady(found: list[CheckResult]) -> CheckResult:
    """Return the first verdict where all agree, else an error that says how often it failed."""
    failures = sum(check.outcome is Outcome.FAILED for check in found)
    if len({check.outcome for check in found}) == 1:
        return found[0]
    message = (
        f"failed in {failures} of {len(found)} runs with the same content, so this is no verdict; "
        f"look at the code, or grade it again. A failure was: {found[0].message}"
    )
    return found[0].model_copy(
        update={
            "outcome": Outcome.ERROR,
            "score": 0.0,
            "message": message,
            "hint": "",
            "kind": None,
        }
    )
