"""A topic and a group as an onlooker sees them.

Where a group begins that has committed nothing is 06.from-the-start's business: in every other
test an onlooker has committed the first offset of each partition before. A kill is judged by the
committed offsets, which no time-out has to end for.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any

from kafka_names import Namer

from grader.errors import ServiceError
from grader.services.kafka.service import KafkaService, Message
from grader.suite import Consumer, Failed
from grader.suite.content import these, to_message, value_of
from grader.suite.steps import shorten

Offsets = dict[int, int]

FEW = 3
"""Events that a sentence shows."""
_EARLIEST, _LATEST = 1_500_000_000_000, 1_790_000_000_000
"""Milliseconds since 1970, as producers' clocks say them."""


def canonical(event: Any) -> str:
    """Return a text that equal events share; of what is no JSON, what it looks like."""
    try:
        return json.dumps(event, sort_keys=True)
    except (TypeError, ValueError, RecursionError):
        return repr(event)


class Topic:
    """Shows a topic and a group as the suite sees them."""

    def __init__(
        self, service: KafkaService, consumer: Consumer, namer: Namer, count: int, name: str = ""
    ) -> None:
        self.service = service
        self._namer = namer
        self.name = name or namer()
        self.group = namer()
        self.count = count
        """Of its partitions."""
        self.everything: list[Any] = []
        """The events that the suite published."""
        self.places: list[tuple[int, int]] = []
        """Their partitions and offsets."""
        self._lengths = dict.fromkeys(range(count), 0)
        self._where: dict[str, int] = {}
        """The partition of each event; equal ones are in the same."""
        self._log = consumer.log
        service.create_topic(self.name, count)

    def of_another_group(self) -> Topic:
        """Return the same topic, with another group; nobody can know its name before."""
        other = Topic.__new__(Topic)
        other.__dict__.update(self.__dict__)
        other.group = self._namer()
        return other

    # What an onlooker does ---------------------------------------------------------

    def put(
        self, partition: int, *items: Any, key: bytes | None = None, made: Sequence[int] = ()
    ) -> None:
        """Publish to a partition: events, or values as they are, which are no events.

        `made` says of each when its producer's clock said that it was made.
        """
        self._log.add("suite", f"publishes {len(items)} messages to partition {partition}")
        self.service.produce(
            self.name,
            [(key, to_message(item) if isinstance(item, dict) else item) for item in items],
            partition,
            made,
        )
        for item in items:
            if isinstance(item, dict):
                self.everything.append(item)
                self.places.append((partition, self._lengths[partition]))
                self._where[canonical(item)] = partition
            self._lengths[partition] += 1

    def spread(self, *events: Any) -> None:
        """Publish events by turns to the partitions."""
        for number in range(self.count):
            self.put(number, *events[number :: self.count])

    def scatter(self, rng: random.Random, *events: Any, among: Sequence[int]) -> None:
        """Publish events to those partitions at random, equal ones to the same one.

        By producers whose clocks go wrong: the order of a partition is that of its offsets alone.
        """
        where = {canonical(event): rng.choice(among) for event in events}
        for number in among:
            mine = [event for event in events if where[canonical(event)] == number]
            made = [rng.randrange(_EARLIEST, _LATEST) for _ in mine]
            self.put(number, *mine, key=rng.choice((None, b"Queens", b"\xff\x00")), made=made)

    def put_one_by_one(self, partition: int, *items: Any) -> None:
        """Publish to a partition, a batch for each item: between those the log can be trimmed."""
        for item in items:
            self.put(partition, item)

    def trim(self, partition: int, before: int) -> None:
        """Delete what a partition holds before an offset."""
        self._log.add("suite", f"deletes partition {partition} before offset {before}")
        self.service.trim(self.name, partition, before)

    def commit(self, offsets: Mapping[int, int]) -> None:
        """Commit for the group, which has no member.

        Raises:
            Failed: it was refused, and the submission has joined that group.
        """
        self._log.add("suite", f"commits {offsets} for {self.group}")
        try:
            self.service.commit(self.name, self.group, offsets)
        except ServiceError:
            if self.group not in self.service.joined:
                raise
            raise Failed(
                f"offsets were to be committed for the group {self.group!r}, which should have no "
                "member; the program had joined it"
            ) from None

    # What an onlooker sees ---------------------------------------------------------

    def judge_order(self, seen: list[Any], events: list[Any], scene: str) -> None:
        """Judge that just these events were handled, each once, and in order within each partition.

        Raises:
            Failed: they were not.
        """
        left = self.judge_so_far(seen, events, scene)
        if any(left.values()):
            raise Failed(f"{scene}; it handled {len(seen)} and returned")

    def judge_hung(self, seen: list[Any], events: list[Any], scene: str) -> None:
        """Judge what was handled by who waits for more: one that was passed over never comes.

        Raises:
            Failed: one was, or something else was handled.
        """
        left = self.judge_so_far(seen, events, scene)
        missing = [event for some in left.values() for event in some]
        if seen and 0 < len(missing) <= FEW:
            those = ", ".join(map(shorten, missing))
            raise Failed(f"{scene}; it waits for more, and did not handle {those}")

    def judge_so_far(self, seen: list[Any], events: list[Any], scene: str) -> dict[int, list[Any]]:
        """Judge the events that were handled, in each partition's order; what is left of each.

        Raises:
            Failed: one was passed over, or something else was handled.
        """
        left = {
            number: [event for event in self.of_partition(number) if event in events]
            for number in range(self.count)
        }
        for event in seen:
            number = self._where.get(canonical(event), -1)
            if not isinstance(event, dict) or event not in events or number not in left:
                raise Failed(f"{scene}; it handled {shorten(event)}, which is none of them")
            if not left[number]:
                raise Failed(f"{scene}; it handled {shorten(event)} once more")
            wanted = left[number].pop(0)
            if wanted != event:
                raise Failed(
                    f"{scene}; of partition {number}, {shorten(wanted)} should come next, it handled "
                    f"{shorten(event)}"
                )
        return left

    @property
    def committed(self) -> Offsets:
        """Return the committed offset of each partition; 0 where there is none."""
        found = self.service.committed(self.name, self.group)
        return {number: found.get(number, 0) for number in range(self.count)}

    @property
    def ends(self) -> Offsets:
        """Return the offset after the last message of each partition."""
        return self.service.ends(self.name)

    @property
    def values(self) -> list[Any]:
        """Return what its messages hold: JSON, or the value as it is."""
        return [value_of(each.value) for each in self.messages]

    @property
    def messages(self) -> list[Message]:
        """Return what the topic holds, in order within each partition."""
        return self.service.read(self.name)

    def of_partition(self, number: int) -> list[Any]:
        """Return the events of a partition."""
        pairs = zip(self.everything, self.places, strict=True)
        return [event for event, (partition, _) in pairs if partition == number]

    def place(self, event: Any) -> tuple[int, int]:
        """Return where an event is, of those of which there are no two.

        Raises:
            Failed: it was never published.
        """
        if event not in self.everything:
            raise Failed(f"kafka_consumer handled {event!r:.80}, which was never published")
        return self.places[self.everything.index(event)]

    def passed(self, handled: list[Any], committed: Offsets | None = None) -> list[Any]:
        """Return the events that committed offsets have passed, and that were not handled."""
        offsets = self.committed if committed is None else committed
        return [
            event
            for event, (partition, offset) in zip(self.everything, self.places, strict=True)
            if event not in handled and offset < offsets[partition]
        ]

    def not_passed(self, handled: list[Any]) -> list[Any]:
        """Return the handled events that no committed offset has passed."""
        offsets = self.committed
        return [event for event in handled if offsets[(at := self.place(event))[0]] <= at[1]]

    # Words -------------------------------------------------------------------------

    def these(self, events: list[Any]) -> str:
        """Say events by their place in what was published, for a sentence."""
        return these(events, self.everything, "had not been published")
