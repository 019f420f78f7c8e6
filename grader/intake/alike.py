"""Names that may be one person's though they are written in two ways.

Programs and people differ in quotes, in spaces and in which name they put first: `Doe, Jane` is
Jane Doe.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable

from grader.spelling import folded, normal

_QUOTES = str.maketrans(dict.fromkeys("’‘ʼʻ`´′＇", "'"))  # noqa: RUF001 - those are meant
_DASHES = str.maketrans(dict.fromkeys("‐‑‒–—−", "-"))  # noqa: RUF001 - those are meant
_KEPT = "\u200c\u200d\u202d\u202e"
"""Joiners, which words of some languages and emoji need, and what turns letters round: no two names
with and without it look the same."""
COPY = "copy|kopie|copie|copia|cópia|kopia|kopi"
"""What Windows and others add to what is there already."""
_AGAIN = re.compile(rf" ?\(\d{{1,3}}\)$| - (?:{COPY})(?: \(\d+\))?$", re.IGNORECASE)
_NO_WORD = re.compile(r"[\W_]+")


def without_marks(name: str) -> str:
    """Return `name` without characters that nobody sees: marks of direction, spaces of no width."""
    return "".join(c for c in name if unicodedata.category(c) != "Cf" or c in _KEPT)


def as_read(name: str) -> str:
    """Return what two names have in common that a person reads as the same: `Doe, Jane`."""
    plain = folded(without_marks(name)).translate(_QUOTES).translate(_DASHES)
    last, comma, first = (part.strip() for part in plain.partition(","))
    return " ".join(f"{first} {last}".split() if comma and first else plain.split())


def may_be_there(
    names: Iterable[str], there: Collection[str], taken: Collection[str]
) -> dict[str, str]:
    """Return, of people who have no folder of their name, the folder that may be of each.

    Args:
        names: the folders that people would get.
        there: the folders of earlier intakes.
        taken: folders that belong to somebody else for sure.
    """
    exact, others = {normal(each) for each in there}, {normal(each) for each in taken}
    by_key: dict[str, list[str]] = defaultdict(list)
    for each in sorted(exact - others):
        for key in _keys(each):
            by_key[key].append(each)
    found = {}
    for name in sorted({*names} - exact):
        some = {each for key in _keys(name) for each in by_key[key] if _may_be_one(name, each)}
        if some:
            found[name] = min(some)
    return found


def _keys(name: str) -> set[str]:
    """Return what the name shares with each that may be the same."""
    plain = _AGAIN.sub("", name)
    letters = _letters(plain)
    return {as_read(plain), " ".join(letters)} if len(letters) > 1 else {as_read(plain)}


def _may_be_one(name: str, other: str) -> bool:
    """Tell whether two names are read alike, or have the same words and at most one a number."""
    name, other = _AGAIN.sub("", name), _AGAIN.sub("", other)
    if as_read(name) == as_read(other):
        return True
    letters, words, others = _letters(name), _words(name), _words(other)
    same = letters == _letters(other)
    return same and len(letters) > 1 and (words == others or letters in (words, others))


def _letters(name: str) -> list[str]:
    return [word for word in _words(name) if not word.isdecimal()]


def _words(name: str) -> list[str]:
    """Return the words of a name, whichever is first: `Doe_Jane` and `jane.doe` have the same."""
    return sorted(word for word in _NO_WORD.split(folded(without_marks(name))) if word)
