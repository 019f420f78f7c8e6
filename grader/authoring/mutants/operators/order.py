"""What is done, how often and in which order: acknowledge and handle, store and handle."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.edits import (
    JUMPS,
    Operator,
    blocks,
    bodies,
    is_action,
    is_docstring,
    is_quiet,
    nodes,
    parse_expression,
    splicing,
)

_FIXED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_PINNED = (*_FIXED, *JUMPS, ast.Global, ast.Nonlocal, ast.Pass)
_EFFECTS = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.Attribute, ast.Subscript)


def _drop_action(tree: ast.Module) -> Iterator[int]:
    """No flush, close, acknowledgement, handle, ..."""
    for block in blocks(tree):
        for index, statement in enumerate(list(block)):
            if is_action(statement):
                with splicing(block, index, index + 1, []):
                    yield statement.lineno


def _drop_assignment(tree: ast.Module) -> Iterator[int]:
    """No new value for a name that has one."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            augmented = isinstance(statement, ast.AugAssign)
            if augmented or isinstance(statement, ast.Assign | ast.AnnAssign):
                with splicing(block, index, index + 1, []):
                    yield statement.lineno


def _drop_jump(tree: ast.Module) -> Iterator[int]:
    """No break, no continue, no early return, no exception."""
    for block in blocks(tree):
        for index, statement in enumerate(list(block)):
            if isinstance(statement, JUMPS):
                with splicing(block, index, index + 1, []):
                    yield statement.lineno


def _drop_block(tree: ast.Module) -> Iterator[int]:
    """No `if`, no loop: the whole statement is missing."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if isinstance(statement, ast.If | ast.For | ast.While | ast.AsyncFor):
                with splicing(block, index, index + 1, []):
                    yield statement.lineno


def _repeat_action(tree: ast.Module) -> Iterator[int]:
    """Done twice."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if is_action(statement) and not is_quiet(statement):
                with splicing(block, index, index, [statement]):
                    yield statement.lineno


def _swap(tree: ast.Module) -> Iterator[int]:
    """Two neighbours in the other order."""
    for block in bodies(tree):
        for index, (first, second) in enumerate(zip(list(block), block[1:], strict=False)):
            if _may_move(first) and _may_move(second) and not _independent(first, second):
                with splicing(block, index, index + 2, [second, first]):
                    yield first.lineno


def _move(tree: ast.Module) -> Iterator[int]:
    """Move an action to the beginning or end of its block; `_swap` has the neighbour's place."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            if not is_action(statement):
                continue
            rest = [each for each in block if each is not statement]
            first = next((n for n, each in enumerate(rest) if not is_docstring(each)), len(rest))
            last = len(rest) - bool(rest and isinstance(rest[-1], JUMPS))
            for place in (first, last):
                if abs(place - index) > 1:
                    new = [*rest[:place], statement, *rest[place:]]
                    with splicing(block, 0, len(block), new):
                        yield statement.lineno


def _move_out(tree: ast.Module) -> Iterator[int]:
    """Move an action out of the loop, the `with` or the `try`: once, after it or before it."""
    for outer in bodies(tree):
        for index, compound in enumerate(list(outer)):
            if isinstance(compound, _FIXED):
                continue
            for inner in _own_blocks(compound):
                for place, statement in enumerate(list(inner)):
                    if not (is_action(statement) or isinstance(statement, ast.AugAssign)):
                        continue
                    with splicing(inner, place, place + 1, []):
                        with splicing(outer, index + 1, index + 1, [statement]):
                            yield statement.lineno
                        with splicing(outer, index, index, [statement]):
                            yield statement.lineno


def _finally_next(tree: ast.Module) -> Iterator[int]:
    """Do what follows although the statement before it raised."""
    for block in bodies(tree):
        for index, (first, second) in enumerate(zip(list(block), block[1:], strict=False)):
            if not is_action(first) or is_quiet(first):
                continue
            if not isinstance(second, (*_FIXED, *JUMPS)):
                whole = ast.Try(body=[first], handlers=[], orelse=[], finalbody=[second])
                with splicing(block, index, index + 2, [whole]):
                    yield first.lineno


def _reverse_loop(tree: ast.Module) -> Iterator[int]:
    """Go through a sequence from its end."""
    for loop in nodes(tree, ast.For, ast.comprehension):
        before = loop.iter
        loop.iter = ast.Call(parse_expression("reversed"), [_listed(before)], [])
        yield before.lineno
        loop.iter = before


def _loop_once(tree: ast.Module) -> Iterator[int]:
    """`while` becomes `if`, and a `for` ends after its first round."""
    for block in bodies(tree):
        for loop in list(block):
            if isinstance(loop, ast.While | ast.For):
                once = [*loop.body, ast.Break()]
                with splicing(loop.body, 0, len(loop.body), once):
                    yield loop.lineno


def _listed(value: ast.expr) -> ast.expr:
    return ast.Call(parse_expression("list"), [value], [])


def _own_blocks(statement: ast.stmt) -> list[list[ast.stmt]]:
    found = [getattr(statement, field, None) for field in ("body", "orelse", "finalbody")]
    found += [handler.body for handler in getattr(statement, "handlers", [])]
    return [block for block in found if block]


def _may_move(statement: ast.stmt) -> bool:
    return not isinstance(statement, _PINNED) and not is_docstring(statement)


def _independent(first: ast.stmt, second: ast.stmt) -> bool:
    """Tell whether nobody can tell which of the two comes first: plain values, other names."""
    plain = [
        isinstance(one, ast.Assign | ast.AnnAssign) and not nodes(one, *_EFFECTS)
        for one in (first, second)
    ]
    begun = any(isinstance(getattr(one, "value", None), ast.Constant) for one in (first, second))
    if not (all(plain) or (any(plain) and begun)):
        return False
    return not _names(first, ast.Store) & _names(second) and not _names(second, ast.Store) & _names(
        first
    )


def _names(statement: ast.stmt, kind: type[ast.expr_context] = ast.expr_context) -> set[str]:
    return {name.id for name in nodes(statement, ast.Name) if isinstance(name.ctx, kind)}


OPERATORS: dict[str, Operator] = {
    "drop-action": _drop_action,
    "drop-assignment": _drop_assignment,
    "drop-jump": _drop_jump,
    "drop-block": _drop_block,
    "repeat-action": _repeat_action,
    "swap": _swap,
    "move": _move,
    "move-out": _move_out,
    "finally-next": _finally_next,
    "reverse-loop": _reverse_loop,
    "loop-once": _loop_once,
}
