"""The folder of each student: the name and, where two people share one, a number behind it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping

from grader.intake.alike import without_marks
from grader.spelling import folded, normal

_CHARACTERS, _BYTES = 100, 200
"""Of a name; a number behind it still fits into what every file system takes."""

Person = tuple[str, str]
"""A name, and the number that the LMS has for its owner or ""."""


_DEVICES = {
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    *(f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"),
}
"""Source: Microsoft's documentation, "Naming Files, Paths, and Namespaces"."""


def clean_name(name: str) -> str:
    """Return a student's name as a folder can have it on every system."""
    seen = without_marks(normal(name))
    spaced = "".join(" " if c.isspace() and c > "~" else c for c in seen)
    kept = "".join(c if c.isprintable() and c not in '/\\:*?"<>|' else "_" for c in spaced)
    short = kept.strip(". ")[:_CHARACTERS].encode()[:_BYTES].decode(errors="ignore").rstrip(". ")
    if short.partition(".")[0].rstrip().casefold() in _DEVICES:
        short = f"_{short}"
    return short or "_"


def folders(
    people: Collection[Person], known: Mapping[Person, str], used: Collection[str]
) -> dict[Person, str]:
    """Return a folder for each person, which no file system takes for somebody else's.

    Args:
        people: whose work came.
        known: those of them who have a folder of an earlier time, and keep it.
        used: all folders that belong to somebody known.
    """
    chosen = {person: known[person] for person in people if person in known}
    taken = {folded(folder) for folder in used}
    ways: tuple[Callable[[str, str], str], ...] = (_plain, _numbered, _told_apart)
    for way in ways:
        left = {person: way(*person) for person in people if person not in chosen}
        wanted = Counter(folded(folder) for folder in left.values())
        free = {p: f for p, f in left.items() if wanted[folded(f)] == 1}
        free = {p: f for p, f in free.items() if folded(f) not in taken}
        chosen |= free
        taken |= {folded(folder) for folder in free.values()}
    return chosen


def _plain(name: str, _: str) -> str:
    return clean_name(name)


def _numbered(name: str, user: str) -> str:
    return f"{clean_name(name)}-{user or _digest(name)}"


def _told_apart(name: str, user: str) -> str:
    return f"{clean_name(name)}-{user}-{_digest(name)}"


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]


def short_names(names: set[str], kind: str, logins: Mapping[str, str]) -> dict[str, str]:
    """Return each name without what the source puts before it; two become one only by their login.

    Args:
        names: as the source has them.
        kind: the format of the source.
        logins: by name, where the source itself says them.
    """
    short = {name: name for name in names}
    if kind == "blackboard":
        # `Exercise 1_j_smith`; without a title that all share, a login without an underscore.
        prefix = _common_prefix(names, "_")
        short = {name: name.removeprefix(prefix or f"{name.rpartition('_')[0]}_") for name in names}
        return {name: logins.get(name, login) for name, login in short.items()}
    if kind == "github" and len(names) > 1:  # one name has nothing in common with another
        prefix = _common_prefix(names, "-")
        short = {name: name.removeprefix(prefix) for name in names}
    elif kind == "moodle":
        # `Group A-Jane Doe`: in a course with groups, everybody's name begins with one.
        groups = Counter(name.partition("-")[0] for name in names)
        if all("-" in name and groups[name.partition("-")[0]] > 1 for name in names):
            short = {name: name.partition("-")[2] for name in names}
    return short if len(set(short.values())) == len(names) else {name: name for name in names}


def _common_prefix(names: set[str], between: str) -> str:
    """Return the words that all names begin with, the assignment's title; no name's last word."""
    words = []
    for column in zip(*(name.split(between)[:-1] for name in sorted(names)), strict=False):
        if len(set(column)) > 1:
            break
        words.append(f"{column[0]}{between}")
    return "".join(words)
