"""Which of somebody's versions counts on Submitty: the student chooses it, or withdraws all.

Source: Submitty's MiscController.php (downloadAssignedZips) and SubmissionController.php, and its
scripts that skip who cancelled.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from grader.intake.owned import Owned
from grader.intake.pieces import Piece

SETTINGS = "user_assignment_settings.json"
"""Lies beside the folders `1`, `2`, ... of a student's versions."""
WITHDRAWN = 0
"""Stands for the version of who took the submission back."""
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:?\d\d(?!\d)")
"""The name of a zone may stand behind it."""


class Active(NamedTuple):
    """The version that counts."""

    number: int
    submitted: datetime | None
    """When it was handed in, where the settings say it."""


def read_settings(data: bytes) -> Active | None:
    """Return the version that counts; None: the file does not say it."""
    try:
        settings = json.loads(data)
    except (ValueError, RecursionError):
        return None
    number = settings.get("active_version") if isinstance(settings, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or number < WITHDRAWN:
        return None
    return Active(number, _handed_in(settings.get("history"), number))


def _handed_in(history: Any, number: int) -> datetime | None:
    """Return the time of the version's first entry: those after it say when it was chosen."""
    for entry in history if isinstance(history, list) else ():
        if isinstance(entry, dict) and entry.get("version") == number:
            found = _TIME.match(str(entry.get("time")))
            with suppress(ValueError):  # a 30th of February
                return datetime.fromisoformat(found[0]) if found else None
    return None


@dataclass
class Left:
    """Versions that do not count, and what is said of them."""

    lines: list[str] = field(default_factory=list)
    """Why each does not, for who runs the intake."""
    without: dict[tuple[str, str], str] = field(default_factory=dict)
    """By student and exercise: why nothing is left, for the student."""
    withdrawn: set[str] = field(default_factory=set)
    """Students who took all back."""
    chosen: set[tuple[str, str]] = field(default_factory=set)
    """By student and exercise: of which the student's own choice is left."""


class Versions:
    """The versions that count, of all students."""

    def __init__(self) -> None:
        self._active: dict[str, dict[PurePosixPath, Active]] = defaultdict(dict)
        """By student, and by the folder around the versions' folders."""

    def learn(self, settings: Owned, data: bytes) -> None:
        """Read the settings beside somebody's versions."""
        if active := read_settings(data):
            self._active[settings.student][settings.path.parent] = active

    def drop_others(self, handed_in: dict[tuple[str, str], list[Piece]]) -> Left:
        """Take out of what was handed in the versions that their student did not choose."""
        left = Left()
        for (student, exercise), some in list(handed_in.items()):
            kept, why = self._chosen(student, some)
            left.lines += [f"{student} {exercise}, {line}" for line in why]
            handed_in[student, exercise] = kept
            if kept and self._active.get(student):
                left.chosen.add((student, exercise))
            if not kept:
                del handed_in[student, exercise]
                active = self._active[student].values()
                withdrawn = all(each.number == WITHDRAWN for each in active)
                left.withdrawn |= {student} if withdrawn else set()
                reason = "was withdrawn" if withdrawn else "has no such file in its active version"
                left.without[student, exercise] = f"the submission on Submitty {reason}"
        return left

    def _chosen(self, student: str, some: Sequence[Piece]) -> tuple[list[Piece], list[str]]:
        """Return the pieces that count, and for each version of the others why it does not."""
        found, why = list[Piece](), dict[int, str]()
        for piece in some:
            counts, version = self._version(student, piece)
            if counts is None:
                found.append(piece)
            elif version == counts.number:
                owner = replace(piece.owner, submitted=counts.submitted or piece.owner.submitted)
                found.append(piece._replace(owner=owner))
            else:
                instead = f"version {counts.number} is the active one"
                reason = "it was withdrawn" if counts.number == WITHDRAWN else instead
                why[version] = f"version {version}: {reason}"
        return found, [why[version] for version in sorted(why)]

    def _version(self, student: str, piece: Piece) -> tuple[Active | None, int]:
        """Return which version counts where the piece lies, if any, and which one it is of."""
        for folder, counts in self._active.get(student, {}).items():
            if piece.owner.path.is_relative_to(folder):
                below = piece.owner.path.relative_to(folder).parts[0]
                if below.isdecimal():
                    return counts, int(below)
        return None, 0
