"""The same code in other words: names, annotations, keywords, `with` and `try`."""

from __future__ import annotations

import ast
from collections.abc import Callable

from grader.authoring.mutants.edits import (
    Function,
    functions,
    is_docstring,
    nodes,
    parse_statements,
)
from grader.authoring.mutants.edits import blocks as all_blocks


def _unparsed(change: Callable[[ast.Module], None]) -> Callable[[str], bytes]:
    def rewrite(code: str) -> bytes:
        tree = ast.parse(code)
        change(tree)
        return ast.unparse(ast.fix_missing_locations(tree)).encode() + b"\n"

    return rewrite


def _drop_annotations(tree: ast.Module) -> None:
    """No types anywhere but in classes, where they may be fields."""
    for function in functions(tree):
        function.returns = None
        for argument in nodes(function.args, ast.arg):
            argument.annotation = None
        for block in all_blocks(function):
            for index, statement in enumerate(block):
                if isinstance(statement, ast.AnnAssign) and statement.value is not None:
                    block[index] = ast.Assign([statement.target], statement.value, lineno=1)


def _postpone_annotations(tree: ast.Module) -> None:
    """`from __future__ import annotations`."""
    first = next((n for n, each in enumerate(tree.body) if not is_docstring(each)), 0)
    tree.body.insert(first, parse_statements("from __future__ import annotations")[0])


def _drop_docstrings(tree: ast.Module) -> None:
    for node in [tree, *functions(tree), *nodes(tree, ast.ClassDef)]:
        node.body[:] = [each for each in node.body if not is_docstring(each)] or [ast.Pass()]


def _under_if(tree: ast.Module) -> None:
    """All but the imports from the future in `if True:`."""
    future = [each for each in tree.body if _is_future(each)]
    rest = [each for each in tree.body if not _is_future(each) and not is_docstring(each)]
    tree.body[:] = [*future, ast.If(ast.Constant(value=True), rest, [])]


def _rename_locals(tree: ast.Module) -> None:
    """Another name for each local variable of a function that holds no other function."""
    for function in functions(tree):
        odd = (ast.Global, ast.Nonlocal, ast.Import, ast.ImportFrom, ast.Match, ast.ClassDef)
        if nodes(function, *odd, ast.Lambda) or len(functions(function)) > 1:
            continue
        if function not in tree.body:  # it may use names of the function around it
            continue
        own = {argument.arg for argument in nodes(function.args, ast.arg)}
        names = {
            name.id
            for name in nodes(function, ast.Name)
            if isinstance(name.ctx, ast.Store) and name.id not in own
        }
        for name in nodes(function, ast.Name):
            if name.id in names:
                name.id = f"the_{name.id}"


def _by_keyword(tree: ast.Module) -> None:
    """Call the module's own functions by keyword."""
    known = {each.name: _parameters(each) for each in tree.body if isinstance(each, Function)}
    for call in nodes(tree, ast.Call):
        if not isinstance(call.func, ast.Name) or call.func.id not in known:
            continue
        names = known[call.func.id]
        if len(call.args) > len(names) or nodes(call, ast.Starred):
            continue
        named = [ast.keyword(name, value) for name, value in zip(names, call.args, strict=False)]
        call.keywords[:0] = named
        call.args.clear()


def _try_for_with(tree: ast.Module) -> None:
    """`try` and `finally` in place of `with`."""
    number = 0
    for block in all_blocks(tree):
        for index, statement in list(enumerate(block)):
            if not isinstance(statement, ast.With):
                continue
            number += 1
            stack = f"_stack_{number}"
            entered: list[ast.stmt] = []
            for item in statement.items:
                enter = ast.parse(f"{stack}.enter_context()", mode="eval").body
                assert isinstance(enter, ast.Call)
                enter.args.append(item.context_expr)
                entered.append(
                    ast.Expr(enter)
                    if item.optional_vars is None
                    else ast.Assign([item.optional_vars], enter, lineno=1)
                )
            begun = parse_statements(f"{stack} = _contextlib.ExitStack()")
            left = parse_statements(f"{stack}.__exit__(*_sys.exc_info())")
            body = [*entered, *statement.body]
            block[index : index + 1] = [
                ast.If(ast.Constant(value=True), [*begun, ast.Try(body, [], [], left)], [])
            ]
    first = next((n for n, each in enumerate(tree.body) if not _is_leading(each)), 0)
    tree.body[first:first] = parse_statements(
        "import contextlib as _contextlib\nimport sys as _sys"
    )


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    plain = not (arguments.posonlyargs or arguments.vararg or arguments.kwarg)
    return [argument.arg for argument in arguments.args] if plain else []


def _is_future(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and statement.module == "__future__"


def _is_leading(statement: ast.stmt) -> bool:
    return is_docstring(statement) or _is_future(statement)


REWRITES: dict[str, Callable[[str], bytes]] = {
    "no-annotations": _unparsed(_drop_annotations),
    "future-annotations": _unparsed(_postpone_annotations),
    "no-docstrings": _unparsed(_drop_docstrings),
    "if-true": _unparsed(_under_if),
    "renamed-locals": _unparsed(_rename_locals),
    "by-keyword": _unparsed(_by_keyword),
    "try-for-with": _unparsed(_try_for_with),
}
