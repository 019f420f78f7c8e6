"""Exercise 06: publish to a partitioned log, consume it as a group, replay it, measure the lag.

The lesson is in README.md beside this file. Check your work with `pytest exercises/06`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Event = dict[str, Any]
Settings = dict[str, Any]


def publish_events(settings: Settings, topic: str, events: Iterable[Event]) -> None:
    """Publish events to a topic, and return when the broker has all of them.

    Args:
        settings: confluent-kafka's, such as `bootstrap.servers`: where the brokers are, and
            time-outs. Leave the dict as it is; what this function needs beyond it, it adds to a
            copy.
        topic: The topic's name. The topic exists.
        events: Dicts, of any number. Publish each as JSON, in this order, with its `pickup_zone`
            as the key, so that all events of a zone are in one partition.

    Raises:
        Exception: The broker refused an event, or did not confirm one in time. The class is yours
            to choose. The other events may be published.
    """
    raise NotImplementedError("produce each event with its key, flush, look at the reports")


def kafka_consumer(
    settings: Settings,
    topic: str,
    group: str,
    handle: Callable[[Event], None],
    *,
    max_events: int,
    ready: Callable[[], None] = lambda: None,
) -> int:
    """Handle a topic's events as a member of a group, and commit each when it is handled.

    Args:
        settings: confluent-kafka's: where the brokers are, and time-outs. Leave the dict as it is;
            what this function needs beyond it, it adds to a copy.
        topic: The topic's name. Its number of partitions is not known to you.
        group: The group's name. Every group gets all events; the members of one share the
            partitions. Where nothing is committed, the group begins at the first event.
        handle: Called with each event, in this thread or in another one, one at a time. When it
            returns, the offset after the event is committed, before `handle` is called again.
            What it raises leaves this function unchanged: that event comes again, those
            handled before it do not.
        max_events: Return after that many events were handled. What was fetched beyond them is
            neither handled nor committed.
        ready: Called when partitions were assigned to this member: each time or the first time
            only, as you like.

    Returns:
        How many events were handled.

    Raises:
        Exception: A commit was refused, for example because the member stood still for longer
            than its session: its partitions belong to another member by now. Only a refusal
            that says that the group is rebalancing may be passed over: that event comes again.

    It waits for events as long as it takes: no message for a while is not the end, and neither is
    an error that passes. A bad message (its value is not a JSON object, or is missing) is skipped,
    and committed past. The group is left on every way out.
    """
    raise NotImplementedError("subscribe; then poll, handle, commit, in a loop; close at the end")


def replay(settings: Settings, topic: str, handle: Callable[[Event], None]) -> int:
    """Handle all events that a topic holds when it is called, from the first one on.

    Args:
        settings: confluent-kafka's: where the brokers are, and time-outs. Leave the dict as it is.
        topic: The topic's name.
        handle: Called with each event, in order within each partition. What it raises leaves this
            function unchanged.

    Returns:
        How many events were handled. A bad message is skipped.

    No group's committed offsets move, and no group's members notice.
    """
    raise NotImplementedError("assign all partitions from their beginning, and read to their ends")


def lag(settings: Settings, topic: str, group: str) -> dict[int, int]:
    """Count, for each partition, the messages that a group has not committed.

    Args:
        settings: confluent-kafka's: where the brokers are, and time-outs. Leave the dict as it is.
        topic: The topic's name.
        group: The group's name. Its members go on undisturbed; there may be none.

    Returns:
        For each partition of the topic the end of its log minus the group's committed offset.
        Where nothing is committed the group would begin at the first message that is there, so
        count from that one.
    """
    raise NotImplementedError("ask for the committed offsets, and for the ends of the partitions")
