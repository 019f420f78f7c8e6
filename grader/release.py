"""`grader release`: the students' copy of the course, by a list of what may be in it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from grader.course import Course
from grader.errors import GraderError

_FILES = (
    "LICENSE",
    "README.md",
    "course.toml",
    "docker-compose.yml",
    "pyproject.toml",
    "requirements.lock",
)
_FOLDERS = {
    "exercises": {".py", ".md", ".png", ".svg", ".txt", ".ndjson"},
    "resources": {".py", ".md", ".txt", ".png", ".html", ".json"},
    "grader": {".py", ".html", ".css", ".js", ".md"},
}
_PRIVATE = ("solutions", "tests")


def make_release(course: Course, directory: Path) -> list[Path]:
    """Copy what students get into `directory`, which must be new or empty; the files, relative.

    Raises:
        GraderError: the folder is in use, or a file for students holds a private one's content.
    """
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise GraderError(f"{directory} is not empty", "Name a new folder for the release.")
    parent = directory.resolve().parent
    if not parent.is_dir():
        raise GraderError(f"{parent} does not exist", "Make that folder first.")
    files = sorted(_allowed(course.root))
    _refuse_leaks(course.root, files)
    with tempfile.TemporaryDirectory(dir=parent, prefix=".release-") as aside:
        copy = Path(aside) / "release"
        for file in files:
            target = copy / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(course.root / file, target)
        if directory.exists():
            directory.rmdir()
        copy.replace(directory)
    return files


def _allowed(root: Path) -> Iterator[Path]:
    for name in _FILES:
        if (root / name).is_file():
            yield Path(name)
    for folder, endings in _FOLDERS.items():
        for path in (root / folder).rglob("*"):
            if path.is_file() and not path.is_symlink() and path.suffix in endings:
                yield path.relative_to(root)


def _refuse_leaks(root: Path, files: list[Path]) -> None:
    """An exercise file that was solved in place would give the answer away."""
    private = {
        path.read_bytes()
        for folder in _PRIVATE
        for path in (root / folder).rglob("*.py")
        if path.stat().st_size
    }
    for file in files:
        if (root / file).read_bytes() in private:
            raise GraderError(
                f"{file} has the content of a private file", "Put the stub back before the release."
            )
