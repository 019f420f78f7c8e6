"""Times in the names of files and folders: when something was handed in, and in which order.

Programs write the year first (`2026-11-20 10:11:12`), people also `20.11.2026 10.11` and `20 Nov
2026`. A month by its number with dashes around is read in two ways, and so in none.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache

from grader.spelling import folded

_HALF = r"(?:\s?(?P<half>[ap]\.?m\b\.?))?"
_ZONE = r"(?P<zone>Z|[+-]\d\d[_:]?\d\d)?"
_CLOCK = rf"(?P<h>[0-2]\d)[-_:.]?(?P<mi>[0-5]\d)[-_:.]?(?P<s>[0-5]\d)(?:[.,]\d+)?{_HALF}{_ZONE}"
_MINUTES = (
    r"(?P<h>[0-2]\d)(?:[-_:.](?P<mi>[0-5]\d)(?!\d)|(?P<mi2>[0-5]\d)(?=\s[^\W\d]))"
    rf"{_HALF}"
)
"""Mail programs leave the seconds out; four digits are a clock before a name, else a number."""
_LOOSE = (
    r"(?:(?:,? ?(?:um |at )?|[-_T])"
    rf"(?P<h>[0-2]?\d)[-_:.h]?(?P<mi>[0-5]\d)(?:[-_:.](?P<s>[0-5]\d))?{_HALF}(?: ?Uhr)?(?!\d))"
)
_YEAR, _RECENT = r"(?P<y>20\d{2})", r"(?P<y>20(?:1[5-9]|[2-9]\d))"
"""Without a clock a date of some years ago may be that of a birth, and `20261120` a number."""
_ISO, _DOTS = r"-(?P<mo>[01]\d)-(?P<d>[0-3]\d)", r"(?P<d>[0-3]?\d)\.(?P<mo>[01]?\d)\."
_MONTH = r"(?P<month>[^\W\d_]{3,10})"
_DAY_MONTH = rf"(?P<d>[0-3]?\d)\.?[ -]{_MONTH}\.?,?[ -]"
_MONTH_DAY = rf"{_MONTH}\.?[ -](?P<d>[0-3]?\d),?[ -]"
_FORMS = (
    rf"{_YEAR}{_ISO}(?:[-_ T]| at ){_CLOCK}",
    rf"{_YEAR}{_ISO}[-_ T]{_MINUTES}",
    rf"{_RECENT}{_ISO}",
    rf"{_YEAR}(?P<mo>[01]\d)(?P<d>[0-3]\d)[-_T]{_CLOCK}",
    *(
        form
        for date in (_DOTS, _DAY_MONTH, _MONTH_DAY)
        for form in (rf"{date}{_YEAR}{_LOOSE}", rf"{date}{_RECENT}")
    ),
)
_MONTHS = (
    "january januar janvier enero janeiro gennaio januari",
    "february februar février febrero fevereiro febbraio februari",
    "march märz mars marzo março maart marts",
    "april avril abril aprile",
    "may mai mayo maio maggio mei maj",
    "june juni juin junio junho giugno",
    "july juli juillet julio julho luglio",
    "august août agosto augustus augusti",
    "september septembre septiembre setiembre setembro settembre",
    "october oktober octobre octubre outubro ottobre",
    "november novembre noviembre novembro",
    "december dezember décembre diciembre dezembro dicembre desember",
)
"""In English, German, French, Spanish, Portuguese, Italian, Dutch, Swedish, Danish, Norwegian;
Chinese, Japanese and Korean write numbers."""
_WHOLE, _LAST, _FIRST, _AMID = (
    [re.compile(before + form + behind, re.IGNORECASE) for form in _FORMS]
    for before, behind in (
        ("", ""),
        (r"(?: - |[ _-])\(?", r"\)?$"),
        ("", r"(?: - |[ _-])"),
        (r"(?: - |[ _-])", r"(?: - |[ _-])(?=.)"),
    )
)
"""A time alone, after a name, before it, and between it and a file's."""
_TWO_WAYS = re.compile(
    r"[^\W\d_].*?[ _(-]\d{1,2}([-_])\d{1,2}\1(?:19|20)\d{2}"
    r"(?:[ _-]+[\d_:.h-]+)?(?: ?[ap]\.?m\.?)?\)?",
    re.IGNORECASE,
)
_SHORTEST_NUMBER = 4
"""Digits of what may be a student's number, and no clock."""
_NAMES = 4096
"""Names that are remembered: a student's is asked for once a file."""
_FURTHEST = 14
"""Hours between UTC and the clocks east of it."""


@lru_cache(_NAMES)
def stamp(name: str) -> int:
    """Return the digits of the time that a folder is called after; 0: it is called otherwise."""
    return next((time for form in _WHOLE if (time := _digits(form.fullmatch(name)))), 0)


@lru_cache(_NAMES)
def without_stamp(name: str) -> tuple[str, int]:
    """Return a student's folder without the time before or after it, and that as `stamp` has it.

    CodeGrade's file system has `Jane Doe - 2026-11-20 10:11:12` for each upload, quizzes of
    Moodle's `Doe_Jane_23_20261120_101112`. Without a time it is 0.
    """
    who, time = "", 0
    if ended := next((m for form in _LAST if _digits(m := form.search(name))), None):
        who, time = name[: ended.start()].rstrip(), _digits(ended)
    elif not stamp(name) and (
        begun := next((m for form in _FIRST if _digits(m := form.match(name))), None)
    ):
        who, time = name[begun.end() :].strip(), _digits(begun)
    named = any(map(str.isalpha, who)) or sum(map(str.isdigit, who)) >= _SHORTEST_NUMBER
    return (who, time) if named else (name, 0)


def with_stamp(name: str, time: int) -> str:
    """Return a student's folder with that time after it, from which `without_stamp` takes it."""
    year, *parts = re.findall(r"..", f"{time:014}")
    return f"{name} - {year}{'-'.join(parts[:3])} {':'.join(parts[3:])}" if time else name


def stamped_file(name: str) -> tuple[str, int, str] | None:
    """Return student, time and file of `jdoe_2026-11-20_polling.py`; None: it has no time."""
    found = next((m for form in _AMID if _digits(m := form.search(name))), None)
    if found is None or not any(map(str.isalnum, name[: found.start()])):
        return None
    return name[: found.start()], _digits(found), name[found.end() :]


def ends_in_unread_date(name: str) -> bool:
    """Tell whether a name ends in a date of which nobody knows the day: `Jane 11-12-2026`."""
    return _TWO_WAYS.fullmatch(name) is not None


def month_of(word: str) -> int:
    """Return the number of a month by its name or the beginning of it; 0: it is none, or several.

    Of a word in another language nothing is guessed: `marraskuuta` is no March.
    """
    known = [n for n, some in enumerate(_MONTHS, 1) if word and f" {folded(word)}" in f" {some}"]
    return known[0] if len(known) == 1 else 0


def _digits(found: re.Match[str] | None) -> int:
    """Return year to second as one number, in UTC where the zone is said; 0: that is no time."""
    if found is None:
        return 0
    part = {name: value for name, value in found.groupdict().items() if value}
    hour = int(part.get("h", 0))
    if half := part.get("half"):
        hour = hour % 12 + (12 if half[0] in "pP" else 0)
    month = int(part.get("mo", 0)) or month_of(part.get("month", ""))
    minute = int(part.get("mi") or part.get("mi2") or 0)
    zone = part.get("zone", "Z").replace(":", "").replace("_", "")
    # A year that no clock has, or an hour 25, is no time.
    with suppress(OverflowError, ValueError):
        time = datetime(int(part["y"]), month, int(part["d"]), hour, minute, int(part.get("s", 0)))  # noqa: DTZ001 - compared with others alone
        if zone != "Z" and int(zone[1:3]) <= _FURTHEST:
            east = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
            time += east if zone[0] == "-" else -east
        return int(f"{time:%Y%m%d%H%M%S}")
    return 0
