"""Archives by strangers, read file by file with caps; nothing is extracted to a path of theirs.

Sources: the zip and tar formats as in the documentation of zipfile and tarfile.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import PurePosixPath
from typing import IO, NamedTuple, Protocol

from grader.intake.faults import BadArchive, faults_as_sentences
from grader.intake.tar import TarTree
from grader.intake.zip import ZipTree

__all__ = ["BadArchive", "is_archive", "members"]

MAX_FILES = 2000
"""Of an exercise, in one person's archive; a class's download has as many as it has."""
MAX_FILE = 16 << 20
MAX_ARCHIVE = 1 << 30
"""Bytes of an archive inside another: it is kept on disk while it is read."""
MAX_TOTAL = 512 << 20
"""Bytes of all exercise files in one person's archive."""
MAX_RATIO = 200
"""Times that a file may be larger than what it was packed into."""
_CHUNK = 1 << 16
_SMALL = 1 << 20
"""Bytes that any file may have, however well it packs."""
ENDINGS = (
    ".zip",
    ".tar",
    ".tar.gz",
    ".tgz",
    ".tar.bz2",
    ".tbz2",
    ".tbz",
    ".tar.xz",
    ".txz",
    ".tar.lzma",
)

Member = tuple[PurePosixPath, bytes]


class Tree(Protocol):
    """Files by number: those of an archive, or of a folder."""

    @property
    def paths(self) -> Sequence[PurePosixPath]:
        """Return where each file lies."""

    @property
    def empty(self) -> Sequence[PurePosixPath]:
        """The folders that are listed by themselves; in a folder on disk the empty ones."""

    def open(self, number: int) -> IO[bytes]:
        """Open a plain file; anything else raises BadArchive."""

    def packed(self, number: int) -> int:
        """Return the bytes that the file takes as it lies there."""

    def close(self) -> None:
        """Close what the files are read from."""


class FoundFile(NamedTuple):
    """A file in an archive, and its content or why it is not taken."""

    path: PurePosixPath
    content: bytes | BadArchive | None
    """None: nobody asked for it, so it was not read."""


Choose = Callable[[Sequence[PurePosixPath]], Sequence[bool]]
"""Says which of an archive's files are to be read."""


def is_archive(name: str) -> bool:
    """Tell whether a file of that name is taken for an archive."""
    return name.lower().endswith(ENDINGS)


def members(data: bytes, name: str) -> list[Member]:
    """Return the regular files in one person's archive: path and content.

    Raises:
        BadArchive: it is broken, encrypted or too large, or has a member that is no plain file.
    """
    with closing(opened(io.BytesIO(data), name)) as tree:
        found: list[Member] = []
        for path, content in files(tree, lambda paths: [True] * len(paths), 0):
            if isinstance(content, BadArchive):
                raise content
            if content is not None:
                found.append((path, content))
        return found


def opened(file: IO[bytes], name: str) -> Tree:
    """Open an archive by what it holds; its name only tells a tar from one packed file.

    Raises:
        BadArchive: it is broken, or of a kind that is not read.
    """
    with faults_as_sentences():
        start = file.read(4)
        file.seek(0)
        if start[:2] == b"PK" or name.lower().endswith(".zip"):
            return ZipTree(file)
        return TarTree(file)


def files(tree: Tree, choose: Choose, deep: int) -> Iterator[FoundFile]:
    """Yield the files of an archive, and those of archives `deep` levels inside it.

    A fault of one file, or of an archive inside, is its own alone.

    Raises:
        BadArchive: what was chosen is together too much.
    """
    budget = [MAX_FILES, MAX_TOTAL]
    yield from _files(tree, choose, deep, budget)


def _files(tree: Tree, choose: Choose, deep: int, budget: list[int]) -> Iterator[FoundFile]:
    with faults_as_sentences():
        chosen = choose(tree.paths)
    for number, (path, wanted) in enumerate(zip(tree.paths, chosen, strict=True)):
        if not wanted:
            yield FoundFile(path, None)
            continue
        try:
            if deep and is_archive(path.name):
                for inside in _files_inside(tree, number, choose, deep, budget):
                    yield FoundFile(path / inside.path, inside.content)
                continue
            content = read_file(tree, number)
        except TooMuch:
            raise
        except BadArchive as fault:
            yield FoundFile(path, fault)
            continue
        budget[0] -= 1
        budget[1] -= len(content)
        if budget[0] < 0:
            raise TooMuch(f"holds more than {MAX_FILES} files")
        if budget[1] < 0:
            raise TooMuch(f"holds more than {MAX_TOTAL >> 20} MB")
        yield FoundFile(path, content)


def _files_inside(
    tree: Tree, number: int, choose: Choose, deep: int, budget: list[int]
) -> Iterator[FoundFile]:
    with copied(tree, number) as file, closing(opened(file, tree.paths[number].name)) as inner:
        yield from _files(inner, choose, deep - 1, budget)


class TooMuch(BadArchive):
    """The whole archive is more than is read, so the rest of it is not looked at."""


def read_file(tree: Tree, number: int) -> bytes:
    """Read a file as long as it keeps within the caps: a header's size is only a claim.

    Raises:
        BadArchive: it does not, or cannot be read.
    """
    name, packed = str(tree.paths[number]), tree.packed(number)
    found = bytearray()
    with faults_as_sentences(), tree.open(number) as file:
        while chunk := file.read(_CHUNK):
            found += chunk
            if len(found) > MAX_FILE:
                raise BadArchive(f"holds a file of more than {MAX_FILE >> 20} MB: {name}")
            if len(found) > _SMALL and len(found) > MAX_RATIO * packed:
                raise BadArchive(f"holds a file that grows more than {MAX_RATIO} times: {name}")
    return bytes(found)


def copied(tree: Tree, number: int) -> IO[bytes]:
    """Copy an archive out of another into a file without a name.

    Raises:
        BadArchive: it is too large, or cannot be read.
    """
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    size = 0
    try:
        with faults_as_sentences(), tree.open(number) as file:
            while chunk := file.read(_CHUNK):
                size += len(chunk)
                if size > MAX_ARCHIVE:
                    raise BadArchive(f"is larger than {MAX_ARCHIVE >> 20} MB")  # noqa: TRY301
                copy.write(chunk)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return copy
