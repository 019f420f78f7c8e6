"""Archives by strangers, read into memory with caps; nothing is ever extracted to a path of theirs.

Sources: the zip and tar formats as in the documentation of zipfile and tarfile.
"""

from __future__ import annotations

import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePosixPath
from typing import IO

MAX_FILES = 2000
"""In one person's archive; a class's download has as many as it has."""
MAX_FILE = 16 << 20
MAX_TOTAL = 512 << 20
MAX_RATIO = 200
"""Times that a file may be larger than what it was packed into."""
_CHUNK = 1 << 16
_SMALL = 1 << 20
"""Bytes that any file may have, however well it packs."""
_ENCRYPTED = 0x1
_ENDINGS = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

Member = tuple[PurePosixPath, bytes]


class BadArchive(Exception):  # noqa: N818 - a finding, not an error of ours
    """It cannot be read, or may not be; the message says why."""


def is_archive(name: str) -> bool:
    """Whether a file of that name is taken for an archive."""
    return name.lower().endswith(_ENDINGS)


def members(data: bytes, name: str) -> list[Member]:
    """The regular files in one person's archive: path and content.

    Raises:
        BadArchive: it is broken, encrypted or too large, or has a member that is no plain file.
    """
    found: list[Member] = []
    for path, content in members_or_faults(data, name):
        if isinstance(content, BadArchive):
            raise content
        if len(found) == MAX_FILES:
            raise BadArchive(f"holds more than {MAX_FILES} files")
        found.append((path, content))
    return found


def members_or_faults(data: bytes, name: str) -> Iterator[tuple[PurePosixPath, bytes | BadArchive]]:
    """The same for an archive of many people's files: a fault of one member is its own alone.

    Raises:
        BadArchive: the archive as a whole cannot be read, or is too large.
    """
    read = _zip_members if name.lower().endswith(".zip") else _tar_members
    total = 0
    with _faults_as_sentences():
        for path, load in read(data):
            content: bytes | BadArchive
            try:
                with _faults_as_sentences():
                    content = load()
                total += len(content)
            except BadArchive as fault:
                content = fault
            if total > MAX_TOTAL:
                raise BadArchive(f"holds more than {MAX_TOTAL >> 20} MB")
            yield path, content


@contextmanager
def _faults_as_sentences() -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile,
        tarfile.TarError,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        OSError,
        ValueError,
    ) as error:
        raise BadArchive(f"cannot be read: {error}") from None
    except (NotImplementedError, RuntimeError) as error:
        raise BadArchive(f"is of a kind that is not read: {error}") from None


_Loader = Callable[[], bytes]


def _zip_members(data: bytes) -> Iterator[tuple[PurePosixPath, _Loader]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:

        def load(info: zipfile.ZipInfo) -> bytes:
            _require_inside(info.filename)
            if info.flag_bits & _ENCRYPTED:
                raise BadArchive("is encrypted")
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise BadArchive(f"holds a link or a device: {info.filename}")
            with archive.open(info) as file:
                return _read(file, max(info.compress_size, 1), info.filename)

        for info in archive.infolist():
            if not info.is_dir():
                yield PurePosixPath(info.filename.replace("\\", "/")), partial(load, info)


def _tar_members(data: bytes) -> Iterator[tuple[PurePosixPath, _Loader]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:

        def load(info: tarfile.TarInfo) -> bytes:
            _require_inside(info.name)
            if not info.isreg():
                raise BadArchive(f"holds a link or a device: {info.name}")
            file = archive.extractfile(info)
            assert file is not None
            with file:
                return _read(file, len(data), info.name)

        for info in archive:
            if not info.isdir():
                yield PurePosixPath(info.name), partial(load, info)


def _read(file: IO[bytes], packed: int, name: str) -> bytes:
    """The content, as long as it keeps within the caps: a header's size is only a claim."""
    found = bytearray()
    while chunk := file.read(_CHUNK):
        found += chunk
        if len(found) > MAX_FILE:
            raise BadArchive(f"holds a file of more than {MAX_FILE >> 20} MB: {name}")
        if len(found) > _SMALL and len(found) > MAX_RATIO * packed:
            raise BadArchive(f"holds a file that grows more than {MAX_RATIO} times: {name}")
    return bytes(found)


def _require_inside(name: str) -> None:
    """Refuse a name that leads out of the archive, though no file is ever put where it says."""
    path = PurePosixPath(name.replace("\\", "/"))
    drive = len(name) > 1 and name[1] == ":"
    if path.is_absolute() or drive or ".." in path.parts or any(ord(c) < ord(" ") for c in name):
        raise BadArchive(f"holds a name that leads elsewhere: {name!r}")
