"""Zip files of any system: their names and their plain files.

Source: PKWARE's APPNOTE.TXT, 4.4.4 (bit 11: names in UTF-8) and 4.6.9 (extra field 0x7075).
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO

from grader.intake.faults import BadArchive, require_inside
from grader.spelling import normal

_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNICODE_PATH = 0x7075


class ZipTree:
    """The files of a zip archive, by number."""

    def __init__(self, file: IO[bytes]) -> None:
        self._archive = zipfile.ZipFile(file)
        infos = self._archive.infolist()
        self._infos = [info for info in infos if not _is_folder(info)]
        self.empty = [_path(_name(info)) for info in infos if _is_folder(info)]
        self._names = [_name(info) for info in self._infos]
        self.paths = [_path(name) for name in self._names]

    def open(self, number: int) -> IO[bytes]:
        """Open a plain file.

        Raises:
            BadArchive: it is a link or a device, encrypted, or its name leads elsewhere.
        """
        info, name = self._infos[number], self._names[number]
        require_inside(name)
        if info.flag_bits & _ENCRYPTED:
            raise BadArchive("is encrypted")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise BadArchive(f"holds a link or a device: {name}")
        return self._archive.open(info)

    def packed(self, number: int) -> int:
        """Return the bytes that the file takes in the archive."""
        return max(self._infos[number].compress_size, 1)

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """Tell whether it stands for a folder; .NET before 4.6.1 ends its name with a backslash."""
    return info.is_dir() or (info.filename.endswith("\\") and not info.file_size)


def _path(name: str) -> PurePosixPath:
    return PurePosixPath(normal(name.replace("\\", "/")))


def _name(info: zipfile.ZipInfo) -> str:
    """Return the file's name: where no flag says that it is UTF-8, it is if its bytes are.

    macOS sets no flag. zipfile takes such a name for code page 437, which has all bytes.
    """
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:  # zipfile has read the extra field itself
        return info.filename
    for name in (_in_extra(info.extra, raw), raw):
        try:
            if name is not None:
                return name.decode()
        except UnicodeDecodeError:
            continue
    return _of_western_windows(raw) or info.filename


def _of_western_windows(raw: bytes) -> str:
    """Return a name that Explorer wrote in code page 850, as in Western Europe; empty: it did not.

    In the American 437 those bytes draw boxes, which no name has.
    """
    boxes = any("\u2500" <= c <= "\u259f" for c in raw.decode("cp437"))
    name = raw.decode("cp850")
    plain = all(c.isascii() or c.isalpha() for c in name)
    return name if boxes and plain else ""


def _in_extra(extra: bytes, raw: bytes) -> bytes | None:
    """Return the name in UTF-8 that Info-ZIP's `zip` writes beside one in another encoding."""
    while len(extra) >= 4:  # noqa: PLR2004 - a kind and a length, two bytes each
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:  # noqa: PLR2004 - a version and a sum
            return field[5:] if struct.unpack_from("<I", field, 1)[0] == zlib.crc32(raw) else None
    return None
