"""What a class's results say about the students, and about the checks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from grader.course import Check, Course, Exercise
from grader.gradebook.graded import Graded
from grader.report import HOSTILE, Outcome
from grader.reports.class_map import ClassMap, MapRow, class_map, shade
from grader.reports.similar import Similar

BINS = 10
_TOLD = {"passed", "failed"}
"""Shades of the class's map that say something of the student."""
_TOGETHER = 0.3
"""phi from which on two checks are said to fail together: a medium effect. Source: Cohen,
Statistical Power Analysis for the Behavioral Sciences, chapter 3."""
_ENOUGH = 5
"""Submissions below which a correlation says nothing."""
FLAGS = (
    *("provisional", "late", "by hand", "hostile", "not handed in"),
    *("identical", "nearly identical"),
)
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
        """Return the score as a percentage of the exercise's points."""
        return 100 * self.final / self.max_score if self.max_score else 0.0


@dataclass
class CheckFigures:
    """The figures of a check in this class."""

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
    """The figures of an exercise in this class."""

    exercise: Exercise
    rows: list[Row] = field(default_factory=list)
    checks: list[CheckFigures] = field(default_factory=list)
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    map: ClassMap = field(default_factory=lambda: class_map(()))
    together: list[tuple[str, str, int, float]] = field(default_factory=list)
    """Pairs of checks that fail together: ids, how often, and phi (correlation of two yes-no
    variables); the strongest first."""
    twins: list[list[str]] = field(default_factory=list)
    """Students who handed in the same files, byte for byte."""
    similar: Similar | None = None
    """Who handed in nearly the same; None where nobody looked."""

    @property
    def grades(self) -> list[float]:
        """Percent of the points of each that is a grade, from the least on; others are none yet."""
        return sorted(row.percent for row in self.rows if "provisional" not in row.flags)

    @property
    def mean(self) -> float:
        """Percent of the points, of what is a grade."""
        return sum(self.grades) / len(self.grades)

    @property
    def median(self) -> float:
        """Percent of the points, of what is a grade."""
        middle = len(self.grades) // 2
        return (self.grades[middle] + self.grades[~middle]) / 2


def class_figures(
    graded: Iterable[Graded], course: Course, similar: Mapping[str, Similar] | None = None
) -> list[ExerciseFigures]:
    """Return the figures of each exercise that somebody handed in, in one pass over the results.

    `similar` says by exercise who handed in nearly the same; None where nobody looked.
    """
    found = {each.id: ExerciseFigures(each) for each in course.exercises}
    mapped: dict[str, list[MapRow]] = {each.id: [] for each in course.exercises}
    same: dict[tuple[str, str], list[str]] = {}
    for one in graded:
        report = one.report
        figures = found[report.exercise]
        row = _row(one)
        figures.rows.append(row)
        if one.grade is not None:
            figures.histogram[min(int(row.percent * BINS / 100), BINS - 1)] += 1
        mapped[report.exercise].append(
            MapRow(row.percent, report.student, tuple(map(shade, report.checks)))
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
        figures.map = class_map(mapped[exercise_id])
        _judge_checks(figures)
    return [figures for figures in found.values() if figures.rows]


def _row(one: Graded) -> Row:
    report = one.report
    holds = [
        one.grade is None,
        report.penalty > 0 or report.marked_late,
        one.by_hand,
        any(check.kind in HOSTILE for check in report.checks),
        not report.handed_in,
    ]
    failed = [check for check in report.checks if not check.earned]
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


def _judge_checks(figures: ExerciseFigures) -> None:
    """Fill in what each check showed.

    Correlations are about those who tried: what a stub fails, or a check whose ground is missing,
    would make every pair of checks fail together.
    """
    checks = figures.exercise.checks
    shades = [row.shades for row in figures.map.rows]
    tried = [row for row in shades if "passed" in row]
    for number, check in enumerate(checks):
        told = [row for row in tried if row[number] in _TOLD]
        figures.checks.append(
            CheckFigures(
                check.id,
                check.title,
                check.points,
                decided=sum(row[number] != "undecided" for row in shades),
                passed=sum(row[number] == "passed" for row in shades),
                discrimination=correlation(
                    [float(row[number] == "passed") for row in told],
                    [_points_of_others(row, number, checks) for row in told],
                ),
            )
        )
    figures.together = sorted(_pairs(checks, tried), key=lambda pair: -pair[3])[:10]


def _points_of_others(row: Sequence[str], number: int, checks: Sequence[Check]) -> float:
    return sum(
        check.points
        for place, check in enumerate(checks)
        if place != number and row[place] == "passed"
    )


def _pairs(
    checks: Sequence[Check], tried: Sequence[Sequence[str]]
) -> Iterator[tuple[str, str, int, float]]:
    """Yield the pairs of checks that two students or more failed together."""
    for first, second in combinations(range(len(checks)), 2):
        both = [
            (row[first] == "passed", row[second] == "passed")
            for row in tried
            if row[first] in _TOLD and row[second] in _TOLD
        ]
        failed = both.count((False, False))
        phi = correlation([float(one) for one, _ in both], [float(other) for _, other in both])
        if phi is not None and phi >= _TOGETHER and failed > 1:
            yield checks[first].id, checks[second].id, failed, phi


def correlation(xs: list[float], ys: list[float]) -> float | None:
    """Pearson's correlation; None for fewer than five pairs, or where one side never varies."""
    if len(xs) < _ENOUGH:
        return None
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    over = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    under = math.sqrt(sum((x - mean_x) ** 2 for x in xs) * sum((y - mean_y) ** 2 for y in ys))
    return over / under if under else None
