"""Source files of submissions, read as Python reads them.

Sources: the Python reference, "Lexical analysis", and PEP 263. Nothing is compiled here: whether
the code is right is found out where it runs.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

MISSING = "is missing from the submission"
# Windows lacks the first two, and there a submission is somebody's own; O_BINARY is Windows' alone.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_DECLARED = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-_.a-zA-Z0-9]+)")
_ONLY_A_COMMENT = re.compile(rb"^[ \t\f]*(?:#|$)")
_UTF_8 = re.compile(r"utf[-_]8(?:[-_].*)?$", re.IGNORECASE)
_LATIN_1 = re.compile(r"(?:latin|iso-8859|iso-latin)-1(?:-.*)?$")
"""With an editor's ending, as in `latin-1-unix`."""
_TOO_SLOW = frozenset({"idna", "punycode"})
"""Encodings of host names: Python would take them, and the time is the square of the length."""


class NotTaken(Exception):  # noqa: N818 - a finding, not an error of ours
    """A file cannot be part of a submission; the message goes on after the file's name."""


@dataclass(frozen=True)
class _Declaration:
    """An encoding that a source file declares (PEP 263)."""

    name: str
    line: int
    place: slice
    """Where the name stands in the bytes, whose newlines are all line feeds."""


def read_file(path: Path, max_kb: int) -> bytes:
    """Return the content of a regular file of at most `max_kb` KB; no link is followed.

    Raises:
        NotTaken: it is missing, something else than that, or cannot be read.
    """
    try:
        fd = os.open(path, _READ)
    except OSError as error:
        if path.is_symlink():
            raise NotTaken("is a link, which is not followed") from None
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        raise NotTaken(MISSING if missing else "cannot be read") from None
    mode = os.fstat(fd).st_mode
    if not stat.S_ISREG(mode):
        os.close(fd)
        folder = stat.S_ISDIR(mode)
        raise NotTaken("is a folder, not a file" if folder else "is not a regular file")
    with os.fdopen(fd, "rb") as file:
        data = file.read(max_kb * 1024 + 1)
    if len(data) > max_kb * 1024:
        raise NotTaken(f"is larger than {max_kb} KB")
    return data


def text_of(data: bytes) -> str:
    """Return the text of a source file, each of its newlines as a line feed.

    Raises:
        NotTaken: Python would refuse its bytes.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise NotTaken("is UTF-16 text, which Python does not read; save it as UTF-8")
    if b"\0" in data:
        raise NotTaken("is not a text file (it holds a zero byte)")
    marked = data.startswith(codecs.BOM_UTF8)
    data = _with_newlines(data.removeprefix(codecs.BOM_UTF8))
    declared = _declaration(data)
    if declared is None or _UTF_8.match(declared.name):
        return _utf_8(data)
    if marked:
        raise NotTaken(
            f"begins with a byte order mark of UTF-8, and declares the encoding {declared.name} "
            f"(line {declared.line}), which Python does not take together; remove the declaration"
        )
    return _decoded(data, declared)


def resembles(given: str, name: str) -> bool:
    """Tell whether `given` was meant to be `name`: the same letters, as in `Polling (1).py.txt`."""
    return _letters(given) == _letters(name)


def _letters(name: str) -> str:
    return "".join(c for c in name.casefold().removesuffix(".txt") if c.isalpha())


def _with_newlines(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _declaration(data: bytes) -> _Declaration | None:
    """Find the declared encoding: in the first line, or after a line of nothing but a comment."""
    start = 0
    for number, line in enumerate(data.split(b"\n", 2)[:2], start=1):
        if found := _DECLARED.match(line):
            place = slice(start + found.start(1), start + found.end(1))
            return _Declaration(found[1].decode("ascii"), number, place)
        if not _ONLY_A_COMMENT.match(line):
            return None
        start += len(line) + 1
    return None


def _utf_8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotTaken(
            f"is not UTF-8 text (line {line}); save it as UTF-8, "
            "or declare its encoding in the first line, as in `# coding: latin-1`"
        ) from None


def _decoded(data: bytes, declared: _Declaration) -> str:
    name, where = declared.name, f"(line {declared.line})"
    try:
        text = data.decode(_codec(name))
        text.encode("utf-8")  # half a surrogate pair, which Python refuses too
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotTaken(
            f"declares the encoding {name} {where}, and line {line} is not in it"
        ) from None
    except UnicodeError:
        raise NotTaken(f"declares the encoding {name} {where}, and is not in it") from None
    except (LookupError, ValueError):
        raise NotTaken(
            f"declares an encoding that Python does not know, {name} {where}; "
            "save it as UTF-8 and remove the declaration"
        ) from None
    if "\0" in text:
        raise NotTaken("is not a text file (it holds a zero byte)")
    if "coding" not in text[: declared.place.stop]:  # UTF-16: no declaration can be read in it
        raise NotTaken(f"declares the encoding {name} {where}, and is not in it")
    return text


def _codec(name: str) -> str:
    """Return the name by which `bytes.decode` knows a declared encoding.

    Raises:
        LookupError: it is none for source files.
    """
    codec = "latin-1" if _LATIN_1.match(name.lower().replace("_", "-")) else name
    if codecs.lookup(codec).name in _TOO_SLOW:
        raise LookupError(name)
    return codec
