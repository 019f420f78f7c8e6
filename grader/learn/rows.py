"""The rows of a learner's check, printed as they become known."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from grader.report import CheckResult, Kind, Outcome, Report
from grader.reports.terminal import MARKS, WORDS, number, visible

_PRINTED = 800
"""Characters of what a check printed; its end says most."""


class Rows:
    """Prints each row once: the first failure when it is known, the others when they are final."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._shown: dict[str, CheckResult] = {}
        self._messages: dict[str, str] = {}
        self._failed = False

    def tell(self, row: CheckResult, last: bool) -> None:  # noqa: FBT001 - as grading.one.Tell
        """Take a row; `last` says that no test of the check is left."""
        own = row.outcome is Outcome.FAILED and not row.because
        if row.id in self._shown or not (
            last or (own and not self._failed and row.kind is not Kind.NOT_FILLED_IN)
        ):
            return
        self._failed |= own
        self._show(row)

    def finish(self, report: Report) -> None:
        """Print what was not told, then the score."""
        for row in report.checks:
            if row.id not in self._shown:
                self._show(row)
        if len(self._messages) > 1 and not report.full:
            self._console.print()
        passed = sum(row.outcome is Outcome.PASSED for row in report.checks)
        said = f"{passed} of {len(report.checks)} checks pass, "
        said += f"{number(report.score)} of {number(report.max_score)} points"
        self._console.print(Text(said, "bold"))

    def _show(self, row: CheckResult) -> None:
        self._shown[row.id] = row
        mark, color = MARKS[row.outcome]
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=3, justify="right")
        grid.add_column(overflow="fold")
        title = Text(row.id, "bold" if row.outcome is Outcome.FAILED else "").append(
            f"  {row.title}", "not bold"
        )
        if word := WORDS.get(row.outcome):
            title.append(f" ({word})", color)
        grid.add_row(Text(mark, color), title)
        if row.message:
            first = self._messages.setdefault(row.message, row.id)
            again = first != row.id
            said = Text(f"as for {first}", "dim") if again else Text(visible(row.message), color)
            grid.add_row("", said)
            if row.printed.strip() and not again:
                grid.add_row("", Text("it printed (the end of it):", "dim"))
                text = Text(visible(row.printed.strip())[-_PRINTED:], "dim")
                grid.add_row("", Padding(text, (0, 0, 0, 2)))
        self._console.print(grid)
