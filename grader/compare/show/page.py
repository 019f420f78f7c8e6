"""A comparison as pages: the whole of it, and the one on which a reader chooses."""

from __future__ import annotations

from itertools import groupby

from markupsafe import Markup

from grader.compare.result import Comparison
from grader.compare.show import plots
from grader.compare.show.choose import offers
from grader.compare.show.orderings import judged
from grader.compare.show.rows import headings, how, rows, simulated
from grader.compare.show.table import on, problems
from grader.compare.techniques.catalog import techniques_in
from grader.reports.pages import render


def comparison_html(comparison: Comparison) -> str:
    """Return a self-contained page: the table, the method of each number, pictures, the choice."""
    return render(
        "comparison.html",
        comparison=comparison,
        headings=list(zip(headings(comparison), simulated(comparison), strict=True)),
        groups=[
            (group, list(lines))
            for group, lines in groupby(rows(comparison), lambda row: row.group)
        ],
        how=dict(how(comparison)),
        behind=[
            (each.title, comparison.behind.get(each.id, "not measured"))
            for each in techniques_in(comparison)
        ],
        machine=on(comparison.machine),
        orderings=[(each.sentence, held) for each, held in judged(comparison)],
        problems=[sentence for column in comparison.columns for sentence in problems(column)],
        # matplotlib's own words and our numbers: nothing in them came from a learner.
        plots=[(title, Markup(svg)) for title, svg in plots.svgs(comparison)],  # noqa: S704 - above
        offers=offers(comparison),
    )


def choose_html(comparison: Comparison) -> str:
    """Return the page at the end of the course: needs in, remaining techniques out."""
    return render(
        "choose.html",
        comparison=comparison,
        machine=on(comparison.machine),
        offers=offers(comparison),
    )
