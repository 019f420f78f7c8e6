"""The bar of a long run: how far, how fast, how long still, and who was last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from grader.reports.terminal import visible

_NAME_WIDTH = 16


class _Rate(ProgressColumn):
    """Submissions a minute."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed * 60:.0f}/min" if speed else "", "dim")


@contextmanager
def grading_progress(total: int, *, shown: bool) -> Iterator[Callable[[str], None]]:
    """`advance(name)`: one more is done, and it was `name`'s."""
    # No refresh thread: the process forks.
    with Progress(
        TextColumn("grading"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn(f"{{task.fields[name]:<{_NAME_WIDTH}}}", markup=False),
        console=Console(stderr=True),
        auto_refresh=False,
        transient=True,
        expand=True,
        disable=not shown,
    ) as progress:
        task = progress.add_task("", total=total, name="")

        def advance(name: str) -> None:
            shown_name = Text(visible(name))
            shown_name.truncate(_NAME_WIDTH, overflow="ellipsis")
            progress.update(task, advance=1, name=shown_name.plain, refresh=True)

        yield advance
