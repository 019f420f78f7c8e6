"""Hidden suite of exercise 04: once, and FIFO queues. The queues' clock is moved."""

from __future__ import annotations

import pytest
from sent_events import all_as_sent, as_sent

from grader.suite import HANDLE, Handle, Kept, New, Raised, exceptions, leave_to
from grader.suite.content import named, same, these
from grader.suite.steps import cut, in_words, shorten

RAISED = (*exceptions.ORDINARY, *exceptions.BOTOCORE)
MADE = "the handler that once() made"


# Idempotence ----------------------------------------------------------------------


@pytest.mark.check("04.idempotent")
def test_a_duplicate_is_handled_once(student, sqs, asked, queue, trips):
    """SQS delivers a message again although it was deleted."""
    events = trips(2)
    queue.put(*events)
    sqs.duplicate_next_delivery(queue.url)
    process = student.process()
    process.keep("seen", New("builtins.set"))
    handler = New("sqs.once", HANDLE, Kept("seen"))
    run = student.consume(queue, process, handler, max_events=3, max_empty_receives=2)
    handled = all_as_sent(run.drain(), events)
    assert asked.received == 3 or len(handled) < 2, (
        f"the duplicate should have been received, {asked.received} messages were"
    )
    assert same(handled, events), (
        "2 events, one of them delivered twice: each should be handled once; "
        f"it handled {these(handled, events, 'had not been sent')}"
    )


class Handler:
    """What `once` returned for a set of its own, in a process."""

    def __init__(self, process, name: str, already: set) -> None:
        self._process = process
        self._name = name
        process.keep(f"seen {name}", New("builtins.set", already))
        process.keep(name, New("sqs.once", HANDLE, Kept(f"seen {name}")))

    def call(self, event: dict):
        """Begin to handle an event."""
        return self._process.start("worker.calls.apply", Kept(self._name), event)

    @property
    def seen(self) -> object:
        """The caller's own set."""
        return self._process.call("worker.calls.keep", Kept(f"seen {self._name}"))

    def passes_over(self, event: dict) -> bool:
        """Tell whether it returns without a call of handle."""
        run = self.call(event)
        step = run.next()
        if isinstance(step, Handle):
            run.handled()
            run.returned()
            return False
        assert not isinstance(step, Raised), (
            f"an event whose id is in seen should be passed over; {in_words(step, MADE)}"
        )
        return True

    def handles(self, event: dict, value: object = None) -> None:
        """Handle an event that it must handle, with that very event; handle() returns `value`."""
        run = self.call(event)
        step = run.next()
        number = shorten(event["event_id"])
        assert isinstance(step, Handle), (
            f"the event_id {number} was not in seen, so the event should be handled; "
            f"{in_words(step, MADE)}"
        )
        assert step.event == event, (
            f"handle should be called with the event that came, {shorten(event)}; "
            f"{in_words(step, MADE)}"
        )
        run.handled(value)
        run.returned()


@pytest.mark.check("04.idempotent")
def test_a_failed_event_is_handled_again(consumer, trips):
    """Its id enters `seen` only when handle has returned, whatever was raised."""
    (event,) = trips(1)
    handler = Handler(consumer.process(), "handler", set())
    before = "nothing"
    for name in (*RAISED, *exceptions.STOPPING, *exceptions.BASE):
        run = handler.call(event)
        step = run.next()
        assert isinstance(step, Handle), (
            f"handle() raised {before} for the event, so it should be handled when it comes again; "
            f"{in_words(step, MADE)}"
        )
        run.fails(before := name)
        step = run.next()
        left_by_it = isinstance(step, Raised) and step.by_handle
        assert left_by_it, (
            f"handle() raised {name}, which should leave unchanged; {in_words(step, MADE)}"
        )
    assert handler.seen == set(), (
        f"handle() raised each time, so no id should be in seen; it is {shorten(handler.seen)}"
    )
    handler.handles(event)
    assert handler.passes_over(event), (
        "the event was handled; when it comes again it should be passed over, it was handled"
    )


@pytest.mark.check("04.idempotent")
def test_the_ids_are_in_the_callers_set(consumer, trips, returned, rng):
    """Ids of other types are ids, the set may hold some already, and each handler has its own.

    For each of them handle() returns something: it has handled the event all the same.
    """
    process = consumer.process()
    number = rng.randint(2, 10**6)
    numbers = [number, str(number), 0, "", f"trip {number}/a", -number]
    events = [
        event | {"event_id": each} for event, each in zip(trips(len(numbers)), numbers, strict=True)
    ]
    known = {"event_id": number + 1}
    first = Handler(process, "first", {number + 1})
    second = Handler(process, "second", set())
    assert first.passes_over(known), (
        f"the event_id {number + 1} was in seen from the start; its event was handled"
    )
    for event, value in zip(events, returned, strict=True):
        first.handles(event, value)
    assert first.seen == {number + 1, *numbers}, (
        f"events with the ids {numbers} were handled (handle() returned "
        f"{', '.join(map(repr, returned))} for them), and {number + 1} was in seen from the start; "
        f"the caller's seen is {shorten(first.seen)}"
    )
    second.handles(events[0])
    assert second.seen == {number}, (
        f"another handler with a set of its own handled the event_id {number}; "
        f"its seen is {shorten(second.seen)}"
    )
    assert all(map(first.passes_over, events)), (
        "an event that was handled came again, and was handled again"
    )


# FIFO -----------------------------------------------------------------------------


def of_zone(zone: str, events: list) -> list:
    """Those of a zone, in their order."""
    return [e for e in events if isinstance(e, dict) and e.get("pickup_zone") == zone]


@pytest.mark.check("04.fifo")
def test_order_is_kept_within_a_zone(student, new_queue, trips, rng):
    """Several zones, some of several words; each zone's events in order."""
    queue = new_queue(fifo=True)
    zones = ["Staten Island", "Queens", "Upper  East Side"]
    events = [event | {"pickup_zone": rng.choice(zones)} for event in trips(14)]
    events += [event | {"pickup_zone": zone} for event, zone in zip(trips(3), zones, strict=True)]
    student.send(queue, events)
    run = student.consume(queue, max_events=len(events), max_empty_receives=2)
    seen = all_as_sent(run.drain(), events)
    strangers = [event for event in seen if event not in events]
    assert same(seen, events), (
        f"{len(events)} events were sent to a FIFO queue; it handled "
        f"{these(seen, events, 'had not been sent')}"
        f"{f', such as {cut(strangers[0], 200)}' if strangers else ''}"
    )
    for zone in zones:
        sent, got = of_zone(zone, events), of_zone(zone, seen)
        assert got == sent, (
            f"the events of {zone} were sent as {named(sent, events)}; "
            f"it handled {named(got, events)}, in this order"
        )


@pytest.mark.check("04.fifo")
def test_groups_and_deduplication_ids(student, new_queue, trips, rng):
    """The group is the zone with each space replaced, the deduplication id is the event_id."""
    queue = new_queue(fifo=True)
    number = rng.randint(2, 10**6)
    zones = ["Bronx", "Staten Island", "Upper  East Side", "a b c d", "Queens-West"]
    numbers = [number, f"trip-{number}", 0, f"{number}_x", -number]
    events = [
        event | {"pickup_zone": zone, "event_id": each}
        for event, zone, each in zip(trips(5), zones, numbers, strict=True)
    ]
    student.send(queue, events)
    given = {
        m["Attributes"].get("MessageDeduplicationId"): m["Attributes"].get("MessageGroupId")
        for m in queue.take_all()
    }
    assert set(given) == set(map(str, numbers)), (
        f"events with the event_ids {numbers} were sent to a FIFO queue, each should have its "
        f"event_id as deduplication id; the deduplication ids are "
        f"{shorten(', '.join(map(str, given)), 120) if given else 'none'}"
    )
    for zone, each in zip(zones, numbers, strict=True):
        wanted = zone.replace(" ", "-")
        assert given[str(each)] == wanted, (
            f"the group of an event of {zone!r} should be {wanted}; it is {given[str(each)]}"
        )


@pytest.mark.check("04.fifo")
def test_a_duplicate_id_is_delivered_once(student, consumer, new_queue, trips):
    """The same event twice in one call and once more in another; the same id in another event.

    Those of one call are more than ten events apart, so in two batches. A call for a queue of the
    other kind came before, in the same process.
    """
    queue = new_queue(fifo=True)
    first, second, third, *more = trips(13)
    third = first | {"event_id": third["event_id"]}  # equal but for its id: another event
    process = student.process()
    student.send(new_queue(), [third], process)
    consumer.given(
        "the call before, in the same process, was for a standard queue; this queue is FIFO"
    )
    student.send(queue, [first, second, *more, first, third], process)
    student.send(queue, [second | {"passengers": 7}], process)
    arrived = queue.take_events()
    assert same(arrived, [first, second, third, *more]), (
        "15 events were sent to a FIFO queue, with 13 different event_ids; "
        f"{len(arrived)} message{' is' if len(arrived) == 1 else 's are'} in it"
    )


# FIFO, and handle fails -----------------------------------------------------------


def consume_failing(
    run, events: list, fails: dict, on_event=lambda event: None
) -> tuple[list, list, bool]:
    """Let a run's events fail, each once, by what is given for its event_id.

    Those handled, all that handle was called with, and whether what it raised left. `on_event` is called before each answer.
    """
    handled, tried = [], []
    while isinstance(step := run.next(), Handle):
        event = as_sent(step.event, events)
        number = event.get("event_id") if isinstance(event, dict) else None
        name = fails.pop(number, None) if isinstance(number, int) else None
        tried.append(event)
        on_event(event)
        if name is None:
            handled.append(event)
            run.handled()
        else:
            run.process.case.given(f"handle() raised {name} for {shorten(event)}")
            run.fails(name)
    # What handle raised should not leave, which is another check's.
    assert not isinstance(step, Raised) or step.by_handle, (
        f"handle() had raised for an event, and sqs_consumer should go on; {in_words(step, 'it')}"
    )
    return handled, tried, isinstance(step, Raised)


def firsts(events: list) -> list:
    """Each event where it comes first; that none comes twice is another check's."""
    return [event for number, event in enumerate(events) if event not in events[:number]]


@pytest.mark.check("04.fifo-after-failure")
def test_the_rest_of_its_group_waits(student, asked, new_queue, trips):
    """Seven events of three zones; in two of them one fails, and comes again in the same run.

    Two of its group are after one of them: the first is not the whole rest.
    """
    queue = new_queue(6, fifo=True)
    island = "Staten Island"
    zones = (island, "Queens", island, "Bronx", "Queens", island, island)
    events = [event | {"pickup_zone": zone} for event, zone in zip(trips(7), zones, strict=True)]
    queue.put(*events)
    fails = {events[1]["event_id"]: "HandlerError", events[2]["event_id"]: "HandlerError"}

    awaited = [events[3]]

    def pass_the_time_out(event: dict) -> None:
        """Once, when both have failed and the other group has gone on, in whichever order."""
        if event in awaited:
            awaited.remove(event)
        if not awaited and not fails:
            awaited.append("nothing more")
            queue.let_time_out()

    run = student.consume(queue, max_events=20, batch_size=10, max_empty_receives=3)
    handled, tried, let_out = consume_failing(run, events, fails, pass_the_time_out)
    if let_out:
        leave_to(
            "04.failed-handle-not-deleted",
            "handle() raised for an event, and what it raised left sqs_consumer, which should go on",
        )
        return
    scene = (
        "a FIFO queue held events 1, 3, 6 and 7 of Staten Island, 2 and 5 of Queens and 4 of Bronx, and "
        "handle() raised for 2 and 3, once for each"
    )
    for zone in (island, "Queens"):
        got = of_zone(zone, firsts(handled))
        sent = [event for event in of_zone(zone, events) if event in got]
        assert got == sent, (
            f"{scene}; of {zone} it handled {named(got, events)}, in this order: after a failure the "
            "rest of its group in that receive should be left alone"
        )
    again = [number for number, event in enumerate(tried) if event == events[1]][1:]
    before = tried[: again[0]] if again else tried
    assert events[3] in before, (
        f"{scene}: other groups go on, so event 4 should be handled before 2 comes again; it was not"
    )
    sent = len(asked.sent)
    assert not sent, (
        f"{scene}: the rest of a group is left alone in the queue, and sqs_consumer sends nothing; "
        f"it sent {sent} message{'' if sent == 1 else 's'}"
    )
    missing = [event for event in events[4:] if event not in handled]
    assert not missing, (
        f"{scene}: what was left alone should be handled when it comes back; "
        f"{named(missing, events)} {'was' if len(missing) == 1 else 'were'} not"
    )


@pytest.mark.check("04.fifo-after-failure")
def test_a_group_waits_whatever_handle_raises(student, new_queue, trips):
    """The first of each of many groups fails, each by another exception; the second waits.

    A call for a queue of the other kind came before, in the same process.
    """
    process = student.process()
    standard, queue = new_queue(), new_queue(fifo=True)
    standard.put(*trips(1))
    student.consume(standard, process, max_events=1).drain()
    pairs = [
        [event | {"pickup_zone": f"zone {number}"} for event in trips(2)]
        for number in range(len(RAISED))
    ]
    queue.put(*(event for pair in pairs for event in pair))
    fails = {pair[0]["event_id"]: name for pair, name in zip(pairs, RAISED, strict=True)}
    run = student.consume(
        queue, process, max_events=len(pairs), batch_size=10, wait_seconds=1, max_empty_receives=1
    )
    handled, _, _ = consume_failing(run, [event for pair in pairs for event in pair], fails)
    early = [name for name, pair in zip(RAISED, pairs, strict=True) if pair[1] in handled]
    assert not early, (
        "two events of a zone were in a FIFO queue, one after the other, and handle() raised "
        f"{early[0]} for the first: the second should wait for it; it was handled (a call for a "
        "standard queue came before, in the same process)"
    )
