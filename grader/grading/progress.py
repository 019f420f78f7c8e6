"""The bar of a long run: how far, how fast, how long still, and who was last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
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


class _WithLines(Progress):
    """A bar with lines of text under it."""

    lines: Sequence[str] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        for line in self.lines:
            yield Text(visible(line), "dim", no_wrap=True, overflow="ellipsis")


class Bar:
    """The bar of a run that is under way."""

    def __init__(self, progress: _WithLines, total: int) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, name="")

    def advance(self, name: str) -> None:
        """Note that one more is done, and it was `name`'s."""
        shown_name = Text(visible(name))
        shown_name.truncate(_NAME_WIDTH, overflow="ellipsis")
        self._progress.update(self._task, advance=1, name=shown_name.plain, refresh=True)

    def show(self, lines: Sequence[str]) -> None:
        """Show `lines` under the bar."""
        self._progress.lines = lines
        self._progress.refresh()

    def say(self, text: str) -> None:
        """Print a line to stderr that stays; above the bar, where one is shown."""
        self._progress.console.print(Text(f"grader: {visible(text)}"), soft_wrap=True)


@contextmanager
def grading_progress(total: int, *, shown: bool) -> Iterator[Bar]:
    """Show a bar while the block runs."""
    # No refresh thread: the process forks.
    with _WithLines(
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
        yield Bar(progress, total)
