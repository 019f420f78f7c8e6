"""What people call folders: their own work and its copies, a part of a class; else a name."""

from __future__ import annotations

import re

from grader.intake.dates import stamp
from grader.intake.packed import version
from grader.spelling import folded, squeezed

_COPIES = {
    "old",
    "new",
    "final",
    "draft",
    "backup",
    "backups",
    "copy",
    "work",
    "stub",
    "tmp",
    "temp",
    "alt",
    "neu",
    "kopie",
    "sicherung",
    "original",
    "solution",
    "mine",
    "src",
    "code",
    "bak",
}
"""What people call folders of their own work, squeezed and without digits."""

_CALLED_AS_WORK = {
    "exercise",
    "exercises",
    "ex",
    "assignment",
    "homework",
    "hw",
    "task",
    "question",
    "lab",
    "week",
    "aufgabe",
    "aufgaben",
    "abgabe",
    "abgaben",
    "blatt",
    "übung",
    "uebung",
    "project",
    "projekt",
    "submission",
    "submissions",
    "files",
    "code",
    "course",
    "coursemain",
    "python",
    "solutions",
    "test",
    "tests",
    "demo",
    "notebook",
    "notebooks",
    "my",
    "mein",
    "meine",
    "mon",
    "mi",
    "main",
    "fixed",
    "finished",
}
"""What people call a folder for an exercise, squeezed and without digits."""

_SHORTEST_NUMBER = 4
"""Digits of what may be a student's number."""
_SECTIONS = ("group", "grupp", "grupo", "team", "section", "sektion", "class", "tutori", "seminar")
"""How names of a part of a class begin, squeezed and without digits."""

_BESIDE_A_NAME = {
    "copy",
    "of",
    "kopie",
    "von",
    "copie",
    "de",
    "copia",
    "di",
    "kopia",
    "cópia",
    "kopi",
    "av",
    "final",
    "finished",
    "fixed",
    "done",
    "new",
    "neu",
    "old",
    "alt",
    "last",
    "latest",
    "v",
    "my",
    "version",
    "draft",
    "backup",
    "bak",
    "submission",
    "submit",
    "abgabe",
    "solution",
    "solved",
    "exercise",
    "ex",
    "task",
    "assignment",
    "homework",
    "hw",
    "lab",
    "aufgabe",
    "übung",
}
"""What people and their systems add to the name of a file, a word each."""


_WORD = re.compile(r"[^\W\d_]+")
_CONFLICT = re.compile(
    r" ?\([^()]*\b(?:conflict(?:ed copy)?|in konflikt stehende kopie|copie en conflit)\b[^()]*\)"
    r"|\.sync-conflict-[\w-]+",
    re.IGNORECASE,
)


def is_copy_of(given: str, name: str, owner: str = "") -> bool:
    """Tell whether a file is called like `name` but for such words: `Copy of polling.py`.

    So it is with the name of its owner beside, or of the folders around: `polling_Jane Doe.py`.
    """
    stem, dot, ending = folded(given).removesuffix(".txt").rpartition(".")
    wanted, _, kind = name.rpartition(".")
    beside = {*_BESIDE_A_NAME, *_WORD.findall(folded(owner))}
    kept = [word for word in _WORD.findall(stem) if word not in beside]
    return bool(dot) and ending == kind and "".join(kept) == squeezed(wanted)


def is_conflict_of(given: str, name: str) -> bool:
    """Tell whether a program that synchronises folders put the file beside `name`.

    Nextcloud and Dropbox write `polling (conflicted copy 2026-11-20 101112).py`, Syncthing
    `polling.sync-conflict-20261120-101112-ABCDEFG.py`.
    """
    return folded(_CONFLICT.sub("", given)) == folded(name) != folded(given)


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
    return not version(folder) and not stamp(folder) and _letters(folder) not in _COPIES


def is_called_as_work(folder: str) -> bool:
    """Tell whether it is what people call a folder for an exercise: `Homework 1`."""
    letters = _letters(folder)
    return letters in _CALLED_AS_WORK or (not letters and len(folder) < _SHORTEST_NUMBER)


def begins_as_work(folder: str) -> bool:
    """Tell whether its first words are what people call an exercise: `Question_2_-_pipes`."""
    words = re.findall(r"[^\W\d_]+|\d+", folded(folder))
    return len(words) > 1 and words[0] in _CALLED_AS_WORK and words[1].isdecimal()


def _letters(folder: str) -> str:
    return "".join(c for c in squeezed(folder) if not c.isdigit())
