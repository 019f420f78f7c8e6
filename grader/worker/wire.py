"""Messages between the suite and a worker: JSON lines over a stream socket.

JSON has no bytes, tuples or sets, and the suite must be able to name things that only exist
inside the worker, so an object with one key that starts with `$` stands for those.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MAX_LINE = 16 << 20
"""Bytes; a longer message is refused by the side that reads it."""
MAX_DEPTH = 100
"""How deep a value may be nested. Python's own limit depends on who asks, and raises there."""
MAX_BITS = 14_000
"""Of an integer: some 4,200 digits. Python refuses to read or write more than 4,300 as text."""
MAX_MEMBERS = 1000
"""Of a set, or of a dict with keys that are not text: whoever picks those can make them collide."""

_OPAQUE = {
    "generator": "a generator (is there a `yield` in it?)",
    "coroutine": "a coroutine (it is `async def`, and nothing awaits it)",
    "async_generator": "an asynchronous generator (it is `async def`, with a `yield` in it)",
    "function": "a function (are the parentheses of a call missing?)",
    "method": "a method (are the parentheses of a call missing?)",
    "builtin_function_or_method": "a function (are the parentheses of a call missing?)",
    "type": "a class (are the parentheses of a call missing?)",
    "map": "a map object (list(...) makes a list of it)",
    "filter": "a filter object (list(...) makes a list of it)",
    "zip": "a zip object (list(...) makes a list of it)",
    "dict_values": "a view of a dict (list(...) makes a list of it)",
    "dict_keys": "a view of a dict (list(...) makes a list of it)",
    "dict_items": "a view of a dict (list(...) makes a list of it)",
    "list_iterator": "an iterator (list(...) makes a list of it)",
    "int": "an integer of thousands of digits",
}
"""In a student's words, what does not cross, by the name of its type."""

_ENCODER = json.JSONEncoder(separators=(",", ":"))
_NESTED = (dict, list)
_PLAIN = (str, float, bool, type(None))


class WireError(Exception):
    """The other side sent something that is not a message."""


@dataclass(frozen=True)
class Opaque:
    """A value of a type that does not cross the wire; `type_name` says which."""

    type_name: str

    def __repr__(self) -> str:
        return _OPAQUE.get(self.type_name, f"an object of type {self.type_name}")


@dataclass(frozen=True)
class Callback:
    """Stands for a function of the suite's that the worker calls: handle, ready, sleep or stop."""

    name: str


@dataclass(frozen=True)
class Kept:
    """An object that `keep` stored in the worker under `name`."""

    name: str


@dataclass(frozen=True, init=False)
class New:
    """A value that `function`, a dotted name, returns in the worker for these arguments."""

    function: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __init__(self, function: str, /, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "function", function)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)


@dataclass(frozen=True, init=False)
class Method:
    """A value that the method `name` of `target` returns in the worker for these arguments."""

    target: Any
    name: str
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    def __init__(self, target: Any, name: str, /, *args: Any, **kwargs: Any) -> None:
        object.__setattr__(self, "target", target)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "args", args)
        object.__setattr__(self, "kwargs", kwargs)


def encode(value: Any, depth: int = 0) -> Any:
    """Return `value` as something that `json.dumps` takes.

    An object of a subclass crosses as its base: a NamedTuple as a tuple, any Mapping as a dict.
    What is none of these is Opaque.

    Raises:
        RecursionError: it is nested deeper than MAX_DEPTH.
    """
    kind = type(value)
    if value is None or kind in (bool, float, str):
        return value
    if kind is int:
        return value if value.bit_length() <= MAX_BITS else {"$opaque": "int"}
    if depth > MAX_DEPTH:
        raise RecursionError(f"nested deeper than {MAX_DEPTH}")
    if kind is list:
        return [encode(item, depth + 1) for item in value]
    if kind is dict:
        return _encode_items(value.items(), depth + 1)
    return _encode_special(value, kind, depth + 1)


def _encode_items(items: Iterable[tuple[Any, Any]], below: int) -> Any:
    pairs = list(items)
    if all(type(key) is str and not key.startswith("$") for key, _ in pairs):
        return {key: item if type(item) in _PLAIN else encode(item, below) for key, item in pairs}
    return {"$dict": [[encode(key, below), encode(item, below)] for key, item in pairs]}


def _encode_special(value: Any, kind: type, below: int) -> Any:
    if kind in (Callback, Kept):
        return {f"${kind.__name__.lower()}": value.name}
    if kind is New:
        return {"$new": [value.function, encode(list(value.args)), encode(value.kwargs)]}
    if kind is Method:
        target = encode(value.target)
        return {"$method": [target, value.name, encode(list(value.args)), encode(value.kwargs)]}
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return {"$bytes": base64.b64encode(value).decode("ascii")}
    if issubclass(kind, tuple):
        return {"$tuple": [encode(item, below) for item in tuple.__iter__(value)]}
    if issubclass(kind, (set, frozenset)):
        base = set if issubclass(kind, set) else frozenset
        return {"$set": [encode(item, below) for item in base.__iter__(value)]}
    return _encode_subclass(value, kind, below)


def _encode_subclass(value: Any, kind: type, below: int) -> Any:
    """By the base's own methods: what a subclass says of itself is not asked."""
    if issubclass(kind, str):
        return str.__str__(value)
    if issubclass(kind, int):
        return encode(int.__add__(value, 0), below)
    if issubclass(kind, float):
        return float.__mul__(value, 1.0)
    if issubclass(kind, list):
        return [encode(item, below) for item in list.__iter__(value)]
    if issubclass(kind, dict):
        return _encode_items(dict.items(value), below)
    if issubclass(kind, Mapping):
        with contextlib.suppress(Exception):  # it is the student's, and may do anything
            return _encode_items([(key, value[key]) for key in value], below)
    return {"$opaque": type.__dict__["__name__"].__get__(kind)}


def decode(data: Any, depth: int = 0) -> Any:
    """Return the value that `encode` was given; Opaque, Callback, Kept, New, Method stay.

    Raises:
        WireError: it is not something that `encode` makes.
    """
    kind = type(data)  # what json.loads makes, and no subclass
    if kind is not dict and kind is not list:
        return data
    if depth > MAX_DEPTH:
        raise WireError(f"nested deeper than {MAX_DEPTH}")
    below = depth + 1
    if kind is list:
        return [decode(item, below) for item in data]
    if len(data) != 1 or not (name := next(iter(data))).startswith("$"):
        # Most of an event is text and numbers: a call for each would take most of the time.
        return {
            key: decode(item, below) if type(item) in _NESTED else item
            for key, item in data.items()
        }
    body = data[name]
    try:
        if name in ("$set", "$dict") and len(body) > MAX_MEMBERS:
            raise WireError(f"a {name} of more than {MAX_MEMBERS} members")
        return _decode_special(name, body, below)
    except (TypeError, ValueError, KeyError) as error:
        raise WireError(f"not a {name}: {error}") from None


def _decode_special(name: str, body: Any, depth: int) -> Any:
    match name:
        case "$dict":
            return {decode(key, depth): decode(item, depth) for key, item in body}
        case "$bytes":
            return base64.b64decode(body, validate=True)
        case "$tuple":
            return tuple(decode(item, depth) for item in body)
        case "$set":
            return {decode(item, depth) for item in body}
        case "$callback":
            return Callback(str(body))
        case "$kept":
            return Kept(str(body))
        case "$opaque":
            return Opaque(str(body))
        case "$new":
            function, args, kwargs = body
            return New(str(function), *decode(args, depth), **decode(kwargs, depth))
        case "$method":
            target, method, args, kwargs = body
            args, kwargs = decode(args, depth), decode(kwargs, depth)
            return Method(decode(target, depth), str(method), *args, **kwargs)
    raise WireError(f"unknown kind {name!r}")


def dump(message: dict[str, Any]) -> bytes:
    """Return a message as one line."""
    return _ENCODER.encode(message).encode("ascii") + b"\n"


def load(line: bytes) -> dict[str, Any]:
    """Return the message of one line.

    Raises:
        WireError: the line is not a JSON object.
    """
    try:
        message = json.loads(line.decode("ascii"))  # of bytes it would guess the encoding
    except (ValueError, RecursionError):
        raise WireError("not JSON") from None
    if not isinstance(message, dict):
        raise WireError("not a JSON object")
    return message


class LineReader:
    """Cuts messages out of what a stream socket delivers; of at most `most` bytes in all."""

    def __init__(self, sock: socket.socket, most: float = math.inf) -> None:
        self._sock = sock
        self._buffer = bytearray()
        self._searched = 0
        self._left = most

    def pop(self) -> bytes | None:
        """Return a complete line that was already received, or None."""
        end = self._buffer.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(self._buffer)
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        self._searched = 0
        return line

    def has_line(self) -> bool:
        """Tell whether a complete line lies ready."""
        return b"\n" in self._buffer

    def fill(self) -> bool:
        """Receive once; False at the end of the stream.

        From a socket that does not block, nothing may come, and that is not the end: of an urgent
        byte (MSG_OOB) select(2) says that something can be read.

        Raises:
            WireError: the line under way is longer than MAX_LINE, or too much came in all.
        """
        try:
            data = self._sock.recv(1 << 18)
        except ConnectionError:
            return False
        except BlockingIOError:
            return True
        self._buffer += data
        self._left -= len(data)
        if self._left < 0:
            raise WireError("more than any exercise needs")
        if len(self._buffer) > MAX_LINE:
            raise WireError(f"a message of more than {MAX_LINE >> 20} MiB")
        return bool(data)

    def read(self) -> bytes | None:
        """Return the next line, waiting for it as long as it takes; None at the end."""
        while (line := self.pop()) is None:
            if not self.fill():
                return None
        return line
