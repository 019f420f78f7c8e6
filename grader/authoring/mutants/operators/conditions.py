"""Conditions: turned round, always so, never so, and truth in place of `is None`."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.edits import Operator, nodes, setting, splicing


def _negate(tree: ast.Module) -> Iterator[int]:
    """Take the other branch."""
    for node in nodes(tree, ast.If, ast.While, ast.IfExp):
        line = node.test.lineno
        with setting(node, "test", ast.UnaryOp(ast.Not(), node.test)):
            yield line
    for loop in nodes(tree, ast.comprehension):
        for index, test in enumerate(list(loop.ifs)):
            with splicing(loop.ifs, index, index + 1, [ast.UnaryOp(ast.Not(), test)]):
                yield test.lineno


def _fixed(tree: ast.Module) -> Iterator[int]:
    """Take always the same branch."""
    for node in nodes(tree, ast.If, ast.While, ast.IfExp):
        line = node.test.lineno
        for value in (True, False):
            with setting(node, "test", ast.Constant(value)):
                yield line
    for loop in nodes(tree, ast.comprehension):
        for index, test in enumerate(list(loop.ifs)):
            with splicing(loop.ifs, index, index + 1, []):
                yield test.lineno


def _drop_operand(tree: ast.Module) -> Iterator[int]:
    """One of several conditions missing."""
    for node in nodes(tree, ast.BoolOp):
        for index, value in enumerate(list(node.values)):
            with splicing(node.values, index, index + 1, []):
                yield value.lineno


def _truth(tree: ast.Module) -> Iterator[int]:
    """`if event` in place of `if event is not None`: what is empty counts as nothing."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            match value:
                case ast.Compare(left=left, ops=[ast.Is()], comparators=[ast.Constant(value=None)]):
                    with setting(parent, field, ast.UnaryOp(ast.Not(), left)):
                        yield value.lineno
                case ast.Compare(
                    left=left, ops=[ast.IsNot()], comparators=[ast.Constant(value=None)]
                ):
                    with setting(parent, field, left):
                        yield value.lineno


def _drop_else(tree: ast.Module) -> Iterator[int]:
    """No other branch."""
    for node in nodes(tree, ast.If, ast.For, ast.While, ast.Try):
        if node.orelse:
            first = node.orelse[0]
            with setting(node, "orelse", []):
                yield first.lineno


OPERATORS: dict[str, Operator] = {
    "negate": _negate,
    "always": _fixed,
    "drop-operand": _drop_operand,
    "truth": _truth,
    "drop-else": _drop_else,
}
