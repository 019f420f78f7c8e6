"""Writes sorted submissions as `grader grade` reads them; each one whole."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.errors import GraderError
from grader.host.standard_streams import require_file_names
from grader.intake.collected import Collected
from grader.intake.earlier import lasting_users, write_users
from grader.spelling import normal
from grader.submission import LATE_MARK, NOT_TAKEN, TEAM, TIMESTAMP

_REASON = 500
"""Characters of why something was not taken: names in it may be of any length."""


def require_apart(source: Path, directory: Path) -> None:
    """Refuse to sort a folder into itself: what students handed in would be replaced by it.

    Raises:
        GraderError: `source` is a folder, and one of the two lies in the other or is the other.
    """
    given, target = source.resolve(), directory.resolve()
    if source.is_dir() and (given.is_relative_to(target) or target.is_relative_to(given)):
        raise GraderError(
            f"{directory} and {source} are one folder, or one lies in the other",
            "Name a folder elsewhere: the submissions in it are replaced.",
        )


def known_users(directory: Path) -> dict[str, str]:
    """Return, by student, the users whom earlier intakes wrote into `directory`: `canvas 1001`.

    Raises:
        GraderError: two folders say that they are one user's, whose work one of them is not.
    """
    return lasting_users(directory)


def write_submissions(found: Collected, directory: Path) -> int:
    """Put each submission into DIRECTORY/STUDENT/EXERCISE, in place of an older one; how many.

    A student of whom nothing could be used gets a folder without work, and so a row among the
    grades; why it could not be used lies in it.

    Raises:
        GraderError: it cannot be written; no submission is half written.
    """
    require_file_names(found.students)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        # An older intake, or a Mac, may have written the same name in another form.
        there = {normal(path.name): path for path in directory.iterdir()}
        folder_of = {student: there.get(student, directory / student) for student in found.students}
        with tempfile.TemporaryDirectory(dir=directory, prefix=".intake-") as aside:
            for number, ((student, exercise), files) in enumerate(found.files.items()):
                new = Path(aside) / f"new{number}"
                new.mkdir()
                for name, data in files.items():
                    (new / name).write_bytes(data)
                for name, data in _beside(found, student, exercise):
                    (new / name).write_bytes(data)
                target = folder_of[student] / exercise
                target.parent.mkdir(exist_ok=True)
                if target.exists():
                    target.replace(Path(aside) / f"old{number}")
                new.replace(target)
        for student in found.students:
            folder_of[student].mkdir(exist_ok=True)
            lasting = found.users.get(student, "")
            write_users(folder_of[student], lasting, found.participants.get(student, ""))
        for (student, exercise), why in _reasons(found).items():
            folder = folder_of[student] / exercise
            folder.mkdir(exist_ok=True)
            text = "; ".join(why)[:_REASON].encode("utf-8", "backslashreplace")
            (folder / NOT_TAKEN).write_bytes(text + b"\n")
    except OSError as error:
        raise GraderError(
            f"{error.filename2 or error.filename or directory} cannot be written: {error.strerror}",
            "Look at its permissions and the room on the disk, or name another folder; then run it "
            "again.",
        ) from None
    return len(found.files)


def _beside(found: Collected, student: str, exercise: str) -> Iterator[tuple[str, bytes]]:
    """Yield what lies beside a submission's files: when it came, and who handed it in together."""
    if stamp := found.stamps.get((student, exercise)):
        yield TIMESTAMP, stamp
    if (student, exercise) in found.late:
        yield LATE_MARK, b"The LMS marked this submission as late.\n"
    if team := found.teams.get(student):
        yield TEAM, team[:_REASON].encode("utf-8", "backslashreplace") + b"\n"


def _reasons(found: Collected) -> dict[tuple[str, str], list[str]]:
    """By student and exercise; what may be of any exercise is of all that were handed in."""
    reasons: dict[tuple[str, str], list[str]] = {}
    handed_in = {exercise for _, exercise in found.files} or set(found.exercises)
    for student, exercise, why in found.refused:
        for each in {exercise} if exercise else handed_in:
            reasons.setdefault((student, each), []).append(why)
    return reasons


def forget(directory: Path) -> None:
    """Remove what an intake that was killed left aside."""
    for left in directory.glob(".intake-*"):
        shutil.rmtree(left, ignore_errors=True)
