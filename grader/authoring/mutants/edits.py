"""Edits of a syntax tree that are undone: each operator makes one, is looked at, and goes on."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Operator = Callable[[ast.Module], Iterator[int]]
"""Edits the tree in place, yields the line of the edit, undoes it, and goes on to the next."""

Function = ast.FunctionDef | ast.AsyncFunctionDef

QUIET = frozenset(
    {
        "close",
        "flush",
        "fsync",
        "seek",
        "truncate",
        "unlink",
        "write_text",
        "settimeout",
        "setsockopt",
        "setblocking",
        "shutdown",
        "is_set",
        "set",
        "clear",
        "kill",
        "terminate",
        "wait",
        "join",
        "cancel",
        "discard",
        "basic_qos",
        "confirm_delivery",
        "queue_declare",
        "exchange_declare",
    }
)
"""Calls that may be made twice, and whose own failure no exercise speaks of."""

JUMPS = (ast.Return, ast.Raise, ast.Break, ast.Continue)


def nodes(tree: ast.AST, *kinds: type[ast.AST]) -> list[Any]:
    """Return all nodes of these kinds, as they are before any edit."""
    return [node for node in ast.walk(tree) if isinstance(node, kinds)]


def functions(tree: ast.AST) -> list[Function]:
    """Return every function and method."""
    return [node for node in ast.walk(tree) if isinstance(node, Function)]


def blocks(tree: ast.AST) -> list[list[ast.stmt]]:
    """Return every list of statements, the module's own first; a docstring is part of it."""
    found: list[list[ast.stmt]] = []
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(node, field, None)
            if isinstance(block, list) and block:
                found.append(block)
    return found


def bodies(tree: ast.AST) -> list[list[ast.stmt]]:
    """Return the lists of statements that run when a function does."""
    seen: set[int] = set()
    found = []
    for function in functions(tree):
        for block in blocks(function):
            if id(block) not in seen:
                seen.add(id(block))
                found.append(block)
    return found


@contextmanager
def setting(owner: Any, field: str, value: object) -> Iterator[None]:
    """`owner.field` is `value` for a while."""
    before = getattr(owner, field)
    setattr(owner, field, value)
    try:
        yield
    finally:
        setattr(owner, field, before)


@contextmanager
def splicing(block: list[Any], start: int, stop: int, new: list[Any]) -> Iterator[None]:
    """`block[start:stop]` is `new` for a while; an empty list of statements is a `pass`."""
    before = list(block)
    block[start:stop] = new
    if not block and isinstance(before[0], ast.stmt):
        block.append(ast.Pass())
    try:
        yield
    finally:
        block[:] = before


def is_docstring(statement: ast.stmt) -> bool:
    """Tell whether it is a text that nothing is done with."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def is_action(statement: ast.stmt) -> bool:
    """Tell whether it calls, awaits or yields something, and keeps no value."""
    return isinstance(statement, ast.Expr) and isinstance(
        statement.value, ast.Call | ast.Await | ast.Yield | ast.YieldFrom
    )


def is_quiet(statement: ast.stmt) -> bool:
    """Tell whether it is a call that may be made twice, and whose failure no exercise speaks of."""
    match statement:
        case (
            ast.Expr(value=ast.Call() as call) | ast.Expr(value=ast.Await(value=ast.Call() as call))
        ):
            return called(call) in QUIET
    return False


def parse_statements(code: str) -> list[ast.stmt]:
    """Return the statements of `code`."""
    return ast.parse(code).body


def parse_expression(code: str) -> ast.expr:
    """Return the expression that `code` is."""
    return ast.parse(code, mode="eval").body


def called(call: ast.Call) -> str:
    """Return the last name of what is called, `loads` of `json.loads(...)`, or ""."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
