"""Who is in a course and in which team, by files of an instructor's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from grader.errors import GraderError
from grader.intake.students import Person
from grader.intake.tables import read_table
from grader.spelling import squeezed

_TEAM = ("team", "groupname", "group", "groups", "teamname")
_TEAM_ELSEWHERE = ("gruppe", "gruppen", "grupo", "grupos", "groupe", "groupes", "gruppo", "gruppi")
_NAME = ("student", "member", "members", "name", "fullname", "username", "loginid", "login")
_NUMBER = ("canvasuserid", "id", "lmsnumber", "number")
_FIRST, _LAST = ("firstname", "vorname"), ("lastname", "surname", "nachname")
_SEVERAL = ",;"
"""What may stand between several teams in a cell, as in Moodle's list of participants."""


@dataclass(frozen=True)
class Teams:
    """The members of each team, by a names file."""

    path: Path
    members: Mapping[str, tuple[Person, ...]]
    """By the team's name, squeezed: an LMS leaves out characters of it."""
    times: Mapping[str, datetime] = field(default_factory=dict)
    """When a team handed in, by its squeezed name, where the file says so."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The teams' names as the file has them, by those squeezed."""

    def of(self, name: str) -> tuple[Person, ...]:
        """Return the members of the team that an LMS gives this name; none: it is no team."""
        return self.members.get(squeezed(name), ())

    @property
    def numbers(self) -> frozenset[str]:
        """The LMS's numbers of all members, where the file has them."""
        return frozenset(user for team in self.members.values() for _, user in team if user)


def merged(lists: Sequence[Teams]) -> Teams | None:
    """Return the teams of several lists as one list; None: there is none."""
    if not lists:
        return None
    members, times = dict(lists[0].members), dict(lists[0].times)
    for each in lists[1:]:
        members.update(each.members)
        times.update(each.times)
    return Teams(lists[0].path, members, times)


def read_teams(path: Path) -> Teams:
    """Read which student is in which team.

    A header names the columns: `team` (or group) and `student` (or name, username, ...), and the
    LMS's number of the student where there is one; a line for each member. Without a header the
    first cell of a line is a team and the others are its members.

    Raises:
        GraderError: it cannot be read, or names no team.
    """
    rows = read_table(path)
    head = [squeezed(cell) for cell in rows[0]] if rows else []
    team_at = _column(head, (*_TEAM, *_TEAM_ELSEWHERE))
    found: dict[str, list[Person]] = {}
    shown: dict[str, str] = {}
    for team, person in _with_header(rows, head, team_at) if team_at >= 0 else _plain(rows):
        key = squeezed(team)
        if shown.setdefault(key, team) != team:
            raise GraderError(
                f"{path} names two teams that an LMS may write alike: {shown[key]} and {team}",
                "Write a team's name the same way in each line.",
            )
        if person not in found.setdefault(key, []):
            found[key].append(person)
    if not found:
        raise GraderError(
            f"{path} names no team and its members",
            "Expected is a header with `team` and `student`, and a line for each member.",
        )
    return Teams(path, {key: tuple(people) for key, people in found.items()}, names=shown)


def read_numbers(path: Path) -> frozenset[str]:
    """Read the LMS's numbers of the students in a course, such as Canvas's gradebook has them.

    Raises:
        GraderError: it cannot be read, or has no such numbers.
    """
    rows = read_table(path)
    at = _column([squeezed(cell) for cell in rows[0]] if rows else [], _NUMBER)
    found = frozenset(row[at] for row in rows[1:] if 0 <= at < len(row) and row[at].isdecimal())
    if not found:
        raise GraderError(
            f"{path} has no column ID with Canvas's numbers of students",
            "Export the gradebook of the course in Canvas (Grades > Export), and name that.",
        )
    return found


def _column(head: Sequence[str], names: Collection[str]) -> int:
    """Return the first of `names` that is a column's; -1: none is."""
    return next((head.index(name) for name in names if name in head), -1)


def _with_header(
    rows: Sequence[Sequence[str]], head: Sequence[str], team_at: int
) -> list[tuple[str, Person]]:
    name_at, number_at = _column(head, _NAME), _column(head, _NUMBER)
    first_at, last_at = _column(head, _FIRST), _column(head, _LAST)
    found = []
    for row in rows[1:]:
        cells = [*row, *[""] * (len(head) - len(row))]
        if first_at >= 0 and last_at >= 0:
            name = f"{cells[first_at]} {cells[last_at]}".strip()
        else:
            name = cells[name_at] if name_at >= 0 else ""
        number = cells[number_at] if number_at >= 0 else ""
        person = (name, number if number.isdecimal() else "")
        found += [(team, person) for team in _several(cells[team_at]) if name]
    return found


def _several(cell: str) -> list[str]:
    for between in _SEVERAL:
        cell = cell.replace(between, "\n")
    return [team.strip() for team in cell.split("\n") if team.strip()]


def _plain(rows: Sequence[Sequence[str]]) -> list[tuple[str, Person]]:
    return [(row[0], (name, "")) for row in rows for name in row[1:] if row[0] and name]
