"""Grades as CSV: nbgrader's columns, and what Canvas and Moodle import."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Iterator, Mapping

from grader.course import Course
from grader.gradebook.graded import Graded
from grader.reports.safe import cell
from grader.reports.terminal import number

_NBGRADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
    "provisional",
    "not_taken",
)
"""Those of nbgrader's CsvExportPlugin, and two more. Source: nbgrader/plugins/export.py."""
_CANVAS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
"""Sources: Canvas's guide "How do I import grades in the Gradebook?", and its importer, which takes
every column behind Section for an assignment."""


def nbgrader_csv(graded: Iterable[Graded], course: Course) -> Iterator[str]:
    """Yield a line for each submission; a provisional one has no score."""
    yield _line(_NBGRADER)
    for one in graded:
        report, due = one.report, course.exercise(one.report.exercise).due
        yield _line(
            (
                report.exercise,
                str(due or ""),
                str(report.submitted or ""),
                cell(report.student),
                "",
                "",
                "",
                number(report.score),
                number(report.penalty),
                "" if one.grade is None else number(one.grade),
                number(report.max_score),
                "yes" if one.grade is None else "",
                cell(report.not_taken),
            )
        )


def canvas_csv(
    graded: Iterable[Graded], course: Course, ids: Mapping[str, str] | None = None
) -> Iterator[str]:
    """Yield a line a student with a column an exercise; Canvas leaves empty cells alone.

    It finds students by its number for them, where `ids` has it by student, else by their login. So
    the name, of which it makes nothing then, says what is provisional and what was not taken: any
    other column would become an assignment.
    """
    names = [f"{each.id} {each.title}" for each in course.exercises]
    yield _line((*_CANVAS, *map(cell, names)))
    points = [number(each.max_score) for each in course.exercises]
    yield _line(("    Points Possible", *[""] * (len(_CANVAS) - 1), *points))
    for student, row in _by_student(graded):
        undecided = [one.report.exercise for one in row.values() if one.grade is None]
        note = f" (provisional: {', '.join(undecided)})" if undecided else ""
        for one in row.values():
            if one.report.not_taken:
                note += f" ({one.report.exercise}: {one.report.not_taken})"
        grades = [_grade(row.get(each.id)) for each in course.exercises]
        number_of = (ids or {}).get(student, "")
        login = "" if number_of else cell(student)
        yield _line((cell(student + note), number_of, "", login, "", *grades))


def moodle_csv(graded: Iterable[Graded], course: Course) -> Iterator[str]:
    """Yield a line a student; for each exercise a grade and a feedback, to be mapped on import.

    Source: Moodle's documentation, "Grade import".
    """
    columns = [f"{each.id} {each.title}" for each in course.exercises]
    yield _line(("username", *(cell(c) for name in columns for c in (name, f"{name} (feedback)"))))
    for student, row in _by_student(graded):
        cells = []
        for each in course.exercises:
            one = row.get(each.id)
            cells += [_grade(one), feedback(one)]
        yield _line((cell(student), *cells))


def _by_student(graded: Iterable[Graded]) -> Iterator[tuple[str, dict[str, Graded]]]:
    """Yield the submissions of each student, whose results lie side by side."""
    student, row = "", dict[str, Graded]()
    for one in graded:
        if row and one.report.student != student:
            yield student, row
            row = {}
        student = one.report.student
        row[one.report.exercise] = one
    if row:
        yield student, row


def _grade(one: Graded | None) -> str:
    return "" if one is None or one.grade is None else number(one.grade)


_ALL_PASSED = "All checks passed."
_PROVISIONAL = "provisional: not a grade yet"
_NOT_YET = "Not yet: "


def feedback(one: Graded | None) -> str:
    """Return a line for the student of what does not pass yet, or was not taken."""
    if one is None:
        return ""
    if one.grade is None:
        return _PROVISIONAL
    failed = [check.title for check in one.report.checks if check.score < check.points]
    return cell(f"{_why(one)}{_NOT_YET}{'; '.join(failed)}") if failed else _ALL_PASSED


def is_feedback(comment: str, one: Graded) -> bool:
    """Tell whether `feedback` may have given this comment for a result of this exercise.

    An LMS may have put it into HTML meanwhile.
    """
    text = " ".join(html.unescape(re.sub(r"<[^>]*>", " ", comment)).split())
    if text in (_ALL_PASSED, _PROVISIONAL):
        return True
    titles = "|".join(re.escape(" ".join(cell(check.title).split())) for check in one.report.checks)
    why = re.escape(" ".join(cell(_why(one)).split()))
    return bool(re.fullmatch(f"(?:{why} ?)?{_NOT_YET}(?:{titles})(?:; (?:{titles}))*", text))


def _why(one: Graded) -> str:
    return f"{one.report.not_taken}. " if one.report.not_taken else ""


def _line(cells: Iterable[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()
