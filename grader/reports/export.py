"""`grader export`: the results in the form of another program."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path

from grader.class_folder import Tell
from grader.course import Course
from grader.errors import GraderError
from grader.files import make_folder, require_writable, write_whole, writing_whole
from grader.gradebook.graded import Graded, graded_class, telling_doubts
from grader.gradebook.results import FolderNames, Results
from grader.host.standard_streams import write_data
from grader.intake.earlier import participants
from grader.intake.write import known_users
from grader.report import ClassReport, Report
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.fill import Filled, fill
from grader.reports.jplag import write_jplag
from grader.reports.json import json_document
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv

TABLES = ("csv", "canvas", "moodle")
"""The formats that a spreadsheet opens."""
_SPOOLED = 8 << 20
"""Bytes of an export that are held in memory before they are printed."""


def export(
    out: Path,
    course: Course,
    kind: str,
    target: Path | None,
    *,
    exercise: str = "",
    url: str | None = None,
    submissions: Path | None = None,
    bom: bool = False,
    tell: Tell = lambda _: None,
) -> int:
    """Write the class in that format to a file, or to standard output; how many are no grade yet.

    With `exercise`, that one alone. `url` is that of another gradebook than the one in `out`. With
    `submissions`, the folder that `grader intake` filled, Canvas's table has Canvas's numbers for
    the students. With `bom` a table begins with a byte-order mark, by which Excel knows UTF-8.
    `tell` gets a line for each score by hand that may not be meant for what was handed in, and for
    what jplag's folders do not hold as it was handed in.

    Raises:
        GraderError: there are no results, or they cannot be written.
    """
    if kind == "jplag":
        return write_jplag(out, course, target, exercise, tell)
    wanted = _wanted(course, out, exercise)
    if kind == "gradescope":
        return _gradescope(telling_doubts(_graded(out, course, wanted, url), tell), target)
    undecided = 0
    ids = {} if submissions is None or kind != "canvas" else _canvas_ids(submissions)

    def counted() -> Iterator[Graded]:
        nonlocal undecided
        for one in telling_doubts(_graded(out, course, wanted, url), tell):
            undecided += one.grade is None
            yield one

    again = _graded(out, course, wanted, url)
    lines = _lines(kind, counted(), again, wanted, ids)
    lines = chain(["\N{BYTE ORDER MARK}"] * bom, lines)
    if target is None:
        _print_whole(lines)
        return undecided
    require_writable(target)
    with writing_whole(target) as file:
        for line in lines:
            file.write(line.encode())
    return undecided


def export_into(
    out: Path,
    course: Course,
    table: Path,
    target: Path,
    *,
    exercise: str = "",
    url: str | None = None,
    submissions: Path | None = None,
    tell: Tell = lambda _: None,
) -> Filled:
    """Write to `target` the table that an LMS exported, with the grades in it.

    Args:
        out: the folder of results.
        course: its exercises are the table's columns, as far as they were graded.
        table: what the LMS exported.
        target: another file.
        exercise: fill in this one alone.
        url: another gradebook than the one in `out`.
        submissions: what `grader intake` filled, for Canvas's and Moodle's numbers.
        tell: that of `write_pages`.

    Raises:
        GraderError: there are no results, or it is no such table, or cannot be written.
    """
    if target.exists() and table.exists() and target.samefile(table):
        raise GraderError(f"{target} is the table itself", "Name another file for the copy.")
    wanted = _wanted(course, out, exercise)
    of_moodle = _moodle_numbers(submissions) if submissions else None
    numbers = _canvas_ids(submissions) if submissions and not of_moodle else {}
    graded = telling_doubts(_graded(out, course, wanted, url), tell)
    filled = fill(table, graded, wanted, numbers, of_moodle)
    require_writable(target)
    with writing_whole(target) as file:
        file.write(filled.data)
    return filled


def _lines(
    kind: str,
    graded: Iterator[Graded],
    again: Iterator[Graded],
    course: Course,
    ids: Mapping[str, str],
) -> Iterable[str]:
    """Return the document's text in pieces; `again` are the same results, for a look before."""
    match kind:
        case "csv":
            return nbgrader_csv(graded, course)
        case "canvas":
            return canvas_csv(graded, course, ids)
        case "moodle":
            return moodle_csv(graded, course)
        case "junit":
            return junit_xml(graded)
    provisional = any(one.grade is None for one in again)
    head = ClassReport(course=course.title, provisional=provisional, reports=())
    return json_document(head, (one.report for one in graded))


def _print_whole(lines: Iterable[str]) -> None:
    """Print what is whole: an export that fails on its way would leave the start of a table."""
    try:
        with tempfile.SpooledTemporaryFile(
            _SPOOLED, "w+", encoding="utf-8", errors="surrogatepass", newline=""
        ) as aside:
            aside.writelines(lines)
            aside.seek(0)
            for line in aside:
                write_data(line)
    except OSError as error:
        raise GraderError(
            f"the export cannot be written aside in {tempfile.gettempdir()}: {error.strerror}",
            "Name a FILE for it.",
        ) from None


def _moodle_numbers(submissions: Path) -> dict[str, set[str]]:
    """By student: Moodle's numbers, from the intakes of Moodle's downloads, one an assignment."""
    found: dict[str, set[str]] = defaultdict(set)
    for number, participant in participants(submissions).items():
        found[participant.folder].add(number)
    return found


def _canvas_ids(submissions: Path) -> dict[str, str]:
    """By student: Canvas's number, from the intake of Canvas's download."""
    users = {student: who.partition(" ") for student, who in known_users(submissions).items()}
    ids = {
        student: user
        for student, (kind, _, user) in users.items()
        if kind == "canvas" and user.isdecimal()
    }
    if not ids:
        raise GraderError(
            f"{submissions} holds no student with a number of Canvas's or Moodle's",
            "Name the folder into which `grader intake` sorted that download.",
        )
    return ids


def _wanted(course: Course, out: Path, exercise: str) -> Course:
    """Return the course with what was graded: an LMS would make an empty column of the rest.

    With `exercise`, that one alone.
    """
    graded = Results(out).exercises()
    kept = tuple(each for each in course.exercises if each.id in graded)
    if exercise:
        one = course.exercise(exercise)
        if one not in kept:
            raise GraderError(f"{out} holds no result of exercise {one.id}", "Grade it first.")
        kept = (one,)
    return course.model_copy(update={"exercises": kept})


def _graded(out: Path, course: Course, wanted: Course, url: str | None) -> Iterator[Graded]:
    """Yield the results in `out` of the exercises that are wanted."""
    ids = {each.id for each in wanted.exercises}
    return (one for one in graded_class(out, course, url) if one.report.exercise in ids)


def _gradescope(graded: Iterable[Graded], target: Path | None) -> int:
    """Write a results.json for each submission, in TARGET/STUDENT/NN/."""
    if target is None:
        raise GraderError("gradescope's format is a file for each submission", "Name a folder.")
    undecided, names = 0, FolderNames()
    for one in graded:
        report: Report = one.report
        folder = target / names.of(report.student) / report.exercise
        make_folder(folder)
        write_whole(folder / "results.json", gradescope_json([report]))
        undecided += one.grade is None
    return undecided
