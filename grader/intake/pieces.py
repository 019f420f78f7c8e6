"""Of what one person handed in: the files of exercises, and why something is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import NamedTuple

from grader.course import EXERCISES, Course
from grader.intake.called import is_conflict_of, is_copy_of
from grader.intake.cells import is_finished, told
from grader.intake.notebooks import in_bytes, taken_of_notebook
from grader.intake.owned import Owned
from grader.intake.packed import MAIL, UNOPENED, without_time
from grader.intake.source import Contents
from grader.source_file import resembles

_POINTER = "a link to a file, and the file itself did not come with it"
_UNREAD = {
    **dict.fromkeys((".lnk", ".url", ".webloc", ".desktop", ".icloud"), _POINTER),
    **dict.fromkeys((".gdoc", ".gsheet", ".gslides", ".gform", ".gcolab", ".gdraw"), _POINTER),
    **dict.fromkeys(MAIL, "an e-mail"),
    **dict.fromkeys((".pyc", ".pyo", ".pyd"), "compiled code"),
    **dict.fromkeys((".crdownload", ".part", ".partial", ".download"), "a download that was cut"),
    **dict.fromkeys(
        (".docx", ".doc", ".odt", ".rtf", ".pages", ".pdf", ".html", ".htm"),
        "a document, and no program's source",
    ),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".heic", ".gif", ".webp"), "a picture"),
}
"""By ending: what a file is of which nothing is taken."""


class Piece(NamedTuple):
    """A file of an exercise that somebody handed in."""

    owner: Owned
    path: PurePosixPath
    """Where it lay; in an archive, the archive's own path first."""
    exercise: str
    name: str
    """In the exercise."""
    data: bytes
    told: str = ""
    """What is to be said of other cells of its notebook that claim the file."""

    @property
    def place(self) -> tuple[bool, bool, bool, int, str]:
        """Sorts a stub last; `exercises/NN/NAME` first, `NN/NAME`, then what lies less deep."""
        folders = self.path.parts[:-1]
        in_exercises = folders[-2:] == (EXERCISES, self.exercise)
        return (
            not is_finished(self.data.decode("utf-8", "replace")),
            not in_exercises,
            folders[-1:] != (self.exercise,),
            len(folders),
            str(self.path),
        )


def pieces(
    owner: Owned, contents: Contents, course: Course, exercises: Collection[str]
) -> Iterator[Piece | str]:
    """Yield each file of `exercises` in what was handed in; a text says what is wrong with one."""
    for inside, data in contents.files:
        path, time = without_time(owner.path / inside)
        # ILIAS puts it first, in an archive for each student too.
        of = replace(owner, attempt=owner.attempt._replace(again=time)) if time else owner
        if path.suffix == ".ipynb":
            try:
                cells = taken_of_notebook(data, course)
            except ValueError as error:
                yield f"{path} was not taken: it {error}"
                continue
            if not cells:
                yield f"{path} was not taken: no code cell in it is a file of an exercise"
            for (exercise, name), cell in cells.items():
                if exercise in exercises:
                    line = told(name, cell, str(path))
                    yield Piece(of, path, exercise, name, in_bytes(cell), line)
            continue
        for exercise in exercises_of(path, course):
            if exercise in exercises:
                yield Piece(of, path, exercise, path.name, data)


def exercises_of(path: PurePosixPath, course: Course) -> list[str]:
    """Return the exercise of a file: by its name, and by its folder where that tells."""
    by_name = [each.id for each in course.exercises if path.name in each.all_files]
    by_folder = [number for number in by_name if number in path.parts]
    return by_folder or by_name


def misnamed(
    given: str, course: Course, exercises: Collection[str], owner: str = ""
) -> Iterator[tuple[str, str, str]]:
    """Yield exercise, file and sentence where the letters are the same: `Polling (1).py.txt`.

    So too `exercise01_polling.py`, `Copy of polling.py`, `polling_final.py`, `polling_Jane.py`.
    """
    for exercise in course.exercises:
        for name in exercise.files:
            meant = (
                resembles(given, name)
                or is_copy_of(given, name, owner)
                or is_conflict_of(given, name)
            )
            if exercise.id in exercises and meant:
                yield exercise.id, name, f"{given} was handed in, and the name is {name}"


def unopened(names: Collection[str]) -> list[str]:
    """Say of each file that is packed in a way that is not opened what to do instead."""
    return [
        f"{name} was not taken: it is packed in a way that is not opened; "
        "hand in the file itself or a zip"
        for name in names
        if PurePosixPath(name.casefold()).suffix in UNOPENED
    ]


def why_nothing(
    owned: Collection[Owned], others: Sequence[str], count: int, wanted: str = "an exercise"
) -> str:
    """Say to a student why nothing was taken.

    Args:
        owned: what was handed in.
        others: names of files in it that are no exercise's, and lie where one may.
        count: how many files there are in all.
        wanted: the exercise that was looked for, where not all of them were.
    """
    if packed := unopened(others):
        return packed[0]
    if any(one.typed for one in owned):
        return "what was typed into the LMS was not taken: hand in the file itself"
    for name in others:
        if kind := _UNREAD.get(PurePosixPath(name.casefold()).suffix):
            return f"{name} was not taken: it is {kind}; hand in the file itself"
    if not count:
        return "no file came with it"
    first = others[0] if others else "what was handed in"
    if count == 1:
        return f"{first} is no file of {wanted}"
    return f"none of {count:,} files is a file of {wanted}, such as {first}"
