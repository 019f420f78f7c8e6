"""Values: bounds off by one, other constants, other defaults, another value returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.edits import (
    Operator,
    functions,
    is_docstring,
    nodes,
    setting,
    splicing,
)

_BYTES = {b"\n": (b"\r\n", b"\r"), b"": (b"x",)}


def _slices(tree: ast.Module) -> Iterator[int]:
    """Move a slice's bound by one, further or nearer, or drop it."""
    for part in nodes(tree, ast.Slice):
        for field in ("lower", "upper"):
            bound = getattr(part, field)
            if bound is None:
                continue
            with setting(part, field, None):
                yield part.lineno
            for sign in (ast.Add(), ast.Sub()):
                with setting(part, field, ast.BinOp(bound, sign, ast.Constant(1))):
                    yield part.lineno
    for parent in nodes(tree, ast.Subscript):
        if isinstance(parent.slice, ast.Slice):
            with setting(parent, "slice", ast.Slice(None, None, None)):
                yield parent.lineno


def _compared(tree: ast.Module) -> Iterator[int]:
    """Move a bound of a comparison by one, by its other side."""
    for node in nodes(tree, ast.Compare):
        if isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE | ast.Eq):
            first = node.comparators[0]
            if isinstance(first, ast.Constant):
                continue  # a number's neighbours are the library's
            for sign in (ast.Add(), ast.Sub()):
                with splicing(node.comparators, 0, 1, [ast.BinOp(first, sign, ast.Constant(1))]):
                    yield node.lineno


def _constants(tree: ast.Module) -> Iterator[int]:
    """Another text, other bytes, another number; a number one larger is the library's."""
    texts = {id(each.value) for each in nodes(tree, ast.Expr) if is_docstring(each)}
    texts |= {
        id(part) for text in nodes(tree, ast.JoinedStr) for part in text.values
    }  # a part of an f-string is no expression of its own
    for node in nodes(tree, ast.Constant):
        if id(node) in texts:
            continue
        new: tuple[object, ...] = ()
        match node.value:
            case bool():
                pass  # the library's
            case str(value):
                new = ("", value + "x") if value else ("x",)
            case bytes(value):
                new = _BYTES.get(value, (b"",))
            case int(value):
                new = tuple({value - 1, value * 2, min(1, value)} - {value})
            case float(value):
                new = (value * 2, 0.0)
        for other in new:
            with setting(node, "value", other):
                yield node.lineno


def _texts(tree: ast.Module) -> Iterator[int]:
    """Drop the fixed parts of an f-string, all of them."""
    for node in nodes(tree, ast.JoinedStr):
        rest = [part for part in node.values if not isinstance(part, ast.Constant)]
        if len(rest) < len(node.values):
            with setting(node, "values", rest):
                yield node.lineno


def _defaults(tree: ast.Module) -> Iterator[int]:
    """Give a parameter another default."""
    for function in functions(tree):
        for defaults in (function.args.defaults, function.args.kw_defaults):
            for index, default in enumerate(list(defaults)):
                match default:
                    case ast.Constant(value=bool() | None | str()) | None:
                        continue
                    case ast.Constant(value=int() | float() as value):
                        new: ast.expr = ast.Constant(value + 1)
                    case _:
                        new = ast.Constant(None)
                with splicing(defaults, index, index + 1, [new]):
                    yield function.lineno


def _returned(tree: ast.Module) -> Iterator[int]:
    """Nothing returned, or one more."""
    for node in nodes(tree, ast.Return):
        value = node.value
        if value is None or (isinstance(value, ast.Constant) and value.value is None):
            continue
        with setting(node, "value", None):
            yield node.lineno
        if isinstance(value, ast.Name):
            for sign in (ast.Add(), ast.Sub()):
                with setting(node, "value", ast.BinOp(value, sign, ast.Constant(1))):
                    yield node.lineno
        if isinstance(value, ast.Tuple):
            for index, empty in enumerate((ast.List([]), ast.Constant(0))):
                with splicing(value.elts, index, index + 1, [empty]):
                    yield node.lineno


OPERATORS: dict[str, Operator] = {
    "slice": _slices,
    "bound": _compared,
    "constant": _constants,
    "f-string": _texts,
    "default": _defaults,
    "return": _returned,
}
