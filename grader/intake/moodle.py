"""Names in Moodle's download "Download all submissions", with folders and without.

Sources: Moodle's mod/assign/classes/downloader.php, and its language packs for `participant`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from grader.intake.owned import Owned
from grader.spelling import squeezed

_MOODLE = re.compile(
    r"(?P<name>.+?)(_(?P<number>\d+))?"
    r"_assign(?P<of>submission|feedback)_(?P<plugin>[a-z]+)_?(?P<file>.*)"
)
"""A team without a group in Moodle, `Default group`, has no number."""
_ONLINE_TEXT = "onlinetext"
PARTICIPANT = {
    "participant",
    "participante",
    "participanta",
    "participantul",
    "partecipante",
    "partaidea",
    "teilnehmerin",
    "teilnehmer",
    "teilnehmerinnen",
    "teilnehmende",
    "teilnehmender",
    "deelnemer",
    "deltager",
    "deltagare",
    "deltaker",
    "osallistuja",
    "osaleja",
    "þátttakandi",
    "uczestnik",
    "účastník",
    "résztvevő",
    "udeleženec",
    "sudionik",
    "polaznik",
    "učesnik",
    "учасник",
    "участник",
    "участница",
    "συμμετέχων",
    "katılımcı",  # noqa: RUF001 - those letters
    "dalyvis",
    "dalībnieks",
    "مشارك",
    "משתתף",
    "شرکتکننده",
    "参与者",
    "參與者",
    "参加者",
    "參加者",
    "참가자",
    "참여자",
    "peserta",
    "ผู้เข้าร่วม",
    "ngườithamgia",
    "kalahok",
    "rannpháirtí",
    "cyfranogwr",
}
"""What Moodle calls everybody whose name markers do not see, squeezed."""


def of_moodle(path: PurePosixPath) -> Owned | None:
    """`Jane Doe_12345_assignsubmission_file_/polling.py`, or without folders in one name."""
    for depth, part in enumerate(path.parts):
        if found := _MOODLE.fullmatch(part):
            rest = [each for each in (found["file"], *path.parts[depth + 1 :]) if each]
            if not rest:
                return None
            name, user = found["name"], found["number"] or ""
            # `Teilnehmer/in` is a folder and a name, where the slash was kept.
            whole = "".join((*path.parts[max(depth - 1, 0) : depth], name))
            for each in (name, name.rpartition("-")[2], whole):
                if user and squeezed(each) in PARTICIPANT:
                    name, user = f"{each.strip()} {user}", ""
                    break
            typed = found["plugin"] == _ONLINE_TEXT
            given_back = found["of"] == "feedback"  # a marked copy is nobody's work
            return Owned(name, PurePosixPath(*rest), user, receipt=given_back, typed=typed)
    return None


def is_of_number(folder: str, number: str) -> bool:
    """Tell whether a folder is that of a participant without a name: `Participant 2345601`."""
    name, _, behind = folder.rpartition(" ")
    return behind == number and squeezed(name) in PARTICIPANT


def are_several(paths: Sequence[PurePosixPath], owners: Sequence[Owned | None]) -> bool:
    """Tell whether the downloads of several assignments lie side by side."""
    return len({_around(path) for path, one in zip(paths, owners, strict=True) if one}) > 1


def of_several(
    paths: Sequence[PurePosixPath], owners: Sequence[Owned | None]
) -> list[Owned | None]:
    """Drop the numbers of people where the downloads of several assignments lie side by side.

    Each assignment numbers its participants anew. Who has one number in each is one person, as
    where they are taken in one after the other. Two of one name in an assignment keep numbers, and
    so do those who have the same file in two: which of them counts, nothing tells.
    """
    numbers: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    places: dict[tuple[str, PurePosixPath], set[str]] = defaultdict(set)
    for path, one in zip(paths, owners, strict=True):
        if one:
            numbers[one.student][_around(path)].add(one.user)
            if not one.typed and not one.receipt:
                places[one.student, one.path].add(_around(path))
    twice = {name for (name, _), some in places.items() if len(some) > 1}
    alone = {
        name
        for name, some in numbers.items()
        if len(some) > 1 and name not in twice and all(len(each) == 1 for each in some.values())
    }
    return [one and (replace(one, user="") if one.student in alone else one) for one in owners]


def _around(path: PurePosixPath) -> str:
    """Return the folder in which the students' folders lie: an assignment's."""
    depth = next(n for n, part in enumerate(path.parts) if _MOODLE.fullmatch(part))
    return "/".join(path.parts[:depth])


def unnamed(owners: Iterable[Owned | None]) -> list[Owned | None]:
    """Return the owners, where all have one word for a name: in some language they have none."""
    given = list(owners)
    people = {(each.student, each.user) for each in given if each}
    words = {name for name, _ in people}
    if len(people) < 2 or len(words) > 1 or any(" " in word for word in words):  # noqa: PLR2004 - one person is no evidence
        return given
    return [
        each and replace(each, student=f"{each.student} {each.user}", user="") for each in given
    ]
