"""The functions of a module wrapped: decorated, objects, threads, other types, prints.

What is added stands at the end of the file, so that the functions call each other unwrapped, or
wrapped where they look a name up when they are called.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

_HEAD = """

import asyncio as _asyncio
import collections as _collections
import functools as _functools
import inspect as _inspect
import logging as _logging
import sys as _sys
import threading as _threading
import types as _types


def _caught(function, args, kwargs):
    try:
        return function(*args, **kwargs), None
    except BaseException as error:
        return None, error


def _told(value, error):
    if error is not None:
        raise error
    return value


class _Dict(dict):
    pass


class _Int(int):
    pass


class _Str(str):
    pass


class _Bytes(bytes):
    pass


class _List(list):
    pass


def _other(value):
    match value:
        case bool():
            return value
        case int():
            return _Int(value)
        case str():
            return _Str(value)
        case bytes():
            return _Bytes(value)
        case dict():
            return _Dict(value)
        case list():
            return _List(_other(each) for each in value)
        case tuple():
            kind = _collections.namedtuple("Pair", [f"field_{n}" for n in range(len(value))])
            return kind(*map(_other, value))
    return value


def _with_handle(function, change):
    @_functools.wraps(function)
    def wrapped(*args, **kwargs):
        bound = _inspect.signature(function).bind(*args, **kwargs)
        handle = bound.arguments.get("handle")
        if handle is not None:
            bound.arguments["handle"] = lambda event: handle(change(event))
        return function(*bound.args, **bound.kwargs)

    return wrapped

"""

_DECORATORS = {
    "wraps": """
def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper
""",
    "no-wraps": """
def _rewritten(function):
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)
    return wrapper
""",
    "partial": """
def _rewritten(function):
    return _functools.partial(function)
""",
    "callable-object": """
class _rewritten:
    def __init__(self, function):
        self.function = function

    def __call__(self, *args, **kwargs):
        return self.function(*args, **kwargs)
""",
    "bound-method": """
def _rewritten(function):
    class Consumer:
        def __init__(self):
            self.runs = 0

        def run(self, *args, **kwargs):
            self.runs += 1
            return function(*args, **kwargs)

    return Consumer().run
""",
    "keywords": """
def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(**_inspect.signature(function).bind(*args, **kwargs).arguments)
    return wrapper
""",
    "thread": """
def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        found = []
        thread = _threading.Thread(target=lambda: found.append(_caught(function, args, kwargs)))
        thread.start()
        thread.join()
        return _told(*found[0])
    return wrapper
""",
    "asyncio": """
def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        async def main():
            return await _asyncio.to_thread(_caught, function, args, kwargs)
        return _told(*_asyncio.run(main()))
    return wrapper
""",
    "returns-subclasses": """
def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        return _other(function(*args, **kwargs))
    return wrapper
""",
    "handles-dict-subclass": """
def _rewritten(function):
    return _with_handle(function, _Dict)
""",
    "handles-ordered-dict": """
def _rewritten(function):
    return _with_handle(function, _collections.OrderedDict)
""",
    "handles-mapping": """
def _rewritten(function):
    return _with_handle(function, _types.MappingProxyType)
""",
    "handles-user-dict": """
def _rewritten(function):
    return _with_handle(function, _collections.UserDict)
""",
    "prints": """
def _printed(event):
    print("handling", event)
    print("no newline", end="")
    print("to stderr", event, file=_sys.stderr)
    for stream in (_sys.stdout, _sys.stderr):
        stream.flush()
        stream.buffer.write(b"\\xff\\xfe\\x00 not UTF-8 \\r")
        stream.buffer.flush()
    return event


def _rewritten(function):
    wrapped = _with_handle(function, _printed)

    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        print(function.__name__, "begins", flush=True)
        try:
            return wrapped(*args, **kwargs)
        finally:
            print(function.__name__, "ends", file=_sys.stderr)
    return wrapper
""",
    "logging": """
_logging.basicConfig(level=_logging.INFO)
_log = _logging.getLogger(__name__)


def _logged(event):
    _log.info("handling %s", event)
    return event


def _rewritten(function):
    return _with_handle(function, _logged)
""",
    "counted-in-a-global": """
_calls = {}


def _rewritten(function):
    @_functools.wraps(function)
    def wrapper(*args, **kwargs):
        global _last
        _last = function.__name__
        _calls[_last] = _calls.get(_last, 0) + 1
        return function(*args, **kwargs)
    return wrapper
""",
}


def _wrapped(decorator: str) -> Callable[[str], bytes]:
    def rewrite(code: str) -> bytes:
        public = [
            each.name
            for each in ast.parse(code).body
            if isinstance(each, ast.FunctionDef) and not each.name.startswith("_")
        ]
        applied = "".join(f"\n{name} = _rewritten({name})" for name in public)
        return f"{code}{_HEAD}{decorator}\n{applied}\n".encode()

    return rewrite


REWRITES: dict[str, Callable[[str], bytes]] = {
    name: _wrapped(decorator) for name, decorator in _DECORATORS.items()
}
