"""What a class's results say about the students, and about the checks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from grader.course import Course, Exercise
from grader.gradebook.graded import Graded
from grader.report import HOSTILE, UNDECIDED, Outcome
from grader.reports.similar import Similar

BINS = 10
_ENOUGH = 5
"""Submissions below which a correlation says nothing."""
FLAGS = ("provisional", "late", "by hand", "hostile", "identical", "nearly identical")
"""What a submission may be marked with."""


@dataclass
class Row:
    """A submission in the page's table."""

    student: str
    exercise: str
    final: float
    max_score: float
    passed: int
    checks: int
    flags: list[str]
    first: str
    """The first check that failed, and its message."""

    @property
    def percent(self) -> float:
        """Of the points of the exercise."""
        return 100 * self.final / self.max_score if self.max_score else 0.0


@dataclass
class CheckFigures:
    """What a check showed in this class."""

    id: str
    title: str
    points: float
    decided: int = 0
    passed: int = 0
    discrimination: float | None = None
    """Correlation of passing this check with the points of all other checks of the exercise
    (corrected item-total correlation): near 1 it separates strong from weak, near 0 it does not,
    below 0 it is worth a look. None where it cannot be computed. Source: Ebel and Frisbie,
    Essentials of Educational Measurement, chapter 13."""

    @property
    def rate(self) -> float:
        """Percent of the decided ones that passed."""
        return 100 * self.passed / self.decided if self.decided else 0.0


@dataclass
class ExerciseFigures:
    """What an exercise showed in this class."""

    exercise: Exercise
    rows: list[Row] = field(default_factory=list)
    checks: list[CheckFigures] = field(default_factory=list)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    together: list[tuple[str, str, int, float]] = field(default_factory=list)
    """Pairs of checks that fail together: ids, how often, and phi (correlation of two yes-no
    variables); the strongest first."""
    twins: list[list[str]] = field(default_factory=list)
    """Students who handed in the same files, byte for byte."""
    similar: Similar | None = None
    """Who handed in nearly the same; None where nobody looked."""

    @property
    def mean(self) -> float:
        """Percent of the points."""
        return sum(row.percent for row in self.rows) / len(self.rows)

    @property
    def median(self) -> float:
        """Percent of the points."""
        ordered = sorted(row.percent for row in self.rows)
        middle = len(ordered) // 2
        return (ordered[middle] + ordered[~middle]) / 2


def class_figures(
    graded: Iterable[Graded], course: Course, similar: Mapping[str, Similar] | None = None
) -> list[ExerciseFigures]:
    """Return the figures of each exercise that somebody handed in, in one pass over the results.

    `similar` says by exercise who handed in nearly the same; None where nobody looked.
    """
    found = {each.id: ExerciseFigures(each) for each in course.exercises}
    outcomes: dict[str, list[list[bool | None]]] = {each.id: [] for each in course.exercises}
    same: dict[tuple[str, str], list[str]] = {}
    for one in graded:
        report = one.report
        figures = found[report.exercise]
        row = _row(one)
        figures.rows.append(row)
        figures.histogram[min(int(row.percent * BINS / 100), BINS - 1)] += 1
        outcomes[report.exercise].append(
            [None if c.outcome in UNDECIDED else c.outcome is Outcome.PASSED for c in report.checks]
        )
        if any(check.outcome is Outcome.PASSED for check in report.checks):
            same.setdefault((report.exercise, report.submission_hash), []).append(report.student)
    for (exercise, _), students in same.items():
        if len(students) > 1:
            found[exercise].twins.append(students)
    for exercise_id, figures in found.items():
        if similar is not None:
            figures.similar = similar.get(exercise_id, Similar())
        _mark_alike(figures)
        _judge_checks(figures, outcomes[exercise_id])
    return [figures for figures in found.values() if figures.rows]


def _row(one: Graded) -> Row:
    report = one.report
    holds = [
        one.grade is None,
        report.penalty > 0 or report.marked_late,
        one.by_hand,
        any(check.kind in HOSTILE for check in report.checks),
    ]
    failed = [check for check in report.checks if check.outcome is not Outcome.PASSED]
    return Row(
        student=report.student,
        exercise=report.exercise,
        final=one.final,
        max_score=report.max_score,
        passed=len(report.checks) - len(failed),
        checks=len(report.checks),
        flags=[name for name, flagged in zip(FLAGS, holds, strict=False) if flagged],
        first=f"{failed[0].id}: {failed[0].message}"[:300] if failed else "",
    )


def _mark_alike(figures: ExerciseFigures) -> None:
    """Flag the rows of those who handed in the same, or nearly."""
    same = {student for students in figures.twins for student in students}
    near = figures.similar.students if figures.similar else frozenset()
    for row in figures.rows:
        if row.student in same:
            row.flags.append("identical")
        elif row.student in near:
            row.flags.append("nearly identical")


def _judge_checks(figures: ExerciseFigures, outcomes: list[list[bool | None]]) -> None:
    checks = figures.exercise.checks
    for number, check in enumerate(checks):
        decided = [row for row in outcomes if row[number] is not None]
        mine = [float(bool(row[number])) for row in decided]
        rest = [
            sum(c.points for i, c in enumerate(checks) if i != number and row[i]) for row in decided
        ]
        figures.checks.append(
            CheckFigures(
                check.id,
                check.title,
                check.points,
                decided=len(decided),
                passed=int(sum(mine)),
                discrimination=correlation(mine, rest),
            )
        )
    pairs = []
    for first, one in enumerate(checks):
        for second in range(first + 1, len(checks)):
            both = [
                (row[first], row[second])
                for row in outcomes
                if row[first] is not None and row[second] is not None
            ]
            phi = correlation([float(bool(a)) for a, _ in both], [float(bool(b)) for _, b in both])
            failed = sum(not a and not b for a, b in both)
            if phi is not None and failed > 1:
                pairs.append((one.id, checks[second].id, failed, phi))
    figures.together = sorted(pairs, key=lambda pair: -pair[3])[:10]


def correlation(xs: list[float], ys: list[float]) -> float | None:
    """Pearson's correlation; None for fewer than five pairs, or where one side never varies."""
    if len(xs) < _ENOUGH:
        return None
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    under = math.sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))
    return over / under if under else None
