"""`grader report`: the class's page and each student's feedback, written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

from grader.class_folder import Tell, find_submissions
from grader.course import Course
from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.gradebook.graded import graded_class, telling_doubts
from grader.gradebook.results import FolderNames, Results
from grader.reports.class_page import class_html
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.similar import nearly_identical
from grader.submission import Submission

Lines = Callable[[Sequence[Submission] | None], Sequence[str]]
"""Says, of what was handed in where that is known, in which ways results are not those of now."""


def write_pages(
    out: Path,
    course: Course,
    submissions: Path | None = None,
    url: str | None = None,
    *,
    outdated: Lines = lambda _: (),
    tell: Tell = lambda _: None,
) -> int:
    """Write OUT/class.html and OUT/feedback/STUDENT.{html,md}; how many students there are.

    With `submissions`, the folder that was graded, the page also says who handed in nearly the
    same, of what is as it was graded; `url` is that of another gradebook than the one in `out`.
    `tell` gets a line for what `outdated` finds, which the page says too, for each score by hand
    that may not be meant for what was handed in, for what of the submissions could not be read, and
    for pages of students of whom there are no results.

    Raises:
        GraderError: there are no results, or they cannot be written.
    """
    similar, handed_in = None, None
    if submissions is not None:
        handed_in = find_submissions(submissions, course, tell=tell)
        if unseen := Results(out).exercises() - {each.exercise.id for each in handed_in}:
            raise GraderError(
                f"{submissions} holds no submission of exercise {min(unseen)}, which was graded",
                "Name the folder that `grader grade` was given.",
            )
        similar = nearly_identical(_as_graded(handed_in, out), course)
    lines = outdated(handed_in)
    for line in lines:
        tell(line)
    graded = telling_doubts(graded_class(out, course, url), tell)
    _write_into(out, "class.html", class_html(graded, course, similar, lines))
    folder = out / "feedback"
    make_folder(folder)
    count, names, written = 0, FolderNames(), set[str]()
    for student, found in groupby(graded_class(out, course, url), lambda one: one.report.student):
        own = list(found)
        name = names.of(student)
        write_whole(folder / f"{name}.html", feedback_html(own, course))
        write_whole(folder / f"{name}.md", feedback_markdown(own, course))
        written |= {f"{name}.html", f"{name}.md"}
        count += 1
    kept = {path.name for path in folder.iterdir() if path.suffix in {".html", ".md"}}
    if left := sorted(kept - written):
        more = f" and {len(left) - 1} more" if len(left) > 1 else ""
        tell(f"{folder / left[0]}{more} may go: there are no results of that student any more")
    return count


def _as_graded(handed_in: Iterable[Submission], out: Path) -> Iterator[Submission]:
    """Yield the submissions that are as they were graded: of others the page says nothing."""
    results = Results(out)
    for each in handed_in:
        found = results.load(each.student, each.exercise.id)
        if found is not None and found.submission_hash == each.hash:
            yield each


def _write_into(out: Path, name: str, page: str) -> None:
    """Write a page into the folder of results, whose name nobody chose for it."""
    try:
        write_whole(out / name, page)
    except GraderError as error:
        if os.access(out, os.W_OK):
            raise
        raise GraderError(
            error.message, f"The pages are written into {out}: make it writable, or name a copy."
        ) from None
