"""Names in Canvas's download, which can be read in two ways where a group's name has underscores.

Source: Canvas's content_zipper.rb. It joins the name of a student or group, LATE, the number of
the student, the number of the upload and the file's name with underscores. A number between two
underscores is no part of a name, but one at its end may be: `team_3`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import PurePosixPath

from grader.intake.owned import Attempt, Owned
from grader.spelling import squeezed

_NUMBER = re.compile(r"[1-9][0-9]*")
_ANONYMOUS = re.compile(
    r"(?P<late>LATE_)?anon_(?P<user>[A-Za-z0-9]+)_"
    r"((?P<number>[0-9]+)_(?P<file>.+)|(?P<page>(text|link)\.html))"
)
_QUIZ = re.compile(r"(?P<student>.*\D)(?P<user>[1-9]\d*)_question_\d+_(?P<number>\d+)_(?P<file>.+)")
"""An upload in a quiz, `doe_jane1001_question_77_8801_polling.py`: quiz_submission_zipper.rb."""
_AGAIN = re.compile(r"(?P<stem>.+)-(?P<again>\d+)(?P<ending>(\.tar)?\.[a-z0-9]+)", re.IGNORECASE)
_PAGES = ("text.html", "link.html")
"""What was typed into Canvas instead of a file."""
_LATE = "LATE"

Readings = list[Owned]


def readings(path: PurePosixPath) -> Readings:
    """Return whose the file may be: nobody's, one person's, or one of two.

    `doejane_LATE_12345_67890_polling-1.py`, `LATE_anon_aB3dE_67890_polling-1.py`,
    `doejane_12345_text.html`, `doe_jane12345_question_77_67890_polling.py` of a quiz; and
    `team_3_1103_5103_work.zip`, which two may have handed in.
    """
    if anonymous := _ANONYMOUS.fullmatch(path.name):
        name = anonymous["file"] or anonymous["page"]
        number, late = anonymous["number"] or "0", bool(anonymous["late"])
        typed = anonymous["page"] is not None
        return [_owned(f"anon-{anonymous['user']}", "", number, name, late=late, typed=typed)]
    if quiz := _QUIZ.fullmatch(path.name):
        who = re.sub(r"[-_]", "", quiz["student"])  # as Canvas's other downloads have it
        return [_owned(who, quiz["user"], quiz["number"], quiz["file"], late=False, typed=False)]
    fields = path.name.split("_")
    found = []
    for at in range(1, len(fields) - 1):
        if not _NUMBER.fullmatch(fields[at]):
            continue
        student, late = fields[:at], fields[at - 1] == _LATE and at > 1
        if late:
            student = student[:-1]
        if any(each.isdecimal() for each in student[1:-1]):
            break
        name, rest = "_".join(student), fields[at + 1 :]
        if len(rest) > 1 and _NUMBER.fullmatch(rest[0]) and "_".join(rest[1:]):
            file = "_".join(rest[1:])
            found.append(_owned(name, fields[at], rest[0], file, late=late, typed=False))
        elif len(rest) == 1 and rest[0] in _PAGES:
            found.append(_owned(name, fields[at], "0", rest[0], late=late, typed=True))
    return [each for each in found if each.student]


def _owned(student: str, user: str, number: str, name: str, *, late: bool, typed: bool) -> Owned:
    again = 0
    if found := _AGAIN.fullmatch(name):
        name, again = found["stem"] + found["ending"], int(found["again"])
    attempt = Attempt(upload=int(number), again=again)
    return Owned(student, PurePosixPath(name), user, attempt, late=late, typed=typed)


def of_canvas(path: PurePosixPath) -> Owned | None:
    """Return whose the file is by the first reading of its name."""
    return next(iter(readings(path)), None)


def decide(
    files: Sequence[Readings], numbers: Collection[str] = (), teams: Collection[str] = ()
) -> list[Readings]:
    """Return the readings that the rest of a download supports; one each, where that is clear.

    Args:
        files: the readings of each file of one download.
        numbers: Canvas's numbers of students of the course, by a roster or an earlier intake.
        teams: the squeezed names of groups, where a file has them.
    """
    left = [list(each) for each in files]
    _keep(left, lambda one: squeezed(one.student) in teams)
    _keep(left, lambda one: one.user in numbers)
    _agree(left)
    _keep(left, _near(_certain(left)))
    _agree(left)
    _keep_uncontested(left)
    return left


def _keep(left: list[Readings], supported: Callable[[Owned], bool]) -> None:
    """Drop the other readings of a file where some are supported."""
    for number, each in enumerate(left):
        if len(each) > 1 and (kept := [one for one in each if supported(one)]):
            left[number] = kept


def _certain(left: Sequence[Readings]) -> list[Owned]:
    return [each[0] for each in left if len(each) == 1 and each[0].user]


def _agree(left: list[Readings]) -> None:
    """Let what is certain decide: a person has one number, and an upload one file."""
    before = -1
    while before != (before := sum(map(len, left))):
        certain = _certain(left)
        people = {(one.student, one.user) for one in certain}
        _keep(left, partial(_is_one_of, people))
        _keep(left, partial(_contradicts_none, certain))


def _is_one_of(people: Collection[tuple[str, str]], one: Owned) -> bool:
    return (one.student, one.user) in people


def _contradicts_none(certain: Sequence[Owned], one: Owned) -> bool:
    """Tell whether nobody else has its number, and no other file its upload."""
    return not any(
        (one.user == other.user and one.student != other.student)
        or (one.attempt.upload and one.attempt.upload == other.attempt.upload)
        for other in certain
    )


def _near(certain: Sequence[Owned]) -> Callable[[Owned], bool]:
    """Tell whether both numbers are of the size that they have in the rest of the download."""
    users = [int(one.user) for one in certain]
    uploads = [one.attempt.upload for one in certain if one.attempt.upload]

    def near(one: Owned) -> bool:
        return _among(int(one.user), users) and _among(one.attempt.upload, uploads)

    return near


def _among(number: int, others: Sequence[int]) -> bool:
    return bool(others) and min(others) // 2 <= number <= 2 * max(others)


def _keep_uncontested(left: list[Readings]) -> None:
    """Take the readings that are at odds with no other file, where each doubtful file has one.

    `team_3_...` and `team_4_...` are two groups of a name each, or two people who are both called
    `team`. Unless that settles all of them, it settles none: files that begin with a number, as a
    course may ask for, look alike.
    """
    doubtful = [number for number, each in enumerate(left) if len(each) > 1]
    chosen = {}
    for number in doubtful:
        others = [one for n, each in enumerate(left) if n != number for one in each]
        free = [one for one in left[number] if not any(_at_odds(one, other) for other in others)]
        if len(free) == 1:
            chosen[number] = free
    if len(chosen) == len(doubtful):
        for number, free in chosen.items():
            left[number] = free


def _at_odds(one: Owned, other: Owned) -> bool:
    """Tell whether they share an upload, or one of name and number without the other."""
    if one.attempt.upload and one.attempt.upload == other.attempt.upload:
        return True
    return (one.student == other.student) != (one.user == other.user)
