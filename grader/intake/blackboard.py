"""Names in Blackboard's download: `Exercise 1_jdoe_attempt_2026-11-23-23-59-00_polling.py`.

Title and login both may hold underscores. What all names begin with is the title; but of logins
that begin alike, `j_doe` and `j_kim`, only the text tells that comes with each attempt: its first
line is `Name: Jane Doe (j_doe)`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePosixPath

from grader.intake.owned import Attempt, Owned
from grader.spelling import folded

_ATTEMPTS = (
    "attempt|poging|tentative|tentativa|tentativo|intento|intent|versuch|försök|forsøk|forsøg"
    "|yritys|próba|pokus|deneme|попытка|محاولة|尝试|嘗試|試行|시도|ymgais"
)
"""Words for an attempt, in the languages of courses."""
_NAME = re.compile(
    rf"(?P<student>.+?_.+?)_(?:{_ATTEMPTS})_(?P<time>\d{{4}}(-\d\d){{5}})(?P<file>_.+|\.txt)",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"[^:\uff1a]+[:\uff1a].*\((?P<login>[^()\s]+)\)\s*")
"""The colon may be that of Chinese."""


def of_blackboard(path: PurePosixPath) -> Owned | None:
    """Return whose the file is, with the title, which is cut off later.

    In a Dutch course it is `_poging_`, in a French one `_Tentative_`. With each attempt comes a
    text that has no file's name behind it.
    """
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    time = _time(found["time"])
    file, attempt = PurePosixPath(found["file"][1:]), Attempt(found["time"])
    receipt = found["file"] == ".txt"
    return Owned(found["student"], file, "", attempt, time, receipt=receipt)


def logins(receipts: Iterable[tuple[PurePosixPath, bytes]]) -> dict[str, str]:
    """Return, by title and login together, the logins that Blackboard's own texts name.

    Args:
        receipts: where each text lies, and its content.
    """
    found = {}
    for path, data in receipts:
        first = data.decode("utf-8-sig", errors="replace").partition("\n")[0]
        said, one = _LOGIN.fullmatch(first), of_blackboard(path)
        if said and one and folded(one.student).endswith(folded(f"_{said['login']}")):
            found[one.student] = one.student[-len(said["login"]) :]
    return found


def _time(text: str) -> datetime | None:
    """`2026-11-23-23-59-00`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")  # noqa: DTZ007 - in local time
    except ValueError:
        return None
