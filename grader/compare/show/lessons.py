"""The numbers in the lessons: blocks of Markdown that a run writes, between two comments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from grader.compare.result import Comparison
from grader.compare.show import markdown, plots
from grader.compare.show.orderings import judged
from grader.compare.show.page import choose_html
from grader.compare.show.table import problems
from grader.course import Course
from grader.errors import GraderError
from grader.files import write_whole

FOLDER = Path("resources") / "comparison"
RUN = FOLDER / "run.json"
_BLOCK = re.compile(r"(<!-- comparison: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
"""The words name a kind of block, or groups of rows; after a semicolon, techniques by their id."""


def renew(course: Course, comparison: Comparison) -> Iterator[Path]:
    """Keep the run, and write what the lessons show of it; each file, relative to the course.

    Raises:
        GraderError: the run does not bear out what the lessons say; a file cannot be written.
    """
    wrong = [sentence for column in comparison.columns for sentence in problems(column)]
    wrong += [each.sentence for each, held in judged(comparison) if not held]
    if wrong:
        raise GraderError(
            f"this run does not bear out what the lessons say ({'; '.join(wrong)})",
            "Run it again when the machine is quiet; nothing was written.",
        )
    folder = course.root / FOLDER
    folder.mkdir(exist_ok=True)
    write_whole(course.root / RUN, comparison.model_dump_json() + "\n")
    yield RUN
    for name in plots.TITLES:
        write_whole(folder / f"{name}.png", plots.one(comparison, name))
        yield FOLDER / f"{name}.png"
    write_whole(folder / "choose.html", choose_html(comparison))
    yield FOLDER / "choose.html"
    for path, text in texts(course, comparison):
        write_whole(course.root / path, text)
        yield path


def texts(course: Course, comparison: Comparison) -> Iterator[tuple[Path, str]]:
    """Yield each lesson that quotes a run, and its text with the numbers of this one."""
    for exercise in course.exercises:
        path = course.lesson(exercise).relative_to(course.root)
        before = (course.root / path).read_text(encoding="utf-8")
        after = _BLOCK.sub(lambda found: _filled(found, comparison), before)
        if _BLOCK.search(before):
            yield path, after


def kept(course: Course) -> Comparison:
    """Return the run that the lessons quote.

    Raises:
        GraderError: it is missing or of another version.
    """
    path = course.root / RUN
    try:
        return Comparison.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise GraderError(f"{path} cannot be read", "Run `grader compare --lessons`.") from None


def _filled(found: re.Match[str], comparison: Comparison) -> str:
    first, _, techniques = found[2].partition("; ")
    match first:
        case "intervals":
            lines = markdown.intervals(comparison)
        case "opinions":
            lines = markdown.opinions(comparison)
        case "orderings":
            lines = markdown.orderings(comparison)
        case _:
            lines = markdown.table(comparison, *(_names(names) for names in (first, techniques)))
    return found[1] + "\n".join(["", *lines, ""]) + "\n" + found[3]


def _names(text: str) -> frozenset[str]:
    return frozenset(filter(None, text.removeprefix("everything").split(", ")))
