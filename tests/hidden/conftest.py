"""What the hidden suites of this course share: random trips, the stream file, the state folder."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.sandbox.folder import Folder
from grader.suite import Consumer, Failed, content

sys.path.insert(0, str(Path(__file__).parents[2] / "resources"))

NEWLINE = b"\n"


@pytest.fixture
def trips(rng: random.Random, consumer: Consumer) -> Callable[..., list[content.Event]]:
    """`trips(n)`: n random events with different ids; with `accented=True`, of accented zones.

    Only tests that are about bytes ask for accents: elsewhere a mistake about bytes would cost
    the points of other checks.
    """

    def make(count: int, *, accented: bool = False) -> list[content.Event]:
        events = content.trips(rng, count, accented=accented)
        consumer.log.number(events)
        return events

    return make


@pytest.fixture
def odd_events(rng: random.Random) -> list[content.Event]:
    """Events of which no two kinds are alike, in ASCII, in random order."""
    return content.odd_events(rng)


@pytest.fixture
def unusual_text(rng: random.Random) -> list[content.Event]:
    """Events whose text is not ASCII, or is taken for the end of a line, in random order."""
    return content.unusual_text(rng)


class Stream:
    """The file that the suite writes and the student's consumer only reads."""

    def __init__(self, consumer: Consumer, name: str) -> None:
        self._folder = consumer.stream
        self._log = consumer.log
        self._name = name
        self.path = self._folder.path(name)

    def append(self, *items: content.Event | bytes) -> None:
        """Add events, or bytes as they are, in one write."""
        data = b"".join(map(content.to_line, items))
        self._log.add("suite", f"appends {len(data)} bytes, {data.count(NEWLINE)} lines")
        self._folder.append(self._name, data)

    def append_hole(self, size: int) -> None:
        """Add `size` bytes of zeros, which take no room and are read by nobody here."""
        self._log.add("suite", f"appends {size} bytes of zeros")
        self._folder.append(self._name, b"")
        with self.opened() as descriptor:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size + size)

    @contextmanager
    def opened(self) -> Iterator[int]:
        """A descriptor of the file, to read and to write."""
        with self._folder.opened(self._name) as descriptor:
            yield descriptor

    def write(self, *items: content.Event | bytes) -> None:
        """Make the file hold just these, in the same inode."""
        data = b"".join(map(content.to_line, items))
        self._log.add("suite", f"rewrites the file: {len(data)} bytes")
        self._folder.write(self._name, data)

    def rotate(self) -> None:
        """Rename the file aside; the name is free afterwards."""
        self._log.add("suite", "renames the file aside")
        self._folder.rename(self._name, f"{self._name}.1")

    def point_to(self, other: Stream) -> None:
        """Make the name a symbolic link to another stream's file, in one step."""
        self._log.add("suite", "sets a symbolic link to a file")
        self._folder.link(self._name, other._name)

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
        try:
            self._folder.write(self._prefix + name, data)
        except OSError as error:
            raise self._no_file(name, error) from None

    def remove(self, name: str) -> None:
        """Remove `name`, where there is one."""
        try:
            self._folder.remove(self._prefix + name)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._no_file(name, error) from None

    def _no_file(self, name: str, error: OSError) -> Failed:
        """What is said where the student's process has put something else in a file's place."""
        return Failed(
            f"{self.path(name)} should be a file; there is something else: {error.strerror}"
        )

    def names(self) -> list[str]:
        """The names in use by this test."""
        return [
            n.removeprefix(self._prefix) for n in self._folder.names() if n.startswith(self._prefix)
        ]


@pytest.fixture
def new_stream(consumer: Consumer, rng: random.Random) -> Callable[..., Stream]:
    """`new_stream()`: one more stream file of a random name, which begins with "trips" or another word.

    `where` is the consumer that reads it, if it is not that of the test.
    """

    def make(word: str = "trips", where: Consumer = consumer) -> Stream:
        return Stream(where, f"{word}-{rng.randrange(16**8):08x}.ndjson")

    return make


@pytest.fixture
def stream(new_stream: Callable[..., Stream]) -> Stream:
    """The stream file of this test."""
    return new_stream()


@pytest.fixture
def open_files() -> Callable[[int], list[str]]:
    """`open_files(pid)`: what a process has open, the latest last; nothing where the system does not say."""

    def look(pid: int) -> list[str]:
        try:
            links = sorted(Path(f"/proc/{pid}/fd").iterdir(), key=lambda link: int(link.name))
            return [str(link.readlink()) for link in links]
        except OSError:
            return []

    return look


@pytest.fixture
def state(consumer: Consumer, rng: random.Random) -> State:
    """The state folder of this test."""
    return State(consumer.state, f"{rng.randrange(16**6):06x}-")
