"""What names of files and folders say: packed, uploaded at a time, an attempt by its number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from grader.intake.archives import ENDINGS

UNOPENED = (".rar", ".7z", ".zst", ".lz4", ".lz", ".ace", ".cab", ".gz", ".bz2", ".xz", ".z")
"""Endings of what is packed in a way that is not opened."""
MAIL = (".eml", ".msg", ".mbox")
"""Endings of saved e-mails."""

_TRY = "version|attempt|versuch|try|revision"
_VERSION = re.compile(
    rf"(?:{_TRY})[ _-]?([1-9]\d{{0,5}})(?: - [a-z ]+)?|([1-9]\d?)",
    re.IGNORECASE,
)
"""Schoology puts `On Time` or `Late` behind it."""
_CLOCK = r"([0-2]\d)[-_:.]?([0-5]\d)[-_:.]?([0-5]\d)(?:[.,]\d+)?(?:Z|[+-]\d\d[_:]?\d\d)?"
_MINUTES = r"([0-2]\d)(?:[-_:.]([0-5]\d)(?!\d)|([0-5]\d)(?=\s[^\W\d]))"
"""Mail programs leave the seconds out; four digits are a clock before a name, else a number."""
_TIME = (
    rf"(20\d{{2}})-([01]\d)-([0-3]\d)[-_ T](?:{_CLOCK}|{_MINUTES})"
    r"|(20(?:1[5-9]|[2-9]\d))-([01]\d)-([0-3]\d)"
    rf"|(20\d{{2}})([01]\d)([0-3]\d)[-_T]{_CLOCK}"
)
"""Without a clock a date of some years ago may be that of a birth, and `20261120` a number."""
_STAMP = re.compile(_TIME)
"""A time as a folder for each upload has it: VPL's `2026-11-20-10-11-12`, in Moodle."""
_STAMPED = re.compile(rf"(?: - |[ _-])(?P<time>{_TIME})$")
_STAMPED_FIRST = re.compile(rf"(?P<time>{_TIME})(?: - |[ _-])")
_STAMPED_FILE = re.compile(rf"(?: - |[ _-])(?P<time>{_TIME})(?: - |[ _-])(?=.)")
_SHORTEST_NUMBER = 4
"""Digits of what may be a student's number, and no clock."""
JUDGED = ".ceg"
"""Ends the folder beside it, in which VPL keeps what it printed."""
_LATE = re.compile(r"revision \d+ - late", re.IGNORECASE)
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


def stamp(name: str) -> int:
    """Return the digits of the time that a folder is called after; 0: it is called otherwise."""
    found = _STAMP.fullmatch(name)
    return _digits(found.groups()) if found else 0


def _digits(parts: Iterable[str | None]) -> int:
    """Return year to second as one number; what a time leaves out is 0."""
    return int("".join(part for part in parts if part).ljust(14, "0"))


def is_late(name: str) -> bool:
    """Tell whether a folder is that of a late attempt: Schoology's `Revision 2 - Late`."""
    return _LATE.fullmatch(name) is not None


def without_stamp(name: str) -> tuple[str, int]:
    """Return a student's folder without the time before or after it, and that as `stamp` has it.

    CodeGrade's file system has `Jane Doe - 2026-11-20 10:11:12` for each upload, quizzes of
    Moodle's `Doe_Jane_23_20261120_101112`. Without a time it is 0.
    """
    found, who = _STAMPED.search(name), ""
    if found:
        who = name[: found.start()].rstrip()
    elif (found := _STAMPED_FIRST.match(name)) and not stamp(name):
        who = name[found.end() :].strip()
    named = any(map(str.isalpha, who)) or sum(map(str.isdigit, who)) >= _SHORTEST_NUMBER
    return (who, _digits(found.groups()[1:])) if found and named else (name, 0)


def with_stamp(name: str, time: int) -> str:
    """Return a student's folder with that time after it, from which `without_stamp` takes it."""
    year, *parts = re.findall(r"..", f"{time:014}")
    return f"{name} - {year}{'-'.join(parts[:3])} {':'.join(parts[3:])}" if time else name


def stamped_file(name: str) -> tuple[str, int, str] | None:
    """Return student, time and file of `jdoe_2026-11-20_polling.py`; None: it has no time."""
    found = _STAMPED_FILE.search(name)
    if found is None or not any(map(str.isalnum, name[: found.start()])):
        return None
    return name[: found.start()], _digits(found.groups()[1:]), name[found.end() :]


def numbered_file(name: str) -> tuple[str, int, str] | None:
    """Return student, attempt and file of `Doe Jane_Attempt_2_polling.py`; None: it has none."""
    found = _NUMBERED_FILE.fullmatch(name)
    return (found["who"], int(found["number"]), found["file"]) if found else None


def packed_stem(name: str) -> str:
    """Return the name without its ending, where a file of that name is packed; else nothing."""
    ending = next((e for e in (*ENDINGS, *UNOPENED) if name.lower().endswith(e)), "")
    return name[: -len(ending)].strip() if ending else ""
