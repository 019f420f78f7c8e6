"""Names in Sakai's download of an assignment, with folders and without, and the time in it.

Source: zipSubmissions in Sakai's AssignmentServiceImpl.java; BasicTimeService.java for the time as
versions before 12 write it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import PurePosixPath

from grader.intake.owned import Owned
from grader.spelling import folded
from grader.submission import TIMESTAMP

_PERSON = re.compile(r"(?P<name>[^()]+)\((?P<login>[^()]+)\)(?P<rest>_.+)?")
_WORK = "submission attachment(s)"
_OWN = re.compile(
    r"timestamp\.txt|comments\.txt|feedbacktext\.html|.*_submissiontext\.html"
    r"|feedback attachment\(s\).*",
    re.IGNORECASE,
)


def of_sakai(path: PurePosixPath) -> Owned | None:
    """Return whose it is: `A 1/Doe, Jane(jdoe)/Submission attachment(s)/polling.py`.

    Without folders it is `A 1/Doe, Jane(jdoe)_Submission attachment(s)_polling.py`.
    """
    for depth, part in enumerate(path.parts):
        found = _PERSON.fullmatch(part)
        last = depth == len(path.parts) - 1
        if found is None or last != bool(found["rest"]):
            continue
        flat = (found["rest"] or "")[1:]
        if flat[: len(_WORK) + 1].casefold() == f"{_WORK}_":
            rest: tuple[str, ...] = (_WORK, flat[len(_WORK) + 1 :])
        else:
            rest = (flat,) if flat else path.parts[depth + 1 :]
        if folded(rest[0]) == _WORK and len(rest) > 1 and rest[1]:
            return Owned(found["login"], PurePosixPath(*rest[1:]))
        if _OWN.fullmatch(rest[0]) or _OWN.fullmatch(f"_{rest[0]}"):
            return Owned(found["login"], PurePosixPath(*rest), receipt=True)
    return None


def is_time(one: Owned) -> bool:
    """Tell whether Sakai wrote into that file when its student handed in."""
    return one.receipt and one.path == PurePosixPath(TIMESTAMP)


def time_of(data: bytes) -> datetime | None:
    """Return when that was; None: the file does not say it.

    `2026-11-20T10:11:12.345Z`, or `20261120101112345` of older versions, in UTC.
    """
    text = data.decode("utf-8", "replace").strip()
    try:
        if re.fullmatch(r"\d{17}", text):
            return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else None
