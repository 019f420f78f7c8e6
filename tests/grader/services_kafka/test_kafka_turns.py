"""The order in which the members of a group ask for their partitions."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kafka_lab import SECONDS, request

from grader.services.kafka import turns
from grader.services.kafka.protocol import parse
from grader.services.kafka.service import KafkaService
from grader.services.kafka.turns import Turns

SESSION = 1500
"""Milliseconds; a group waits for its members a second less."""
LEADER, FOLLOWER = "ana", "ben"


def text(word: bytes) -> bytes:
    """Write a word as requests have it."""
    return struct.pack(">h", len(word)) + word


def join(member: bytes = b"") -> bytes:
    """Return a request to be a member of `fares`."""
    body = text(b"fares") + struct.pack(">ii", SESSION, SESSION) + text(member)
    body += struct.pack(">h", -1) + text(b"consumer") + struct.pack(">i", 1)
    return request(11, body + text(b"range") + struct.pack(">i", 0), version=5)


def sync(member: str, generation: int = 1, receivers: tuple[str, ...] = ()) -> bytes:
    """Return a request for partitions, which gives them to `receivers`."""
    body = text(b"fares") + struct.pack(">i", generation) + text(member.encode())
    body += struct.pack(">hi", -1, len(receivers))
    for each in receivers:
        body += text(each.encode()) + struct.pack(">i", 1) + b"p"
    return request(14, body, version=3)


class Wire:
    """A connection of a member."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._rest = connection.makefile("rb")

    def send(self, data: bytes) -> None:
        """Send a request."""
        self._connection.sendall(data)

    def answer(self) -> bytes:
        """Return what comes next, after its number and its time to hold back."""
        (length,) = struct.unpack(">i", self._rest.read(4))
        return self._rest.read(length)[8:]

    def joined(self) -> tuple[int, str, str]:
        """Return the generation of the group, its leader, and who this member is."""
        answer = self.answer()
        error, generation = struct.unpack_from(">hi", answer)
        assert error == 0
        names, at = [], 6
        for _ in range(3):
            (size,) = struct.unpack_from(">h", answer, at)
            names.append(answer[at + 2 : at + 2 + size].decode())
            at += 2 + size
        return generation, names[1], names[2]

    def error(self) -> int:
        """Return the error that comes next."""
        found: int = struct.unpack_from(">h", self.answer())[0]
        return found


@contextmanager
def wire(kafka: KafkaService) -> Iterator[Wire]:
    """Connect to the cluster, through the front."""
    with socket.create_connection(("127.0.0.1", kafka.port), SECONDS) as connection:
        yield Wire(connection)


def test_a_leader_that_asks_first_is_answered_with_the_others(kafka: KafkaService) -> None:
    """The cluster by itself would refuse whoever asks after it."""
    with wire(kafka) as first, wire(kafka) as second:
        first.send(join())
        generation, leader, me = first.joined()
        assert leader == me
        first.send(sync(me, generation, (me,)))
        assert first.error() == 0
        second.send(join())
        first.send(join(me.encode()))
        (generation, _, _), (_, leader, other) = first.joined(), second.joined()
        assert leader == me
        first.send(sync(me, generation, (me, other)))
        second.send(sync(other, generation))
        assert (first.error(), second.error()) == (0, 0)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a leader wait so long that a busy machine decides nothing."""
    monkeypatch.setattr(turns, "_LONGEST", SECONDS)


@pytest.fixture
def met() -> list[str]:
    """Begin a list of what happens, in order."""
    return []


@pytest.fixture
def turn(met: list[str]) -> Turns:
    """Make one that says when it has asked the cluster."""
    return Turns(lambda: met.append("met"))


@contextmanager
def waiting(turn: Turns, met: list[str], data: bytes) -> Iterator[threading.Thread]:
    """Start a thread that waits for that request's turn."""

    def wait() -> None:
        turn.wait(parse(data))
        met.append("sent")

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    yield thread
    thread.join(SECONDS)
    assert not thread.is_alive()


def test_a_leader_waits_for_each_other(turn: Turns, met: list[str]) -> None:
    """For the members of its own generation, and until the cluster has read what they sent."""
    everyone = (LEADER, FOLLOWER, "cleo")
    turn.keep(parse(sync(FOLLOWER, 1)))
    with waiting(turn, met, sync(LEADER, 2, everyone)) as thread:
        turn.keep(parse(sync(FOLLOWER, 2)))
        thread.join(0.05)
        assert met == []
        turn.keep(parse(sync("cleo", 2)))
    assert met == ["met", "sent"]


@pytest.mark.parametrize(
    "data",
    [sync(FOLLOWER), sync(LEADER, 1, (LEADER,)), join(), request(12, b"")],
    ids=["a follower", "alone", "joins", "no body"],
)
def test_nobody_else_waits(turn: Turns, met: list[str], data: bytes) -> None:
    """Nor is the cluster asked."""
    turn.wait(parse(data))
    turn.keep(parse(data))
    assert met == []


def test_a_leader_does_not_wait_for_a_group_that_has_changed(turn: Turns, met: list[str]) -> None:
    """What it gives out is refused then, whoever asked."""
    turn.keep(parse(sync(FOLLOWER, 3)))
    turn.keep(parse(sync(FOLLOWER, 2)))
    with waiting(turn, met, sync(LEADER, 2, (LEADER, FOLLOWER))):
        pass
    assert met == ["met", "sent"]


def test_a_member_that_never_asks_is_not_waited_for_long(
    turn: Turns, met: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be dead; its group goes on."""
    monkeypatch.setattr(turns, "_LONGEST", 0.05)
    begin = time.monotonic()
    turn.wait(parse(sync(LEADER, 1, (LEADER, FOLLOWER))))
    assert time.monotonic() - begin >= 0.05
    assert met == []


@pytest.mark.parametrize("cut", range(1, 12))
def test_what_is_no_whole_request_waits_for_nobody(turn: Turns, met: list[str], cut: int) -> None:
    """Of the user's own tools the front lets such through."""
    whole = sync(LEADER, 1, (LEADER, FOLLOWER))[4:-cut]
    turn.wait(parse(struct.pack(">i", len(whole)) + whole))
    assert met == []
