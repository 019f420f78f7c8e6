"""Archives that lie in no folder, `Jane Doe.zip`: a student's, or a download of its own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from grader.course import Course
from grader.intake.called import begins_as_work, is_called_as_work
from grader.intake.layout import holds_several
from grader.intake.names import guess
from grader.source_file import resembles
from grader.spelling import squeezed

TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".ods")
"""Endings of an LMS's or a teacher's list of students and grades, which is nobody's work."""

_ALONE = "take it in by itself"
_TOGETHER = "unpack it and its other parts into one folder, and take that in"
_PART = re.compile(r"\d{8}T\d{6}Z-\d")
"""In the name of one of the archives into which Google's Drive and Takeout split a download."""
_SHORT_NUMBER = re.compile(r"(?<!\d)\d{1,3}(?!\d)")
_NO_NAME = {
    "work",
    "submission",
    "submissions",
    "submitted",
    "homework",
    "assignment",
    "exercise",
    "archive",
    "archiv",
    "download",
    "downloads",
    "abgabe",
    "aufgabe",
    "project",
    "projekt",
    "src",
    "code",
    "source",
    "files",
    "file",
    "export",
    "new",
    "final",
    "solution",
    "python",
    "drivedownload",
    "zip",
    "upload",
    "course",
    "coursemain",
    "coursemaster",
    "main",
    "master",
}
"""What people call what they pack, squeezed and without digits."""


def is_beside_work(name: str) -> bool:
    """Tell whether a file is an export's own beside students' work: a table, a README, settings."""
    path = PurePosixPath(name.lower())
    return path.suffix in TABLES or path.stem == "readme" or name.startswith(".")


def no_student(stem: str, course: Course) -> bool:
    """Tell whether that is what a file is called, and no person."""
    letters = "".join(c for c in squeezed(re.sub(r"\d{8}T\d{6}Z", "", stem)) if not c.isdigit())
    if not letters or letters in _NO_NAME:
        return True
    titles = {squeezed(each.title) for each in course.exercises}
    named = any(
        resembles(f"{stem}.py", name) for each in course.exercises for name in each.all_files
    )
    return named or squeezed(stem) in titles


def not_one_persons(
    inside: Mapping[int, Sequence[PurePosixPath]], stems: Mapping[int, str], course: Course
) -> dict[int, str]:
    """Return, of archives by number, those that are several people's work, and why.

    One that holds several folders with the same file is a person's with copies, unless all do, or
    it is called as work, `HW1`, or but for a number as another is, `Sheet 2`: then it is one of
    several downloads, and so are the others that are called like it.
    """
    ids = [each.id for each in course.exercises]
    names = {name for each in course.exercises for name in each.all_files}
    found, several = {}, {}
    for number, paths in inside.items():
        kind = guess(paths, ids) if paths else "folder"
        if kind not in ("folder", "nbgrader"):
            found[number] = f"is a download of {kind.capitalize()} itself; {_ALONE}"
        elif holds_several(paths, names, ids):
            part = _PART.search(stems[number]) is not None
            several[number] = f"holds several people's folders; {_TOGETHER if part else _ALONE}"
    if len(several) + len(found) == len(inside):
        return found | several
    series = Counter(_without_number(stem) for stem in stems.values())
    for number, why in several.items():
        alike = series[_without_number(stems[number])] > 1
        if alike or is_called_as_work(stems[number]) or begins_as_work(stems[number]):
            found[number] = why
    downloads = {_without_number(stems[number]): stems[number] for number in found}
    for number, stem in stems.items():
        if number not in found and (other := downloads.get(_without_number(stem))):
            found[number] = f"is called like {other}, which holds several people's work"
    return found


def holding_several(paths: Sequence[PurePosixPath], course: Course) -> bool:
    """Tell whether an archive with those files may be a class's: a download, or many's folders."""
    ids = [each.id for each in course.exercises]
    names = {name for each in course.exercises for name in each.all_files}
    if not paths:
        return False
    return guess(paths, ids) not in ("folder", "nbgrader") or holds_several(paths, names, ids)


def _without_number(stem: str) -> str:
    """Return the letters of `Sheet 2`; a number of some length is a person's, and stays."""
    return squeezed(_SHORT_NUMBER.sub("", stem)) or stem
