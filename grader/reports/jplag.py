"""Folders that JPlag and MOSS take, of what was handed in."""

from __future__ import annotations

from pathlib import Path

from grader.class_folder import Tell, find_submissions, require_apart
from grader.course import Course
from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.gradebook.results import FolderNames


def write_jplag(
    submissions: Path, course: Course, target: Path | None, exercise: str, tell: Tell
) -> int:
    """Write TARGET/NN/submissions/STUDENT/FILE.py and TARGET/NN/stub/FILE.py.

    `tell` gets a line for what the folders do not hold as it was handed in.

    Raises:
        GraderError: there is no such target, or it is no new folder; or nothing can be read.
    """
    if target is None:
        raise GraderError("jplag's format is a folder", "Name a new folder.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise GraderError(f"{target} is not empty", "Name a new folder.")
    require_apart(target, submissions)
    names, teams = FolderNames(), set[tuple[str, str, str]]()
    for submission in find_submissions(submissions, course, exercise or None, tell=tell):
        if submission.team:  # what a team handed in is one submission, and no copy of itself
            key = (submission.exercise.id, submission.team, submission.hash)
            if key in teams:
                continue
            teams.add(key)
        of = submission.exercise
        stub = course.folder(of)
        given = {name: stub / name for name in of.files if (stub / name).is_file()}
        for folder, files in (
            (target / of.id / "stub", {n: path.read_bytes() for n, path in given.items()}),
            (
                target / of.id / "submissions" / names.of(submission.student),
                submission.files,
            ),
        ):
            make_folder(folder)
            for name, data in files.items():
                write_whole(folder / name, data)
    return 0
