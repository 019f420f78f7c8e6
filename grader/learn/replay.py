"""`grader replay`: the last run of a check as a time line."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.errors import GraderError
from grader.report import CheckResult, Report
from grader.reports.terminal import visible

_TESTS = ("suite", "test")
"""The judges: the hidden suite, or a public test."""
_OWN = ("you", "process ")
"""The student's code; a process has a number. Who is neither this nor a test is a service."""


def find_check(report: Report, check_id: str) -> CheckResult:
    """Return the check of that id; its part behind the dot is enough.

    Raises:
        GraderError: there is none.
    """
    for check in report.checks:
        if check_id in (check.id, check.id.partition(".")[2]):
            return check
    known = ", ".join(check.id for check in report.checks)
    raise GraderError(
        f"the last run of exercise {report.exercise} has no {check_id!r} to show",
        f"It made {known}.",
    )


def print_replay(check: CheckResult, console: Console) -> None:
    """Print what the suite did, what the consumer asked, what went over the medium, and when.

    Raises:
        GraderError: the run left no log.
    """
    if not check.log:
        raise GraderError(
            f"the last run of {check.id} kept no story: it was {check.outcome}",
            "pytest keeps none, nor does a check that never started your code. "
            f"Run `grader check {check.id.partition('.')[0]}` first.",
        )
    console.print(Text(f"{check.id}: {check.title}", "bold"))
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("who", no_wrap=True)
    table.add_column("what", overflow="fold")
    for entry in check.log:
        table.add_row(*_row(entry))
    console.print(table)
    if any(_is_service(str(entry.get("who", ""))) for entry in check.log):
        late = "ms: when the grader saw it; what goes over a broker or queue is seen a moment late"
        console.print(Text(late, "dim"))
    color = "green" if check.outcome == "passed" else "red"
    said = f": {visible(check.message)}" if check.message else ""
    console.print(Text(f"{check.outcome}{said}", color))


def _row(entry: dict[str, Any]) -> tuple[str, Text, Text]:
    who, what = str(entry.get("who", "")), visible(str(entry.get("what", "")))
    style = ""
    if who in _TESTS:
        style = "bold red" if entry.get("kill") else "dim"
    elif _is_service(who):
        style = "cyan"
    at = entry.get("at", 0)
    return f"{1000 * float(at):.0f}", Text(who, style), Text(what, style)


def _is_service(who: str) -> bool:
    return bool(who) and who not in _TESTS and not who.startswith(_OWN)
