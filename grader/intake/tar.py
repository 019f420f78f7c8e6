"""Tar files, packed or not: their names and their plain files.

Source: the documentation of tarfile; POSIX.1-2017, pax, "Extended Header".
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from pathlib import PurePosixPath
from typing import IO, Any

from grader.intake.faults import BadArchive, require_inside
from grader.spelling import normal

_MAX_HEADER = 1 << 16
"""Bytes of a header that describes the next file: a name and its attributes take a few KB."""
_MAX_ENTRIES = 200_000
_MAX_UNPACKED = 4 << 30
"""Bytes that are unpacked to find the files: a tar has no list of them."""
_HEADERS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)
_UNPACK: tuple[tuple[bytes, Any], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ", lzma.open),
    (b"]\0\0", lzma.open),
)


class TarTree:
    """The files of a tar archive, by number."""

    def __init__(self, file: IO[bytes]) -> None:
        start = file.read(8)
        self._size = max(file.seek(0, io.SEEK_END), 1)
        file.seek(0)
        self._file: Any = file
        for magic, unpack in _UNPACK:
            if start.startswith(magic):
                self._file = _Counted(unpack(file))
                break
        self._archive = tarfile.open(fileobj=self._file, mode="r:", tarinfo=_Entry)  # noqa: SIM115 - see close
        self._infos = []
        self.empty: list[PurePosixPath] = []
        for number, info in enumerate(self._archive):
            if number == _MAX_ENTRIES:
                raise BadArchive(f"holds more than {_MAX_ENTRIES} files")
            if info.isdir():
                self.empty.append(PurePosixPath(normal(info.name)))
            else:
                self._infos.append(info)
        self.paths = [PurePosixPath(normal(info.name)) for info in self._infos]

    def open(self, number: int) -> IO[bytes]:
        """Open a plain file.

        Raises:
            BadArchive: it is a link or a device, or its name leads elsewhere.
        """
        info = self._infos[number]
        require_inside(info.name)
        if not info.isreg():
            raise BadArchive(f"holds a link or a device: {info.name}")
        file = self._archive.extractfile(info)
        assert file is not None
        return file

    def packed(self, _: int) -> int:
        """Return the bytes of the whole archive, since its files are packed as one."""
        return self._size

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()
        self._file.close()


class _Entry(tarfile.TarInfo):
    """An entry whose headers are bounded: tarfile reads as many bytes as one says it has."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        if self.type in _HEADERS and self.size > _MAX_HEADER:
            raise BadArchive(f"holds a header of more than {_MAX_HEADER >> 10} KB")
        return super()._proc_member(archive)  # type: ignore[misc]  # tarfile's hook for subclasses


class _Counted(io.RawIOBase):
    """A stream that is unpacked, up to a limit in all."""

    def __init__(self, unpacked: IO[bytes]) -> None:
        self._unpacked = unpacked
        self._left = _MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        data = self._unpacked.read(size)
        self._count(len(data))
        return data

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        at = self._unpacked.tell()
        self._count(position - at if position >= at else position)
        return self._unpacked.seek(position, whence)

    def tell(self) -> int:
        return self._unpacked.tell()

    def close(self) -> None:
        self._unpacked.close()
        super().close()

    def _count(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise BadArchive(f"holds more than {_MAX_UNPACKED >> 30} GB")
