"""Names in a zip that does not tell their encoding: what may be a name, and what is none.

Explorer writes them in the code page of its country. In the wrong one they are still letters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from itertools import pairwise

from grader.errors import GraderError

_IN_NAMES = frozenset("ªº´·°")  # noqa: RUF001 - the accent is what people type for an apostrophe
"""Characters of those code pages that names have, beside letters: `Mª José`, `Gal·la`."""
_IN_NONE = frozenset("ƒ")
_WORD = re.compile(r"[^\W\d_]+")
_SHORTEST = 3
"""Letters of a word that is judged by how many of them are ASCII's."""


def decoded(raw: bytes) -> str:
    """Return a name in code page 437; in 850, Western Europe's, where only there it is a name."""
    american, western = raw.decode("cp437"), raw.decode("cp850")
    return western if may_be_western(western) and not may_be_western(american) else american


def may_be_western(name: str) -> bool:
    """Tell whether it can be a name in one of the two: Latin letters, most of them ASCII's."""
    words = _WORD.findall(name)
    return all(map(_is_latin, name)) and all(map(_is_word, words))


def require_western(students: Collection[str]) -> None:
    """Refuse a class whose names are in an encoding that the archive does not tell.

    Raises:
        GraderError: they are.
    """
    if odd := sorted(name for name in students if not may_be_western(name)):
        raise GraderError(
            f"The archive does not tell the encoding of its names, such as {odd[0]}",
            "Unpack it with a program that you can tell it, as `unzip -O gbk` or `7z x -mcp=936`, "
            "and name the folder; or pack it anew with names in UTF-8.",
        )


def _is_latin(character: str) -> bool:
    if character.isascii() or character in _IN_NAMES:
        return True
    latin = unicodedata.name(character, "").startswith("LATIN ")
    return latin and character not in _IN_NONE


def _is_word(word: str) -> bool:
    """Tell whether it has few letters beyond ASCII's, and no capital one of them inside."""
    others = [c for c in word if not c.isascii() and c not in _IN_NAMES]
    inside = any(a.islower() and b.isupper() and not b.isascii() for a, b in pairwise(word))
    if len(others) > 1 and inside:
        return False
    return len(word) < _SHORTEST or 3 * len(others) <= 2 * len(word)
