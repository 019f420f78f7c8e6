"""Whose file it is, and which attempt, by the names that each source gives.

Sources: the bulk downloads of Canvas ("Download Submissions"), Moodle ("Download all submissions"),
Brightspace ("Download" of a dropbox), Blackboard ("Assignment File Download"), Sakai ("Download
all"), and the folders that `gh classroom clone student-repos` makes.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from grader.intake.archives import is_archive
from grader.intake.blackboard import of_blackboard
from grader.intake.brightspace import of_brightspace
from grader.intake.canvas import of_canvas
from grader.intake.dates import stamp, without_stamp
from grader.intake.moodle import of_moodle
from grader.intake.owned import Attempt, Owned
from grader.intake.packed import JUDGED, is_late, packed_stem, version, without_time
from grader.intake.sakai import of_sakai

_EXCHANGE = re.compile(
    r"(?P<student>[^+]+)\+[^+]+\+(?P<time>\d{4}-\d\d-\d\d \d\d[:_]\d\d[:_]\d\d(\.\d+)?) UTC(\+.+)?"
)
"""A folder of nbgrader's exchange, `inbound/jdoe+01+2026-11-20 10:11:12.000000 UTC+Ab12`."""


def of_folder(path: PurePosixPath) -> Owned | None:
    """STUDENT/... as nbgrader's `submitted/` (STUDENT/NN/...) and plain folders have it.

    An archive that lies in no folder is called like its student.
    """
    if len(path.parts) < 2:  # noqa: PLR2004 - a folder and a file
        student, uploaded = without_stamp(packed_stem(path.name))
        return Owned(student, path, "", _whole(uploaded)) if student else None
    student, *inside = path.parts
    if found := _EXCHANGE.fullmatch(student):
        rest, time = PurePosixPath(*inside), _exchange_time(found["time"])
        return Owned(found["student"], rest, "", Attempt(found["time"]), time)
    rest, upload = without_time(PurePosixPath(*inside))
    student, uploaded = without_stamp(student)
    numbers = [version(each) for each in inside if not each.isdecimal()]
    late = is_late(inside[0])
    attempt = _whole(uploaded)._replace(upload=upload or max(numbers, default=0))
    return Owned(student, rest, "", attempt, late=late)


def _whole(number: int) -> Attempt:
    """Return the attempt of that number or time, which is all that came then; 0: none is told."""
    return Attempt(f"{number:020}") if number else Attempt()


def file_by_file(owners: Sequence[Owned | None]) -> list[Owned | None]:
    """Let each file be an attempt where its own name says when it came, as a mail's or a form's.

    Of somebody's archives each is all that came then.
    """
    loose = {one.student for one in owners if one and not is_archive(one.path.name)}
    return [
        replace(one, attempt=Attempt(upload=int(one.attempt.time or one.attempt.upload)))
        if one and one.student in loose
        else one
        for one in owners
    ]


def numbered(owners: Sequence[Owned | None]) -> list[Owned | None]:
    """Let folders or archives `1`, `2`, `10` be attempts of who has everything in such.

    So are those that are called after a time, also in a folder of an exercise, or in one for each
    exercise. Submitty puts a file of settings beside them, and VPL a folder of what it printed.
    """
    inside: dict[str, list[PurePosixPath]] = defaultdict(list)
    for one in owners:
        if one and one.path.suffix != ".json" and not _is_judged(one.path):
            inside[one.student].append(one.path)
    attempts = {who: _attempts(paths) for who, paths in inside.items()}
    found: list[Owned | None] = []
    for one in owners:
        if one and _is_judged(one.path):
            found.append(replace(one, receipt=True))
        elif one and (attempt := attempts.get(one.student, {}).get(one.path)):
            found.append(replace(one, attempt=attempt))
        else:
            found.append(one)
    return found


def _is_judged(path: PurePosixPath) -> bool:
    """Tell whether VPL itself wrote a file: it is in `2026-11-20-10-11-12.ceg`."""
    return any(part.endswith(JUDGED) and stamp(part[: -len(JUDGED)]) for part in path.parts[:-1])


def _attempts(paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, Attempt]:
    """Return the attempt by which each file of one person came; nothing, where some came in none.

    Folders `1` and `2` that have no file in common may be parts of the work.
    """
    if any(map(_is_note, paths)):  # of a program's, which no folder `1` is
        found = _attempts([path for path in paths if not _is_note(path)])
        return {} if any(path.parts[0].isdecimal() for path in found) else found
    depth = _common(paths)
    numbers = {path: _number(path, depth) for path in paths}
    if paths and all(numbers.values()):
        folders = {path.parts[depth] for path in paths}
        names = Counter(name for _, name in {(path.parts[depth], path.name) for path in paths})
        whole = not any(map(str.isdecimal, folders)) or max(names.values()) > 1
        each = {path: _whole(n) if whole else Attempt(upload=n) for path, n in numbers.items()}
        return each if len(folders) > 1 else {}
    inside: dict[str, list[PurePosixPath]] = defaultdict(list)
    for path in paths:
        if len(path.parts) < depth + 3:  # an exercise's folder, and in it one for each time
            return {}
        inside[path.parts[depth]].append(path)
    # Times alone tell the order of what lies in different folders.
    numbers = {
        path: stamp(path.parts[at]) if len(path.parts) > at + 1 else 0
        for some in inside.values()
        for at in [_first_stamp(some)]
        for path in some
    }
    told = all(numbers.values())
    return {path: Attempt(upload=number) for path, number in numbers.items()} if told else {}


def _is_note(path: PurePosixPath) -> bool:
    """Tell whether it lies beside the folders of attempts, and can be no work."""
    alone = len(path.parts) == 1 and not is_archive(path.name)
    return alone and path.suffix not in (".py", ".ipynb")


def _first_stamp(paths: Sequence[PurePosixPath]) -> int:
    """Return the depth at which the first of `paths` has a folder that is called after a time."""
    return next((at for at, part in enumerate(paths[0].parts[:-1]) if stamp(part)), 0)


def _common(paths: Sequence[PurePosixPath]) -> int:
    """Return how many folders are around all of somebody's files."""
    folders = [path.parts[:-1] for path in paths]
    depth = 0
    for column in zip(*folders, strict=False):
        if len(set(column)) > 1:
            break
        depth += 1
    return depth


def _number(path: PurePosixPath, depth: int) -> int:
    """Return the number or time of the attempt that is called so at that depth; 0: none is.

    In a folder of their own `1` and `2` may be parts of the work.
    """
    part = path.parts[depth]
    if len(path.parts) == depth + 1:
        part = packed_stem(part)
    return (0 if depth and part.isdecimal() else version(part)) or stamp(part)


def of_github(path: PurePosixPath) -> Owned | None:
    """`exercise-1-jdoe/exercises/01/polling.py`; what all folders begin with is cut off later."""
    return of_folder(path)


FORMATS: dict[str, Callable[[PurePosixPath], Owned | None]] = {
    "canvas": of_canvas,
    "moodle": of_moodle,
    "brightspace": of_brightspace,
    "blackboard": of_blackboard,
    "sakai": of_sakai,
    "nbgrader": of_folder,
    "folder": of_folder,
    "github": of_github,
}
LISTINGS = {"brightspace": "index.html", "sakai": "grades.csv"}
"""What Brightspace and Sakai add to each download."""
MOODLE, GRADESCOPE = "moodle", "gradescope"
LASTING = ("canvas", "brightspace", GRADESCOPE)
"""Whose number for a student is the same in every download; Moodle's is of one assignment."""


def guess(paths: Sequence[PurePosixPath], exercises: Collection[str]) -> str:
    """Return the format whose names most of the files have; `folder` where none fits.

    It is nbgrader's where most students have folders of exercises and nothing else.
    """
    listings = LISTINGS.values()
    paths = [p for p in paths if p.name not in listings and not p.name.startswith(".")] or paths
    counts = {
        name: sum(FORMATS[name](path) is not None for path in paths)
        for name in ("canvas", "moodle", "brightspace", "blackboard", "sakai")
    }
    best = max(counts, key=lambda name: counts[name])
    if 2 * counts[best] > len(paths):
        return best
    students = {path.parts[0] for path in paths}
    others = {path.parts[0] for path in paths if not _in_an_exercise(path, exercises)}
    return "folder" if 2 * len(others) >= len(students) else "nbgrader"


def _in_an_exercise(path: PurePosixPath, exercises: Collection[str]) -> bool:
    return len(path.parts) > 2 and path.parts[1] in exercises  # noqa: PLR2004 - STUDENT/NN/FILE


def _exchange_time(text: str) -> datetime | None:
    """`2026-11-20 10:11:12.000000`, in UTC."""
    try:
        time = datetime.strptime(text.partition(".")[0].replace("_", ":"), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - said next
    except ValueError:
        return None
    return time.replace(tzinfo=UTC)
