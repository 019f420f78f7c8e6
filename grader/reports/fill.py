"""Grades filled into the table that an LMS exported, which it then imports again.

Rows, columns and everything else stay as they are. Sources: Canvas's guide "How do I export grades
in the Gradebook?", Moodle's "Offline grading worksheet" and its language packs, Blackboard's
"Download Grades", Brightspace's "Export Grades" and Gradescope's "Download Grades".
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.gradebook.graded import Graded
from grader.intake.moodle import PARTICIPANT
from grader.intake.tables import Table, read_as_written
from grader.reports.tables import feedback, is_feedback
from grader.reports.terminal import number
from grader.spelling import folded, squeezed

_LOGINS = (
    "username",
    "sisloginid",
    "loginid",
    "login",
    "sisuserid",
    "studentid",
    "sid",
    "orgdefinedid",
    "email",
    "emailaddress",
    "idnumber",
    "identifier",
    "benutzername",
    "anmeldename",
    "emailadresse",
    "kennung",
    "idnummer",
    "anonymousid",
    "id",
)
_NAMES = ("student", "fullname", "name", "vollständigername", "nomcomplet", "nombrecompleto")
_FIRST = ("firstname", "vorname", "prénom", "nombre", "givenname")
_LAST = ("lastname", "surname", "nachname", "nom", "apellidos", "familyname")
_GRADE = (
    "grade",
    "bewertung",
    "note",
    "nota",
    "calificación",
    "valutazione",
    "cijfer",
    "points",
    "score",
)
_MAXIMUM = (
    "maximumgrade",
    "maxgrade",
    "bestwertung",
    "bestebewertung",
    "maximalebewertung",
    "notemaximale",
    "notamáxima",
    "calificaciónmáxima",
)
_BEHIND_TITLE = ("maxpoints", "maximumpoints", "pointspossible")
"""Names of Gradescope's column of an assignment's points, after its title."""
_SCALE = ("scale", "skala", "barème", "escala", "scala", "schaal")
"""Moodle's, where the grade is a word and no number."""
_FEEDBACK = ("feedbackcomments", "feedbackalskommentar", "commentairesdefeedback")
_POINTS_POSSIBLE = "pointspossible"
_AFTER_TITLE = re.compile(
    r"\s*(\(\d+\)|\[[^\]]*\]\s*\|?\s*\d*|\|\s*\d+|(points|numerator) grade\s*<[^>]*>)\s*$",
    re.IGNORECASE,
)
"""Canvas's number, Blackboard's points and number, Brightspace's kind and points."""
_POINTS = re.compile(r"\[[^\]\d]*([\d.,]+)[^\]]*\]|<[^>\d]*([\d.,]+)[^>]*>")
"""In a heading: Blackboard's `[Total Pts: 10 Score]`, Sakai's `[10]`, Brightspace's `<... 10 ...>`;
the words are in the user's language."""
_PARTS = re.compile(r"[\s_<>,]+(?:-\s+)?")
"""Between the parts of a folder's name; intake writes `_` for `<`."""
_COMMA = re.compile(r"-?\d+,\d+")
_COMMA_BETWEEN_COMMAS = re.compile(r"-?\d+,\d{1,2}")
"""A number in quotation marks; `1,000` may be a thousand there."""
_PARTICIPANT = re.compile(r"(?P<word>\D*[^\W\d]\D*?)\s*(?P<number>\d+)")
"""Moodle's `Participant 11`: of English alone the word ends with a space, `Teilnehmer/in11`."""


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
    table = read_as_written(path)
    grid = _Grid(path, table, course)
    by_student: dict[str, list[Graded]] = defaultdict(list)
    for one in graded:
        by_student[one.report.student].append(one)
    rows = {
        student: grid.rows_of_participant((participants or {}).get(student, ()))
        or grid.rows_of(student, (numbers or {}).get(student, ""))
        for student in by_student
    }
    claimed: dict[int, list[str]] = defaultdict(list)
    for student, found in rows.items():
        if len(found) == 1:
            claimed[found[0]].append(student)
    lines = []
    for student, found in rows.items():
        if len(found) != 1:
            many = f"{len(found)} rows have that name" if found else "no row has that name"
            many += (
                "; --submissions finds it by Moodle's number"
                if grid.by_number(participants)
                else ""
            )
            lines.append(f"{student}: {many}")
        elif len(claimed[found[0]]) > 1:
            others = " and ".join(sorted(claimed[found[0]]))
            lines.append(f"{student}: one row may be that of {others}")
        else:
            grid.enter(found[0], by_student[student])
    undecided = sum(one.grade is None for some in by_student.values() for one in some)
    left = len(set(grid.people).difference(*rows.values()))
    return Filled(table.written(grid.rows), lines, undecided, left, grid.replaced, grid.kept)


class _Grid:
    """A table's rows, and which columns are what."""

    def __init__(self, path: Path, table: Table, course: Course) -> None:
        self._path = path
        self.rows = [list(row) for row in table.rows]
        at = next((n for n, row in enumerate(self.rows) if any(map(str.strip, row))), -1)
        self._head = self.rows[at] if at >= 0 else []
        self._short = [squeezed(cell) for cell in self._head]
        self._names = self._columns(_NAMES)
        self._first, self._last = self._columns(_FIRST)[:1], self._columns(_LAST)[:1]
        self._logins = self._columns(_LOGINS)
        self.replaced: list[str] = []
        self.kept: list[str] = []
        below = [row for row in self.rows[at + 1 :] if any(map(str.strip, row))]
        self._participants = self._column_of_participants(below)
        if not (
            self._participants is not None
            or self._names
            or self._logins
            or (self._first and self._last)
        ):
            raise GraderError(
                f"{path} has no column of students: {', '.join(self._head[:8]) or 'it is empty'}",
                "Name the table of grades that your LMS exports.",
            )
        comma = _COMMA_BETWEEN_COMMAS if table.delimiter == "," else _COMMA
        self._comma = any(comma.fullmatch(cell.strip()) for row in self.rows for cell in row)
        self._points = {}
        for number_of, row in enumerate(self.rows[at + 1 :], at + 1):
            if row and squeezed(row[0]) == _POINTS_POSSIBLE:
                self._points = dict(enumerate(row))
                at = number_of
        self.people = [n for n, row in enumerate(self.rows) if n > at and any(map(str.strip, row))]
        self._column = {each.id: self._column_of(each, course) for each in course.exercises}
        self._by_login, self._by_name = self._people()

    def _columns(self, names: Sequence[str]) -> list[int]:
        return [n for n, cell in enumerate(self._short) if cell in names]

    def _column_of_participants(self, rows: Sequence[Sequence[str]]) -> int | None:
        """Return Moodle's first column, where each cell is one word and a number; None: another."""
        known = self._short[:1] and self._short[0] in _LOGINS
        if not rows or (known and self._short[0] not in ("identifier", "id")):
            return None
        found = [_PARTICIPANT.fullmatch(row[0].strip()) for row in rows]
        words = {each["word"] if each else "" for each in found}
        return 0 if len(words) == 1 and "" not in words else None

    def _column_of(self, exercise: Exercise, course: Course) -> int:
        """Return the exercise's column: by its title, or the only one in a worksheet for one."""
        titles = {squeezed(f"{exercise.id} {exercise.title}"), squeezed(exercise.title)}
        titles |= {exercise.id, f"exercise{exercise.id}"}
        found = [
            n for n, cell in enumerate(self._head) if squeezed(_AFTER_TITLE.sub("", cell)) in titles
        ]
        if not found and len(course.exercises) == 1:
            found = self._columns(_GRADE)
        if len(found) != 1:
            shown = ", ".join(cell.strip() for cell in self._head)
            wanted = f'"{exercise.id} {exercise.title}"'
            several = "several columns" if found else "no column"
            help_ = (
                f"Name the column that is meant {wanted}."
                if len(course.exercises) == 1
                else f"Call the assignment {wanted}, or say --exercise NN for a table of one."
            )
            raise GraderError(f"{self._path} has {several} for {wanted}: {shown}", help_)
        self._require_points(found[0], exercise)
        return found[0]

    def _require_points(self, column: int, exercise: Exercise) -> None:
        """Refuse to write 80 of 100 points into a column of 10."""
        said = [self._points.get(column, "")]
        head = self._head[column].strip()
        said += [one or other for one, other in _POINTS.findall(head)]
        said += [self._cell(n, at) for at in self._columns_of_points(column) for n in self.people]
        for text in said:
            value = text.strip().replace(",", ".") if self._comma else text.strip()
            try:
                points = float(value)
            except ValueError:
                continue
            if points != exercise.max_score:
                raise GraderError(
                    f'{self._path}: the column "{head}" is of {number(points)} points, exercise '
                    f"{exercise.id} of {number(exercise.max_score)}",
                    "Give the assignment as many points in the LMS, and export the table again.",
                )
        if squeezed(head) in _GRADE and self._columns(_SCALE):
            raise GraderError(
                f'{self._path}: the column "{head}" is of a scale of words, and no number goes in',
                "Let the assignment be graded by points in the LMS, and export the table again.",
            )

    def _columns_of_points(self, column: int) -> list[int]:
        """Return the columns that say, row by row, how many points a column's are of."""
        title = self._short[column]
        if title not in _GRADE:
            return self._columns([f"{title}{behind}" for behind in _BEHIND_TITLE])
        named = self._columns(_MAXIMUM)
        if named or self._participants is None:
            return named[:1]
        # Moodle's worksheet has it after the grade, whatever the language calls it.
        after = column + 1
        cells = [self._cell(n, after).replace(",", ".") for n in self.people]
        numbers = all(re.fullmatch(r"\d+(\.\d+)?", cell) for cell in cells)
        return [after] if cells and numbers and len(set(cells)) == 1 else []

    def _cell(self, row: int, column: int) -> str:
        """Return a cell without what Brightspace puts before what is no number."""
        cells = self.rows[row]
        return cells[column].strip().removeprefix("#") if column < len(cells) else ""

    def _number_of(self, row: int) -> str:
        """Return Moodle's number of the participant, or an empty string."""
        if self._participants is None:
            return ""
        found = _PARTICIPANT.fullmatch(self._cell(row, self._participants))
        return found["number"] if found else ""

    def _people(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        logins: dict[str, set[int]] = defaultdict(set)
        names: dict[str, set[int]] = defaultdict(set)
        for row in self.people:
            for column in self._logins:
                login = self._cell(row, column)
                logins[folded(login)].add(row)
            if self._participants is not None:  # without `/` and space in a download's names
                names[squeezed(self._cell(row, self._participants))].add(row)
            for column in self._names:
                names[squeezed(self._cell(row, column))].add(row)
                last, comma, first = self._cell(row, column).partition(",")
                names[squeezed(first + last) if comma else ""].add(row)
            for one_at, other_at in zip(self._first, self._last, strict=False):
                one, other = self._cell(row, one_at), self._cell(row, other_at)
                names[squeezed(one + other)].add(row)
                names[squeezed(other + one)].add(row)
        logins.pop("", None)
        names.pop("", None)
        return logins, names

    def by_number(self, participants: Mapping[str, Collection[str]] | None) -> bool:
        """Tell whether numbers of Moodle's, which are not given, may tell a student's row."""
        return self._participants is not None and participants is None

    def rows_of_participant(self, numbers: Collection[str]) -> list[int]:
        """Return the rows of Moodle's numbers; none: the table is of another assignment."""
        return [row for row in self.people if numbers and self._number_of(row) in numbers]

    def rows_of(self, student: str, number_of: str) -> list[int]:
        """Return the rows that may be a student's: of the number, else the login, else the name."""
        ids = self._columns(("id",))
        if number_of and ids:
            found = {row for row in self.people if self._cell(row, ids[0]) == number_of}
            if found:
                return sorted(found)
        found = self._by_login.get(folded(student), set()) | self._by_name.get(
            squeezed(student), set()
        )
        name, _, behind = student.rpartition("-")
        if not found and name and behind.isdecimal():  # a namesake, told apart by that number
            found = {
                row
                for row in self._by_name.get(squeezed(name), set())
                if behind in {self._cell(row, c) for c in (*self._logins, *ids)}
                or behind == self._number_of(row)
            }
        word, _, number_of = student.rpartition(" ")
        if not found and number_of.isdecimal() and squeezed(word) in PARTICIPANT:
            # The download was made in another language than the worksheet.
            found = {row for row in self.people if self._number_of(row) == number_of}
        return sorted(found or self._rows_of_both(student))

    def _rows_of_both(self, student: str) -> set[int]:
        """Return the rows whose name and login are both in what an LMS calls a student's folder.

        `Doe_Jane_jdoe` of ILIAS and OpenOLAT, `Jane Doe 11 jdoe` of VPL, `Doe, Jane - 0A1` of
        Schoology, `Jane Doe <jdoe@x.edu>`; and `Doe, Jane` where the table has `Jane Doe`.
        """
        last, comma, first = student.partition(",")
        if comma and (found := self._by_name.get(squeezed(first + last))):
            return found
        parts = [part for part in _PARTS.split(student) if part]
        for at in range(1, len(parts)):
            name, logins = parts[:at], parts[at:]
            named = self._by_name.get(squeezed("".join(name)), set())
            found = {row for login in logins for row in self._by_login.get(folded(login), ())}
            if named & found:
                return named & found
        return set()

    def enter(self, row: int, some: Sequence[Graded]) -> None:
        """Write the grades of one person; what is provisional stays as it was."""
        cells = self.rows[row]
        cells += [""] * (len(self._head) - len(cells))
        comments = self._columns(_FEEDBACK)
        for one in some:
            column = self._column.get(one.report.exercise)
            if column is None or one.grade is None:
                continue
            text = number(one.grade)
            text = text.replace(".", ",") if self._comma else text
            who, before = one.report.student, cells[column].strip()
            if before and self._value(before) != self._value(text):
                title = self._head[column].strip()
                self.replaced.append(f'{who}: {before} in the column "{title}" by {text}')
            cells[column] = text
            if not comments or squeezed(self._head[column]) not in _GRADE:
                continue
            comment = cells[comments[0]].strip()
            if comment in ("", "-") or is_feedback(comment, one):
                cells[comments[0]] = feedback(one)
            else:
                self.kept.append(f"{who}: {comment}")

    def _value(self, text: str) -> float | str:
        try:
            return float(text.replace(",", ".") if self._comma else text)
        except ValueError:
            return text
