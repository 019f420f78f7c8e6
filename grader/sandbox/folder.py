"""A folder that a suite shares with a student's process, safe to use from outside.

The student may put a link or a pipe where a file was: every access goes through the folder's
descriptor, follows no link and takes regular files only.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path


class Folder:
    """One flat folder; `inside` is its path as the student's process sees it."""

    def __init__(self, fd: int, inside: str, put: Callable[[str, bytes], None]) -> None:
        self._fd = fd
        self.inside = inside
        self._put = put

    @classmethod
    def at(cls, path: Path, inside: str) -> Folder:
        """Return the folder at `path`, which only the suite writes."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

        def put(name: str, data: bytes) -> None:
            with os.fdopen(_for_others_to_read(name, os.O_TRUNC, fd), "wb") as file:
                file.write(data)

        return cls(fd, inside, put)

    def path(self, name: str) -> str:
        """Return the path of a file in it, to hand to the student's function."""
        return f"{self.inside}/{name}"

    def read(self, name: str) -> bytes | None:
        """Return the content of a regular file; None when there is none (or something else)."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._fd)
        except OSError:
            return None
        with os.fdopen(fd, "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(fd).st_mode) else None

    def write(self, name: str, data: bytes) -> None:
        """Make `name` hold `data`, in the same inode where it exists."""
        self._put(name, data)

    def append(self, name: str, data: bytes) -> None:
        """Add `data` to the end of `name`, in one write; create it where it is missing."""
        fd = _for_others_to_read(name, os.O_APPEND, self._fd)
        with os.fdopen(fd, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]

    @contextmanager
    def opened(self, name: str) -> Iterator[int]:
        """Give a descriptor of a file that only the suite writes, for what the others do not do."""
        descriptor = os.open(name, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0), dir_fd=self._fd)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def rename(self, old: str, new: str) -> None:
        """Rename a file."""
        os.rename(old, new, src_dir_fd=self._fd, dst_dir_fd=self._fd)

    def link(self, name: str, target: str) -> None:
        """Make `name` a symbolic link to another file of a folder that only the suite writes."""
        aside = f"{name}.link"
        os.symlink(target, aside, dir_fd=self._fd)
        self.rename(aside, name)

    def remove(self, name: str) -> None:
        """Remove a file."""
        os.unlink(name, dir_fd=self._fd)

    def clear(self) -> bool:
        """Remove the files in it; whether it is empty then.

        What a student nests in it, or how much, is not followed: a folder that is not empty now
        goes with its sandbox.
        """
        for name in self.names():
            with suppress(OSError):
                os.unlink(name, dir_fd=self._fd)
        return not self.names()

    def size(self, name: str) -> int:
        """Return the size of a file in bytes."""
        return os.stat(name, dir_fd=self._fd, follow_symlinks=False).st_size

    def names(self) -> list[str]:
        """Return what is in it, sorted; of very many, some."""
        with os.scandir(self._fd) as entries:
            return sorted(entry.name for entry in islice(entries, _MOST_NAMES))

    def close(self) -> None:
        """Give the descriptor back."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


_MOST_NAMES = 1000
_WRITE = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


def _for_others_to_read(name: str, flags: int, folder: int) -> int:
    """Open a suite's file for writing; the student's user may read it, whatever the umask."""
    descriptor = os.open(name, _WRITE | flags, 0o644, dir_fd=folder)
    with suppress(PermissionError):  # a file of the student's own, where the suite is no root
        os.fchmod(descriptor, 0o644)
    return descriptor
