"""Submissions: the files of one student for one exercise, read with care."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from grader.course import EXERCISES, Exercise
from grader.source_file import MISSING, NotTaken, read_file, text_of

TIMESTAMP = "timestamp.txt"
"""nbgrader's name for the file beside a submission that says when it came."""
LATE_MARK = "late.txt"
"""Beside a submission that an LMS marked as late without a time."""
TEAM = "team.txt"
"""Beside a submission that a team handed in together: its name and members."""
NOT_TAKEN = "not-taken.txt"
"""Beside a submission of which intake could not take everything: why, for the student to read."""
CLOSED = "cannot be read"
_UNFINISHED = re.compile(rb"^[ \t]*raise NotImplementedError\b", re.MULTILINE)
"""The words of the course's stubs; `intake.cells`, copied beside notebooks, has its own copy."""


@dataclass(frozen=True)
class Submission:
    """The files that one student handed in for one exercise."""

    student: str
    exercise: Exercise
    files: Mapping[str, bytes]
    """The files that the exercise names and that can be used: name and content."""
    problems: Mapping[str, str]
    """The others, by module name: a sentence for the student."""
    submitted: datetime | None = None
    """When it was handed in, where a timestamp.txt says so; no part of the hash."""
    marked_late: bool = False
    """Whether the LMS marked it as late, without saying when it came."""
    not_taken: str = ""
    """Why a file is missing, where intake knows it; it is among `problems` too."""
    team: str = ""
    """The team that handed it in together, where intake knows it; no part of the hash."""
    unread: str = ""
    """The part that this machine could not read, which is no fault of the student's."""
    copies: tuple[str, ...] = ()
    """Lines about files that are there twice and differ: which was taken, and which was not."""

    @property
    def handed_in(self) -> bool:
        """Tell whether there is any file of the exercise, be it one that cannot be used."""
        return bool(self.files) or any(MISSING not in each for each in self.problems.values())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over names, contents and problems: what a verdict depends on."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name}\0{len(data)}\0".encode() + data)
        for name, problem in sorted(self.problems.items()):
            digest.update(f"!{name}\0{problem}\0".encode())
        return digest.hexdigest()


def places(folder: Path, exercise: str) -> list[Path]:
    """Return where files of an exercise may lie in somebody's folder, as intake looks for them."""
    return [folder / EXERCISES / exercise, folder / exercise, folder]


def read_submission(
    student: str,
    exercise: Exercise,
    folders: Iterable[Path],
    max_kb: int,
    submitted: datetime | None = None,
    *,
    marked_late: bool = False,
    not_taken: str = "",
    team: str = "",
) -> Submission:
    """Return the files that `exercise` names, each from the first of `folders` that has it.

    A stub counts only where no other copy is there; a file that differs in two places is among the
    submission's `copies`. Optional ones are taken from beside the others.
    Only regular files of at most `max_kb` KB are taken that Python can read; no link is followed.
    Where a file is missing, `not_taken` says why, if that is known.
    """
    files: dict[str, bytes] = {}
    problems: dict[str, str] = {}
    homes: list[Path] = []
    copies: list[str] = []
    folders = tuple(folders)
    for name in exercise.files:
        found = [each for each in (_Copy.of(f, name, max_kb) for f in folders) if each]
        if not found:
            problem = f"{MISSING}; {not_taken}" if not_taken else MISSING
        else:
            taken = min(found, key=lambda copy: copy.rank)
            homes.append(taken.folder)
            problem = taken.problem
            if taken.data is not None:
                files[name] = taken.data
            others = [each.path for each in found if each.what != taken.what]
            if others:
                copies.append(f"{taken.path} is taken, not {' or '.join(map(str, others))}")
        if problem:
            problems[name.removesuffix(".py")] = f"{name} {problem}"
    for name in exercise.optional:
        found = [each for each in (_Copy.of(f, name, max_kb) for f in homes) if each]
        if found and found[0].data is not None:
            files[name] = found[0].data
        elif found:
            problems[name.removesuffix(".py")] = f"{name} {found[0].problem}"
    missing = any(MISSING in problem for problem in problems.values())
    return Submission(
        student,
        exercise,
        files,
        problems,
        submitted,
        marked_late,
        not_taken if missing else "",
        team,
        unread=next((each for each in problems.values() if each.endswith(CLOSED)), ""),
        copies=tuple(copies),
    )


@dataclass(frozen=True)
class _Copy:
    """A file of an exercise in one of the places where it may lie."""

    folder: Path
    name: str
    data: bytes | None
    problem: str
    """Why it is unusable; empty where it can be used."""

    @classmethod
    def of(cls, folder: Path, name: str, max_kb: int) -> _Copy | None:
        """Read it; None where there is none."""
        data, problem = _readable(folder / name, max_kb)
        return None if problem == MISSING else cls(folder, name, data, problem)

    @property
    def path(self) -> Path:
        return self.folder / self.name

    @property
    def what(self) -> tuple[bytes | None, str]:
        return self.data, self.problem

    @property
    def rank(self) -> int:
        """Sorts what is filled in first, a stub last."""
        if self.data is None:
            return 1
        return 2 if _UNFINISHED.search(self.data) else 0


def _readable(path: Path, max_kb: int) -> tuple[bytes | None, str]:
    """Return the content, or None and why it cannot be used."""
    try:
        data = read_file(path, max_kb)
        text_of(data)
    except NotTaken as reason:
        return None, str(reason)
    return data, ""


def read_timestamp(folder: Path) -> datetime | None:
    """Return when the submission in `folder` came, from nbgrader's timestamp.txt, or None.

    The file holds a date, a time, and a zone (`UTC`, `+0100` or a name such as `Europe/Berlin`);
    without a zone it is UTC, as in nbgrader. A moment before the year 1 or after 9999 of UTC is no
    time: nothing can be reckoned with it.
    """
    data, problem = _readable(folder / TIMESTAMP, max_kb=1)
    if data is None or problem:
        return None
    text = data.decode("utf-8-sig", errors="replace").strip()
    if text[10:11] == "T":
        text = f"{text[:10]} {text[11:]}"
    try:
        time = _moment(text)
        time.astimezone(UTC)
    except (ValueError, OverflowError, ZoneInfoNotFoundError, OSError):
        return None  # OSError: a zone such as `America`
    return time


def _moment(text: str) -> datetime:
    date, _, zone = text.rpartition(" ")
    if zone[:1].isdigit():  # the time of day: there is no zone
        time = datetime.fromisoformat(f"{date} {zone}")
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    if zone[:1] in "+-":
        return datetime.fromisoformat(f"{date}{zone}")
    return datetime.fromisoformat(date).replace(tzinfo=ZoneInfo(zone))


def read_line(path: Path) -> str:
    """Return a small file beside a submission as one line; empty where there is none."""
    data, _ = _readable(path, max_kb=4)
    return " ".join((data or b"").decode("utf-8-sig", "replace").split())
