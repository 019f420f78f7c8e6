"""Whose the files of a download are: what is known beforehand, and what was found out."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from grader.intake.earlier import Earlier
from grader.intake.owned import Owned
from grader.intake.people import Teams
from grader.intake.students import Person


@dataclass(frozen=True)
class Knowledge:
    """The knowledge of a course's people beside the download."""

    users: Mapping[str, str] = field(default_factory=dict)
    """By folder: the users of earlier intakes, such as `canvas 1001`, who keep their folders."""
    roster: Collection[str] = ()
    """The LMS's numbers of the students."""
    teams: Teams | None = None
    listed: bool = False
    """True where `teams` is Gradescope's own list, whose numbers of people never change."""
    earlier: Earlier = field(default_factory=Earlier)
    """The contents of the folder of submissions."""
    logins: Mapping[str, str] = field(default_factory=dict)
    """Logins of Blackboard's, by the names in the download in which a title is before them."""
    flat: bool = False
    """True where the students' names are in those of files, which came one by one."""


@dataclass
class Owners:
    """Whose each file is, by its number in the download."""

    of: list[tuple[Owned, ...]] = field(default_factory=list)
    """Nobody, one student, or each member of a team; a student as the folder is named."""
    users: dict[str, str] = field(default_factory=dict)
    """By student: who that is in the LMS, where its number never changes."""
    participants: dict[str, str] = field(default_factory=dict)
    """By student: the number in an assignment of Moodle's, as `lms-user.txt` has it."""
    namesakes: list[str] = field(default_factory=list)
    """Students whose name somebody else has too: the number behind it tells them apart."""
    renamed: set[str] = field(default_factory=set)
    """Whose number has a folder of another name; a line each."""
    unmatched: list[str] = field(default_factory=list)
    """Files that belong to nobody; a line each."""
    doubtful: list[str] = field(default_factory=list)
    """Files that may be somebody else's, so that they are nobody's; a line each."""
    absent: list[str] = field(default_factory=list)
    """Teams of the file of teams of which nothing is in the download; a line."""
    torn: dict[Person, str] = field(default_factory=dict)
    """Members of several teams that handed in, by name and number, and which teams."""
    lasting: bool = True
    """True where the numbers of people are the same in every download."""
    team_of: dict[Person, str] = field(default_factory=dict)
    """The team whose work somebody has, by name and number."""
    teams: dict[str, str] = field(default_factory=dict)
    """The same by student, with the members: another download may have a team of that name."""
    without: dict[str, str] = field(default_factory=dict)
    """Students of whom nothing is taken for that reason."""
    unclear: set[str] = field(default_factory=set)
    """Students who may have a folder under a name that is written otherwise."""
