"""The map of a class: a row for each student, a column for each check, drawn as four paths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from grader.report import UNDECIDED, CheckResult, Kind, Outcome

SHADES = ("passed", "failed", "not tried", "undecided")
"""Shades of a field of the map; `not tried` are stubs, and checks whose ground is missing."""
_GAP = 0.04
"""Between two columns, as part of one."""


class MapRow(NamedTuple):
    """A student in the map."""

    percent: float
    """Of the points."""
    student: str
    shades: tuple[str, ...]
    """Of each check, one of SHADES."""


@dataclass(frozen=True)
class ClassMap:
    """The map of one exercise."""

    rows: tuple[MapRow, ...]
    """From the top: most points first."""
    paths: dict[str, str]
    """By shade: an SVG path in units of one check across and one student down."""


def class_map(rows: Iterable[MapRow]) -> ClassMap:
    """Draw the map of one exercise."""
    ordered = tuple(sorted(rows, key=lambda row: (-row.percent, row.student)))
    shades = [row.shades for row in ordered]
    return ClassMap(ordered, {each: "".join(_path(shades, each)) for each in SHADES})


def shade(check: CheckResult) -> str:
    """Return what the map shows of a result, one of SHADES."""
    if check.outcome is Outcome.PASSED:
        return "passed"
    if check.outcome in UNDECIDED:
        return "undecided"
    if check.outcome is Outcome.SKIPPED or check.kind is Kind.NOT_FILLED_IN:
        return "not tried"
    return "failed"


def _path(shades: Sequence[Sequence[str]], wanted: str) -> Iterator[str]:
    """Yield a rectangle for each run of students with the wanted shade in a column.

    A thousand students by sixteen checks are a few hundred runs, which a browser draws at once; an
    element for each field would take it seconds.
    """
    for column in range(len(shades[0]) if shades else 0):
        top = 0
        for found, run in groupby(row[column] for row in shades):
            height = len(list(run))
            if found == wanted:
                yield f"M{column + _GAP:g} {top}h{1 - 2 * _GAP:g}v{height}h-{1 - 2 * _GAP:g}z"
            top += height
