"""`grader release`: the students' copy of the course, by a list of what may be in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from grader.authoring.leaks import find_leak
from grader.course import Course
from grader.errors import GraderError
from grader.plugins import modules_in

_FILES = (
    ".github/workflows/public-checks.yml",
    ".gitignore",
    ".gitlab-ci.yml",
    "LICENSE",
    "README.md",
    "course.toml",
    "docker-compose.yml",
    "pyproject.toml",
    "requirements.lock",
)
_STUDENTS_OWN = "release"
"""Files that only the students' copy has, or has in another form, such as its README."""
_FOLDERS = {
    "exercises": {".py", ".md", ".png", ".svg", ".txt", ".ndjson"},
    "resources": {".py", ".md", ".txt", ".png", ".html", ".json"},
    "grader": {".py", ".html", ".css", ".js", ".md"},
}


def make_release(course: Course, directory: Path) -> list[Path]:
    """Copy what students get into `directory`, which must be new or empty; the files, relative.

    Raises:
        GraderError: the folder is in use or cannot be written, or a file for students holds what
            is private.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise GraderError(f"{directory} is not empty", "Name a new folder for the release.")
    parent = directory.resolve().parent
    if not parent.is_dir():
        raise GraderError(f"{parent} does not exist", "Make that folder first.")
    files = dict(_allowed(course.root))
    for path in modules_in(course.root, course.own_classes):
        name = path.relative_to(course.root.resolve())
        files[name] = name
    leak = find_leak(course.root, files.values())
    if leak:
        raise GraderError(leak, "Put the stub back before the release.")
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".release-") as aside:
            _copy(course.root, files, Path(aside) / "release", directory)
    except OSError as error:
        raise GraderError(
            f"{directory} cannot be written: {error.strerror}", "Name another folder."
        ) from None
    return list(files)


def _copy(root: Path, files: Mapping[Path, Path], aside: Path, directory: Path) -> None:
    """Whole or not at all."""
    for file, source in files.items():
        target = aside / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / source, target)
    if directory.exists():
        directory.rmdir()
    aside.replace(directory)


def _allowed(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file of the release, and where it comes from."""
    for name in _FILES:
        for source in (Path(_STUDENTS_OWN) / name, Path(name)):
            if (root / source).is_file() and not (root / source).is_symlink():
                yield Path(name), source
                break
    for folder, endings in _FOLDERS.items():
        for path in sorted((root / folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and path.suffix in endings:
                yield path.relative_to(root), path.relative_to(root)
