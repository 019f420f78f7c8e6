"""`grader report`: the class's page and each student's feedback; `grader export`: for others."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path

from grader.class_folder import Tell, find_submissions, require_apart
from grader.course import Course
from grader.errors import GraderError
from grader.files import make_folder, require_writable, write_whole, writing_whole
from grader.gradebook.graded import Graded, graded_class
from grader.gradebook.results import FolderNames, Results
from grader.host.standard_streams import write_data
from grader.intake.earlier import participants
from grader.intake.write import known_users
from grader.report import ClassReport, Report
from grader.reports.class_page import class_html
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.fill import Filled, fill
from grader.reports.json import json_document
from grader.reports.similar import nearly_identical
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv
from grader.submission import Submission

TABLES = ("csv", "canvas", "moodle")
"""The formats that a spreadsheet opens."""
_SPOOLED = 8 << 20
"""Bytes of an export that are held in memory before they are printed."""


def _tell_nobody(_: str) -> None:
    pass


Lines = Callable[[Sequence[Submission] | None], Sequence[str]]
"""Says, of what was handed in where that is known, in which ways results are not those of now."""


def write_pages(
    out: Path,
    course: Course,
    submissions: Path | None = None,
    url: str | None = None,
    *,
    outdated: Lines = lambda _: (),
    tell: Tell = _tell_nobody,
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
    graded = _told(graded_class(out, course, url), tell)
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
    tell: Tell = _tell_nobody,
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
        return _jplag(out, course, target, exercise, tell)
    wanted = _wanted(course, out, exercise)
    if kind == "gradescope":
        return _gradescope(_told(_graded(out, course, wanted, url), tell), target)
    undecided = 0
    ids = {} if submissions is None or kind != "canvas" else _canvas_ids(submissions)

    def counted() -> Iterator[Graded]:
        nonlocal undecided
        for one in _told(_graded(out, course, wanted, url), tell):
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
    tell: Tell = _tell_nobody,
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
    graded = _told(_graded(out, course, wanted, url), tell)
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


def _told(graded: Iterable[Graded], tell: Tell) -> Iterator[Graded]:
    """Yield the results, and tell what is doubtful about their scores by hand."""
    for one in graded:
        for line in one.doubts:
            tell(line)
        yield one


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


def _jplag(
    submissions: Path, course: Course, target: Path | None, exercise: str, tell: Tell
) -> int:
    """TARGET/NN/submissions/STUDENT/FILE.py and TARGET/NN/stub/FILE.py, as JPlag and MOSS take."""
    if target is None:
        raise GraderError("jplag's format is a folder", "Name a new folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise GraderError(f"{target} is not empty", "Name a new folder.")
    require_apart(target, submissions)
    names, teams = FolderNames(), set[tuple[str, str, str]]()
    for submission in find_submissions(submissions, course, exercise or None, tell=tell):
        if submission.team:  # what a team handed in is one submission, and no copy of itself
            key = (submission.exercise.id, submission.team, submission.hash)
            if key in teams:
                continue
            teams.add(key)
        of = submission.exercise
        stub = course.folder(of)
        given = {name: stub / name for name in of.files if (stub / name).is_file()}
        for folder, files in (
            (target / of.id / "stub", {n: path.read_bytes() for n, path in given.items()}),
            (
                target / of.id / "submissions" / names.of(submission.student),
                submission.files,
            ),
        ):
            make_folder(folder)
            for name, data in files.items():
                write_whole(folder / name, data)
    return 0
