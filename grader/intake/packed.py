"""What names of files and folders say: packed, an attempt by its number, handed in late."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from grader.intake.archives import ENDINGS

UNOPENED = (".rar", ".7z", ".zst", ".lz4", ".lz", ".ace", ".cab", ".gz", ".bz2", ".xz", ".z")
"""Endings of what is packed in a way that is not opened."""
MAIL = (".eml", ".msg", ".mbox")
"""Endings of saved e-mails."""

_TRY = "version|attempt|versuch|try|revision"
_VERSION = re.compile(
    rf"(?:{_TRY})[ _-]?([1-9]\d{{0,5}})(?:[ _(-]+[^\W\d][^\d]*)?|([1-9]\d?)",
    re.IGNORECASE,
)
"""Schoology puts ` - On Time` or ` - Late` behind it, people `(late)` or ` resubmission`."""
JUDGED = ".ceg"
"""Ends the folder beside it, in which VPL keeps what it printed."""
_LATE = re.compile(rf"(?:{_TRY})[ _-]?\d+(?: - late|[ _]?\(late\)|[ _-]+late)", re.IGNORECASE)
_NUMBERED_FILE = re.compile(
    rf"(?P<who>.+?)[ _-](?:{_TRY})[ _-]?(?P<number>[1-9]\d{{0,5}})[ _-](?P<file>.+)",
    re.IGNORECASE,
)
_UPLOADED = re.compile(r"(20\d{2}[01]\d[0-3]\d[0-2]\d[0-5]\d[0-5]\d)_(.+)")


def without_time(path: PurePosixPath) -> tuple[PurePosixPath, int]:
    """Return the name without the time of its upload, which ILIAS puts first, and that or 0."""
    found = _UPLOADED.fullmatch(path.name)
    return (path.with_name(found[2]), int(found[1])) if found else (path, 0)


def version(name: str) -> int:
    """Return the number of an attempt's folder, such as `Version 2`; 0: it is none."""
    found = _VERSION.fullmatch(name)
    return int(found[1] or found[2]) if found else 0


def is_late(name: str) -> bool:
    """Tell whether a folder is that of a late attempt: Schoology's `Revision 2 - Late`."""
    return _LATE.fullmatch(name) is not None


def numbered_file(name: str) -> tuple[str, int, str] | None:
    """Return student, attempt and file of `Doe Jane_Attempt_2_polling.py`; None: it has none."""
    found = _NUMBERED_FILE.fullmatch(name)
    return (found["who"], int(found["number"]), found["file"]) if found else None


def packed_stem(name: str) -> str:
    """Return the name without its ending, where a file of that name is packed; else nothing."""
    ending = next((e for e in (*ENDINGS, *UNOPENED) if name.lower().endswith(e)), "")
    return name[: -len(ending)].strip() if ending else ""
