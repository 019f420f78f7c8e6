"""Writing files so that nobody ever finds a half."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from grader.errors import GraderError

_FREE_SPACE = "Free some space, then run it again."
_OWN_FOLDER = "Name a file in a folder of yours."
_NO_FOLDER = "Make the folder that it is to lie in, or name another."
_WAY_ON: dict[int | None, str] = {
    errno.ENOENT: _NO_FOLDER,
    errno.ENOTDIR: _NO_FOLDER,
    errno.ENAMETOOLONG: "Give it a shorter name.",
    errno.EROFS: _OWN_FOLDER,
    errno.EACCES: _OWN_FOLDER,
    errno.EPERM: _OWN_FOLDER,
}


def require_writable(path: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        GraderError: it cannot.
    """
    _target(path)
    try:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        raise GraderError(
            f"{path} cannot be written: {error.strerror}",
            _WAY_ON.get(error.errno or 0, _OWN_FOLDER),
        ) from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Write aside, then replace: a reader finds the old file or the new one, never a half.

    Raises:
        GraderError: it could not be written; the old file is as it was.
    """
    with writing_whole(path) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def writing_whole(path: Path) -> Iterator[BinaryIO]:
    """Write as :func:`write_whole` does, for what is too long to be held at once.

    Raises:
        GraderError: it could not be written; the old file is as it was.
    """
    target = _target(path)
    aside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            yield file
        aside.replace(target)
    except OSError as error:
        _remove(aside)
        raise GraderError(
            f"{path} cannot be written: {error.strerror}",
            _WAY_ON.get(error.errno or 0, _FREE_SPACE),
        ) from None
    except BaseException:
        _remove(aside)
        raise


def _remove(aside: Path) -> None:
    with suppress(OSError):  # on a read-only file system also of what is not there
        aside.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, where they are not there yet.

    Raises:
        GraderError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GraderError(
            f"{path} cannot be made: {error.strerror}",
            "Move what is in its way, or take a folder of yours.",
        ) from None


def _target(path: Path) -> Path:
    """Return the file that is written where `path` is named: a link's, never the link itself.

    Raises:
        GraderError: what is there is no file, and a replaced device would be none any more.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise GraderError(
            f"{path} cannot be written: {error.strerror}", "Name another file."
        ) from None
    if stat.S_ISDIR(mode):
        raise GraderError(f"{path} cannot be written: it is a folder", "Name a file in it.")
    if not stat.S_ISREG(mode):
        raise GraderError(f"{path} cannot be written: it is no regular file", "Name a file.")
    return path.resolve()
