"""Whose row is whose, in a table of grades that an LMS exported."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping

from grader.errors import GraderError
from grader.intake.moodle import PARTICIPANT
from grader.reports.exported import LOGINS, ExportedTable
from grader.spelling import folded, squeezed

_NAMES = ("student", "fullname", "name", "vollständigername", "nomcomplet", "nombrecompleto")
_FIRST = ("firstname", "vorname", "prénom", "nombre", "givenname")
_LAST = ("lastname", "surname", "nachname", "nom", "apellidos", "familyname")
_PARTS = re.compile(r"[\s_<>,]+(?:-\s+)?")
"""Between the parts of a folder's name; intake writes `_` for `<`."""


class People:
    """The people of a table, by what is known of them."""

    def __init__(self, table: ExportedTable) -> None:
        """Look at everybody's row.

        Raises:
            GraderError: no column says who is who.
        """
        self._table = table
        self._cell, self._rows = table.cell, table.people
        self._names = table.columns(_NAMES)
        self._first, self._last = table.columns(_FIRST)[:1], table.columns(_LAST)[:1]
        self._logins = table.columns(LOGINS)
        if not (
            table.has_participants or self._names or self._logins or (self._first and self._last)
        ):
            shown = ", ".join(table.head[:8]) or "it is empty"
            raise GraderError(
                f"{table.path} has no column of students: {shown}",
                "Name the table of grades that your LMS exports.",
            )
        self._by_login, self._by_name = self._read()

    def by_number(self, participants: Mapping[str, Collection[str]] | None) -> bool:
        """Tell whether numbers of Moodle's, which are not given, may tell a student's row."""
        return self._table.has_participants and participants is None

    def rows_of_participant(self, numbers: Collection[str]) -> list[int]:
        """Return the rows of Moodle's numbers; none: the table is of another assignment."""
        return [row for row in self._rows if numbers and self._table.participant(row) in numbers]

    def rows_of(self, student: str, number_of: str) -> list[int]:
        """Return the rows that may be a student's: of the number, else the login, else the name."""
        ids = self._table.columns(("id",))
        if number_of and ids:
            found = {row for row in self._rows if self._cell(row, ids[0]) == number_of}
            if found:
                return sorted(found)
        found = self._by_login.get(folded(student), set()) | self._by_name.get(
            squeezed(student), set()
        )
        last, comma, first = student.partition(",")
        if comma:  # `Lee, Kim` is no `Lee Kim` where a `Kim Lee` is, too
            found = found | self._by_name.get(squeezed(first + last), set())
        name, _, behind = student.rpartition("-")
        if not found and name and behind.isdecimal():  # a namesake, told apart by that number
            found = {
                row
                for row in self._by_name.get(squeezed(name), set())
                if behind in {self._cell(row, c) for c in (*self._logins, *ids)}
                or behind == self._table.participant(row)
            }
        word, _, number_of = student.rpartition(" ")
        if not found and number_of.isdecimal() and squeezed(word) in PARTICIPANT:
            # The download was made in another language than the worksheet.
            found = {row for row in self._rows if self._table.participant(row) == number_of}
        return sorted(found or self._rows_of_both(student))

    def _rows_of_both(self, student: str) -> set[int]:
        """Return the rows whose name and login are both in what an LMS calls a student's folder.

        `Doe_Jane_jdoe` of ILIAS and OpenOLAT, `Jane Doe 11 jdoe` of VPL, `Doe, Jane - 0A1` of
        Schoology, `Jane Doe <jdoe@x.edu>`.
        """
        parts = [part for part in _PARTS.split(student) if part]
        for at in range(1, len(parts)):
            name, logins = parts[:at], parts[at:]
            named = self._by_name.get(squeezed("".join(name)), set())
            found = {row for login in logins for row in self._by_login.get(folded(login), ())}
            if named & found:
                return named & found
        return set()

    def _read(self) -> tuple[dict[str, set[int]], dict[str, set[int]]]:
        logins: dict[str, set[int]] = defaultdict(set)
        names: dict[str, set[int]] = defaultdict(set)
        for row in self._rows:
            for column in self._logins:
                login = self._cell(row, column)
                logins[folded(login)].add(row)
            if self._table.has_participants:  # without `/` and space in a download's names
                names[squeezed(self._cell(row, 0))].add(row)
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
