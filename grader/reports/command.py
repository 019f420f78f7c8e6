"""`grader report`: the class's page and each student's feedback; `grader export`: for others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path

from grader.course import Course
from grader.errors import GraderError
from grader.files import make_folder, require_writable, write_whole, writing_whole
from grader.gradebook.graded import Graded, graded_class
from grader.gradebook.results import FolderNames, Results
from grader.host.standard_streams import write_data
from grader.intake.write import known_users
from grader.report import ClassReport, Report
from grader.reports.class_page import class_html
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.fill import Filled, fill
from grader.reports.json import json_document
from grader.reports.similar import nearly_identical
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv
from grader.submission import Submission, Tell, find_submissions, require_apart

TABLES = ("csv", "canvas", "moodle")
"""The formats that a spreadsheet opens."""


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
    `tell` gets a line for what `outdated` finds, which the page says too, and for what of the
    submissions could not be read, and for pages of students of whom there are no results.

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
    page = class_html(graded_class(out, course, url), course, similar, lines)
    _write_into(out, "class.html", page)
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


def export(
    out: Path,
    course: Course,
    kind: str,
    target: Path | None,
    *,
    url: str | None = None,
    submissions: Path | None = None,
    bom: bool = False,
    tell: Tell = lambda _: None,
) -> int:
    """Write the class in that format to a file, or to standard output; how many are no grade yet.

    `url` is that of another gradebook than the one in `out`. With `submissions`, the folder that
    `grader intake` filled, Canvas's table has Canvas's numbers for the students. With `bom` a table
    begins with a byte-order mark, by which Excel knows UTF-8. `tell` gets what jplag's folders do
    not hold as it was handed in.

    Raises:
        GraderError: there are no results, or they cannot be written.
    """
    if kind == "gradescope":
        return _gradescope(out, course, target, url)
    if kind == "jplag":
        return _jplag(out, course, target, tell)
    undecided = 0
    ids = {} if submissions is None or kind != "canvas" else _canvas_ids(submissions)

    def counted() -> Iterator[Graded]:
        nonlocal undecided
        for one in graded_class(out, course, url):
            undecided += one.grade is None
            yield one

    lines = _lines(kind, counted(), out, course, url=url, ids=ids)
    if bom:
        lines = chain(("\N{BYTE ORDER MARK}",), lines)
    if target is None:
        for line in lines:
            write_data(line)
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
) -> Filled:
    """Write to `target` the table that an LMS exported, with the grades in it.

    Args:
        out: the folder of results.
        course: its exercises are the table's columns, as far as they were graded.
        table: what the LMS exported.
        target: another file.
        exercise: fill in this one alone.
        url: another gradebook than the one in `out`.
        submissions: what `grader intake` filled, for Canvas's numbers.

    Raises:
        GraderError: there are no results, or it is no such table, or cannot be written.
    """
    if target.exists() and table.exists() and target.samefile(table):
        raise GraderError(f"{target} is the table itself", "Name another file for the copy.")
    wanted = _graded_part(course, out)
    if exercise:
        kept = course.exercise(exercise)
        if kept not in wanted.exercises:
            raise GraderError(f"{out} holds no result of exercise {kept.id}", "Grade it first.")
        wanted = wanted.model_copy(update={"exercises": (kept,)})
    numbers = _canvas_ids(submissions) if submissions else {}
    ids = {each.id for each in wanted.exercises}
    graded = (one for one in graded_class(out, course, url) if one.report.exercise in ids)
    filled = fill(table, graded, wanted, numbers)
    require_writable(target)
    with writing_whole(target) as file:
        file.write(filled.data)
    return filled


def _lines(
    kind: str,
    graded: Iterator[Graded],
    out: Path,
    course: Course,
    *,
    url: str | None,
    ids: Mapping[str, str],
) -> Iterable[str]:
    match kind:
        case "csv":
            return nbgrader_csv(graded, course)
        case "canvas":
            return canvas_csv(graded, _graded_part(course, out), ids)
        case "moodle":
            return moodle_csv(graded, _graded_part(course, out))
        case "junit":
            return junit_xml(graded)
    provisional = any(one.grade is None for one in graded_class(out, course, url))
    head = ClassReport(course=course.title, provisional=provisional, reports=())
    return json_document(head, (one.report for one in graded))


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
            f"{submissions} holds no student with a number of Canvas's",
            "Name the folder into which `grader intake` sorted Canvas's download.",
        )
    return ids


def _graded_part(course: Course, out: Path) -> Course:
    """Return the course with what was graded: an LMS would make an empty column of the rest."""
    graded = Results(out).exercises()
    kept = tuple(exercise for exercise in course.exercises if exercise.id in graded)
    return course.model_copy(update={"exercises": kept})


def _gradescope(out: Path, course: Course, target: Path | None, url: str | None) -> int:
    """Write a results.json for each submission, in TARGET/STUDENT/NN/."""
    if target is None:
        raise GraderError("gradescope's format is a file for each submission", "Name a folder.")
    undecided, names = 0, FolderNames()
    for one in graded_class(out, course, url):
        report: Report = one.report
        folder = target / names.of(report.student) / report.exercise
        make_folder(folder)
        write_whole(folder / "results.json", gradescope_json([report]))
        undecided += one.grade is None
    return undecided


def _jplag(submissions: Path, course: Course, target: Path | None, tell: Tell) -> int:
    """TARGET/NN/submissions/STUDENT/FILE.py and TARGET/NN/stub/FILE.py, as JPlag and MOSS take."""
    if target is None:
        raise GraderError("jplag's format is a folder", "Name a new folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise GraderError(f"{target} is not empty", "Name a new folder.")
    require_apart(target, submissions)
    names = FolderNames()
    for submission in find_submissions(submissions, course, tell=tell):
        exercise = submission.exercise
        stub = course.folder(exercise)
        given = {name: stub / name for name in exercise.files if (stub / name).is_file()}
        for folder, files in (
            (target / exercise.id / "stub", {n: path.read_bytes() for n, path in given.items()}),
            (
                target / exercise.id / "submissions" / names.of(submission.student),
                submission.files,
            ),
        ):
            make_folder(folder)
            for name, data in files.items():
                write_whole(folder / name, data)
    return 0
