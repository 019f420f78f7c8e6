"""A folder of somebody's files, read as an archive is: by number, and plain files alone."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path, PurePosixPath
from typing import IO

from grader.intake.archives import MAX_FILE, is_archive
from grader.intake.faults import LINK, BadArchive
from grader.spelling import normal


class Folder:
    """A folder's files, by number."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.closed: list[tuple[PurePosixPath, str]] = []
        self.empty: list[PurePosixPath] = []
        names: list[str] = []

        def refused(error: OSError) -> None:
            if Path(error.filename) == root:
                raise error
            inside = Path(error.filename).relative_to(root).as_posix()
            self.closed.append((_path(inside) / "*", f"cannot be read: {error.strerror}"))

        for folder, folders, inside in os.walk(root, onerror=refused):
            folders.sort()
            # A link to a folder is not followed, and must not vanish: somebody's work is there.
            for name in folders:
                if (link := Path(folder, name)).is_symlink():
                    inside_it = _path(link.relative_to(root).as_posix()) / "*"
                    self.closed.append((inside_it, LINK))
            if not folders and not inside:
                self.empty.append(_path(Path(os.path.relpath(folder, root)).as_posix()))
            names += [os.path.relpath(os.path.join(folder, n), root) for n in sorted(inside)]  # noqa: PTH118 - ten thousand of them
        self._names = names
        self.paths = [_path(Path(name).as_posix()) for name in names]

    def open(self, number: int) -> IO[bytes]:
        """Open a plain file; a link is not followed."""
        path = self._root / self._names[number]
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            raise BadArchive("is a link or a device")
        if is_archive(path.name):
            return path.open("rb")
        if status.st_size > MAX_FILE:
            raise BadArchive(f"is larger than {MAX_FILE >> 20} MB")
        return io.BytesIO(path.read_bytes())

    def packed(self, number: int) -> int:
        """Return its size, so that nothing grows."""
        return max((self._root / self._names[number]).lstat().st_size, 1)

    def close(self) -> None:
        """Do nothing: no file is held open."""


def _path(name: str) -> PurePosixPath:
    """Return a name in its normal form, read as UTF-8 whatever the locale is."""
    return PurePosixPath(normal(os.fsencode(name).decode("utf-8", "surrogateescape")))
