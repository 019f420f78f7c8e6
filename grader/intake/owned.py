"""Whose a file is, and which attempt: what a name in a download can say."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from typing import NamedTuple


class Attempt(NamedTuple):
    """Sorts later attempts behind earlier ones."""

    time: str = ""
    upload: int = 0
    """Canvas counts all uploads."""
    again: int = 0
    """And those of one file name."""


@dataclass(frozen=True)
class Owned:
    """A file that somebody handed in."""

    student: str
    path: PurePosixPath
    """Where it lay in what they handed in."""
    user: str = ""
    """The LMS's number for the student, where the name may be somebody else's too."""
    attempt: Attempt = field(default_factory=Attempt)
    submitted: datetime | None = None
    """When, where the name says so: in local time, as the LMS writes it."""
    late: bool = False
    receipt: bool = False
    """Whether the LMS itself wrote it, beside what was handed in."""
    typed: bool = False
    """Whether it holds what was typed into the LMS instead of a file: a text, or a link."""
    second: str = ""
    """Another number that the LMS has beside the user's: Brightspace's."""
