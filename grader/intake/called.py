"""What people call folders: their own work and its copies, a part of a class; else a name."""

from __future__ import annotations

import re

from grader.intake.packed import version
from grader.spelling import folded, squeezed

_COPIES = {
    *("old", "new", "final", "draft", "backup", "backups", "copy", "work", "stub", "tmp", "temp"),
    *("alt", "neu", "kopie", "sicherung", "original", "solution", "mine", "src", "code", "bak"),
}
"""What people call folders of their own work, squeezed and without digits."""


_CALLED_AS_WORK = {
    *("", "exercise", "exercises", "ex", "assignment", "homework", "hw", "task", "lab", "week"),
    *("aufgabe", "aufgaben", "abgabe", "abgaben", "blatt", "übung", "uebung", "project", "projekt"),
    *("submission", "submissions", "files", "code", "course", "coursemain", "python", "solutions"),
}
"""What people call a folder for an exercise, squeezed and without digits."""

_SECTIONS = ("group", "grupp", "grupo", "team", "section", "sektion", "class", "tutori", "seminar")
"""How names of a part of a class begin, squeezed and without digits."""


def is_part_of(top: str, inner: str) -> bool:
    """Tell whether a folder is called after its owner: `doe_jane/jane-polling`."""
    words = re.findall(r"[^\W\d_]{3,}", folded(top))
    return any(word in squeezed(inner) for word in words) or squeezed(inner) in squeezed(top)


def may_be_a_section(folder: str) -> bool:
    """Tell whether it is a part of a class by its name: `A`, `Group 2`."""
    letters = _letters(folder)
    return len(letters) == 1 or any(letters.startswith(word) for word in _SECTIONS)


def may_be_a_name(folder: str) -> bool:
    """Tell whether it can be a person's name: it is no attempt, and no copy of own work."""
    return not version(folder) and _letters(folder) not in _COPIES


def is_called_as_work(folder: str) -> bool:
    """Tell whether it is what people call a folder for an exercise: `Homework 1`."""
    return _letters(folder) in _CALLED_AS_WORK


def _letters(folder: str) -> str:
    return "".join(c for c in squeezed(folder) if not c.isdigit())
