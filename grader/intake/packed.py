"""What names of files and folders say: packed, uploaded at a time, an attempt by its number."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from grader.intake.archives import ENDINGS

UNOPENED = (".rar", ".7z", ".zst", ".lz4", ".lz", ".ace", ".cab", ".gz", ".bz2", ".xz", ".z")
"""Endings of what is packed in a way that is not opened."""


_VERSION = re.compile(
    r"(?:version|attempt|versuch|try|revision)[ _-]?([1-9]\d{0,5})(?: - [a-z ]+)?|([1-9]\d?)",
    re.IGNORECASE,
)
"""Schoology puts `On Time` or `Late` behind it."""
_STAMP = re.compile(
    r"(20\d{2})-([01]\d)-([0-3]\d)[-_ T]([0-2]\d)[-_:.]?([0-5]\d)[-_:.]?([0-5]\d)(?:[.,]\d+)?Z?"
)
"""A time as a folder for each upload has it: VPL's `2026-11-20-10-11-12`, in Moodle."""
JUDGED = ".ceg"
"""Ends the folder beside it, in which VPL keeps what it printed."""
_LATE = re.compile(r"revision \d+ - late", re.IGNORECASE)
_UPLOADED = re.compile(r"(20\d{2}[01]\d[0-3]\d[0-2]\d[0-5]\d[0-5]\d)_(.+)")


def without_time(path: PurePosixPath) -> tuple[PurePosixPath, int]:
    """Return the name without the time of its upload, which ILIAS puts first, and that or 0."""
    found = _UPLOADED.fullmatch(path.name)
    return (path.with_name(found[2]), int(found[1])) if found else (path, 0)


def version(name: str) -> int:
    """Return the number of an attempt's folder, such as `Version 2`; 0: it is none."""
    found = _VERSION.fullmatch(name)
    return int(found[1] or found[2]) if found else 0


def stamp(name: str) -> int:
    """Return the digits of the time that a folder is called after; 0: it is called otherwise."""
    found = _STAMP.fullmatch(name)
    return int("".join(found.groups())) if found else 0


def is_late(name: str) -> bool:
    """Tell whether a folder is that of a late attempt: Schoology's `Revision 2 - Late`."""
    return _LATE.fullmatch(name) is not None


def without_stamp(name: str) -> tuple[str, int]:
    """Return a student's folder without the time after it, and that as `stamp` has it, or 0.

    CodeGrade's file system has `Jane Doe - 2026-11-20 10:11:12` for each upload.
    """
    who, between, time = name.rpartition(" - ")
    return (who, stamp(time)) if between and who.strip() and stamp(time) else (name, 0)


def packed_stem(name: str) -> str:
    """Return the name without its ending, where a file of that name is packed; else nothing."""
    ending = next((e for e in (*ENDINGS, *UNOPENED) if name.lower().endswith(e)), "")
    return name[: -len(ending)].strip() if ending else ""
