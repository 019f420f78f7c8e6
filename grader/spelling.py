"""Compare names of people: one spelling for the forms that Unicode has of the same text.

Source: Unicode Standard Annex 15, "Unicode Normalization Forms".
"""

from __future__ import annotations

import unicodedata


def normal(name: str) -> str:
    """Return `name` in normal form C, in which `ë` is one character.

    macOS and its archives write it as two, an `e` and a diaeresis.
    """
    return unicodedata.normalize("NFC", name)


def folded(name: str) -> str:
    """Return what a file system compares that knows neither case nor Unicode's forms."""
    return normal(normal(name).casefold())


def squeezed(name: str) -> str:
    """Return the letters and digits of `name` in lower case.

    An LMS leaves out, or replaces, different characters in the names of its downloads.
    """
    return "".join(c for c in folded(name) if c.isalnum())
