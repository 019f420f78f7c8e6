"""Archives that lie in no folder, `Jane Doe.zip`: a student's, or a download of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from grader.course import Course
from grader.intake.layout import holds_several
from grader.intake.names import guess
from grader.source_file import resembles
from grader.spelling import squeezed

TABLES = (".csv", ".tsv", ".xls", ".xlsx", ".ods")
"""Endings of an LMS's or a teacher's list of students and grades, which is nobody's work."""

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
    inside: Mapping[int, Sequence[PurePosixPath]], course: Course
) -> dict[int, str]:
    """Return, of archives by number, those that are several people's work, and why.

    One that holds several folders with the same file is a person's with copies, unless all do.
    """
    ids = [each.id for each in course.exercises]
    names = {name for each in course.exercises for name in each.all_files}
    found, several = {}, {}
    for number, paths in inside.items():
        kind = guess(paths, ids) if paths else "folder"
        if kind not in ("folder", "nbgrader"):
            found[number] = f"is a download of {kind.capitalize()} itself; take it in by itself"
        elif holds_several(paths, names, ids):
            several[number] = "holds several people's folders; take it in by itself"
    return found | (several if len(several) + len(found) == len(inside) else {})
