"""What the bodies of requests look like: whatever is not so does not reach the cluster.

The cluster was written for its own library's tests, and bytes that no client sends end it. So one
version of each kind goes through, the one that the client chooses, and only when its body is
complete, ends where it should, and holds no count or size that is none.

Source: kafka.apache.org/protocol, the requests' schemas.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable

_TOPIC = re.compile(rb"[a-zA-Z0-9._-]{1,249}")
_LONGEST_TEXT = 4096
_MOST_ELEMENTS = 1000
_MOST_IN_ALL = 20_000
"""Elements of all arrays of a request: to look at a million of them takes seconds."""
_MOST_TAGS = 8
_VARINT_BYTES = 5
_BATCH = struct.Struct(">qiibIhiqqqhii")
"""Base offset, length, leader epoch, magic, checksum, attributes, last delta, first and last time,
producer's id and epoch, sequence, count. See kafka.apache.org/documentation (Record Batch)."""
_BEFORE_LENGTH_ENDS = 12
_MAGIC = 2
_SMALLEST_RECORD = 7
_COMPRESSED = 0x07
_MOST_RECORDS = 1_000_000
_DAY_MS = 86_400_000
_INT32, _INT64 = (1 << 31) - 1, (1 << 63) - 1


class ShapeError(Exception):
    """A body is not as its kind and version say."""


class Body:
    """Reads a body from its beginning."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._elements = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if not 0 <= size <= len(self._data) - self._at:
            raise ShapeError
        self._at += size
        return self._data[self._at - size : self._at]

    def integer(self, size: int) -> int:
        """Return the next big-endian number."""
        return int.from_bytes(self.take(size), "big", signed=True)

    def varint(self) -> int:
        """Return the next unsigned number of 7 bits a byte."""
        value = 0
        for place in range(_VARINT_BYTES):
            (byte,) = self.take(1)
            value |= (byte & 0x7F) << 7 * place
            if byte < 0x80:  # noqa: PLR2004 - the bit that says "more"
                return value
        raise ShapeError

    def begin_array(self, count: int) -> None:
        """Count the elements of one more array."""
        self._elements += count
        if self._elements > _MOST_IN_ALL:
            raise ShapeError

    @property
    def left(self) -> int:
        """Count what was not read."""
        return len(self._data) - self._at

    @property
    def ended(self) -> bool:
        """Tell whether all was read."""
        return not self.left


Shape = Callable[[Body], None]


def number(size: int, low: int, high: int) -> Shape:
    """Return the shape of a number of so many bytes, between two bounds."""

    def read(body: Body) -> None:
        if not low <= body.integer(size) <= high:
            raise ShapeError

    return read


def raw(size: int) -> Shape:
    """Return the shape of so many bytes, whatever they are."""

    def read(body: Body) -> None:
        body.take(size)

    return read


def sized(
    holds: Callable[[bytes], bool], *, compact: bool, null: bool = False, wide: int = 2
) -> Shape:
    """Return the shape of bytes after their size: a varint, one too large, or `wide` bytes."""

    def read(body: Body) -> None:
        size = body.varint() - 1 if compact else body.integer(wide)
        if size == -1 and null:
            return
        if not holds(body.take(size)):
            raise ShapeError

    return read


def array(element: Shape, *, compact: bool, least: int = 0, null: bool = False) -> Shape:
    """Return the shape of elements after their count."""

    def read(body: Body) -> None:
        count = body.varint() - 1 if compact else body.integer(4)
        if count == -1 and null:
            return
        if not least <= count <= _MOST_ELEMENTS:
            raise ShapeError
        body.begin_array(count)
        for _ in range(count):
            element(body)

    return read


def tags(body: Body) -> None:
    """Read tagged fields, whatever they are."""
    for _ in range(min(body.varint(), _MOST_TAGS + 1)):
        body.varint()
        body.take(body.varint())


def fields(*shapes: Shape) -> Shape:
    """Return the shape of fields one after the other."""

    def read(body: Body) -> None:
        for shape in shapes:
            shape(body)

    return read


def _is_text(data: bytes) -> bool:
    return len(data) <= _LONGEST_TEXT and b"\0" not in data


def _is_name(data: bytes) -> bool:
    return bool(data) and _is_text(data)


def _is_topic(data: bytes) -> bool:
    return bool(_TOPIC.fullmatch(data))


def _is_data(data: bytes) -> bool:
    return len(data) < 1 << 20


def _is_batch(data: bytes) -> bool:
    """Tell whether it is one record batch, as far as can be told without unpacking it."""
    if len(data) < _BATCH.size:
        return False
    _, length, _, magic, _, attributes, last, *_, count = _BATCH.unpack_from(data)
    if length != len(data) - _BEFORE_LENGTH_ENDS or magic != _MAGIC or last != count - 1:
        return False
    packed = bool(attributes & _COMPRESSED)
    most = _MOST_RECORDS if packed else (len(data) - _BATCH.size) // _SMALLEST_RECORD
    return 1 <= int(count) <= most


_TEXT, _NAME, _TOPIC_NAME = (
    sized(holds, compact=True) for holds in (_is_text, _is_name, _is_topic)
)
_OLD_TEXT, _OLD_NAME, _OLD_TOPIC = (
    sized(holds, compact=False) for holds in (_is_text, _is_name, _is_topic)
)
_MAYBE, _OLD_MAYBE = (sized(_is_text, compact=each, null=True) for each in (True, False))
_OLD_DATA = sized(_is_data, compact=False, wide=4)
_BATCH_OF_RECORDS = sized(_is_batch, compact=True)
_FLAG = number(1, 0, 1)
_PARTITION = number(4, 0, _MOST_ELEMENTS)
_ANY32, _ANY64 = number(4, -1, _INT32), number(8, -1, _INT64)
_OFFSET = number(8, -2, _INT64)
_TIME = number(4, 0, _DAY_MS)
_UUID = raw(16)
_PRODUCER = fields(number(8, -1, _INT64), number(2, -1, 0x7FFF))


def _several(name: Shape, of_each: Shape) -> Shape:
    """Return the shape of topics with their partitions, the compact way."""
    partitions = array(fields(of_each, tags), compact=True)
    return array(fields(name, partitions, tags), compact=True)


def _topics_or_all(body: Body) -> None:
    """Read the topics of Metadata; the client writes "all" in four bytes, and means one."""
    if body.left == _ALL_IN_FOUR and any(body.take(3)):
        raise ShapeError
    _SOME_TOPICS(body)


_SOME_TOPICS = array(
    fields(_UUID, sized(_is_topic, compact=True, null=True), tags), compact=True, null=True
)
_ALL_IN_FOUR = 7
"""Bytes of "all", two flags and no tags."""
_OLD_TOPICS = array(fields(_OLD_TOPIC, array(_PARTITION, compact=False)), compact=False)
_OLD_MEMBER = fields(_OLD_NAME, _ANY32, _OLD_TEXT, _OLD_MAYBE)
"""Group, generation, member, instance. A client that was told that its session is over has no
member's id until it has joined again, and may send a heartbeat before."""

SHAPES: dict[tuple[int, int], Shape] = {
    (0, 10): fields(  # Produce
        tags,
        _MAYBE,
        number(2, -1, 1),
        _TIME,
        _several(_TOPIC_NAME, fields(_PARTITION, _BATCH_OF_RECORDS)),
        tags,
    ),
    (1, 16): fields(  # Fetch
        tags,
        *(_TIME, number(4, 0, _INT32), number(4, 0, _INT32), _FLAG, _ANY32, _ANY32),
        _several(_UUID, fields(_PARTITION, _ANY32, _OFFSET, _ANY32, _OFFSET, number(4, 0, _INT32))),
        array(fields(_UUID, array(_PARTITION, compact=True), tags), compact=True),
        _TEXT,
        tags,
    ),
    (2, 7): fields(  # ListOffsets
        tags,
        _ANY32,
        _FLAG,
        _several(_TOPIC_NAME, fields(_PARTITION, _ANY32, number(8, -5, _INT64))),
        tags,
    ),
    (3, 13): fields(tags, _topics_or_all, _FLAG, _FLAG, tags),  # Metadata
    (8, 9): fields(  # OffsetCommit
        tags,
        *(_NAME, _ANY32, _TEXT, _MAYBE),
        _several(_TOPIC_NAME, fields(_PARTITION, _ANY64, _ANY32, _MAYBE)),
        tags,
    ),
    (9, 6): fields(  # OffsetFetch
        tags,
        _NAME,
        array(fields(_TOPIC_NAME, array(_PARTITION, compact=True), tags), compact=True, null=True),
        tags,
    ),
    (10, 2): fields(_OLD_NAME, number(1, 0, 1)),  # FindCoordinator
    (11, 5): fields(  # JoinGroup
        *(_OLD_NAME, number(4, 1000, 1_800_000), number(4, 1000, _INT32), _OLD_TEXT, _OLD_MAYBE),
        _OLD_NAME,
        array(fields(_OLD_NAME, _OLD_DATA), compact=False, least=1),
    ),
    (12, 3): _OLD_MEMBER,  # Heartbeat
    (13, 1): fields(_OLD_NAME, _OLD_TEXT),  # LeaveGroup
    (14, 3): fields(  # SyncGroup
        _OLD_MEMBER, array(fields(_OLD_NAME, _OLD_DATA), compact=False)
    ),
    (18, 0): fields(),  # ApiVersions
    (18, 3): fields(tags, _TEXT, _TEXT, tags),
    (22, 4): fields(tags, _MAYBE, _ANY32, _PRODUCER, tags),  # InitProducerId
    (23, 2): array(  # OffsetForLeaderEpoch
        fields(_OLD_TOPIC, array(fields(_PARTITION, _ANY32, _ANY32), compact=False)), compact=False
    ),
    (24, 0): fields(_OLD_NAME, _PRODUCER, _OLD_TOPICS),  # AddPartitionsToTxn
    (25, 0): fields(_OLD_NAME, _PRODUCER, _OLD_NAME),  # AddOffsetsToTxn
    (26, 1): fields(_OLD_NAME, _PRODUCER, _FLAG),  # EndTxn
    (28, 3): fields(  # TxnOffsetCommit
        tags,
        *(_NAME, _NAME, _PRODUCER, _ANY32, _TEXT, _MAYBE),
        _several(_TOPIC_NAME, fields(_PARTITION, _ANY64, _ANY32, _MAYBE)),
        tags,
    ),
}
"""By kind and version. A session ends after a second at the least: of less the cluster hung."""


def has_shape(key: int, version: int, body: bytes) -> bool:
    """Tell whether a request's body, the tags of its header included, is whole."""
    shape = SHAPES.get((key, version))
    if shape is None:
        return False
    reader = Body(body)
    try:
        shape(reader)
    except ShapeError:
        return False
    return reader.ended
