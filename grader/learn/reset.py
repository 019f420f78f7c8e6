"""`grader reset`: an exercise's stub back, and the old files kept aside."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.learn.own_work import FOLDER

STUBS = Path("resources") / "stubs"
"""Copies that nobody edits, named .txt so that no tool takes them for modules."""


def reset_exercise(course: Course, exercise: Exercise, now: datetime) -> list[tuple[Path, Path]]:
    """Put the stubs back; for each file that changed, where it is and where the old one went.

    Raises:
        GraderError: a stub is missing, or a file cannot be written; nothing is lost then.
    """
    done = []
    for name in exercise.files:
        stub = (course.root / STUBS / exercise.id / name).with_suffix(".txt")
        if not stub.is_file():
            raise GraderError(f"{stub} is missing", "Get it again from where the course came from.")
        path = course.folder(exercise) / name
        wanted = stub.read_bytes()
        old = path.read_bytes() if path.is_file() else None
        if old == wanted:
            continue
        aside = course.root / FOLDER / "before-reset" / f"{now:%Y%m%d-%H%M%S}" / exercise.id / name
        if old is not None:
            make_folder(aside.parent)
            write_whole(aside, old)
        write_whole(path, wanted)
        done.append((path, aside))
    return done
