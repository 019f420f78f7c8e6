"""Leaves newer work of earlier intakes where it is, and tells what is replaced and what stays."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from grader.intake.collected import Collected
from grader.intake.earlier import folders_in
from grader.spelling import normal
from grader.submission import TIMESTAMP, read_timestamp


def keep_newer(found: Collected, directory: Path) -> None:
    """Take out of `found` what is older than what is there; say what is replaced, and what stays.

    The version that its student chose on Submitty goes before a newer one.
    """
    there = {normal(path.name): path for path in folders_in(directory)}
    for student, exercise in sorted(found.files):
        folder = there.get(normal(student), directory / student) / exercise
        before = _files(folder)
        files = found.files[student, exercise]
        if not before:
            continue
        was, now = read_timestamp(folder), _time(found.stamps.get((student, exercise), b""))
        if was and now and now < was and (student, exercise) not in found.chosen:
            _leave(found, student, exercise, now, was)
        elif before != files:
            found.replaced.append(f"{student} {exercise}")
            for name in sorted(before.keys() - files.keys()):
                why = f"an earlier submission held {name}, and this one does not"
                found.unmatched.append(f"{student} {exercise}: {why}")
                found.refused.append((student, exercise, why))
    _tell_what_stays(found, there)


def _leave(found: Collected, student: str, exercise: str, now: datetime, was: datetime) -> None:
    """Leave out what is older than what is there."""
    del found.files[student, exercise]
    found.stamps.pop((student, exercise), None)
    found.late.discard((student, exercise))
    found.left_out[student, exercise] = (
        f"{student} {exercise}, of {now:%Y-%m-%d %H:%M %z}: there is one of {was:%Y-%m-%d %H:%M %z}"
    )


def _tell_what_stays(found: Collected, there: dict[str, Path]) -> None:
    """Say whose work of an earlier intake stays, of the exercises in this download.

    Of who is in it, and has nothing in it that counts, the older work would pass for the newest.
    """
    looked_for = {exercise for _, exercise in (*found.files, *found.left_out)}
    looked_for |= {exercise for _, exercise, _ in found.refused if exercise}
    staying = defaultdict(list)
    for student, folder in there.items():
        for exercise in sorted(looked_for):
            if (student, exercise) in found.files or (student, exercise) in found.left_out:
                continue
            if _files(folder / exercise):
                staying[exercise].append(student)
    for exercise, students in sorted(staying.items()):
        nothing = [student for student in students if _has_nothing(found, student, exercise)]
        found.unmatched += [
            f"{student} {exercise}: nothing in this download counts, so what an earlier intake "
            f"took is graded; remove {there[student] / exercise} if it must not be"
            for student in nothing
        ]
        others = [student for student in students if student not in nothing]
        if others:
            found.staying.append(f"{exercise} of {', '.join(others)}")


def _has_nothing(found: Collected, student: str, exercise: str) -> bool:
    """Tell whether somebody handed in, and nothing of it counts, or nothing of that exercise's."""
    counts = any(who == student for who, _ in (*found.files, *found.left_out))
    refused = any((who, of) == (student, exercise) for who, of, _ in found.refused)
    return student in found.students and (refused or not counts)


def _files(folder: Path) -> dict[str, bytes]:
    return dict(_contents(folder))


def _contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a submission; what intake itself writes beside them is no source file."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.suffix == ".py" and path.is_file() and not path.is_symlink():
                yield path.name, path.read_bytes()


def _time(stamp: bytes) -> datetime | None:
    """Return the time of a stamp as `grader grade` will read it."""
    with tempfile.TemporaryDirectory(prefix="grader-intake-") as aside:
        Path(aside, TIMESTAMP).write_bytes(stamp)
        return read_timestamp(Path(aside))
