"""A comparison as lines of Markdown, for the lessons."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.compare.result import Column, Comparison, Crash, Latency, Pair
from grader.compare.show.cells import UNKNOWN, milliseconds
from grader.compare.show.orderings import judged
from grader.compare.show.rows import how, rows, simulated
from grader.compare.show.table import on
from grader.compare.techniques.catalog import techniques_in

COMMAND = "grader compare --lessons"
"""What fills the blocks."""


def table(
    comparison: Comparison, groups: frozenset[str], techniques: frozenset[str]
) -> Iterator[str]:
    """Yield the rows of those groups and columns of those techniques; without names, all."""
    known = techniques_in(comparison)
    shown = [n for n, each in enumerate(known) if each.id in techniques or not techniques]
    yield from _heading(comparison, shown)
    for row in rows(comparison):
        # Part of the table, in a lesson about these techniques: there the promises matter.
        if techniques and row.bare and row.group != "Full speed":
            continue
        if row.group in groups or not groups:
            cells = [row.cells[number] for number in shown]
            yield _line(f"**{row.group}:** {row.label}", *cells)
    yield ""
    for title, sentence in how(comparison):
        if title in groups or not groups:
            yield f"- *{title}.* {sentence}"
    yield ""
    yield from _origin(comparison, shown)


def intervals(comparison: Comparison) -> Iterator[str]:
    """Yield the lines of a table: the latency of the technique that polls, by its interval."""
    known = techniques_in(comparison)
    number, technique = next((n, each) for n, each in enumerate(known) if each.intervals)
    column = comparison.column(technique.id, comparison.subject)
    found: dict[float, Latency | None] = {
        comparison.poll_interval: column.latency if column else None,
        **{float(name): latency for name, latency in comparison.by_interval.items()},
    }
    yield _line("interval", "median", "95 %", "99 %", "looks a minute")
    yield _rule(4)
    for interval, latency in sorted(found.items()):
        times = (
            [milliseconds(v) for v in (latency.p50, latency.p95, latency.p99)] if latency else []
        )
        yield _line(f"{interval:g} s", *(times or [UNKNOWN] * 3), f"{60 / interval:.0f}")
    yield ""
    yield from _origin(comparison, [number])


@dataclass(frozen=True)
class _Opinion:
    """A row of the lecture's table, and what a run says to it."""

    subject: str
    field: str
    """Of the technique's opinions."""
    measured: tuple[tuple[str, Callable[[Column], str]], ...]


def _latency(column: Column) -> str:
    found = column.latency
    return f"{milliseconds(found.p50)} / {milliseconds(found.p99)}" if found else UNKNOWN


def _away(column: Column) -> str:
    found = column.away
    return f"{found.arrived_later} of {found.sent_meanwhile}" if found else UNKNOWN


def _crash(found: Crash | None) -> str:
    return f"{found.lost} lost, {found.twice} twice" if found else UNKNOWN


def _pair(found: Pair | None) -> str:
    return f"{found.handled[0]} and {found.handled[1]} of {found.sent}" if found else UNKNOWN


_OPINIONS = (
    _Opinion("latency", "latency", (("median / 99 %", _latency),)),
    _Opinion("keeps messages", "keeps", (("of those sent while away", _away),)),
    _Opinion(
        "reliability",
        "reliability",
        (
            ("killed inside `handle`", lambda column: _crash(column.crash)),
            ("killed after `handle`", lambda column: _crash(column.between)),
        ),
    ),
    _Opinion(
        "several consumers",
        "consumers",
        (
            ("two consumers handled", lambda column: _pair(column.pair)),
            ("two services handled", lambda column: _pair(column.services)),
        ),
    ),
)


def opinions(comparison: Comparison) -> Iterator[str]:
    """Yield the lecture's rows that can be measured, each with its numbers below."""
    techniques = techniques_in(comparison)
    shown = list(range(len(techniques)))
    yield from _heading(comparison, shown)
    columns = [comparison.column(t.id, comparison.subject) for t in techniques]
    for opinion in _OPINIONS:
        said = [getattr(each.opinions, opinion.field) for each in techniques]
        yield _line(opinion.subject, *(f"*{words}*" for words in said))
        for label, cell in opinion.measured:
            cells = [cell(column) if column else UNKNOWN for column in columns]
            yield _line(label, *(f"**{each}**" for each in cells))
    yield ""
    yield from _origin(comparison, shown)


def orderings(comparison: Comparison) -> Iterator[str]:
    """Yield what the lessons say of the techniques, and whether this run bears it out."""
    for each, held in judged(comparison):
        mark = {True: "✓", False: "✗", None: UNKNOWN}[held]
        yield f"- {mark} {each.sentence}."


def _heading(comparison: Comparison, shown: list[int]) -> Iterator[str]:
    marks = simulated(comparison)
    known = techniques_in(comparison)
    titles = [f"{known[n].title}{' (simulated)' if marks[n] else ''}" for n in shown]
    yield _line("", *titles)
    yield _rule(len(titles))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _rule(cells: int) -> str:
    return "|---|" + "---:|" * cells


def _origin(comparison: Comparison, shown: list[int]) -> Iterator[str]:
    """Return where the numbers come from."""
    known = techniques_in(comparison)
    services = [known[number] for number in shown if known[number].service]
    behind = "".join(
        f" {each.title}: {comparison.behind.get(each.id, 'not measured')}." for each in services
    )
    yield (
        f"Measured by `{COMMAND}` on {comparison.made:%Y-%m-%d}: {on(comparison.machine)}.{behind}"
    )
