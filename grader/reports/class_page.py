"""The class on one page: distribution, submissions, and how each check did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from grader.course import Course
from grader.gradebook.graded import Graded
from grader.reports.pages import render
from grader.reports.similar import Similar
from grader.reports.statistics import FLAGS, class_figures

_AT_ONCE = 300
"""Rows of the table that a browser lays out before it is asked for all."""


def class_html(
    graded: Iterable[Graded],
    course: Course,
    similar: Mapping[str, Similar] | None = None,
    lines: Sequence[str] = (),
) -> str:
    """Return a self-contained page: no other file, no request, light and dark, fit to print.

    `lines` say what is not as it is now: a suite, or what was handed in.
    """
    figures = class_figures(graded, course, similar)
    rows = sorted(
        (row for each in figures for row in each.rows), key=lambda row: (row.student, row.exercise)
    )
    return render(
        "class.html",
        course=course,
        figures=figures,
        rows=rows,
        flags=FLAGS,
        at_once=_AT_ONCE,
        students=len({row.student for row in rows}),
        lines=lines,
        handed_in=sum("not handed in" not in row.flags for row in rows),
        provisional=sum("provisional" in row.flags for row in rows),
    )
