"""How a file is written down: line ends, marks, tabs, encodings."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

_COMMENT = "# d\u00e9j\u00e0 vu\n"


def _lines_end_in(end: str) -> Callable[[str], bytes]:
    return lambda code: code.replace("\n", end).encode()


def _mark(code: str) -> bytes:
    """Begin with a byte order mark, as Windows' editors do."""
    return code.encode("utf-8-sig")


def _tabs(code: str) -> bytes:
    """Write a tab for four spaces."""
    text = ast.unparse(ast.parse(code))
    return re.sub(r"(?m)^(?: {4})+", lambda found: "\t" * (len(found[0]) // 4), text).encode()


def _form_feeds(code: str) -> bytes:
    """Put a form feed between the statements of the module, as Emacs sets pages."""
    tree = ast.parse(code)
    return "\n\f\n".join(ast.unparse(statement) for statement in tree.body).encode() + b"\n"


def _no_last_newline(code: str) -> bytes:
    return code.rstrip("\n").encode()


def _latin_1(code: str) -> bytes:
    """Declare an encoding (PEP 263), and add a comment that is no UTF-8."""
    text = ast.unparse(ast.parse(code))
    return f"# -*- coding: latin-1 -*-\n{_COMMENT}{text}\n".encode("latin-1", "backslashreplace")


def _declared_after_shebang(code: str) -> bytes:
    """Declare the encoding in the second line."""
    return f"#!/usr/bin/env python3\n# vim: set fileencoding=utf-8 :\n{_COMMENT}{code}".encode()


REWRITES: dict[str, Callable[[str], bytes]] = {
    "crlf": _lines_end_in("\r\n"),
    "cr": _lines_end_in("\r"),
    "bom": _mark,
    "tabs": _tabs,
    "form-feeds": _form_feeds,
    "no-last-newline": _no_last_newline,
    "latin-1": _latin_1,
    "shebang": _declared_after_shebang,
}
