"""A table of grades as an LMS exported it: its head, its people's rows, and which column is what.

Sources: Canvas's guide "How do I export grades in the Gradebook?", Moodle's "Offline grading
worksheet" and its language packs, Blackboard's "Download Grades", Brightspace's "Export Grades" and
Gradescope's "Download Grades".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from grader.course import Exercise
from grader.errors import GraderError
from grader.intake.tables import Table
from grader.reports.terminal import number
from grader.spelling import folded, squeezed

LOGINS = (
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
"""Headings of what tells one person from all others."""
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
_CHANGEABLE = ("gradecanbechanged", "bewertungkanngeändertwerden")
"""Moodle's, of English and German."""
_NO = ("no", "nein")
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
_COMMA = re.compile(r"-?\d+,\d+")
_COMMA_BETWEEN_COMMAS = re.compile(r"-?\d+,\d{1,2}")
"""A number in quotation marks; `1,000` may be a thousand there."""
_PARTICIPANT = re.compile(r"(?P<word>\D*[^\W\d]\D*?)\s*(?P<number>\d+)")
"""Moodle's `Participant 11`: of English alone the word ends with a space, `Teilnehmer/in11`."""


class ExportedTable:
    """The cells of a table, and which columns are what."""

    def __init__(self, path: Path, table: Table) -> None:
        self.path = path
        self.rows = [list(row) for row in table.rows]
        at = next((n for n, row in enumerate(self.rows) if any(map(str.strip, row))), -1)
        self.head = self.rows[at] if at >= 0 else []
        self._short = [squeezed(cell) for cell in self.head]
        below = [row for row in self.rows[at + 1 :] if any(map(str.strip, row))]
        self._has_participants = self._begins_with_participants(below)
        comma = _COMMA_BETWEEN_COMMAS if table.delimiter == "," else _COMMA
        self._comma = any(comma.fullmatch(cell.strip()) for row in self.rows for cell in row)
        self._points: dict[int, str] = {}
        for number_of, row in enumerate(self.rows[at + 1 :], at + 1):
            if row and squeezed(row[0]) == _POINTS_POSSIBLE:
                self._points = dict(enumerate(row))
                at = number_of
        self.people = [n for n, row in enumerate(self.rows) if n > at and any(map(str.strip, row))]
        """The numbers of the rows of people."""

    def columns(self, names: Sequence[str]) -> list[int]:
        """Return the columns whose heading is one of `names`, squeezed."""
        return [n for n, cell in enumerate(self._short) if cell in names]

    def cell(self, row: int, column: int) -> str:
        """Return a cell without what Brightspace puts before what is no number."""
        cells = self.rows[row]
        return cells[column].strip().removeprefix("#") if column < len(cells) else ""

    @property
    def has_participants(self) -> bool:
        """Tell whether the first column is Moodle's, of `Participant 11` or of another language."""
        return self._has_participants

    def participant(self, row: int) -> str:
        """Return Moodle's number of the participant, or an empty string."""
        found = _PARTICIPANT.fullmatch(self.cell(row, 0)) if self._has_participants else None
        return found["number"] if found else ""

    def column_of(self, exercise: Exercise, *, alone: bool) -> int:
        """Return the exercise's column: by its title, or with `alone` the only one of grades.

        Raises:
            GraderError: there is none, or several, or it is of other points.
        """
        titles = {squeezed(f"{exercise.id} {exercise.title}"), squeezed(exercise.title)}
        titles |= {exercise.id, f"exercise{exercise.id}"}
        found = [
            n for n, cell in enumerate(self.head) if squeezed(_AFTER_TITLE.sub("", cell)) in titles
        ]
        if not found and alone:
            found = self.columns(_GRADE)
        if len(found) != 1:
            shown = ", ".join(cell.strip() for cell in self.head)
            wanted = f'"{exercise.id} {exercise.title}"'
            several = "several columns" if found else "no column"
            help_ = (
                f"Name the column that is meant {wanted}."
                if alone
                else f"Call the assignment {wanted}, or say --exercise NN for a table of one."
            )
            raise GraderError(f"{self.path} has {several} for {wanted}: {shown}", help_)
        self._require_points(found[0], exercise)
        return found[0]

    def comments_of(self, column: int) -> int | None:
        """Return the column of comments beside that of the only grade; None: there is none."""
        found = self.columns(_FEEDBACK)
        return found[0] if found and self._short[column] in _GRADE else None

    def is_locked(self, row: int) -> bool:
        """Tell whether Moodle will pass the row over, since its grade cannot be changed there."""
        return any(folded(self.cell(row, n)) in _NO for n in self.columns(_CHANGEABLE))

    def in_numbers(self, grade: float) -> str:
        """Return a grade as the table writes numbers: with a comma where others have one."""
        text = number(grade)
        return text.replace(".", ",") if self._comma else text

    def value(self, text: str) -> float | str:
        """Return what a cell holds: a number where it is one."""
        try:
            return float(text.replace(",", ".") if self._comma else text)
        except ValueError:
            return text

    def _begins_with_participants(self, rows: Sequence[Sequence[str]]) -> bool:
        """Tell whether each first cell is one word and a number."""
        first = self._short[:1]
        if not rows or (first and first[0] in LOGINS and first[0] not in ("identifier", "id")):
            return False
        found = [_PARTICIPANT.fullmatch(row[0].strip()) for row in rows]
        words = {each["word"] if each else "" for each in found}
        return len(words) == 1 and "" not in words

    def _require_points(self, column: int, exercise: Exercise) -> None:
        """Refuse to write 80 of 100 points into a column of 10."""
        said = [self._points.get(column, "")]
        head = self.head[column].strip()
        said += [one or other for one, other in _POINTS.findall(head)]
        said += [self.cell(n, at) for at in self._columns_of_points(column) for n in self.people]
        for text in said:
            value = text.strip().replace(",", ".") if self._comma else text.strip()
            try:
                points = float(value)
            except ValueError:
                continue
            if points != exercise.max_score:
                raise GraderError(
                    f'{self.path}: the column "{head}" is of {number(points)} points, exercise '
                    f"{exercise.id} of {number(exercise.max_score)}",
                    "Give the assignment as many points in the LMS, and export the table again.",
                )
        if squeezed(head) in _GRADE and self.columns(_SCALE):
            raise GraderError(
                f'{self.path}: the column "{head}" is of a scale of words, and no number goes in',
                "Let the assignment be graded by points in the LMS, and export the table again.",
            )

    def _columns_of_points(self, column: int) -> list[int]:
        """Return the columns that say, row by row, how many points a column's are of."""
        title = self._short[column]
        if title not in _GRADE:
            return self.columns([f"{title}{behind}" for behind in _BEHIND_TITLE])
        named = self.columns(_MAXIMUM)
        if named or not self._has_participants:
            return named[:1]
        # Moodle's worksheet has it after the grade, whatever the language calls it.
        after = column + 1
        cells = [self.cell(n, after).replace(",", ".") for n in self.people]
        numbers = all(re.fullmatch(r"\d+(\.\d+)?", cell) for cell in cells)
        return [after] if cells and numbers and len(set(cells)) == 1 else []
