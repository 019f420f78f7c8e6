"""Names in Brightspace's download of a dropbox, and which of their numbers is a person's.

`12345-67890 - Jane Doe - Nov 23, 2026 1159 PM/polling.py`. The date is in the language of who
downloads. Of the two numbers, some systems have a person's first, and others those of the course
and the dropbox, which everybody has: only a whole download tells.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import PurePosixPath

from grader.intake.dates import month_of
from grader.intake.owned import Attempt, Owned
from grader.spelling import folded

_CLOCK = r"\d{1,2}\s?[h:.]\s?\d{2}|\d{1,4}"
_NAME = re.compile(
    r"(?P<user>\d+)-(?P<second>\d+)\s*-\s*(?P<name>.+?)\s*-\s*"
    r"(?P<time>(?:(?P<month>[^\W\d_]{3,})\.?\s(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})\.?\s(?:de\s)?(?P<month2>[^\W\d_]{3,})\.?"
    r"|(?P<year2>\d{4})[年년]\s?(?P<month3>\d{1,2})[月월]\s?(?P<day3>\d{1,2})[日일])"
    r"(?(year2)|(?:,|\sde)?\s(?P<year>\d{4}),?)\s"
    rf"(?P<clock>{_CLOCK})(?:\s?(?P<half>[ap]\.?\s?m\b\.?))?)(\s*-\s*(?P<file>.+))?",
    re.IGNORECASE,
)


def of_brightspace(path: PurePosixPath) -> Owned | None:
    """Return whose the file is, with folders or in one name."""
    for depth, part in enumerate(path.parts):
        if found := _NAME.fullmatch(part):
            rest = [each for each in (found["file"], *path.parts[depth + 1 :]) if each]
            if not rest:
                return None
            time = _time(found)
            # A time that cannot be read still tells one attempt from another.
            attempt = Attempt(time.isoformat() if time else f"?{found['time']}")
            return Owned(
                *(found["name"], PurePosixPath(*rest), found["user"], attempt, time),
                second=found["second"],
            )
    return None


def _time(found: re.Match[str]) -> datetime | None:
    month = int(found["month3"] or month_of(found["month"] or found["month2"] or ""))
    clock = re.sub(r"\D", "", found["clock"]).zfill(4)
    hour, half = int(clock[:2]), (found["half"] or "").casefold()
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    try:
        day = int(found["day"] or found["day2"] or found["day3"])
        return datetime(int(found["year"] or found["year2"]), month, day, hour, int(clock[2:]))  # noqa: DTZ001 - in local time
    except ValueError:
        return None


def tell_apart(
    owners: Sequence[Owned | None], known: Collection[str]
) -> tuple[list[Owned | None], bool]:
    """Keep the number that tells people of this download apart; and say if it is a person's.

    Args:
        owners: whose each file is.
        known: the numbers of people of earlier downloads.
    """
    given = [one for one in owners if one]
    first = {one.user for one in given}
    if len(first) > 1 or first <= {*known}:
        return [*owners], True
    names: dict[str, set[str]] = defaultdict(set)
    for one in given:
        names[one.second].add(folded(one.student))
    apart = len(names) > 1 and all(len(some) == 1 for some in names.values())
    return [one and replace(one, user=one.second if apart else "") for one in owners], False


def undated(owners: Sequence[Owned | None]) -> set[tuple[str, str]]:
    """Return the people who handed in several times, of which the order cannot be read."""
    times: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in owners:
        if one:
            times[one.student, one.user].add(one.attempt.time)
    return {
        person
        for person, some in times.items()
        if len(some) > 1 and any(time.startswith("?") for time in some)
    }
