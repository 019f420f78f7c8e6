"""Messages between suite and worker."""

from __future__ import annotations

import enum
import socket
from collections import ChainMap, OrderedDict, UserDict, defaultdict
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from grader.worker import wire

VALUES = [
    None, True, 0, -1.5, "text", "\ud800", b"\x00\xff", [], [1, [2]], (1, "a"), {1, 2}, {"a": {"b": []}},
    {1: "int key"}, {"$bytes": "not special"}, {("tuple",): b"key"}, 10**30,
    wire.Callback("handle"), wire.Kept("x"), wire.New("a.b", 1, k=(2,)),
    wire.Method(wire.Kept("c"), "channel", 1, n=None),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_crosses_unchanged(value: object) -> None:
    """Encoded, dumped, loaded and decoded, a value is the same, of the same type."""
    message = wire.load(wire.dump({"value": wire.encode(value)}))
    back = wire.decode(message["value"])
    assert back == value
    assert type(back) is type(value)


class Sly(dict):  # type: ignore[type-arg]
    """A dict that lies about itself."""

    def __eq__(self, other: object) -> bool:
        return True

    def items(self) -> Any:
        """Return what it does not hold."""
        return [("lie", 1)]

    __hash__ = None  # type: ignore[assignment]


class Shouting(str):
    """A str that shows itself as another one."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class Trip(NamedTuple):
    """A tuple with names."""

    zone: str
    fare: float


class Size(enum.IntEnum):
    """An int with names."""

    LARGE = 3


SUBCLASSES = [
    (OrderedDict(a=1), {"a": 1}),
    (defaultdict(list, a=[OrderedDict()]), {"a": [{}]}),
    (Sly(truth=2), {"truth": 2}),
    (MappingProxyType({"a": 1}), {"a": 1}),
    (ChainMap({"a": 1}, {"b": 2}), {"a": 1, "b": 2}),
    (UserDict(a=1), {"a": 1}),
    (Trip("Bronx", 5.0), ("Bronx", 5.0)),
    (Shouting("quiet"), "quiet"),
    ({Shouting("key"): 1}, {"key": 1}),
    (Size.LARGE, 3),
    (type("Fare", (float,), {})(1.5), 1.5),
    (type("Rows", (list,), {})([1]), [1]),
    (frozenset({1}), {1}),
    (memoryview(b"ab"), b"ab"),
]


@pytest.mark.parametrize(("value", "base"), SUBCLASSES, ids=lambda v: type(v).__name__)
def test_an_object_of_a_subclass_crosses_as_its_base(value: object, base: object) -> None:
    """What it holds arrives, whatever the subclass's own methods say."""
    back = wire.decode(wire.load(wire.dump({"value": wire.encode(value)}))["value"])
    assert back == base
    assert type(back) is type(base)


class Unreadable(Mapping):  # type: ignore[type-arg]
    """A Mapping that cannot be read."""

    def __getitem__(self, key: object) -> object:
        raise KeyError(key)

    def __iter__(self) -> Any:
        return iter("ab")

    def __len__(self) -> int:
        return 2


class SaysDict:
    """An object that calls itself a dict."""

    __class__ = dict  # type: ignore[assignment]


@pytest.mark.parametrize(
    "value", [object(), 1j, SaysDict(), Unreadable()], ids=lambda v: type(v).__name__
)
def test_other_types_arrive_as_opaque(value: object) -> None:
    """Only their type's name crosses."""
    assert wire.decode(wire.encode(value)) == wire.Opaque(type(value).__name__)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((x for x in ()), "a generator (is there a `yield` in it?)"),
        (len, "a function (are the parentheses of a call missing?)"),
        (map(len, ()), "a map object (list(...) makes a list of it)"),
        (object(), "an object of type object"),
    ],
    ids=["generator", "function", "map", "object"],
)
def test_what_does_not_cross_is_named_in_words(value: object, words: str) -> None:
    """A message shows the value by repr(): a student reads what it is, and what is missing."""
    assert repr(wire.decode(wire.encode(value))) == words


def test_a_number_too_long_for_text_arrives_as_opaque() -> None:
    """Python would refuse to read or write it; the longest that crosses is as it was."""
    longest = 2**wire.MAX_BITS - 1
    assert wire.load(wire.dump({"value": wire.encode(longest)})) == {"value": longest}
    assert wire.decode(wire.encode([longest + 1])) == [wire.Opaque("int")]


@pytest.mark.parametrize("line", [b"", b"x", b"[]", b"1", b'"a"', b"\xff", b"[" * 100_000])
def test_what_is_no_message_is_refused(line: bytes) -> None:
    """Not JSON, not an object, nested without end."""
    with pytest.raises(wire.WireError):
        wire.load(line)


@pytest.mark.parametrize(
    "data",
    [
        {"$bytes": 3},
        {"$bytes": "*"},
        {"$new": []},
        {"$unknown": 1},
        {"$dict": [1]},
        {"$set": [[]]},
        {"$tuple": None},
    ],
)
def test_malformed_special_values_are_refused(data: object) -> None:
    """A forged value cannot break the reader."""
    with pytest.raises(wire.WireError):
        wire.decode(data)


def test_lines_are_cut_wherever_the_stream_is_cut() -> None:
    """Bytes that arrive one by one give the same messages."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = wire.LineReader(ours)
        for byte in b'{"a":1}\n{"b":2}\n{"c"':
            theirs.sendall(bytes([byte]))
        theirs.close()
        assert reader.read() == b'{"a":1}'
        assert reader.read() == b'{"b":2}'
        assert reader.read() is None


def nested(depth: int) -> list[object]:
    """A list in a list, `depth` times."""
    value: list[object] = []
    for _ in range(depth):
        value = [value]
    return value


def test_a_value_may_be_nested_as_deep_as_is_said() -> None:
    """That deep it crosses; deeper, neither side goes: its recursion would end anywhere."""
    value = nested(wire.MAX_DEPTH)
    assert wire.decode(wire.encode(value)) == value
    with pytest.raises(RecursionError):
        wire.encode(nested(wire.MAX_DEPTH + 1))
    with pytest.raises(wire.WireError, match="nested deeper"):
        wire.decode(nested(wire.MAX_DEPTH + 1))


@pytest.mark.parametrize(
    "body", [{"$set": [*range(1001)]}, {"$dict": [[n, n] for n in range(1001)]}]
)
def test_a_set_has_a_size(body: dict[str, object]) -> None:
    """Members with the same hash make building it quadratic."""
    with pytest.raises(wire.WireError, match="more than 1000 members"):
        wire.decode(body)


def test_all_messages_together_have_a_size() -> None:
    """Short ones without end are too many."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"{}\n" * 40)
        reader = wire.LineReader(ours, most=100)
        with pytest.raises(wire.WireError, match="more than any exercise needs"):
            reader.fill()


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker cannot fill the suite's memory."""
    monkeypatch.setattr(wire, "MAX_LINE", 1000)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x" * 1001)
        with pytest.raises(wire.WireError, match="message of more than"):
            wire.LineReader(ours).read()
