"""Reports for a terminal: a line a student, and a report a student."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report import CheckResult, Outcome, Report
from grader.reports.told import told

MARKS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "red"),
    Outcome.SKIPPED: ("-", "dim"),
    Outcome.NOT_GRADED: ("?", "yellow"),
    Outcome.ERROR: ("!", "yellow"),
}
WORDS = {
    Outcome.SKIPPED: "skipped",
    Outcome.NOT_GRADED: "not graded",
    Outcome.ERROR: "error of the grader's",
}


def visible(text: str) -> str:
    """Return `text` with what could steer a terminal shown instead of obeyed."""
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text
    )


def number(points: float) -> str:
    """Points without a needless `.0`."""
    return f"{points:g}"


@dataclass
class ClassSummary:
    """The answers to: is any report of a class provisional, and have all full marks?"""

    provisional: bool = False
    full: bool = True


def student_report(report: Report, *, hints: bool = True, own: bool = False) -> Group:
    """Return one report: every check, and for each that failed what was wanted and seen.

    With `own`, a learner's look at their own work, nothing is said of a grade.
    """
    title = Text(f"{visible(report.student)} · exercise {report.exercise} · ", "bold")
    title.append(f"{number(report.score)} of {number(report.max_score)} points", _color(report))
    messages = {check.message for check in report.checks}
    by_hand = any(check.by_hand for check in report.checks)
    if len(messages) == 1 and not by_hand and (only := messages.pop()):
        body: RenderableType = Padding(Text(visible(only)), (0, 0, 0, 2))
    else:
        body = _rows(report, hints=hints)
    return Group(title, body, *_footer(report, own=own))


def _rows(report: Report, *, hints: bool) -> Table:
    rows = Table.grid(padding=(0, 1))
    rows.add_column(width=3, justify="right")
    rows.add_column(no_wrap=True)
    rows.add_column()
    for check, first in told(report.checks):
        mark, color = MARKS[_outcome(check)]
        failed = _outcome(check) is Outcome.FAILED
        title = Text(check.title)
        if check.by_hand:
            title.append(f" (set by hand: {number(check.score)} of {number(check.points)})", "cyan")
        elif word := WORDS.get(check.outcome):
            title.append(f" ({word})", color)
        rows.add_row(Text(mark, color), Text(check.id, "bold" if failed else ""), title)
        if not check.message:
            continue
        if first is not check:
            rows.add_row("", "", Text(f"as for {first.id}", "dim"))
            continue
        rows.add_row("", "", Text(visible(check.message), color))
        if hints and check.hint:
            rows.add_row("", "", Text(f"hint: {check.hint}", "cyan"))
    return rows


def _outcome(check: CheckResult) -> Outcome:
    """Return what became of a check: a person's score goes before the suite's verdict."""
    if check.by_hand:
        return Outcome.PASSED if check.earned else Outcome.FAILED
    return check.outcome


def _footer(report: Report, *, own: bool) -> Iterator[RenderableType]:
    if report.output.strip():
        yield Text("  what the program printed (the end of it):", "dim")
        yield Padding(Text(visible(report.output.strip())[-800:], "dim"), (0, 0, 0, 6))
    if report.penalty:
        days = report.late.total_seconds() / 86400
        yield Text(
            f"  {days:.1f} days late: {number(report.penalty)} points less, "
            f"{number(report.final_score)} remain",
            "yellow",
        )
    if report.provisional and not own:
        why = report.provisional_because
        yield Text(f"  provisional: {why}; this is not a grade yet", "yellow")


def print_class(console: Console, reports: Iterable[Report], *, details: bool) -> ClassSummary:
    """Print a table with a row for each submission; with `details`, a report of each before it."""
    table = _class_table()
    summary = ClassSummary()
    runs: set[tuple[int, str]] = set()
    reasons: set[str] = set()
    for report in reports:
        if details:
            console.print(student_report(report))
            console.print()
        _add_row(table, report)
        if report.provisional:
            summary.provisional = True
            reasons.add(report.provisional_because)
        summary.full &= report.full
        if report.sandbox:  # what could not be read ran in none
            runs.add((report.seed, report.sandbox))
    console.print(table)
    if len(runs) == 1:
        ((seed, sandbox),) = runs
        console.print(Text(f"seed {seed}, sandbox: {sandbox}", "dim"))
    for reason in sorted(reasons):
        console.print(Text(f"Provisional: {reason}.", "yellow"))
    return summary


def _class_table() -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    table.add_column("student", no_wrap=True, max_width=24, overflow="ellipsis")
    table.add_column("exercise", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    table.add_column("checks", justify="right", no_wrap=True)
    table.add_column("first failure", overflow="ellipsis", no_wrap=True, ratio=1)
    return table


def _add_row(table: Table, report: Report) -> None:
    passed = sum(check.earned for check in report.checks)
    first = next((check for check in report.checks if not check.earned), None)
    holds = {
        "provisional": report.provisional,
        "by hand": any(check.by_hand for check in report.checks),
        f"late, -{number(report.penalty)}": report.penalty > 0,
    }
    marks = ", ".join(name for name, held in holds.items() if held)
    said = _one_line(first) if first else ""
    table.add_row(
        Text(visible(report.student)),
        report.exercise,
        Text(f"{number(report.final_score)}/{number(report.max_score)}", _color(report)),
        f"{passed}/{len(report.checks)}",
        Text(f"{marks}: {said}" if marks and said else marks or said),
    )


def _one_line(check: CheckResult) -> str:
    return f"{check.id}: {visible(check.message)}".replace("\n", " ")


def _color(report: Report) -> str:
    if report.provisional:
        return "yellow"
    return "green" if report.full else "red"
