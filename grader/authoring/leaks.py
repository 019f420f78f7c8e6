"""Finds private code in what students get: copied, or with other comments, layout and names."""

from __future__ import annotations

import ast
import copy
import re
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_PRIVATE = ("solutions", "tests")
_NAMING = ("id", "arg", "name", "asname", "rest", "names")
"""Fields of a syntax tree's nodes in which a function's own name can be."""
_OTHERS_NAMES = {(ast.keyword, "arg"), (ast.alias, "name")}
"""And those in which it is somebody else's: a parameter of what is called, a module."""
_LEAST = 20
"""Nodes of a syntax tree; what is smaller, such as `return len(events)`, is nobody's secret."""
_PYTHON_IN_MARKDOWN = re.compile(r"(?ms)^[ >]*```(?:python|py)\b[^\n]*\n(.*?)^[ >]*```")
_PYTHON = (".py", ".txt")
"""The stubs that `grader reset` puts back are Python with another ending; other text is none."""
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def find_leak(root: Path, files: Iterable[Path]) -> str:
    """Return a sentence on the first of `files` (below `root`) that holds private code, or "".

    Private is what lies in solutions/ and tests/. A file leaks when its bytes are those of a
    private one, or when a function in it, or in a lesson's Python block, does the same as a
    private function, statement by statement, whatever its comments, docstrings and names.
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
    if file.suffix in _PYTHON:
        for name, body in _bodies(text):
            yield f"{name}()", body
    elif file.suffix == ".md":
        for block in _PYTHON_IN_MARKDOWN.findall(text):
            for name, body in _bodies(textwrap.dedent(block)):
                yield f"{name}()", body


def _bodies(text: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the shape of each function that does something."""
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
    """Return what the function does, its parameters and variables numbered; "" for too little."""
    body = _without_docstring(function)
    inner = [node for statement in body for node in ast.walk(statement)]
    if len(inner) < _LEAST:
        return ""
    own = {name for node in (*ast.walk(function.args), *inner) for name in _bound(node)}
    numbered = _Numbered(own)
    return "\n".join(ast.dump(numbered.visit(copy.deepcopy(statement))) for statement in body)


def _without_docstring(function: _Function) -> list[ast.stmt]:
    return function.body[1:] if ast.get_docstring(function) is not None else function.body


def _bound(node: ast.AST) -> Iterator[str]:
    """Yield the names that a node gives to something; an import keeps the one it has elsewhere."""
    match node:
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.arg(arg=name) | ast.alias(asname=str(name)):
            yield name
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            yield name
        case (
            ast.ExceptHandler(name=str(name))
            | ast.MatchAs(name=str(name))
            | ast.MatchStar(name=str(name))
            | ast.MatchMapping(rest=str(name))
        ):
            yield name


class _Numbered(ast.NodeTransformer):
    """Puts a number in the place of each of a function's own names, in the order of their use."""

    def __init__(self, own: set[str]) -> None:
        self._own = own
        self._numbers: dict[str, str] = {}

    def generic_visit(self, node: ast.AST) -> ast.AST:
        for field, value in ast.iter_fields(node):
            if field in _NAMING and (type(node), field) not in _OTHERS_NAMES:
                setattr(node, field, self._number(value))
        if isinstance(node, _Function):
            node.body = _without_docstring(node)
        return super().generic_visit(node)

    def _number(self, name: Any) -> Any:
        if isinstance(name, list):  # those of global and nonlocal
            return [self._number(each) for each in name]
        if name not in self._own:
            return name
        return self._numbers.setdefault(name, f"#{len(self._numbers)}")
