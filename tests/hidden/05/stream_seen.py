"""A stream as an onlooker sees it: what is in it, who has what pending, and what is old."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import redis

from grader.services.redis.service import RedisService
from grader.suite import Consumer, Failed, Raised
from grader.suite.content import these, to_message, value_of
from grader.suite.steps import Step, shorten

PATIENCE = 10.0  # seconds; only a wrong submission waits so long
LONG = 600_000
"""Milliseconds that nothing comes to be old in a test by itself."""
MANY = 1_050
"""Entries: more than one page, and more than what is kept by those who always trim."""


def new_name() -> str:
    """A consumer's name as people give them: it does not tell which test it is in."""
    kind = secrets.choice(("taxi", "meter", "mia", "noah", "worker", "zone"))
    return f"{kind}{secrets.choice(' -_.')}{secrets.token_hex(3)}"


OTHER, THIRD = new_name(), new_name()
"""The consumers of the group that the suite plays."""

_APPEND = """
local ids, all, at = {}, ARGV[1], 1
while at <= #all do
    local count, words = 0, {}
    count, at = struct.unpack(">I4", all, at)
    for number = 1, count do
        words[number], at = struct.unpack(">I4c0", all, at)
    end
    ids[#ids + 1] = redis.call("XADD", KEYS[1], unpack(words))
end
return table.concat(ids, " ")
"""
"""Appends entries out of one text: of each the number of its words, then its id, names and values,
each after its length. A thousand XADDs took redis-py longer than the rest of a test."""

Fields = dict[bytes, bytes]


@dataclass(frozen=True)
class Pending:
    """An entry that was delivered and not acknowledged."""

    id: str
    consumer: str
    deliveries: int
    idle: int = field(compare=False)  # it grows by itself
    """Milliseconds."""


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


def count_of_entries(ids: list[str]) -> str:
    """How many they are, for a sentence."""
    return "1 entry" if len(ids) == 1 else f"{len(ids)} entries"


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
        added = [fields_of(item) for item in items]
        parts = []
        for number, fields in enumerate(added):
            at = "*" if first == "*" else f"{time_ms}-{int(start) + number}"
            words = [at.encode(), *chain.from_iterable(fields.items())]
            parts.append(len(words).to_bytes(4, "big"))
            for word in words:
                parts += len(word).to_bytes(4, "big"), word
        every = b"".join(parts)
        answer = self._ask(lambda name: self._client.eval(_APPEND, 1, name, every), self.name)
        ids = answer.decode().split()
        self.ids += ids
        self.everything += items
        self.fields |= zip(ids, added, strict=True)
        return ids

    def append_fields(self, **fields: Any) -> str:
        """Append an entry of these fields; its id."""
        (entry_id,) = self.append(Entry(fields))
        return entry_id

    def add_to_dead(self) -> None:
        """Append an entry to its stream of dead ones, as another consumer would."""
        self._log.add("suite", "appends an entry to the stream of the dead")
        # The lowest id that there is: whatever ids the others have there, they come after it.
        self._ask(self._client.xadd, f"{self.name}.dead", {b"of": b"another consumer"}, id="0-1")

    def fill_dead(self, count: int) -> None:
        """Append entries to its stream of dead ones, which were moved there long ago."""
        self._log.add("suite", f"appends {count} entries to the stream of the dead")
        pipeline = self._client.pipeline(transaction=False)
        for number in range(1, count + 1):
            pipeline.xadd(f"{self.name}.dead", {b"event": b"%d" % number}, id=f"0-{number}")
        self._ask(pipeline.execute)

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
        if len(ids) != count:
            raise Failed(
                f"{count_of_entries(self.ids)} had been appended to the stream "
                f"{self.name!r}, and {count} of them were to be delivered to the consumer "
                f"{consumer!r}; {len(ids)} could be: the others were no longer there, or had been "
                "delivered before"
            )
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
    def length(self) -> int:
        """How many entries are in the stream."""
        return int(self._ask(self._client.xlen, self.name))

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
            Pending(
                id=one["message_id"].decode(),
                consumer=text(one["consumer"]),
                deliveries=int(one["times_delivered"]),
                idle=int(one["time_since_delivered"]),
            )
            for one in found
        )
        return {one.id: one for one in each}

    @property
    def groups(self) -> dict[str, dict[str, Any]]:
        """What the server says of each group, by name; none where there is no stream."""
        if not self._ask(self._client.exists, self.name):
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
        except redis.ConnectionError as error:
            self.service.check()  # where it serves no longer, that is no fault of the student's
            raise Failed(
                f"Redis serves, and ended the connection of a look at the stream {self.name!r}, as "
                f"it does where its answer would be of many megabytes: {error}"
            ) from None
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

    def event_of(self, entry_id: str) -> Any:
        """The event of an entry; None of one that the suite did not append."""
        return self.everything[self.ids.index(entry_id)] if entry_id in self.ids else None

    def entries_named(self, ids: list[str]) -> str:
        """Entries by their place, for a sentence."""
        numbers = [str(self.ids.index(each) + 1) for each in ids if each in self.ids]
        if ids and not numbers:
            return f"{count_of_entries(ids)} that the suite had not appended"
        *first, last = numbers or ["none"]
        return f"entries {', '.join(first)} and {last}" if first else f"entry {last}"


def is_unchanged(step: Step, name: str) -> bool:
    """Tell whether what left the function is the exception of that name that handle raised."""
    if not (isinstance(step, Raised) and step.by_handle):
        return False
    # What leaves a thread of an executor's is no StopIteration, by Python's fault.
    types = {name.rpartition(".")[2]} | ({"RuntimeError"} if name == "StopIteration" else set())
    return step.type in types


def judge_dead(stream, ids: list[str], words: str) -> None:
    """Just these entries lie in the stream of the dead, and none of them is pending.

    Whether they are there with all their fields is 05.bad-entry's.
    """
    there = [value_of(fields.get(b"event", b"")) for fields in stream.dead]
    wanted = [value_of(stream.fields[entry_id].get(b"event", b"")) for entry_id in ids]
    assert len(there) == len(wanted), (
        f"{words}: {stream.entries_named(ids)} should be in {stream.name}.dead; it has {len(there)} "
        f"entr{'y' if len(there) == 1 else 'ies'}"
    )
    others = [value for value in there if value not in wanted]
    assert not others, (
        f"{words}: {stream.entries_named(ids)} should be in {stream.name}.dead; another one is, "
        f"{shorten(others[0])}"
    )
    left = [entry_id for entry_id in ids if entry_id in stream.pending]
    assert not left, f"{words}: moved to .dead, {stream.entries_named(left)} should not be pending"
