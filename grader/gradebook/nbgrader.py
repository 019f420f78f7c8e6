"""The gradebook is nbgrader's: its tables, so that `nbgrader export` and `formgrader` work on it.

An exercise is an assignment with one notebook, a check is a grade cell, a file of the exercise is
a solution cell, whose comment says what failed. What a person entered stays: manual scores, manual
comments, extra credit and extensions are never written here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from grader.course import Course, Exercise
from grader.gradebook.by_hand import Entered, Hashes, of_grade
from grader.gradebook.database import AGAIN, KEPT, api, opened
from grader.intake.notebooks import check_cell, solution_cell
from grader.report import UNDECIDED, Outcome, Report
from grader.scoring import rescore
from grader.spelling import normal

Extensions = Mapping[tuple[str, str], timedelta]
"""By student and exercise: how much later they may hand in."""
ByHand = Mapping[tuple[str, str], Mapping[str, Entered]]
"""By student and exercise, then by cell: what a person entered."""
_T = TypeVar("_T")
_LONGEST_NAME = 128
"""Characters that nbgrader's tables hold for a student's id."""


def fill(reports: Iterable[Report], course: Course, url: str) -> int:
    """Write what reports say into the gradebook at `url`; return how many.

    Each report is written whole or not at all, and may be written again. Points, titles and late
    penalties are those of `course`, the latter with the extensions that the gradebook holds.

    Raises:
        GraderError: nbgrader is missing, or the database cannot be used.
    """
    count = 0
    with opened(url) as book:
        hashes = Hashes(book)
        hashes.make()
        cells = {exercise.id: _mirror(book, exercise) for exercise in course.exercises}
        for report in reports:
            exercise = course.exercise(report.exercise)
            submission = _write(book, report, course, exercise, cells[exercise.id])
            grades = submission.notebooks[0].grades
            hashes.keep(submission.id, grades, report.submission_hash)
            count += 1
            book.db.commit()
            book.db.expunge_all()  # so that a class of a thousand takes no more memory than one
    return count


def extensions(url: str, help_: str = KEPT) -> Extensions:
    """Return every extension that was granted; `help_` is the next step where that fails.

    Raises:
        GraderError: nbgrader is missing, or the database cannot be used.
    """
    kind = api().SubmittedAssignment
    with opened(url, help_=help_) as book:
        rows = book.db.query(kind).filter(kind.extension.isnot(None))
        found = {(row.student_id, row.assignment.name): row.extension for row in rows}
        return _in_one_form(found)


def scores_by_hand(url: str) -> ByHand:
    """Return what a person entered, in a database that is there.

    Raises:
        GraderError: nbgrader is missing, or the database is, or it cannot be used.
    """
    kind = api().Grade
    entered: dict[tuple[str, str], dict[str, Entered]] = {}
    with opened(url, new=False, help_=AGAIN) as book:
        kept = Hashes(book).all()
        for grade in book.db.query(kind).filter(
            kind.manual_score.isnot(None) | kind.extra_credit.isnot(None)
        ):
            submission = grade.notebook.assignment
            cells = entered.setdefault((submission.student_id, submission.assignment.name), {})
            cells[grade.cell.name] = of_grade(grade, submission.id, kept)
    return _in_one_form(entered)


def extend(url: str, student: str, exercise: Exercise, by: timedelta) -> None:
    """Let a student hand in later; nothing, `timedelta()`, takes the extension back.

    Raises:
        GraderError: nbgrader is missing, or the database cannot be used.
    """
    with opened(url, help_=f"The extension was not changed. {AGAIN}") as book:
        _mirror(book, exercise)
        _submission(book, exercise, student).extension = by or None
        book.db.commit()


def _mirror(book: Any, exercise: Exercise) -> dict[str, str]:
    """Make the exercise's assignment and cells what course.toml says; cell ids by name."""
    due = exercise.due.astimezone(UTC).replace(tzinfo=None) if exercise.due else None
    book.update_or_create_assignment(exercise.id, duedate=due)
    book.update_or_create_notebook(exercise.id, exercise.id)
    ids = {}
    for check in exercise.checks:
        cell = book.update_or_create_grade_cell(
            check_cell(check.id), exercise.id, exercise.id, max_score=check.points, cell_type="code"
        )
        ids[check.id] = cell.id
    for name in _solution_cells(exercise):
        ids[name] = book.update_or_create_solution_cell(name, exercise.id, exercise.id).id
    notebook = book.find_notebook(exercise.id, exercise.id)
    known = {check_cell(check.id) for check in exercise.checks}
    for cell in [cell for cell in notebook.grade_cells if cell.name not in known]:
        cell.max_score = 0  # a check that is gone; grades that a person gave for it stay readable
    book.db.commit()
    return ids


def _solution_cells(exercise: Exercise) -> list[str]:
    return [solution_cell(exercise.id, file) for file in exercise.files]


def _write(
    book: Any, report: Report, course: Course, exercise: Exercise, cells: Mapping[str, str]
) -> Any:
    submission = _submission(book, exercise, report.student)
    submission.timestamp = _naive(report.submitted)
    if not submission.notebooks:
        notebook_id = book.find_notebook(exercise.id, exercise.id).id
        submission.notebooks.append(api().SubmittedNotebook(notebook_id=notebook_id))
    notebook = submission.notebooks[0]
    now = rescore(report, course, submission.extension or timedelta())
    notebook.late_submission_penalty = now.penalty or None
    grades = _by_cell(notebook.grades)
    for check in now.checks:
        grade = grades.get(cells[check.id])
        if grade is None:
            grade = api().Grade(cell_id=cells[check.id])
            notebook.grades.append(grade)
        decided = check.outcome not in UNDECIDED and not now.unsafe
        grade.auto_score = check.score if decided else None
        grade.needs_manual_grade = not decided and grade.manual_score is None
    comments = _by_cell(notebook.comments)
    for name in _solution_cells(exercise):
        comment = comments.get(cells[name])
        if comment is None:
            comment = api().Comment(cell_id=cells[name])
            notebook.comments.append(comment)
        comment.auto_comment = _comment(now) if name == _solution_cells(exercise)[0] else None
    return submission


def _submission(book: Any, exercise: Exercise, name: str) -> Any:
    """Return the student's submission, which is added where there is none."""
    student = _stored_id(book, name)
    if book.db.get(api().Student, student) is None:
        book.db.add(api().Student(id=student))
    keys = {"assignment_id": book.find_assignment(exercise.id).id, "student_id": student}
    found = book.db.query(api().SubmittedAssignment).filter_by(**keys).one_or_none()
    if found is None:
        found = api().SubmittedAssignment(**keys)
        book.db.add(found)
        book.db.flush()
    return found


def _by_cell(rows: Iterable[Any]) -> dict[str, Any]:
    return {row.cell_id: row for row in rows}


def _comment(report: Report) -> str | None:
    lines = [
        f"{check.title}: {check.message}" if check.message else check.title
        for check in report.checks
        if check.outcome is not Outcome.PASSED
    ]
    if report.provisional:
        lines.insert(0, f"Provisional: {report.provisional_because}.")
    return "\n".join(lines) or None


def _naive(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC without its zone, as nbgrader stores it; None beyond UTC's years."""
    if moment is None:
        return None
    try:
        return moment.astimezone(UTC).replace(tzinfo=None)
    except OverflowError:
        return None


def student_id(student: str) -> str:
    """Return the student's id in nbgrader's tables; no two names have one."""
    student = normal(student)
    if len(student) <= _LONGEST_NAME:
        return student
    digest = hashlib.sha256(student.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{student[: _LONGEST_NAME - len(digest) - 1]}-{digest}"


def _stored_id(book: Any, name: str) -> str:
    """Return the student's id as stored: nbgrader takes a folder's name in whatever form it has."""
    student = student_id(name)
    kind = api().Student
    if student.isascii() or book.db.get(kind, student) is not None:
        return student
    stored = (row.id for row in book.db.query(kind.id))
    return next((each for each in stored if normal(each) == student), student)


def _in_one_form(found: Mapping[tuple[str, str], _T]) -> dict[tuple[str, str], _T]:
    """Return what is stored for each student, by the id in normal form, which goes first."""
    other = {(normal(student), name): value for (student, name), value in found.items()}
    return other | {key: value for key, value in found.items() if key in other}


Lookup = Callable[[str, str], timedelta]


def lookup(found: Extensions) -> Lookup:
    """`lookup(extensions)(student, exercise)`: the extension, or none."""
    return lambda student, exercise: found.get((student_id(student), exercise), timedelta())
