"""What a download holds, before it is known whose it is: files, and folders without any."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from grader.intake.litter import is_litter
from grader.intake.source import Source

ANYTHING = "*"
"""Stands for what would lie in an empty folder, and for what lies in one that is closed."""


@dataclass(frozen=True)
class Entry:
    """A file, or a folder that is empty or cannot be looked into."""

    path: PurePosixPath
    number: int | None = None
    """The file's in its Source; None for a folder."""
    fault: str = ""
    """Why the folder cannot be looked into."""

    @property
    def empty(self) -> bool:
        """Tell whether it is an empty folder."""
        return self.number is None and not self.fault


def entries_of(source: Source) -> list[Entry]:
    """Return what lies in `source`, without what a system leaves everywhere."""
    found = [Entry(path, number) for number, path in enumerate(source.paths)]
    found += [Entry(path, fault=why) for path, why in source.closed]
    found += [Entry(folder / ANYTHING) for folder in source.empty]
    return [entry for entry in found if not is_litter(entry.path)]
