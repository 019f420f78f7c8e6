"""Whose file it is, and which attempt, by the names that each source gives.

Sources: the bulk downloads of Canvas ("Download Submissions"), Moodle ("Download all submissions"),
Brightspace ("Download" of a dropbox), Blackboard ("Assignment File Download"), and the folders
that `gh classroom clone student-repos` makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from grader.intake.canvas import of_canvas
from grader.intake.moodle import of_moodle
from grader.intake.owned import Attempt, Owned

_BRIGHTSPACE = re.compile(
    r"(?P<user>\d+)-(?P<number>\d+)\s*-\s*(?P<name>.+?)\s*-\s*"
    r"(?P<time>[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,4} [AP]M)(\s*-\s*(?P<file>.+))?"
)
_BLACKBOARD = re.compile(
    r"(?P<student>.+?_.+?)_attempt_(?P<time>\d{4}(-\d\d){5})(?P<file>_.+|\.txt)"
)


def of_folder(path: PurePosixPath) -> Owned | None:
    """STUDENT/... as nbgrader's `submitted/` (STUDENT/NN/...) and plain folders have it."""
    if len(path.parts) < 2:  # noqa: PLR2004 - a folder and a file
        return None
    return Owned(path.parts[0], PurePosixPath(*path.parts[1:]))


def of_brightspace(path: PurePosixPath) -> Owned | None:
    """`12345-67890 - Jane Doe - Nov 23, 2026 1159 PM/polling.py`, or in one name."""
    for depth, part in enumerate(path.parts):
        if found := _BRIGHTSPACE.fullmatch(part):
            rest = [each for each in (found["file"], *path.parts[depth + 1 :]) if each]
            if not rest:
                return None
            time = _time_of_day(found["time"])
            attempt = Attempt(time.isoformat() if time else "")
            return Owned(found["name"], PurePosixPath(*rest), found["user"], attempt, time)
    return None


def of_blackboard(path: PurePosixPath) -> Owned | None:
    """`Exercise 1_jdoe_attempt_2026-11-23-23-59-00_polling.py`; the title is cut off later.

    Both may hold underscores. With each attempt comes a text that has no file's name behind it.
    """
    found = _BLACKBOARD.fullmatch(path.name)
    if found is None:
        return None
    time = _blackboards_time(found["time"])
    file, attempt = PurePosixPath(found["file"][1:]), Attempt(found["time"])
    receipt = found["file"] == ".txt"
    return Owned(found["student"], file, "", attempt, time, receipt=receipt)


def of_github(path: PurePosixPath) -> Owned | None:
    """`exercise-1-jdoe/exercises/01/polling.py`; what all folders begin with is cut off later."""
    return of_folder(path)


FORMATS: dict[str, Callable[[PurePosixPath], Owned | None]] = {
    "canvas": of_canvas,
    "moodle": of_moodle,
    "brightspace": of_brightspace,
    "blackboard": of_blackboard,
    "nbgrader": of_folder,
    "folder": of_folder,
    "github": of_github,
}
LISTING = "index.html"
"""What Brightspace adds to each download."""
LASTING = ("canvas", "brightspace")
"""Whose number for a student is the same in every download; Moodle's is of one assignment."""


def guess(paths: Sequence[PurePosixPath], exercises: Collection[str]) -> str:
    """Return the format whose names most of the files have; `folder` where none fits.

    It is nbgrader's where most students have folders of exercises and nothing else.
    """
    paths = [path for path in paths if path.name != LISTING] or paths
    counts = {
        name: sum(FORMATS[name](path) is not None for path in paths)
        for name in ("canvas", "moodle", "brightspace", "blackboard")
    }
    best = max(counts, key=lambda name: counts[name])
    if 2 * counts[best] > len(paths):
        return best
    students = {path.parts[0] for path in paths}
    others = {path.parts[0] for path in paths if not _in_an_exercise(path, exercises)}
    return "folder" if 2 * len(others) >= len(students) else "nbgrader"


def _in_an_exercise(path: PurePosixPath, exercises: Collection[str]) -> bool:
    return len(path.parts) > 2 and path.parts[1] in exercises  # noqa: PLR2004 - STUDENT/NN/FILE


def _time_of_day(text: str) -> datetime | None:
    """`Nov 23, 2026 1159 PM`; Brightspace leaves the colon out."""
    date, _, rest = text.rpartition(", ")
    year, clock, half = rest.split()
    try:
        return datetime.strptime(f"{date} {year} {clock:0>4} {half}", "%b %d %Y %I%M %p")  # noqa: DTZ007 - in local time
    except ValueError:
        return None


def _blackboards_time(text: str) -> datetime | None:
    """`2026-11-23-23-59-00`."""
    try:
        return datetime.strptime(text, "%Y-%m-%d-%H-%M-%S")  # noqa: DTZ007 - in local time
    except ValueError:
        return None
