"""Zip files of any system: their names and their plain files.

Source: PKWARE's APPNOTE.TXT, 4.4.4 (bit 11: names in UTF-8) and 4.6.9 (extra field 0x7075).
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from contextlib import suppress
from pathlib import PurePosixPath
from typing import IO

from grader.intake.encodings import decoded
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
        self.unclear = any(_raw(info) is not None for info in infos)
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
    raw = _raw(info)
    return _told(info) if raw is None else decoded(raw)


def _raw(info: zipfile.ZipInfo) -> bytes | None:
    """Return the bytes of a name whose encoding nothing tells; None: it is told."""
    try:
        _told(info)
    except UnicodeDecodeError:
        return info.filename.encode("cp437")
    return None


def _told(info: zipfile.ZipInfo) -> str:
    """Return the name as the flag, the extra field or its bytes themselves tell it.

    Raises:
        UnicodeDecodeError: nothing does.
    """
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        raw = info.filename.encode("cp437")
    except UnicodeEncodeError:  # zipfile has read the extra field itself
        return info.filename
    if (extra := _in_extra(info.extra, raw)) is not None:
        with suppress(UnicodeDecodeError):
            return extra.decode()
    return raw.decode()


def _in_extra(extra: bytes, raw: bytes) -> bytes | None:
    """Return the name in UTF-8 that Info-ZIP's `zip` writes beside one in another encoding."""
    while len(extra) >= 4:  # noqa: PLR2004 - a kind and a length, two bytes each
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == _UNICODE_PATH and len(field) > 5 and field[0] == 1:  # noqa: PLR2004 - a version and a sum
            return field[5:] if struct.unpack_from("<I", field, 1)[0] == zlib.crc32(raw) else None
    return None
