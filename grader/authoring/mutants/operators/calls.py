"""Calls: options dropped, changed and added, and a method that is nearly the right one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.authoring.mutants.edits import (
    Operator,
    called,
    nodes,
    parse_expression,
    setting,
    splicing,
)

_VALUES = {
    "MaxNumberOfMessages": ("1", "10"),
    "VisibilityTimeout": ("0", "'0'"),
    "WaitTimeSeconds": ("0", "1", "20"),
    "block": ("0",),
    "count": ("1",),
    "prefetch_count": ("0", "1", "1000"),
    "requeue": ("True", "False"),
    "timeout": ("0", "0.01", "None", "5"),
}
"""Other values of an option than a constant's neighbours."""
_ADDED = {
    "basic_ack": ("multiple=True",),
    "basic_consume": ("auto_ack=True", "exclusive=True"),
    "basic_nack": ("multiple=True",),
    "consume": ("auto_ack=True", "exclusive=True", "inactivity_timeout=1"),
    "dumps": ("ensure_ascii=False", "indent=1", "sort_keys=True"),
    "queue_declare": ("exclusive=True", "auto_delete=True", "passive=True"),
    "receive_message": ("VisibilityTimeout=0", "VisibilityTimeout=600"),
    "basic_qos": ("global_qos=True",),
    "open": ("errors='replace'",),
}
_NEARLY = {
    "all": ("any",),
    "any": ("all",),
    "basic_ack": ("basic_nack", "basic_reject"),
    "basic_nack": ("basic_ack",),
    "basic_reject": ("basic_ack",),
    "endswith": ("startswith",),
    "find": ("rfind",),
    "index": ("rindex",),
    "kill": ("terminate",),
    "lstrip": ("rstrip",),
    "max": ("min",),
    "min": ("max",),
    "partition": ("rpartition",),
    "read": ("readline",),
    "readline": ("read",),
    "removesuffix": ("removeprefix",),
    "replace": ("rename",),
    "rfind": ("find",),
    "rindex": ("index",),
    "rpartition": ("partition",),
    "rstrip": ("lstrip", "strip"),
    "sendall": ("send",),
    "startswith": ("endswith",),
    "terminate": ("kill",),
    "put": ("put_nowait",),
    "get": ("get_nowait",),
    "append": ("extend",),
    "join": ("is_alive",),
}


def _drop_keyword(tree: ast.Module) -> Iterator[int]:
    """Leave an option out, so that the library's default holds."""
    for call in nodes(tree, ast.Call):
        for index, keyword in enumerate(list(call.keywords)):
            with splicing(call.keywords, index, index + 1, []):
                yield keyword.value.lineno


def _change_keyword(tree: ast.Module) -> Iterator[int]:
    """Another value of an option that this field knows."""
    for call in nodes(tree, ast.Call):
        for keyword in call.keywords:
            for value in _VALUES.get(keyword.arg or "", ()):
                with setting(keyword, "value", parse_expression(value)):
                    yield call.lineno


def _change_entry(tree: ast.Module) -> Iterator[int]:
    """Drop an entry of a dict of options."""
    for literal in nodes(tree, ast.Dict):
        for index, value in enumerate(list(literal.values)):
            with (
                splicing(literal.keys, index, index + 1, []),
                splicing(literal.values, index, index + 1, []),
            ):
                yield value.lineno


def _add_keyword(tree: ast.Module) -> Iterator[int]:
    """Add an option that should not be there."""
    for call in nodes(tree, ast.Call):
        known = {keyword.arg for keyword in call.keywords}
        for option in _ADDED.get(called(call), ()):
            name, _, value = option.partition("=")
            if name not in known:
                new = ast.keyword(name, parse_expression(value))
                with splicing(call.keywords, len(call.keywords), len(call.keywords), [new]):
                    yield call.lineno


def _nearly(tree: ast.Module) -> Iterator[int]:
    """Call a neighbour of the method or function."""
    for call in nodes(tree, ast.Call):
        field = "id" if isinstance(call.func, ast.Name) else "attr"
        for name in _NEARLY.get(called(call), ()):
            with setting(call.func, field, name):
                yield call.lineno


def _splitlines(tree: ast.Module) -> Iterator[int]:
    """Lines that end at any line end, or any white space, in place of byte 0x0A."""
    for call in nodes(tree, ast.Call):
        if called(call) == "split" and isinstance(call.func, ast.Attribute):
            with setting(call, "args", []):
                yield call.lineno
                with setting(call.func, "attr", "splitlines"):
                    yield call.lineno


def _decode(tree: ast.Module) -> Iterator[int]:
    """Bytes that are no UTF-8 are taken for text."""
    for call in nodes(tree, ast.Call):
        if called(call) == "loads" and len(call.args) == 1:
            text = ast.unparse(call.args[0])
            for how in ("errors='replace'", "'latin-1'"):
                lenient = f"bytes({text}).decode({how}) if not isinstance({text}, str) else {text}"
                with setting(call, "args", [parse_expression(lenient)]):
                    yield call.lineno
        if called(call) == "decode" and not call.keywords:
            for args, keywords in (("'latin-1'", ""), ("'utf-8'", "'ignore'"), ("'ascii'", "")):
                new = [parse_expression(each) for each in (args, keywords) if each]
                with setting(call, "args", new):
                    yield call.lineno


def _swap_arguments(tree: ast.Module) -> Iterator[int]:
    """Two positional arguments in the other order."""
    for call in nodes(tree, ast.Call):
        for index, (first, second) in enumerate(zip(list(call.args), call.args[1:], strict=False)):
            with splicing(call.args, index, index + 2, [second, first]):
                yield call.lineno


def _unwrap(tree: ast.Module) -> Iterator[int]:
    """Replace a call by its only argument: no `int(...)`, no `str(...)`, no `list(...)`."""
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if _wraps(value) and not isinstance(parent, ast.Expr):
                with setting(parent, field, value.args[0]):
                    yield value.lineno
            elif isinstance(value, list):
                for index, each in enumerate(list(value)):
                    if _wraps(each):
                        with splicing(value, index, index + 1, [each.args[0]]):
                            yield each.lineno


def _wraps(value: object) -> bool:
    match value:
        case ast.Call(args=[argument], keywords=[]):
            return not isinstance(argument, ast.Starred)
    return False


OPERATORS: dict[str, Operator] = {
    "drop-keyword": _drop_keyword,
    "change-keyword": _change_keyword,
    "drop-entry": _change_entry,
    "add-keyword": _add_keyword,
    "nearly": _nearly,
    "splitlines": _splitlines,
    "decode": _decode,
    "swap-arguments": _swap_arguments,
    "unwrap": _unwrap,
}
