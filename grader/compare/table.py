"""A comparison in the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.compare.orderings import ORDERINGS
from grader.compare.result import Comparison, Machine
from grader.compare.rows import UNKNOWN, headings, how, rows, simulated
from grader.compare.techniques import TECHNIQUES

_SHORT = {"Redis Pub/Sub": "Redis"}


def print_comparison(comparison: Comparison, console: Console) -> None:
    """The table, what stood behind it, and whether what the lessons say holds."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", no_wrap=False, max_width=22)
    for title, is_simulated in zip(headings(), simulated(comparison), strict=True):
        name = _SHORT.get(title, title)
        table.add_column(f"{name}*" if is_simulated else name, justify="right", no_wrap=True)
    for group, lines in groupby(rows(comparison), key=lambda row: row.group):
        table.add_row(Text(group, "bold"))
        for row in lines:
            table.add_row(f" {row.label}", *row.cells)
    console.print(table)
    console.print()
    for technique in TECHNIQUES:
        console.print(f"{technique.title}: {comparison.behind.get(technique.id, 'not measured')}")
    if any(simulated(comparison)):
        console.print("* simulated: its times say what the simulation costs, not the real thing")
    console.print(on(comparison.machine) + f"; the run took {comparison.seconds:.0f} s")
    for column in comparison.columns:
        for name, problem in column.problems.items():
            whose = "bare client" if column.whose == "bare" else column.whose
            console.print(Text(f"✗ {column.technique} ({whose}), {name}: {problem}", "red"))
    console.print()
    for ordering in ORDERINGS:
        held = ordering.holds(comparison)
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: (UNKNOWN, "dim")}[held]
        console.print(Text(f"{mark} {ordering.sentence}", style))


def markdown(comparison: Comparison, groups: tuple[str, ...] = ()) -> Iterator[str]:
    """Lines of a Markdown table of `groups`, of all without any, and how it was measured."""
    marks = simulated(comparison)
    titles = [f"{t} (simulated)" if m else t for t, m in zip(headings(), marks, strict=True)]
    yield "| | " + " | ".join(titles) + " |"
    yield "|---|" + "---|" * len(titles)
    for row in rows(comparison):
        if row.group in groups or not groups:
            yield f"| {row.group}: {row.label} | " + " | ".join(row.cells) + " |"
    yield ""
    for title, sentence in how(comparison):
        if title in groups or not groups:
            yield f"{title}: {sentence}"
    yield on(comparison.machine) + f", {comparison.made:%Y-%m-%d}."
    behind = {
        comparison.behind[t.id] for t in TECHNIQUES if t.service and t.id in comparison.behind
    }
    yield f"Behind it, {'; '.join(sorted(behind))}."


def on(machine: Machine) -> str:
    """The machine in a line."""
    packages = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.system}, "
        f"Python {machine.python}, {packages}"
    )
