"""`grader compare`: runs it under a progress bar, prints it, and writes what was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from grader.compare.measure.work import steps
from grader.compare.run import Options, compare
from grader.compare.show import lessons, plots
from grader.compare.show.page import comparison_html
from grader.compare.show.table import print_comparison
from grader.course import Course
from grader.errors import GraderError
from grader.files import require_writable, write_whole


@dataclass(frozen=True)
class Targets:
    """The files that the result goes to, besides the terminal."""

    html: Path | None = None
    json: Path | None = None
    png: Path | None = None
    lessons: bool = False


def run_comparison(course: Course, options: Options, targets: Targets, console: Console) -> None:
    """Measure, print and write.

    Raises:
        GraderError: something could not be measured or written; found out first, where possible.
    """
    for path in (targets.html, targets.json, targets.png):
        if path is not None:
            require_writable(path)
    if targets.html or targets.png or targets.lessons:
        plots.require()
    if targets.lessons and (options.own or options.only):
        raise GraderError(
            "the lessons show all solutions", "Leave out --own and --only, or --lessons."
        )
    bar = Console(stderr=True)
    with Progress(
        TextColumn("measuring"),
        BarColumn(bar_width=None),
        TimeElapsedColumn(),
        TextColumn("{task.description:<36.36}", markup=False),
        console=bar,
        transient=True,
        expand=True,
        disable=not bar.is_terminal,
    ) as progress:
        task = progress.add_task("starting the servers", total=steps(options.techniques(course)))
        comparison = compare(
            course, options, lambda words: progress.update(task, advance=1, description=words)
        )
    print_comparison(comparison, console)
    if targets.json:
        write_whole(targets.json, comparison.model_dump_json(indent=1))
    if targets.html:
        write_whole(targets.html, comparison_html(comparison))
    if targets.png:
        write_whole(targets.png, plots.png(comparison))
    if targets.lessons:
        for path in lessons.renew(course, comparison):
            console.print(f"{path} renewed", soft_wrap=True)
