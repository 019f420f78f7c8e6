"""Grades filled into the table that an LMS exported, which it then imports again.

Rows, columns and everything else stay as they are.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.course import Course
from grader.gradebook.graded import Graded
from grader.intake.tables import read_as_written
from grader.reports.exported import ExportedTable
from grader.reports.people import People
from grader.reports.tables import feedback, is_feedback


@dataclass
class Filled:
    """The table with grades in it, and who is not in it."""

    data: bytes
    without_row: list[str] = field(default_factory=list)
    """Graded students of whom no row, or no single one, is; a line each."""
    undecided: int = 0
    """Provisional submissions: their cells stay as they were."""
    without_work: int = 0
    """Rows of people for whom no student was found who was graded."""
    replaced: list[str] = field(default_factory=list)
    """Grades of the table that another one replaces; a line each."""
    kept: list[str] = field(default_factory=list)
    """Comments of the table that somebody wrote, so that no feedback was entered; a line each."""
    locked: list[str] = field(default_factory=list)
    """Students whose row says that the LMS will not take its grade."""


def fill(
    path: Path,
    graded: Iterable[Graded],
    course: Course,
    numbers: Mapping[str, str] | None = None,
    participants: Mapping[str, Collection[str]] | None = None,
) -> Filled:
    """Return the table at `path` with the grades in the rows of their students.

    Args:
        path: the table that an LMS exported.
        graded: what was graded.
        course: the exercises that are wanted.
        numbers: Canvas's numbers by student, where they are known.
        participants: Moodle's by student, of each assignment that was taken in.

    Raises:
        GraderError: it is no such table, or its columns are not those of the exercises.
    """
    written = read_as_written(path)
    table = ExportedTable(path, written)
    people = People(table)
    alone = len(course.exercises) == 1
    columns = {each.id: table.column_of(each, alone=alone) for each in course.exercises}
    by_student: dict[str, list[Graded]] = defaultdict(list)
    for one in graded:
        by_student[one.report.student].append(one)
    rows = {
        student: people.rows_of_participant((participants or {}).get(student, ()))
        or people.rows_of(student, (numbers or {}).get(student, ""))
        for student in by_student
    }
    claimed: dict[int, list[str]] = defaultdict(list)
    for student, found in rows.items():
        if len(found) == 1:
            claimed[found[0]].append(student)
    filled = Filled(b"")
    for student, found in rows.items():
        if len(found) != 1:
            many = f"{len(found)} rows have that name" if found else "no row has that name"
            many += (
                "; --submissions finds it by Moodle's number"
                if people.by_number(participants)
                else ""
            )
            filled.without_row.append(f"{student}: {many}")
        elif len(claimed[found[0]]) > 1:
            others = " and ".join(sorted(claimed[found[0]]))
            filled.without_row.append(f"{student}: one row may be that of {others}")
        else:
            _enter(by_student[student], found[0], table, columns, filled)
    filled.undecided = sum(one.grade is None for some in by_student.values() for one in some)
    filled.without_work = len(set(table.people).difference(*rows.values()))
    filled.data = written.written(table.rows)
    return filled


def _enter(
    some: Sequence[Graded],
    row: int,
    table: ExportedTable,
    columns: Mapping[str, int],
    filled: Filled,
) -> None:
    """Write the grades of one person into `row`; what is provisional stays as it was."""
    cells = table.rows[row]
    cells += [""] * (len(table.head) - len(cells))
    for one in some:
        column = columns.get(one.report.exercise)
        if column is None or one.grade is None:
            continue
        who, before = one.report.student, cells[column].strip()
        text = table.in_numbers(one.grade)
        if before and table.value(before) != table.value(text):
            title = table.head[column].strip()
            filled.replaced.append(f'{who}: {before} in the column "{title}" by {text}')
        cells[column] = text
        if table.is_locked(row):
            filled.locked.append(who)
        comments = table.comments_of(column)
        if comments is None:
            continue
        comment = cells[comments].strip()
        if comment in ("", "-") or is_feedback(comment, one):
            cells[comments] = feedback(one)
        else:
            filled.kept.append(f"{who}: {comment}")
