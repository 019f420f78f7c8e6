"""What lies in an LMS's download or a folder, read with caps."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from grader.errors import GraderError
from grader.intake.archives import MAX_FILE, BadArchive, is_archive, members_or_faults

LEFT_ALONE = {".git", ".grader", "__MACOSX"}
"""Folders in which nothing is handed in: `.grader` has what `grader reset` put aside."""


def items(source: Path) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    """Each file in a folder or an archive: its path, and its content or why it is not taken.

    Raises:
        GraderError: `source` cannot be read at all.
    """
    if source.is_dir():
        yield from _items_of_folder(source)
        return
    if not source.is_file():
        raise GraderError(f"{source} does not exist", "Name the download of your LMS, or a folder.")
    if not is_archive(source.name):
        raise GraderError(f"{source} is no zip or tar archive", "Unpack it, and name the folder.")
    try:
        for inside, data in members_or_faults(source.read_bytes(), source.name):
            if not LEFT_ALONE.intersection(inside.parts):
                yield inside, data
    except OSError as error:
        raise _unreadable(source, error) from None
    except BadArchive as error:
        raise GraderError(f"{source} {error}", "Unpack it yourself, and name the folder.") from None


def _items_of_folder(source: Path) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    closed: list[OSError] = []
    for folder, folders_in_it, names in os.walk(source, onerror=closed.append):
        folders_in_it[:] = sorted(each for each in folders_in_it if each not in LEFT_ALONE)
        for name in sorted(names):
            path = Path(folder) / name
            yield _inside(source, path), _read(path)
    for error in closed:
        path = Path(error.filename)
        if path == source:
            raise _unreadable(source, error)
        yield (
            _inside(source, path) / "*",
            BadArchive(f"cannot be read: {error.strerror}"),
        )


def _inside(source: Path, path: Path) -> PurePosixPath:
    """The path in `source`, its names read as UTF-8 whatever the locale is."""
    inside = os.fsencode(path.relative_to(source).as_posix())
    return PurePosixPath(inside.decode("utf-8", "surrogateescape"))


def _read(path: Path) -> bytes | BadArchive:
    try:
        if path.is_file() and not path.is_symlink() and path.stat().st_size <= MAX_FILE:
            return path.read_bytes()
    except OSError as error:
        return BadArchive(f"cannot be read: {error.strerror}")
    return BadArchive(f"is a link, a device or larger than {MAX_FILE >> 20} MB")


def _unreadable(source: Path, error: OSError) -> GraderError:
    return GraderError(f"{source} cannot be read: {error.strerror}", "Look at its permissions.")
