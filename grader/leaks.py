"""Finds private code in what students get: copied, or with other comments, layout and names."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

_PRIVATE = ("solutions", "tests")
_LEAST = 20
"""Nodes of a syntax tree; what is smaller, such as `return len(events)`, is nobody's secret."""
_PYTHON_IN_MARKDOWN = re.compile(r"(?ms)^[ >]*```(?:python|py)\b[^\n]*\n(.*?)^[ >]*```")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_leak(root: Path, files: Iterable[Path]) -> str:
    """A sentence on the first of `files` (relative to `root`) that holds private code, or "".

    Private is what lies in solutions/ and tests/. A file leaks when its bytes are those of a
    private one, or when a function in it, or in a lesson's Python block, does the same as a
    private function, statement by statement, whatever its comments, docstring and names.
    """
    contents: set[bytes] = set()
    bodies: dict[str, str] = {}
    for path in _private_files(root):
        data = path.read_bytes()
        contents.add(data)
        text = data.decode("utf-8", "replace")
        for name, body in _bodies(text):
            bodies.setdefault(body, f"{name}() in {path.relative_to(root)}")
    for file in files:
        data = (root / file).read_bytes()
        if data in contents:
            return f"{file} has the content of a private file"
        for name, body in _bodies_of_file(file, data.decode("utf-8", "replace")):
            if body in bodies:
                return f"{name} in {file} is {bodies[body]}, which is private"
    return ""


def _private_files(root: Path) -> Iterator[Path]:
    for folder in _PRIVATE:
        for path in sorted((root / folder).rglob("*.py")):
            if path.is_file() and path.stat().st_size:
                yield path


def _bodies_of_file(file: Path, text: str) -> Iterator[tuple[str, str]]:
    if file.suffix == ".py":
        for name, body in _bodies(text):
            yield f"{name}()", body
    elif file.suffix == ".md":
        for block in _PYTHON_IN_MARKDOWN.findall(text):
            for name, body in _bodies(textwrap.dedent(block)):
                yield f"{name}()", body


def _bodies(text: str) -> Iterator[tuple[str, str]]:
    """The name and the shape of each function that does something."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return  # one of the submissions that cannot be read
    for node in ast.walk(tree):
        if isinstance(node, _Function):
            shape = _shape(node)
            if shape:
                yield node.name, shape


def _shape(function: _Function) -> str:
    """What the function does, with its parameters and variables numbered; "" for too little."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    inner = [node for statement in body for node in ast.walk(statement)]
    if len(inner) < _LEAST:
        return ""
    own = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
    own |= {n.id for n in inner if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    numbers: dict[str, int] = {}
    text = "\n".join(ast.dump(statement) for statement in body)
    return re.sub(
        r"(?<=id=')\w+(?=')",
        lambda found: (
            f"#{numbers.setdefault(found[0], len(numbers))}" if found[0] in own else found[0]
        ),
        text,
    )
