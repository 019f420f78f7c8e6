"""What the tests of exercise 05 share: a stream as an onlooker sees it, and the student's functions.

A consumer of the student's creates its group itself, on a stream where there is none yet. Before it
asks the group for anything, an onlooker sets the group back to the first entry and makes the scene
of the test. So whoever begins a group in the wrong place, or cannot live with one that is there
already, is told so by 05.group alone.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from grader.services.redis.service import RedisService
from grader.suite import (
    HANDLE,
    Consumer,
    Failed,
    Handle,
    Kept,
    New,
    Process,
    Run,
)
from grader.suite.content import these, to_message, value_of

# Milliseconds that a read waits where the test is not about waiting.
SHORT = 10
OTHER = "other"
"""The consumer of the group that the suite plays."""

_ASKS_THE_GROUP = ("XREADGROUP", "XAUTOCLAIM", "XPENDING", "XCLAIM", "XREAD", "XRANGE")

Fields = dict[bytes, bytes]


@dataclass(frozen=True)
class Pending:
    """An entry that was delivered and not acknowledged."""

    id: str
    consumer: str
    deliveries: int


def order(entry_id: str) -> tuple[int, ...]:
    """What ids are sorted by."""
    return tuple(int(part) for part in entry_id.split("-"))


@dataclass(frozen=True)
class Entry:
    """Fields that the suite appends as they are."""

    fields: dict[str, Any]


def fields_of(item: Any) -> Fields:
    """An event as the fields of an entry; bytes as the value of `event`; fields as they are."""
    if isinstance(item, Entry):
        return {encoded(name): encoded(value) for name, value in item.fields.items()}
    return {b"event": to_message(item)}


def encoded(text: str | bytes) -> bytes:
    """Text as the server has it."""
    return text if isinstance(text, bytes) else text.encode()


def text(name: bytes) -> str:
    """A name that the student's code may have made up, for a sentence."""
    return name.decode(errors="replace")


class Stream:
    """A stream and a group, as the suite sees them.

    What the student's code did to them is a failure, not an error.
    """

    def __init__(self, service: RedisService, consumer: Consumer, name: str, group: str) -> None:
        self.service = service
        self.name = name
        self.group = group
        self.everything: list[Any] = []
        """What the suite appended, in order."""
        self.ids: list[str] = []
        self.fields: dict[str, Fields] = {}
        """The fields of what it appended, by id."""
        self._client = service.client
        self._log = consumer.log

    def of_group(self, group: str) -> Stream:
        """The same stream, with another group."""
        other = Stream.__new__(Stream)
        other.__dict__.update(self.__dict__)
        other.group = group
        return other

    # What an onlooker does ---------------------------------------------------------

    def append(self, *items: Any, first: str = "*") -> list[str]:
        """Append events, bytes as the value of `event`, or an Entry; the ids.

        With a `first` id, the others come after it in the same millisecond.
        """
        self._log.add("suite", f"appends {len(items)} entries")
        time_ms, _, start = first.partition("-")
        pipeline = self._client.pipeline(transaction=False)
        added = [fields_of(item) for item in items]
        for number, fields in enumerate(added):
            at = "*" if first == "*" else f"{time_ms}-{int(start) + number}"
            pipeline.xadd(self.name, fields, id=at)
        ids = [each.decode() for each in self._ask(pipeline.execute)]
        self.ids += ids
        self.everything += items
        self.fields |= zip(ids, added, strict=True)
        return ids

    def append_fields(self, **fields: Any) -> str:
        """Append an entry of these fields; its id."""
        (entry_id,) = self.append(Entry(fields))
        return entry_id

    def make_empty(self) -> None:
        """Create the stream, with nothing in it."""
        self.remove(*self.append({}))
        self.ids.clear()
        self.everything.clear()

    def remove(self, *ids: str) -> None:
        """Take entries out of the stream; what was delivered stays pending."""
        self._log.add("suite", f"removes {len(ids)} entries from the stream")
        self._ask(self._client.xdel, self.name, *ids)

    def trim(self, keep: int) -> None:
        """Leave the newest entries."""
        self._log.add("suite", f"trims the stream to {keep}")
        self._ask(self._client.xtrim, self.name, maxlen=keep, approximate=False)

    def create_group(self, at: str = "0") -> None:
        """Create the group, and the stream where it is missing."""
        self._ask(self._client.xgroup_create, self.name, self.group, id=at, mkstream=True)

    def destroy_group(self) -> None:
        """Destroy the group; fine where there is none."""
        with suppress(redis.ResponseError):
            self._client.xgroup_destroy(self.name, self.group)

    def open_group(self, at: str = "0") -> None:
        """Set the group back to that id; create it where its consumer did not.

        A request to create it may be on its way still, and gets the time to arrive.
        """
        for _ in range(5):
            try:
                self._client.xgroup_setid(self.name, self.group, at)
            except redis.ResponseError:
                time.sleep(0.001)
            else:
                return
        with suppress(redis.ResponseError):  # whatever it is, it shows in what the consumer does
            self._client.xgroup_create(self.name, self.group, id=at, mkstream=True)

    def deliver(
        self, count: int, *, idle: int = 0, deliveries: int = 1, consumer: str = OTHER
    ) -> list[str]:
        """Deliver the next entries to a consumer that the suite plays; their ids.

        They are pending for `idle` ms then, and were delivered so many times.
        """
        self._log.add("suite", f"delivers {count} entries to {consumer!r}, idle for {idle} ms")
        answer = self._ask(
            self._client.xreadgroup, self.group, consumer, {self.name: ">"}, count=count
        )
        ids = [entry_id.decode() for _, entries in answer for entry_id, _ in entries]
        if idle or deliveries != 1:
            self.age(*ids, idle=idle, deliveries=deliveries)
        return ids

    def age(self, *ids: str, idle: int, deliveries: int | None = None) -> None:
        """Make pending entries as old as that; owner and deliveries stay as they are.

        Of ids that are not pending nothing changes.
        """
        pending = self.pending
        pipeline = self._client.pipeline(transaction=False)
        for entry_id in ids:
            held = pending.get(entry_id)
            if held is not None:
                count = held.deliveries if deliveries is None else deliveries
                where = (self.name, self.group, held.consumer)
                # JUSTID: the claim is not counted as a delivery.
                pipeline.xclaim(*where, 0, [entry_id], idle=idle, retrycount=count, justid=True)
        self._ask(pipeline.execute)

    def claim(self, entry_id: str, *, consumer: str) -> None:
        """Claim an entry for a consumer that the suite plays; the server counts a delivery."""
        self._log.add("suite", f"claims an entry for {consumer!r}")
        self._ask(self._client.xclaim, self.name, self.group, consumer, 0, [entry_id])

    def acknowledge(self, *ids: str) -> None:
        """Acknowledge entries of the group."""
        self._ask(self._client.xack, self.name, self.group, *ids)

    # What an onlooker sees ---------------------------------------------------------

    @property
    def entries(self) -> list[tuple[str, Fields]]:
        """What is in the stream."""
        return self._entries(self.name)

    @property
    def added(self) -> int:
        """How many entries were ever added to it."""
        return int(self._ask(self._client.xinfo_stream, self.name)["entries-added"])

    @property
    def events(self) -> list[Any]:
        """What the field `event` of each entry holds."""
        return [value_of(fields.get(b"event")) for _, fields in self.entries]

    @property
    def dead(self) -> list[Fields]:
        """The fields of what is in its stream of dead entries."""
        return [fields for _, fields in self._entries(f"{self.name}.dead")]

    def _entries(self, name: str) -> list[tuple[str, Fields]]:
        found = self._ask(self._client.xrange, name)
        return [(entry_id.decode(), fields) for entry_id, fields in found]

    @property
    def pending(self) -> dict[str, Pending]:
        """What is pending in the group, by id."""
        found = self._ask(self._client.xpending_range, self.name, self.group, "-", "+", 10_000)
        each = (
            Pending(one["message_id"].decode(), text(one["consumer"]), int(one["times_delivered"]))
            for one in found
        )
        return {one.id: one for one in each}

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """What the server says of each group, by name; none where there is no stream."""
        if not self._client.exists(self.name):
            return {}
        found = self._ask(self._client.xinfo_groups, self.name)
        return {text(one["name"]): one for one in found}

    @property
    def consumers(self) -> list[str]:
        """The names of the group's consumers."""
        found = self._ask(self._client.xinfo_consumers, self.name, self.group)
        return sorted(text(one["name"]) for one in found)

    @property
    def delivered(self) -> list[str]:
        """The ids of the entries that were delivered to somebody of the group."""
        last = self.groups.get(self.group, {}).get("last-delivered-id", b"0-0").decode()
        return [entry_id for entry_id in self.ids if order(entry_id) <= order(last)]

    def _ask(self, command: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except redis.ResponseError as error:
            name = next((each for each in args if isinstance(each, str)), self.name)
            if "NOGROUP" in str(error):
                said = f"the stream {name!r} should have the group {self.group!r}; it has no such group"
            elif "WRONGTYPE" in str(error):
                said = f"the key {name!r} should hold a stream; it holds something else"
            elif "no such key" in str(error):
                said = f"there should be a stream {name!r}; there is none"
            else:
                said = f"Redis refused a look at the stream {name!r}: {error}"
            raise Failed(said) from None

    # Words -------------------------------------------------------------------------

    def these(self, events: list[Any]) -> str:
        """Events by their place in what was appended, for a sentence."""
        return these(events, self.everything, "had not been appended")

    def id_of(self, event: Any) -> str:
        """The id of the entry of an event, which the test's events have one of."""
        return self.ids[self.everything.index(event)] if event in self.everything else ""

    def entries_named(self, ids: list[str]) -> str:
        """Entries by their place, for a sentence."""
        numbers = [str(self.ids.index(each) + 1) for each in ids if each in self.ids]
        *first, last = numbers or ["none"]
        return f"entries {', '.join(first)} and {last}" if first else f"entry {last}"


class Student:
    """The student's functions, each called with a redis client that its process keeps."""

    def __init__(
        self,
        service: RedisService,
        consumer: Consumer,
        new_stream: Callable[..., Stream],
        found: dict[bool, bool],
        at_end: ExitStack,
    ) -> None:
        self.service = service
        self._consumer = consumer
        self._new_stream = new_stream
        self._found = found
        self._at_end = at_end

    def process(self, *, decode: bool | None = None) -> Process:
        """A new process with a client in it, of those whose answers the student's code can read.

        With `decode` it has decode_responses as asked for.
        """
        if decode is None:
            decode = self.reads_only(decode=True)
        process = self._consumer.process()
        where = {"host": self.service.host, "port": self.service.port}
        process.keep("client", New("redis.Redis", **where, decode_responses=decode))
        return process

    def reads(self, *, decode: bool) -> bool:
        """Tell whether stream_consumer finds the event in what such a client answers.

        Whoever expects one kind of client is told so by 05.delivers, and not by each check.
        """
        if decode not in self._found:
            stream = self._new_stream()
            stream.append({"event_id": 1})
            try:
                run = self.consume(stream, self.process(decode=decode), max_events=1)
                self._found[decode] = isinstance(run.next(), Handle)
            except Failed:
                self._found[decode] = False
        return self._found[decode]

    def reads_only(self, *, decode: bool) -> bool:
        """Tell whether it reads what such a client answers, and not what one of the others does."""
        return not self.reads(decode=not decode) and self.reads(decode=decode)

    def before_it_asks(self, stream: Stream, action: Callable[[], None]) -> Any:
        """Run `action` before the student's next request to the group, or to read the stream."""
        return self.service.before(
            *_ASKS_THE_GROUP, action=action, argument=stream.name, in_transactions=True
        )

    def begin(
        self,
        stream: Stream,
        process: Process | None = None,
        *,
        consumer: str = "mia",
        max_events: int = 1000,
        **kwargs: Any,
    ) -> Run:
        """Begin a call of stream_consumer as it stands."""
        where = process or self.process()
        options = {"wait_ms": SHORT, "max_empty_reads": 8} | kwargs
        return where.start(
            "redis_streams.stream_consumer",
            Kept("client"),
            stream.name,
            stream.group,
            consumer,
            HANDLE,
            max_events=max_events,
            **{name: value for name, value in options.items() if value is not None},
        )

    def consume(
        self,
        stream: Stream,
        process: Process | None = None,
        *,
        scene: Callable[[], object] = lambda: None,
        at: str = "0",
        **kwargs: Any,
    ) -> Run:
        """Begin a consumer that creates its group; before it asks, `scene` is made in the group.

        The group goes on after the entry with the id `at`. Of two consumers on one stream, the
        second begins when the first has asked.
        """

        def prepare() -> None:
            stream.open_group(at)
            scene()

        self._at_end.enter_context(self.before_it_asks(stream, prepare))
        return self.begin(stream, process, **kwargs)

    def miscounts(self, value: Any, number: int) -> bool:
        """Tell whether that is another int; who returns none is told so by 05.delivers alone."""
        return isinstance(value, int) and value != number

    def given(self, scene: str) -> None:
        """Say what was the case, for a failure of the engine's own."""
        self._consumer.given(scene)

    def finish(self, run: Run, when: str) -> list[Any]:
        """Say yes to every step until it returns; the events. `run.value` is what it returned."""
        self.given(when)
        return run.drain()

    def append(self, stream: Stream, events: Any, process: Process, **kwargs: Any) -> Any:
        """Call append_events; what it returns."""
        return process.call(
            "redis_streams.append_events", Kept("client"), stream.name, events, **kwargs
        )

    def replay(self, stream: Stream, process: Process | None = None, **kwargs: Any) -> Run:
        """Begin a call of replay."""
        where = process or self.process()
        return where.start("redis_streams.replay", Kept("client"), stream.name, HANDLE, **kwargs)

    def lag(self, stream: Stream, process: Process) -> Any:
        """Call lag; what it returns."""
        return process.call("redis_streams.lag", Kept("client"), stream.name, stream.group)


@pytest.fixture
def service_of_streams(service: Callable[[str], Any]) -> RedisService:
    """The service; consumer groups are judged on a real server alone."""
    found: RedisService = service("redis")
    found.require_real()
    return found


@pytest.fixture
def new_stream(service_of_streams: RedisService, consumer: Consumer) -> Callable[..., Stream]:
    """`new_stream()`: one more stream that does not exist yet, and the name of its group.

    Not from the run's seed, which all submissions share: on the user's own server they would meet.
    """

    def make(name: str = "trips-{}", group: str = "fares-{}") -> Stream:
        word = uuid.uuid4().hex[:10]
        return Stream(service_of_streams, consumer, name.format(word), group.format(word))

    return make


@pytest.fixture
def stream(new_stream: Callable[..., Stream]) -> Stream:
    """The stream of this test."""
    return new_stream()


@pytest.fixture(scope="session")
def found() -> dict[bool, bool]:
    """Whether the student's code reads what a client answers, with decode_responses off and on."""
    return {}


@pytest.fixture
def student(
    service_of_streams: RedisService,
    consumer: Consumer,
    new_stream: Callable[..., Stream],
    found: dict[bool, bool],
) -> Iterator[Student]:
    """The student's functions."""
    with ExitStack() as at_end:
        yield Student(service_of_streams, consumer, new_stream, found, at_end)
