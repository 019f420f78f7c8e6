"""State that outlives a call, and arguments that nobody looks at."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.edits import (
    Function,
    Operator,
    bodies,
    functions,
    is_docstring,
    nodes,
    parse_statements,
    splicing,
)


def _cached(tree: ast.Module) -> Iterator[int]:
    """Compute a value once in the life of the process, in a global of the module."""
    for block in bodies(tree):
        for index, statement in enumerate(list(block)):
            match statement:
                case ast.Assign(targets=[ast.Name()], value=value) if nodes(value, ast.Call):
                    name = f"_{statement.targets[0].id}_cached"  # type: ignore[attr-defined]
                case _:
                    continue
            code = f"global {name}\ntry:\n    {name}\nexcept NameError:\n    {name} = 0\n"
            new = parse_statements(code)
            first = new[1]
            assert isinstance(first, ast.Try)
            assignment = first.handlers[0].body[0]
            assert isinstance(assignment, ast.Assign)
            assignment.value = value
            use = ast.Assign(statement.targets, ast.Name(name), lineno=statement.lineno)
            with splicing(block, index, index + 1, [*new, use]):
                yield statement.lineno


def _kept(tree: ast.Module) -> Iterator[int]:
    """Make a variable a global of the module: it begins once, and goes on in the next call."""
    for function in functions(tree):
        for index, statement in enumerate(list(function.body)):
            if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
                continue
            if nodes(statement.value, ast.Call, ast.Name, ast.Await):
                continue  # it depends on the call
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            if len(names) != len(targets):
                continue
            declared = parse_statements("global " + ", ".join(names))
            once = parse_statements(f"try:\n    {names[0]}\nexcept NameError:\n    pass\n")
            first = once[0]
            assert isinstance(first, ast.Try)
            begun = ast.Assign(
                [ast.Name(name) for name in names], statement.value, lineno=statement.lineno
            )
            first.handlers[0].body[:] = [begun]
            with (
                splicing(function.body, index, index + 1, once),
                splicing(function.body, *_start(function), declared),
            ):
                yield statement.lineno


def _ignored(tree: ast.Module) -> Iterator[int]:
    """Give a parameter its default, whatever the caller says."""
    for function in functions(tree):
        arguments = function.args
        named = [*arguments.posonlyargs, *arguments.args]
        pairs = list(
            zip(named[len(named) - len(arguments.defaults) :], arguments.defaults, strict=True)
        )
        pairs += [
            (name, default)
            for name, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is not None
        ]
        for name, default in pairs:
            fixed = ast.Assign([ast.Name(name.arg)], default, lineno=function.lineno)
            with splicing(function.body, *_start(function), [fixed]):
                yield function.lineno


def _start(function: Function) -> tuple[int, int]:
    place = 1 if is_docstring(function.body[0]) else 0
    return place, place


OPERATORS: dict[str, Operator] = {
    "cache": _cached,
    "keep-state": _kept,
    "ignore-parameter": _ignored,
}
