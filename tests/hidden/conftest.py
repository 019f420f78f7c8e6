"""What the hidden suites of this course share: random trips, the stream file, the state folder."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.folder import Folder
from grader.suite import Consumer

sys.path.insert(0, str(Path(__file__).parents[2] / "resources"))

NEWLINE = b"\n"
_ZONES = ("Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island")
# Any JSON object is an event, so a zone may be one that is not of the course's five.
_ACCENTED = ("Bæjarhöfn", "São João", "Ōtemachi", "Łódź-Górna", "Ñuñoa 🚕")


@pytest.fixture
def trips(rng: random.Random) -> Callable[[int], list[dict[str, Any]]]:
    """`trips(n)`: n random events with different ids; with `accented=True`, of accented zones.

    Only tests that are about bytes ask for accents: elsewhere a mistake about bytes would cost
    the points of other checks, in some runs and not in others.
    """

    def make(count: int, *, accented: bool = False) -> list[dict[str, Any]]:
        ids = rng.sample(range(100_000, 1_000_000), count)
        return [
            {
                "event_id": event_id,
                "timestamp": f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T08:{rng.randint(0, 59):02}:00Z",
                "pickup_zone": rng.choice(_ACCENTED if accented else _ZONES),
                "passengers": rng.randint(1, 6),
                "fare_estimate": rng.randint(500, 8500) / 100,
            }
            for event_id in ids
        ]

    return make


def to_bytes(item: dict[str, Any] | bytes) -> bytes:
    """An event as its line, in UTF-8; bytes as they are."""
    if isinstance(item, bytes):
        return item
    return json.dumps(item, ensure_ascii=False).encode() + b"\n"


class Stream:
    """The file that the suite writes and the student's consumer only reads."""

    def __init__(self, consumer: Consumer, name: str) -> None:
        self._folder = consumer.stream
        self._log = consumer.log
        self._name = name
        self.path = self._folder.path(name)

    def append(self, *items: dict[str, Any] | bytes) -> None:
        """Add events, or bytes as they are, in one write."""
        data = b"".join(map(to_bytes, items))
        self._log.add("suite", f"appends {len(data)} bytes, {data.count(NEWLINE)} lines")
        self._folder.append(self._name, data)

    def write(self, *items: dict[str, Any] | bytes) -> None:
        """Make the file hold just these, in the same inode."""
        data = b"".join(map(to_bytes, items))
        self._log.add("suite", f"rewrites the file: {len(data)} bytes")
        self._folder.write(self._name, data)

    def rotate(self) -> None:
        """Rename the file aside; the name is free afterwards."""
        self._log.add("suite", "renames the file aside")
        self._folder.rename(self._name, f"{self._name}.1")

    def remove(self) -> None:
        """Remove the file."""
        self._log.add("suite", "removes the file")
        self._folder.remove(self._name)

    @property
    def size(self) -> int:
        """Its size in bytes."""
        return self._folder.size(self._name)


class State:
    """The folder that the student's process writes; every test has names of its own in it."""

    def __init__(self, folder: Folder, prefix: str) -> None:
        self._folder = folder
        self._prefix = prefix

    def path(self, name: str) -> str:
        """The path of `name`, to hand to the student's function."""
        return self._folder.path(self._prefix + name)

    def read(self, name: str) -> bytes | None:
        """The content of `name`, or None."""
        return self._folder.read(self._prefix + name)

    def write(self, name: str, data: bytes) -> None:
        """Make `name` hold `data`."""
        self._folder.write(self._prefix + name, data)

    def names(self) -> list[str]:
        """The names in use by this test."""
        return [
            n.removeprefix(self._prefix) for n in self._folder.names() if n.startswith(self._prefix)
        ]


@pytest.fixture
def new_stream(consumer: Consumer, rng: random.Random) -> Callable[[], Stream]:
    """`new_stream()`: one more stream file of a random name."""
    return lambda: Stream(consumer, f"trips-{rng.randrange(16**8):08x}.ndjson")


@pytest.fixture
def stream(new_stream: Callable[[], Stream]) -> Stream:
    """The stream file of this test."""
    return new_stream()


@pytest.fixture
def state(consumer: Consumer, rng: random.Random) -> State:
    """The state folder of this test."""
    return State(consumer.state, f"{rng.randrange(16**6):06x}-")
