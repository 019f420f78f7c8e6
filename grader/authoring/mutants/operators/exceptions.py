"""What is caught, and what is done on every way out."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import product

from grader.authoring.mutants.edits import (
    JUMPS,
    Operator,
    bodies,
    called,
    is_action,
    is_quiet,
    nodes,
    parse_expression,
    setting,
    splicing,
)

_NARROWER = {
    "BaseException": ("Exception",),
    "Exception": ("ValueError", "RuntimeError", "OSError"),
    "OSError": ("FileNotFoundError", "ConnectionError"),
    "ValueError": ("UnicodeDecodeError", "json.JSONDecodeError"),
}
_OWN_ERRORS = frozenset({"decode", "float", "int", "isinstance", "loads", "str"})
"""Calls that raise what stands in the `except`, and nothing else that an exercise speaks of."""


def _widen(tree: ast.Module) -> Iterator[int]:
    """`except Exception`, `except BaseException` in place of what is expected."""
    for attempt in nodes(tree, ast.Try):
        calls = {called(call) for part in attempt.body for call in nodes(part, ast.Call)}
        if calls <= _OWN_ERRORS:
            continue
        for handler, wider in product(attempt.handlers, ("Exception", "BaseException")):
            with setting(handler, "type", parse_expression(wider)):
                yield handler.lineno


def _narrow(tree: ast.Module) -> Iterator[int]:
    """Catch a part of what is expected."""
    for handler in nodes(tree, ast.ExceptHandler):
        match handler.type:
            case None:
                narrower = ["Exception"]
            case ast.Tuple(elts=kinds):
                narrower = []
                for kind in kinds:
                    rest = [each for each in kinds if each is not kind]
                    with setting(handler.type, "elts", rest):
                        yield handler.lineno
            case kind:
                narrower = list(_NARROWER.get(ast.unparse(kind), ()))
        for name in narrower:
            with setting(handler, "type", parse_expression(name)):
                yield handler.lineno


def _drop_handler(tree: ast.Module) -> Iterator[int]:
    """One `except` less; without any, the body alone."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if not isinstance(statement, ast.Try):
                continue
            for place, handler in enumerate(list(statement.handlers)):
                with splicing(statement.handlers, place, place + 1, []):
                    if statement.handlers or statement.finalbody:
                        yield handler.lineno
                    else:
                        with splicing(
                            block, index, index + 1, [*statement.body, *statement.orelse]
                        ):
                            yield handler.lineno


def _drop_finally(tree: ast.Module) -> Iterator[int]:
    """Done only where nothing went wrong; or not at all."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if not isinstance(statement, ast.Try) or not statement.finalbody:
                continue
            last = statement.finalbody
            with setting(statement, "finalbody", []):
                rest = [statement] if statement.handlers else list(statement.body)
                for after in (last, []):
                    with splicing(block, index, index + 1, [*rest, *after]):
                        yield statement.lineno


def _drop_with(tree: ast.Module) -> Iterator[int]:
    """Open without closing: `x = open(...)` in place of `with open(...) as x`."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if not isinstance(statement, ast.With):
                continue
            opened: list[ast.stmt] = []
            for item in statement.items:
                if item.optional_vars is None:
                    opened.append(ast.Expr(item.context_expr))
                else:
                    opened.append(
                        ast.Assign(
                            [item.optional_vars], item.context_expr, lineno=item.context_expr.lineno
                        )
                    )
            with splicing(block, index, index + 1, [*opened, *statement.body]):
                yield statement.lineno


def _leave_with(tree: ast.Module) -> Iterator[int]:
    """Move the last statement of a `with` after it, when it is closed."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if isinstance(statement, ast.With) and len(statement.body) > 1:
                last = statement.body[-1]
                with (
                    setting(statement, "body", statement.body[:-1]),
                    splicing(block, index + 1, index + 1, [last]),
                ):
                    yield last.lineno


def _into_try(tree: ast.Module) -> Iterator[int]:
    """Move what follows a `try` into it: its exceptions are taken for those that are expected."""
    for block in bodies(tree):
        for index, (statement, after) in enumerate(zip(list(block), block[1:], strict=False)):
            if isinstance(statement, ast.Try) and statement.handlers and not statement.orelse:
                with (
                    setting(statement, "body", [*statement.body, after]),
                    splicing(block, index + 1, index + 2, []),
                ):
                    yield after.lineno


def _swallow(tree: ast.Module) -> Iterator[int]:
    """Whatever an action raises is nobody's business."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if is_action(statement) and not is_quiet(statement):
                handler = ast.ExceptHandler(parse_expression("Exception"), None, [ast.Pass()])
                whole = ast.Try(body=[statement], handlers=[handler], orelse=[], finalbody=[])
                with splicing(block, index, index + 1, [whole]):
                    yield statement.lineno


def _leave_on_error(tree: ast.Module) -> Iterator[int]:
    """Raise again in a handler, before or after what it does."""
    for handler in nodes(tree, ast.ExceptHandler):
        if isinstance(handler.body[-1], ast.Raise):
            continue
        done = [each for each in handler.body if not isinstance(each, (*JUMPS, ast.Pass))]
        with setting(handler, "body", [*done, ast.Raise()]):
            yield handler.lineno


OPERATORS: dict[str, Operator] = {
    "widen-except": _widen,
    "narrow-except": _narrow,
    "drop-except": _drop_handler,
    "drop-finally": _drop_finally,
    "drop-with": _drop_with,
    "leave-with": _leave_with,
    "into-try": _into_try,
    "swallow": _swallow,
    "leave-on-error": _leave_on_error,
}
