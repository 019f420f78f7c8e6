"""Text that came from a submission, made harmless for each format."""

from __future__ import annotations

import re
import unicodedata

_FORMULA = re.compile(r"(^|[;,|])(?=[\s\"']*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
"""Where a formula may start: in a cell, and after what some country's spreadsheet takes for the end
of one. The last four are the wide forms. Source: OWASP, CSV Injection."""
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&:/@$^=\"'])")
_STEERING = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
"""Unicode's categories of control, format, surrogate and private characters and separators."""


def plain(text: str) -> str:
    """Return `text` without what steers who shows it: escapes, and changes of direction."""
    return "".join(
        c if c == "\n" or unicodedata.category(c) not in _STEERING else f"\\u{ord(c):04x}"
        for c in text
    )


def cell(text: str) -> str:
    """Return `text` as a spreadsheet's cell that is no formula."""
    return _FORMULA.sub(r"\1'", plain(text).replace("\n", " "))


def markdown(text: str) -> str:
    """Return `text` as Markdown that shows it and does nothing else, on one line."""
    return _MARKDOWN.sub(r"\\\1", plain(text).replace("\n", " "))


def xml(text: str) -> str:
    """Return `text` without what XML 1.0 cannot hold; the writer escapes the rest."""
    return "".join(c for c in plain(text) if c not in "\ufffe\uffff")
