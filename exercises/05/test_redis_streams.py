"""Public tests of exercise 05: Redis Streams, by a stand-in inside this process.

Each test runs twice: once with a client that gives you bytes, once with one that gives you str.
"""

from __future__ import annotations

import json

import pytest
from redis_streams import append_events, lag, replay, stream_consumer

STREAM = "taxi_events"
EVENTS = [{"event_id": 100001 + n, "pickup_zone": "São Paulo Plaza"} for n in range(6)]


def consume(client, handle, *, consumer="ana", group="fares", max_events=6, **options):
    """Your consumer, which gives up after one empty read of a few milliseconds."""
    patience = {"wait_ms": 10, "max_empty_reads": 1}
    return stream_consumer(
        client, STREAM, group, consumer, handle, max_events=max_events, **patience | options
    )


def numbers(events):
    """Return the events' ids, for a sentence."""
    return [event["event_id"] for event in events] or "no events"


def decoded(values):
    """Return the events that entries hold as JSON."""
    try:
        return [json.loads(value) for value in values]
    except (TypeError, ValueError):
        pytest.fail(f"the field `event` should hold an event as JSON; the entries' hold {values}")


@pytest.mark.check("05.append")
def test_each_event_is_an_entry(client, server):
    ids = append_events(client, STREAM, EVENTS)
    values = server.events()
    assert len(values) == 6, f"6 events should be 6 entries; the stream has {len(values)}"
    assert decoded(values) == EVENTS, (
        f"the field `event` should hold the event as JSON; the first entry's holds {values[0]!r}"
    )
    expected = [entry_id for entry_id, _ in server.redis.xrange(STREAM)]
    assert ids == expected, (
        f"append_events should return the 6 ids as str, {expected}; it returned {ids}"
    )


@pytest.mark.check("05.keep")
def test_the_newest_entries_are_kept(client, server):
    server.append(*EVENTS)
    append_events(client, STREAM, EVENTS[:2], keep=4)
    values = decoded(server.events())
    assert values == [*EVENTS[4:], *EVENTS[:2]], (
        "the stream held 6 entries, and 2 were appended with keep=4. "
        f"The newest 4 should be left, 2 of the old ones and those 2; {len(values)} are left"
        + (f": {values}" if len(values) == 4 else "")
    )


@pytest.mark.check("05.group")
def test_a_second_start_is_fine(client):
    count = consume(client, [].append)
    assert count == 0, f"there is no stream yet, so no event was handled: return 0, not {count!r}"
    append_events(client, STREAM, EVENTS)
    handled = []
    consume(client, handled.append)
    assert handled == EVENTS, (
        f"6 events came after the first start; the second handled {numbers(handled)}"
    )


@pytest.mark.check("05.group")
def test_a_group_begins_with_the_first_entry(client, server):
    server.append(*EVENTS[:2])
    handled = []
    consume(client, handled.append, max_events=2)
    assert handled == EVENTS[:2], (
        "2 entries were in the stream before its group was created, and a group begins with the "
        f"first entry; it handled {numbers(handled)}"
    )


@pytest.mark.check("05.delivers", leans_on="05.group")
def test_what_was_appended_before_is_handled(client, server):
    server.append(*EVENTS)
    handled = []
    count = consume(client, handled.append, batch_size=4)
    assert handled == EVENTS, (
        "6 events were appended. With batch_size=4 and max_events=6 it should handle them all, in "
        f"two batches; it handled {numbers(handled)}, and returned {count!r}"
    )
    assert count == 6, f"6 events were handled, so return 6, not {count!r}"


@pytest.mark.check("05.acks")
def test_what_was_handled_is_acknowledged(client, server):
    server.append(*EVENTS)
    consume(client, [].append)
    pending = server.pending()
    assert not pending, f"all 6 events were handled; still pending are {len(pending)}"
    assert len(server.events()) == 6, "an acknowledgement takes nothing out of the stream"


@pytest.mark.check("05.ack-after-handle")
def test_an_entry_is_pending_while_it_is_handled(client, server):
    (entry_id,) = server.append(EVENTS[0])
    pending = []
    consume(client, lambda _: pending.append(server.pending()), max_events=1)
    assert pending, "an event was appended; stream_consumer returned, and handle was not called"
    held = ", ".join(f"{each} by {name}" for found in pending for each, name in found.items())
    assert pending == [{entry_id: "ana"}], (
        "while handle runs, its entry should be pending, held by the consumer ana: "
        f"killed now, it has to come again. Pending was {held or 'nothing'}"
    )


@pytest.mark.check("05.leaves-the-rest")
def test_entries_beyond_max_events_are_delivered_to_nobody(client, server):
    server.append(*EVENTS)
    consume(client, [].append, max_events=2)
    delivered = server.delivered()
    assert delivered == 2, f"with max_events=2, 2 entries should be delivered, not {delivered}"


@pytest.mark.check("05.claims")
def test_what_another_holds_for_long_is_claimed(client, server):
    server.append(*EVENTS)
    server.deliver("dead", 2, idle=60_000)
    server.age(*list(server.pending())[1:], consumer="dead", idle=0)
    handled = []
    consume(client, handled.append, max_events=5, idle_ms=30_000)
    assert handled == [EVENTS[0], *EVENTS[2:]], (
        "another consumer has held the first entry for 60 s, and the second for a moment. With "
        "idle_ms=30000 the first should be claimed, before what is new is read, and the second "
        f"left alone. It handled {numbers(handled)}"
    )


@pytest.mark.check("05.poison")
def test_what_always_fails_is_moved(client, server):
    server.append(EVENTS[0])
    tries = []

    def handle(event):
        tries.append(event)
        raise ValueError("no such zone")

    for number in range(5):
        consume(client, handle, max_events=1, idle_ms=30_000, max_deliveries=3)
        assert tries, "an event was appended; stream_consumer returned, and handle was not called"
        assert number or server.pending(), (
            "handle raised ValueError, so its entry should stay pending, to be claimed again; "
            "nothing was pending after that"
            + (f", and {STREAM}.dead had an entry" if server.events(f"{STREAM}.dead") else "")
        )
        server.age(*server.pending(), consumer="ana", idle=60_000)  # as if a minute had gone by
    assert len(tries) == 3, (
        "handle raised each time. With max_deliveries=3 it should see the entry at its first 3 "
        f"deliveries, one read and two claims; it saw it {len(tries)} times"
    )
    dead = server.events(f"{STREAM}.dead")
    assert decoded(dead) == EVENTS[:1], (
        f"after 3 deliveries the entry should be in {STREAM}.dead, with its field `event`; "
        f"that stream holds {dead or 'nothing'}"
    )
    assert not server.pending(), "what was moved should not be pending any more"


@pytest.mark.check("05.bad-entry")
@pytest.mark.parametrize("bad", ["{oops", "42", ""])
def test_a_bad_entry_is_moved_at_once(client, server, bad):
    server.append(bad, EVENTS[0])
    handled = []
    consume(client, handled.append, max_events=1)
    assert handled == EVENTS[:1], (
        f"an event came after the bad entry {bad!r}, and should be handled; "
        f"it handled {numbers(handled)}"
    )
    dead = server.events(f"{STREAM}.dead")
    assert dead == [bad], (
        f"the bad entry {bad!r} should be in {STREAM}.dead, which holds {dead or 'nothing'}"
    )
    assert not server.pending(), "what was moved should not be pending any more"


@pytest.mark.check("05.two-consumers")
def test_consumers_share_and_groups_each_get_all(client, server):
    server.append(*EVENTS)
    seen = {"ana": [], "ben": [], "audit": []}
    consume(client, seen["ana"].append, consumer="ana", max_events=2)
    consume(client, seen["ben"].append, consumer="ben", max_events=4)
    consume(client, seen["audit"].append, group="audit")
    assert seen == {"ana": EVENTS[:2], "ben": EVENTS[2:], "audit": EVENTS}, (
        "of one group, ana should handle 2 and ben the other 4; the group audit should get all 6. "
        f"They handled {', '.join(f'{name} {len(events)}' for name, events in seen.items())}"
    )


@pytest.mark.check("05.waits")
def test_every_read_waits_on_the_servers_side(client, server, monkeypatch):
    server.append(EVENTS[0])
    asked = []
    execute = client.execute_command

    def note(*command, **options):
        asked.append([w.decode() if isinstance(w, bytes) else str(w) for w in command])
        return execute(*command, **options)

    monkeypatch.setattr(client, "execute_command", note)
    handled = []
    consume(client, handled.append, wait_ms=7, max_empty_reads=3)
    reads = [words for words in asked if "XREADGROUP" in words[0]]
    if handled and not reads:
        return  # in a pipeline, for example, where this test does not see them
    assert all("BLOCK" in words for words in reads), "each XREADGROUP should ask with BLOCK"
    waits = {words[words.index("BLOCK") + 1] for words in reads}
    assert waits == {"7"}, f"with wait_ms=7 each read should ask for 7 ms; yours asked for {waits}"
    assert len(reads) == 4, (
        "the stream held 1 entry. With max_empty_reads=3 there should be 1 read that brings it, "
        f"and 3 empty ones: 4 reads; yours were {len(reads)}"
    )


@pytest.mark.check("05.waits")
def test_a_read_with_entries_starts_the_count_anew(client, server, monkeypatch):
    reads = []
    execute = client.execute_command

    def note(*command, **options):
        answer = execute(*command, **options)
        if command[0] == "XREADGROUP" and ">" in command:
            reads.append("a read with an entry" if answer else "an empty read")
            if len(reads) == 1:
                server.append(EVENTS[0])
        return answer

    monkeypatch.setattr(client, "execute_command", note)
    consume(client, [].append, max_empty_reads=2)
    if not reads:
        return  # as above
    assert reads == ["an empty read", "a read with an entry", "an empty read", "an empty read"], (
        "an entry was appended after the first read, which was empty. With max_empty_reads=2 the "
        "read that brings the entry starts the count anew, so 2 empty reads should follow it; "
        f"yours were: {', '.join(reads)}"
    )


@pytest.mark.check("05.trimmed")
def test_a_pending_entry_that_is_gone_is_passed_over(client, server):
    server.append(*EVENTS)
    server.deliver("dead", 2, idle=60_000)
    server.redis.xtrim(STREAM, maxlen=5, approximate=False)
    handled = []
    consume(client, handled.append, max_events=6, idle_ms=30_000)
    assert handled == EVENTS[1:], (
        "the first entry was delivered to a consumer that died, and then trimmed away. The other "
        f"5 should be handled; it handled {numbers(handled)}"
    )


@pytest.mark.check("05.replay")
def test_everything_is_replayed(client, server):
    many = [{"event_id": 200_000 + n} for n in range(250)]
    ids = server.append(*many)
    handled = []

    def handle(event):
        if event in handled:
            place = handled.index(event) + 1
            pytest.fail(
                f"the stream holds 250 events, once each; replay handled event {place} twice"
            )
        handled.append(event)

    count = replay(client, STREAM, handle)
    assert handled == many, f"250 events should be replayed in order; {len(handled)} were handled"
    assert count == 250, f"250 events were handled, so return 250, not {count!r}"
    handled = []
    replay(client, STREAM, handled.append, start=ids[3], end=ids[5])
    assert handled == many[3:6], (
        f"from the 4th to the 6th id there are 3 events, not {numbers(handled)}"
    )


@pytest.mark.check("05.lag")
def test_lag_counts_what_is_not_dealt_with(client, server):
    ids = server.append(*EVENTS)
    server.create()
    found = lag(client, STREAM, "fares")
    assert found == 6, f"nothing of 6 was delivered: the lag is 6, lag() returned {found!r}"
    consume(client, [].append, max_events=2)
    found = lag(client, STREAM, "fares")
    assert found == 4, f"2 of 6 are acknowledged: the lag is 4, lag() returned {found!r}"
    server.deliver("dead", 1, idle=0)
    found = lag(client, STREAM, "fares")
    assert found == 4, f"an entry that is pending counts: it is still 4, lag() returned {found!r}"
    server.redis.xdel(STREAM, ids[4])
    found = lag(client, STREAM, "fares")
    assert found == 3, (
        "one entry was deleted out of the middle: the lag is 3 then, though XINFO may say nil. "
        f"lag() returned {found!r}"
    )
