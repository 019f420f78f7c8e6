"""Reads what earlier intakes left: whose folders are there, and the numbers of their owners.

`lms-user.txt` in a student's folder has a line for each number that an LMS has for its owner:
`canvas 1001`, which never changes, and `moodle 2345607 2345601` for each assignment. Moodle numbers
the participants of each assignment anew, and no number twice; the second number is the lowest of
the assignment's first download, and stands for the assignment.

Source: Moodle's mod/assign/locallib.php, get_uniqueid_for_user_static.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from grader.errors import GraderError
from grader.intake.moodle import is_of_number
from grader.intake.students import Person, clean_name
from grader.spelling import folded, normal

USER = "lms-user.txt"
"""In a student's folder: who that is in the LMS, so that a namesake's work never gets into it."""
_MOODLE = "moodle"
_WORDS = 3
"""The number of words in a line of Moodle's."""


class Participant(NamedTuple):
    """Whose a number of Moodle's is, and of which assignment."""

    folder: str
    assignment: str


@dataclass(frozen=True)
class Earlier:
    """The folders of submissions that are there, and Moodle's numbers of their owners."""

    folders: frozenset[str] = frozenset()
    participants: Mapping[str, Participant] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Tell whether a folder is there that a file system takes for that of `name`."""
        return folded(name) in {folded(each) for each in self.folders}


def earlier_in(directory: Path) -> Earlier:
    """Return what earlier intakes left in `directory`.

    Raises:
        GraderError: two folders say that they are one participant's.
    """
    found = {normal(path.name) for path in folders_in(directory)}
    return Earlier(frozenset(found), participants(directory))


def folders_in(directory: Path) -> list[Path]:
    """Return the students' folders in `directory`, which need not be there."""
    with suppress(OSError):
        some = sorted(path for path in directory.iterdir() if path.name[:1] != ".")
        return [path for path in some if path.is_dir()]
    return []


def lasting_users(directory: Path) -> dict[str, str]:
    """Return, by student, the users whose number never changes: `canvas 1001`.

    Raises:
        GraderError: two folders say that they are one user's, whose work one of them is not.
    """
    return {folder: who for who, folder in _once(directory, moodle=False).items()}


def participants(directory: Path) -> dict[str, Participant]:
    """Return by Moodle's numbers whose each is.

    Raises:
        GraderError: two folders say that they are one participant's.
    """
    found = {}
    for line, folder in _once(directory, moodle=True).items():
        _, number, assignment = line.split(" ")
        found[number] = Participant(folder, assignment)
    return found


def write_users(folder: Path, lasting: str, participant: str) -> None:
    """Keep in a student's folder whose it is, beside what earlier intakes wrote of other numbers.

    Args:
        folder: the student's.
        lasting: a line such as `canvas 1001`, or nothing.
        participant: a line such as `moodle 2345607 2345601`, or nothing.
    """
    before = _lines(folder / USER)
    of_moodle = [line for line in before if _is_moodle(line)]
    number = participant.split(" ")[:2]
    kept = [line for line in of_moodle if line.split(" ")[:2] != number]
    others = [lasting] if lasting else [line for line in before if line not in of_moodle]
    lines = [*others, *kept, *([participant] if participant else [])]
    if lines != before:
        (folder / USER).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def _once(directory: Path, *, moodle: bool) -> dict[str, str]:
    """Return by a line of a number's the folder in which it is, which is only one."""
    found: dict[str, str] = {}
    users: dict[str, str] = {}
    for path in sorted(directory.glob(f"*/{USER}")):
        for line in _lines(path):
            if _is_moodle(line) is not moodle:
                continue
            who, folder = " ".join(line.split(" ")[:2]) if moodle else line, path.parent.name
            if who in users:
                raise GraderError(
                    f"{users[who]} and {folder} in {directory} both have the number of {who}",
                    "Remove the folder whose name is wrong, and take the download in again.",
                )
            users[who] = folder
            found[line] = normal(folder)
    return found


def _is_moodle(line: str) -> bool:
    words = line.split(" ")
    return words[0] == _MOODLE and len(words) == _WORDS


def _lines(path: Path) -> list[str]:
    with suppress(OSError, ValueError):
        return [
            line for each in path.read_text(encoding="utf-8").splitlines() if (line := each.strip())
        ]
    return []


@dataclass
class Known:
    """The people in a download of Moodle's, as far as earlier intakes know them."""

    kept: dict[Person, str] = field(default_factory=dict)
    """Their folders."""
    others: set[str] = field(default_factory=set)
    """Folders that are not of the rest of them, whatever name they have."""
    doubtful: dict[Person, str] = field(default_factory=dict)
    """People who may be somebody else, and why."""
    assignment: str = ""
    """The one whose download this is."""


def known_participants(
    people: Collection[Person], earlier: Earlier, *, several: bool = False
) -> Known:
    """Find out who of a download of Moodle's is known, and by which folder.

    Whose name and number are those of a folder is its owner. Where such are from one assignment,
    the download is of that: there a number is the same person's under another name, and another
    number somebody else's under the same name. Else another name with that number is in doubt.
    """
    numbers = [user for _, user in people if user and not several]
    found = Known(assignment=min(numbers, key=_value, default=""))
    given = {user: (name, user) for name, user in people if user}
    known = {user: earlier.participants[user] for user in given if user in earlier.participants}
    same = {user: each for user, each in known.items() if _is_called(each.folder, given[user])}
    found.kept = {given[user]: each.folder for user, each in same.items()}
    # Side by side lie downloads of several assignments, none of which is told by another's people.
    of_it = "" if several else _assignment(same.values(), given, earlier)
    found.assignment = of_it or found.assignment
    for user, each in known.items():
        if user in same:
            continue
        if each.assignment == of_it:
            found.kept[given[user]] = each.folder
        else:
            found.doubtful[given[user]] = _ask(given[user], each.folder)
    # Whoever marked without names before: then a folder is called after the number.
    for folder in earlier.folders:
        if (user := folder.rpartition(" ")[2]) in given and is_of_number(folder, user):
            found.doubtful.setdefault(given[user], _ask(given[user], folder))
    if of_it:
        found.others = {
            each.folder for each in earlier.participants.values() if each.assignment == of_it
        }
    # Of two Kim Lees of another assignment nobody knows which of them this one is.
    found.others |= {
        clean_name(name) for name, user in people if user and _has_namesakes(name, earlier)
    }
    return found


def _ask(person: Person, folder: str) -> str:
    name, user = person
    return (
        f"has the number {user}, which {folder} had in an earlier download; if they are one "
        f"person, call the folder {folder} {clean_name(name)}, else take this download into "
        "another folder"
    )


def _assignment(
    same: Collection[Participant], given: Mapping[str, Person], earlier: Earlier
) -> str:
    """Return the assignment of which more people are in a download than have another number there.

    One number may be the same by chance, in a download of another Moodle's.
    """
    counts = Counter(each.assignment for each in same)
    if not counts:
        return ""
    found, count = counts.most_common(1)[0]
    there = {
        folded(each.folder): number
        for number, each in earlier.participants.items()
        if each.assignment == found and number not in given
    }
    others = [name for name, _ in given.values() if folded(clean_name(name)) in there]
    return found if count > len(others) else ""


def _is_called(folder: str, person: Person) -> bool:
    name, user = person
    return folded(folder) in {folded(clean_name(name)), folded(f"{clean_name(name)}-{user}")}


def _has_namesakes(name: str, earlier: Earlier) -> bool:
    start = f"{folded(clean_name(name))}-"
    return any(
        folded(each).startswith(start) and each[len(start) :].isdecimal()
        for each in earlier.folders
    )


def _value(number: str) -> int:
    return int(number) if number.isdecimal() else 0
