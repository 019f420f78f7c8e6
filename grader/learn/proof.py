"""What is said when everything passes: what that proves, and where to look on."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from grader.course import Course, Exercise
from grader.report import Report
from grader.reports.terminal import number

_MOST = 3
"""Other solutions that are named: enough to compare with."""


def print_proof(course: Course, exercise: Exercise, report: Report, console: Console) -> None:
    """Say what a report with full marks shows, and what comes next."""
    hidden = course.hidden_suite(exercise).is_dir()
    if hidden:
        console.print(Text(f"All {number(report.max_score)} points. Well done.", "green"))
        if exercise.proved:
            console.print(Text(f"What was just proved: {exercise.proved}"))
        others = list(other_solutions(course, exercise))
        if others:
            console.print(Text("Other right solutions, to compare with yours:"))
        for path, about in others:
            console.print(Text(f"- {path}: {about}", overflow="fold"))
    else:
        console.print(Text(public_tests_pass(len(exercise.checks) - len(report.checks)), "green"))
    place = course.exercises.index(exercise) + 1
    if place < len(course.exercises):
        following = course.exercises[place].id
        console.print(Text(f"Next: exercises/{following}/README.md", "cyan"))


def public_tests_pass(more: int) -> str:
    """Say that the public tests pass, and what they cannot show: so many checks more, or none."""
    if not more:
        return "The public tests pass; the hidden suite looks at the same checks more closely."
    behaviours = "behaviour" if more == 1 else "behaviours"
    return f"The public tests pass; the hidden suite looks at {more} more {behaviours}."


def other_solutions(course: Course, exercise: Exercise) -> Iterator[tuple[str, str]]:
    """Yield some right submissions in other styles, where this copy has them: folder and idea."""
    folder = course.specimens(exercise, "wheat")
    paths = sorted(folder.glob("*/expected.toml"))
    for path in paths[:: max(1, len(paths) // _MOST)][:_MOST]:
        try:
            about = tomllib.loads(path.read_text(encoding="utf-8")).get("about", "")
        except (OSError, ValueError):
            continue
        yield path.parent.relative_to(course.root).as_posix(), str(about)
