"""A comparison in the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.compare.result import Column, Comparison, Machine
from grader.compare.show.cells import UNKNOWN
from grader.compare.show.orderings import judged
from grader.compare.show.rows import rows, simulated
from grader.compare.techniques.catalog import techniques_in
from grader.reports.safe import plain


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print the table, what stood behind it, and whether what the lessons say holds."""
    techniques = techniques_in(comparison)
    shown = [n for n, t in enumerate(techniques) if comparison.column(t.id, comparison.subject)]
    console.print(_table(comparison, shown))
    console.print()
    for technique in (techniques[number] for number in shown):
        console.print(f"{technique.title}: {comparison.behind.get(technique.id, 'not measured')}")
    if any(simulated(comparison)):
        console.print("* simulated: its times say what the simulation costs, not the real thing")
    console.print(on(comparison.machine) + f"; the run took {comparison.seconds:.0f} s")
    for column in comparison.columns:
        mark, style = (UNKNOWN, "dim") if column.is_stub else ("✗", "red")
        for sentence in problems(column):
            console.print(Text(f"{mark} {sentence}", style))
    console.print()
    for ordering, held in judged(comparison):
        if held is None and len(shown) < len(techniques):
            continue  # what it is about was not asked for
        mark, style = {True: ("✓", "green"), False: ("✗", "red"), None: (UNKNOWN, "dim")}[held]
        console.print(Text(f"{mark} {ordering.sentence}", style))


def _table(comparison: Comparison, shown: list[int]) -> Table:
    """Return the techniques of these numbers, without rows in which none of them has anything."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_edge=False)
    table.add_column("", no_wrap=False, max_width=25)
    for number in shown:
        technique, is_simulated = techniques_in(comparison)[number], simulated(comparison)[number]
        name = technique.short or technique.title
        table.add_column(f"{name}*" if is_simulated else name, justify="right", no_wrap=True)
    for group, lines in groupby(rows(comparison), key=lambda row: row.group):
        some = [row for row in lines if {row.cells[number] for number in shown} != {UNKNOWN}]
        if some:
            table.add_row(Text(group, "bold"))
        for row in some:
            label = row.label.replace("bare client", "bare") if row.bare else row.label
            table.add_row(f" {label}", *(row.cells[number] for number in shown))
    return table


def problems(column: Column) -> Iterator[str]:
    """Yield what went wrong with a consumer, a sentence each."""
    whose = "bare client" if column.whose == "bare" else column.whose
    for name, problem in column.problems.items():
        when = "" if name == "all" else f", {name}"
        yield plain(f"{column.technique} ({whose}){when}: {problem}")


def on(machine: Machine) -> str:
    """Return the machine in a line."""
    packages = ", ".join(f"{name} {number}" for name, number in machine.packages.items())
    return (
        f"{machine.processor}, {machine.cores} cores, {machine.system}, "
        f"Python {machine.python}, {packages}"
    )
