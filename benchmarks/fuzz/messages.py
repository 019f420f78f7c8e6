"""Inputs for the wire: what a student's process sends the judge."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import Any

from hypothesis import strategies as st

from benchmarks.fuzz.target import Target
from grader.suite.log import argument
from grader.suite.outcomes import Failed
from grader.suite.reading import step_of
from grader.suite.steps import in_words
from grader.worker import wire

_PLAIN = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
)
_HASHABLE = st.recursive(_PLAIN, lambda inner: st.tuples(inner, inner), max_leaves=5)
VALUES = st.recursive(
    _PLAIN,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(_HASHABLE, inner, max_size=5)
        | st.tuples(inner, inner)
        | st.frozensets(_HASHABLE, max_size=5).map(set)
    ),
)
_KEYS = st.sampled_from(
    ["$bytes", "$tuple", "$set", "$dict", "$new", "$method", "$kept", "$callback", "$opaque", "$x"]
)
HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(_KEYS | st.text(), inner, max_size=3)
        | st.builds(lambda key, value: {key: value}, _KEYS, inner)
    ),
)
_TYPES = st.sampled_from(
    ["handle", "ready", "sleep", "line", "returned", "raised", "late", "load_failed", "unfit", "x"]
)
_FIELDS = st.sampled_from(
    ["event", "seconds", "number", "value", "bases", "error", "reason", "function", "by_handle"]
)
MESSAGES = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    _TYPES | HOSTILE,
    st.dictionaries(_FIELDS, HOSTILE, max_size=4),
)


def _in_json(data: Any) -> bytes:
    return json.dumps(data).encode()


def _crosses(value: Any) -> None:
    """Check that what is sent arrives."""
    line = wire.dump({"value": wire.encode(value)})
    assert wire.decode(wire.load(line)["value"]) == value


def _is_refused_or_read(data: Any) -> None:
    """Whatever JSON comes, it is a value that can be shown, or a WireError."""
    try:
        value = wire.decode(json.loads(json.dumps(data)))
    except wire.WireError:
        return
    assert len(argument(value)) < 10_000


def _is_a_step(message: dict[str, Any]) -> None:
    """Whatever message comes, it is a step in words, or the student's failure."""
    try:
        step = step_of(message, "function()")
    except (wire.WireError, Failed):
        return
    assert in_words(step, "it")


def _is_a_message(line: bytes) -> None:
    """Whatever line comes, it is an object, or a WireError."""
    with contextlib.suppress(wire.WireError):
        assert isinstance(wire.load(line), dict)


def _lines_come_whole(pieces: list[bytes]) -> None:
    """However the bytes are cut."""
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            for piece in pieces:
                theirs.sendall(piece)
        reader = wire.LineReader(ours)
        lines = list(iter(reader.read, None))
    assert lines == b"".join(pieces).split(b"\n")[:-1]


TARGETS = (
    Target("wire-values", VALUES, _crosses),
    Target("wire-hostile", HOSTILE, _is_refused_or_read),
    Target("wire-messages", MESSAGES, _is_a_step),
    Target(
        "wire-bytes", st.binary() | HOSTILE.map(lambda d: json.dumps(d).encode()), _is_a_message
    ),
    Target("wire-lines", st.lists(st.binary() | st.just(b"\n"), max_size=20), _lines_come_whole),
)
