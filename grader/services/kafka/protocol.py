"""Kafka's frames: the header of each request, and which kinds a submission may send.

A request is its length (4 bytes), kind, version (2 bytes each), a number that its answer repeats
(4 bytes), the client's id, and a body that depends on kind and version.

Source: kafka.apache.org/protocol (Protocol Primitive Types, Headers, Api Keys).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from grader.services.kafka.shapes import Body, ShapeError, has_shape

MAX_REQUEST = 4 << 20
"""Bytes; a longer one is not read. A client's own limit is 1 MB (`message.max.bytes`)."""
MAX_ANSWER = 64 << 20
_LENGTH = struct.Struct(">i")
_HEADER = struct.Struct(">hhi")
_SHORT = struct.Struct(">h")
_INTEGER = struct.Struct(">i")
_MIN_REQUEST = _HEADER.size + _SHORT.size


PRODUCE, METADATA, FIND_COORDINATOR, API_VERSIONS = 0, 3, 10, 18
QUESTION = _LENGTH.pack(_MIN_REQUEST) + _HEADER.pack(API_VERSIONS, 0, 0) + _SHORT.pack(-1)
"""A request that every cluster answers at once, by nobody."""
ALLOWED = {
    PRODUCE: "Produce",
    1: "Fetch",
    2: "ListOffsets",
    METADATA: "Metadata",
    8: "OffsetCommit",
    9: "OffsetFetch",
    FIND_COORDINATOR: "FindCoordinator",
    11: "JoinGroup",
    12: "Heartbeat",
    13: "LeaveGroup",
    14: "SyncGroup",
    API_VERSIONS: "ApiVersions",
    22: "InitProducerId",
    23: "OffsetForLeaderEpoch",
    24: "AddPartitionsToTxn",
    25: "AddOffsetsToTxn",
    26: "EndTxn",
    28: "TxnOffsetCommit",
}
"""Names of the kinds that a consumer or a producer needs and the cluster can answer."""
_REFUSED = {
    15: "DescribeGroups",
    16: "ListGroups",
    17: "SaslHandshake",
    19: "CreateTopics",
    20: "DeleteTopics",
    21: "DeleteRecords",
    29: "DescribeAcls",
    32: "DescribeConfigs",
    33: "AlterConfigs",
    37: "CreatePartitions",
    42: "DeleteGroups",
    44: "IncrementalAlterConfigs",
    47: "OffsetDelete",
    60: "DescribeCluster",
    68: "ConsumerGroupHeartbeat",
    69: "ConsumerGroupDescribe",
    71: "GetTelemetrySubscriptions",
    72: "PushTelemetry",
    75: "DescribeTopicPartitions",
    76: "ShareGroupHeartbeat",
    78: "ShareFetch",
    79: "ShareAcknowledge",
}
_OF_TOPICS = frozenset(["CreateTopics", "CreatePartitions"])
KEYS = {name: key for key, name in (ALLOWED | _REFUSED).items()}
"""The number of each kind by its name."""

_COMPACT_FROM = {8: 8, 11: 6, 12: 4, 13: 4, 14: 4, 9: 6}
"""Of what is sent for a group: from which version on a length is a varint, one too large."""
_OF_A_GROUP = frozenset(_COMPACT_FROM)
_OF_MEMBERS = frozenset([11, 12, 13, 14])
"""What a member of a group sends; the front lets versions through whose answers begin alike."""
_COMMIT = (8, 9)
"""The kind and version of a commit that the front lets through."""
_HAS_GENERATION = frozenset([12, 14])
_SYNC = (14, 3)
"""The kind and version of a SyncGroup that the front lets through."""
_ERROR_AT = _LENGTH.size + _INTEGER.size + _INTEGER.size
"""In an answer to these, after its length, its number and the milliseconds to hold back."""


class ProtocolError(Exception):
    """The client sent something that is not a request, or a larger one than is read."""


@dataclass(frozen=True)
class Request:
    """One request and the bytes that it came in, its length included."""

    key: int
    version: int
    number: int
    raw: bytes
    body: bytes
    client: str
    """What the client calls itself (`client.id`)."""

    @property
    def name(self) -> str:
        """Return the name of its kind."""
        return ALLOWED.get(self.key) or _REFUSED.get(self.key) or f"request {self.key}"

    @property
    def allowed(self) -> bool:
        """Tell whether a submission may send it."""
        return self.key in ALLOWED

    @property
    def is_whole(self) -> bool:
        """Tell whether its body is as its kind and version say, of the version that clients use."""
        return has_shape(self.key, self.version, self.body)

    @property
    def refusal(self) -> str:
        """Say what the program asked for that is not offered, as a clause about it."""
        known = "the topic exists already" if self.name in _OF_TOPICS else ""
        clause = f"asked for {self.name}, which this exercise's cluster does not offer"
        if self.allowed:
            return f"sent Kafka what is no request ({self.name} {self.version})"
        return f"{clause}: {known}" if known else clause

    @property
    def group(self) -> str:
        """Return the group that it is about; "" where there is none or it is not known."""
        if self.key not in _OF_A_GROUP or (self.key == 9 and self.version > 7):  # noqa: PLR2004 - many groups
            return ""
        if self.version >= _COMPACT_FROM[self.key]:
            # The header has tags after the client's id, and they are none.
            return _text(self.body[2:], self.body[1] - 1) if len(self.body) > 1 else ""
        if len(self.body) < _SHORT.size:
            return ""
        return _text(self.body[2:], *_SHORT.unpack_from(self.body))

    @property
    def generation(self) -> int:
        """Return the generation of the group that a Heartbeat or SyncGroup speaks of; -1: none."""
        begin = _SHORT.size + len(self.group.encode())
        if self.key not in _HAS_GENERATION or len(self.body) < begin + _INTEGER.size:
            return -1
        found: int = _INTEGER.unpack_from(self.body, begin)[0]
        return found

    @property
    def given_out(self) -> tuple[str, frozenset[str]] | None:
        """Return the ids of a SyncGroup's member, and of those that it gives partitions to.

        A leader gives them to all members of its group, itself included. None: it is another kind.
        """
        if (self.key, self.version) != _SYNC:
            return None
        body = Body(self.body)
        with suppress(ShapeError):
            body.take(body.integer(_SHORT.size))  # the group
            body.integer(_INTEGER.size)
            member = body.take(body.integer(_SHORT.size))
            body.take(max(body.integer(_SHORT.size), 0))  # the instance
            receivers = set()
            for _ in range(body.integer(_INTEGER.size)):
                receivers.add(body.take(body.integer(_SHORT.size)))
                body.take(body.integer(_INTEGER.size))
            return _name(member), frozenset(map(_name, receivers))
        return None

    def error_in(self, answer: bytes) -> int | None:
        """Return the error, 0 for none, that this request of a member was answered with.

        None: it is of another kind. Of its answers the error is not read. Of a commit it is the
        first one of a partition.
        """
        if (self.key, self.version) == _COMMIT:
            with suppress(ShapeError):
                return _first_of_partitions(answer)
            return None
        if self.key not in _OF_MEMBERS or len(answer) < _ERROR_AT + _SHORT.size:
            return None
        found: int = _SHORT.unpack_from(answer, _ERROR_AT)[0]
        return found

    def in_words(self) -> str:
        """Return the request's kind, and its group, for a log."""
        return f"{self.name} {self.group[:60]}".strip()


def _first_of_partitions(answer: bytes) -> int:
    """Return the first error that an answer to a commit has for a partition, 0 for none."""
    body = Body(answer[_LENGTH.size + _INTEGER.size :])
    body.varint()  # no tags
    body.integer(_INTEGER.size)  # milliseconds to hold back
    for _ in range(body.varint() - 1):
        body.take(body.varint() - 1)
        for _ in range(body.varint() - 1):
            body.integer(_INTEGER.size)
            if error := body.integer(_SHORT.size):
                return error
            body.varint()
        body.varint()
    return 0


def _name(data: bytes) -> str:
    return _text(data, len(data))


def _text(data: bytes, length: int) -> str:
    return data[: max(length, 0)].decode("utf-8", "replace")


class RequestReader:
    """Cuts requests out of a client's bytes."""

    def __init__(self) -> None:
        self._frames = FrameReader(MAX_REQUEST, _MIN_REQUEST)

    def feed(self, data: bytes) -> Iterator[Request]:
        """Yield the requests that are complete now.

        Raises:
            ProtocolError: what came is no request, or too large a one.
        """
        for frame in self._frames.feed(data):
            yield parse(frame)


def parse(frame: bytes) -> Request:
    """Return the request in a frame, its length included.

    Raises:
        ProtocolError: it is none.
    """
    key, version, number = _HEADER.unpack_from(frame, _LENGTH.size)
    begin = _LENGTH.size + _HEADER.size
    (length,) = _SHORT.unpack_from(frame, begin)
    begin += _SHORT.size
    if key < 0 or version < 0 or length < -1 or begin + length > len(frame):
        raise ProtocolError("not a Kafka request")
    end = begin + max(length, 0)
    client = frame[begin:end].decode("utf-8", "replace")
    return Request(key, version, number, frame, frame[end:], client)


class FrameReader:
    """Cuts frames, which begin with their length, out of bytes."""

    def __init__(self, longest: int, shortest: int = _LENGTH.size) -> None:
        self._buffer = bytearray()
        self._longest = longest
        self._shortest = shortest

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield the frames that are complete now, with their lengths.

        Raises:
            ProtocolError: a length is none.
        """
        self._buffer += data
        while len(self._buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._buffer)
            if not self._shortest <= length <= self._longest:
                raise ProtocolError(f"a request of {length} bytes")
            end = _LENGTH.size + length
            if len(self._buffer) < end:
                return
            frame = bytes(self._buffer[:end])
            del self._buffer[:end]
            yield frame


def number_of(answer: bytes) -> int:
    """Return the number of the request that an answer, its length included, is for."""
    number: int = _LENGTH.unpack_from(answer, _LENGTH.size)[0]
    return number
