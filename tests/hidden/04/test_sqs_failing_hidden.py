"""Hidden suite of exercise 04: sqs_consumer where handle fails, or a message is bad."""

from __future__ import annotations

import pytest
from sent_events import as_sent

from grader.suite import Handle, Raised, exceptions, leave_to
from grader.suite.content import BAD, LENIENT, listed, same, these, why_bad
from grader.suite.steps import in_words

RAISED = (*exceptions.ORDINARY, *exceptions.BOTOCORE)
HIDDEN = 600
"""Seconds: the visibility timeout of a `queue`."""


def bad_messages() -> list[str]:
    """Bodies that are no JSON object; one of white space is bad too. SQS takes tabs, and no NUL."""
    kinds = (bad.decode() for bad in (*BAD, *LENIENT) if bad.isascii())
    return [bad for bad in kinds if "\x00" not in bad] + [" "]


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_failed_message_stays_and_the_others_go_on(student, queue, trips):
    """Two of three fail, some of them in a row, each by another exception; they come back later.

    Then they are handled: in a second call in the same process, and where one failed in that call
    again, before it is over.
    """
    fails = dict(enumerate(RAISED))
    bad = [event | {"pickup_zone": "Queens"} for event in trips(len(RAISED))]
    good = [event | {"pickup_zone": "Queens"} for event in trips(len(RAISED) // 2 + 1)]
    events = [*bad[:4], good[0], *bad[4:8], good[1], *bad[8:], *good[2:]]
    queue.put(*events)
    process = student.process()
    run = student.consume(queue, process, max_events=len(good), batch_size=10)
    handled = []
    last = "nothing"
    while isinstance(step := run.next(), Handle):
        if (event := as_sent(step.event, events)) in bad:
            number = bad.index(event)
            last = fails.get(number, last)
            assert number in fails, (
                "a message whose handle() raised should stay hidden until its time-out; "
                "it came again at once"
            )
            run.process.case.given(f"handle() raised {last} for one event")
            run.fails(fails.pop(number))
        else:
            handled.append(event)
            run.handled()
    assert not isinstance(step, Raised), (
        f"handle() raised {last} for one event, and sqs_consumer should go on with the others; "
        f"{in_words(step, 'it')}"
    )
    assert same(handled, good), (
        f"handle() raised for {len(bad)} of {len(events)} events, for {len(bad) - 8} of them "
        f"in a row; the {len(good)} others should be handled; it handled {len(handled)} of them"
    )
    assert step.value == len(good), (
        f"{len(good)} events were handled, so {len(good)} should be returned, not {step.value!r}"
    )
    visible, hidden = queue.depth
    left_alone = visible == 0 and hidden > 0
    assert left_alone, (
        f"{len(bad)} messages whose handle() raised should stay in the queue, hidden until their "
        f"time-out; {queue.left}"
    )
    queue.let_time_out()
    seen, failed = come_again(student.consume(queue, process, max_events=len(bad)), queue, bad)
    if any(event in good for event in seen):
        leave_to(
            "04.consumes",
            "a message was handled and came again after the visibility timeout: it should have been deleted",
        )
        return
    lost = [name for name, event in zip(RAISED, bad, strict=True) if event not in seen]
    assert not lost, (
        "a message whose handle() raised should come back after the visibility timeout, and be "
        f"handled then; those for which it raised {listed(lost)} were not"
    )
    assert failed is None or failed in seen[seen.index(failed) + 1 :], (
        "handle() raised for a message in the call before and once more in this one, and its "
        "visibility timeout passed: it should be handled when it comes again; it was not"
    )


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_failed_message_of_a_fifo_queue_stays_hidden(student, new_queue, trips, rng):
    """Its group waits for it; it is not made visible at once for that."""
    queue = new_queue(fifo=True)
    events = [event | {"pickup_zone": zone} for event, zone in zip(trips(2), "AB", strict=True)]
    queue.put(*events)
    most = rng.choice((2, int(10 ** rng.uniform(1, 6))))
    run = student.consume(queue, max_events=most, wait_seconds=1, max_empty_receives=1)
    tries = 0
    while isinstance(step := run.next(), Handle):
        tries += step.event == events[0]
        assert tries <= 1, (
            "handle() raised for an event of a FIFO queue: its message should stay hidden until "
            "its visibility timeout is over; it came again at once"
        )
        if step.event == events[0]:
            run.fails()
        else:
            run.handled()


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_message_that_came_often_is_one_like_others(student, sqs, asked, queue, trips):
    """The queue counts the receives: handle fails, the message stays hidden, and is handled later."""
    (event,) = trips(1)
    queue.put(event)
    came = receive_often(sqs, queue)
    scene = f"a message had been received {came} times before"
    for fails in (True, False):
        run = student.consume(queue, max_events=1, wait_seconds=1, max_empty_receives=1)
        step = run.next()
        assert isinstance(step, Handle), (
            f"{scene}{'' if fails else ' that, and handle() raised for it once'}: the queue counts, and "
            f"has no dead-letter queue, so it should be handled; {in_words(step, 'it')}"
        )
        if not fails:
            return
        run.fails()
        if isinstance(step := run.next(), Raised):
            leave_to(
                "04.failed-handle-not-deleted",
                f"{scene}, and handle() raised for it: it should go on; {in_words(step, 'it')}",
            )
            return
        stays_hidden(sqs, asked, queue, f"{scene}, and handle() raised for it")
        queue.let_time_out()


def receive_often(sqs, queue) -> int:
    """Receive all that is in the queue again and again, and let it time out; how often."""
    times = 6
    for _ in range(times):
        queue.ask("ReceiveMessage", MaxNumberOfMessages=10, VisibilityTimeout=1)
        sqs.advance(2)
    return times


def stays_hidden(sqs, asked, queue, scene: str) -> None:
    """The one message is in the queue, and hidden for as long as the queue says."""
    if any("VisibilityTimeout" in each.parameters for each in asked.receives):
        return  # a receive that asks for another one is the business of 04.visibility-redelivery
    sqs.advance(HIDDEN // 2)
    assert queue.depth == (0, 1), (
        f"{scene}: it should be left alone, hidden until the queue's visibility timeout of {HIDDEN} s is "
        f"over; {HIDDEN // 2} s later {queue.left}"
    )


def come_again(run, queue, bad: list) -> tuple[list, dict | None]:
    """What a run calls handle with, the first of which fails, and times out after all others.

    The events, and the one that failed.
    """
    seen: list = []
    while isinstance(step := run.next(), Handle):
        seen.append(as_sent(step.event, bad))
        if len(seen) == 1:
            run.fails()
            continue
        if len(seen) == len(bad):
            queue.let_time_out()
        run.handled()
    return seen, seen[0] if seen else None


@pytest.mark.check("04.failed-handle-not-deleted")
def test_ctrl_c_leaves(student, new_queue, trips, rng):
    """It is no failure of one event: it ends the consumer, and the message in hand comes back.

    In one of many events, with the defaults.
    """
    process = student.process()
    for number, name in enumerate((*exceptions.STOPPING, *exceptions.BASE)):
        more = number and rng.choice((0, rng.randint(1, 5)))
        queue, events = new_queue(), trips(2 + more)
        queue.put(*events)
        told = {"max_events": int(10 ** rng.uniform(2, 6))}
        if number == 0:
            told = {"max_events": 2, "max_empty_receives": 1}
        elif more:
            told["batch_size"] = 1  # so that no thread is in another handle() when one raises
        run = student.consume(queue, process, **told)
        for _ in range(rng.randrange(len(events))):
            run.next_event()
            run.handled()
        held = as_sent(run.next_event(), events)
        run.fails(name)
        while isinstance(step := run.next(), Handle):
            run.handled()  # in a thread of its own, it may have begun before
        left_by_it = isinstance(step, Raised) and step.by_handle
        assert left_by_it, (
            f"{name} inside handle() should leave sqs_consumer unchanged; {in_words(step, 'it')}"
        )
        queue.let_time_out()
        hidden = queue.depth[1]
        assert held in queue.take_events(), (
            f"{name} came inside handle(): that event's message should be visible again after the "
            f"queue's visibility timeout; it was {'still hidden' if hidden else 'deleted'}"
        )


@pytest.mark.check("04.failed-handle-not-deleted")
def test_failures_are_no_empty_answers(student, queue, trips, rng):
    """More messages fail than max_events and max_empty_receives are together; then one succeeds."""
    limit = rng.randint(2, 3)
    *bad, good = events = trips(limit + rng.randint(4, 6))
    queue.put(*events)
    run = student.consume(queue, max_events=1, wait_seconds=1, max_empty_receives=limit)
    scene = (
        f"max_events is 1, max_empty_receives {limit}, and handle() raises for the first {len(bad)} "
        f"of {len(events)} events"
    )
    handled = []
    while isinstance(step := run.next(), Handle):
        if (event := as_sent(step.event, events)) in bad:
            run.fails()
        else:
            handled.append(event)
            run.handled()
    if isinstance(step, Raised):
        leave_to(
            "04.failed-handle-not-deleted",
            f"{scene}: it should go on with the others; {in_words(step, 'it')}",
        )
        return
    assert handled == [good], (
        f"{scene}: it should go on with the others, and handle the last; it handled "
        f"{these(handled, events, 'had not been sent')}, then {in_words(step, 'it')}"
    )


@pytest.mark.check("04.bad-message")
def test_a_bad_message_is_left_alone(student, new_queue, trips, rng):
    """The events are handled, the bad ones become dead letters in the end."""
    queue = new_queue(2)
    junk = bad_messages()
    rng.shuffle(junk)
    events = trips(len(junk))
    queue.put(*(each for pair in zip(junk, events, strict=True) for each in pair))
    scene = f"{len(events)} events were in the queue, each after a bad message"
    run = student.consume(queue, max_events=len(events), batch_size=10)
    seen = []
    while isinstance(step := run.next(), Handle):
        assert isinstance(step.event, dict), (
            f"{scene}; {in_words(step, 'it')}, which is no JSON object and so no event"
        )
        event = as_sent(step.event, events)
        assert event in events, f"{scene}; {in_words(step, 'it')}, {why_bad(event)}"
        seen.append(event)
        run.handled()
    assert not isinstance(step, Raised), f"{scene}: it should go on; {in_words(step, 'it')}"
    assert same(seen, events), f"{scene}; it handled {these(seen, events, 'had not been sent')}"
    visible, hidden = queue.depth
    left_alone = visible == 0 and hidden >= len(junk)
    assert left_alone, (
        f"{scene}: {len(junk)} bad messages should be left alone, hidden until their time-out; "
        f"{queue.left}"
    )
    for _ in range(2):  # the second receive, and the one that moves them
        queue.let_time_out()
        while queue.ask("ReceiveMessage", MaxNumberOfMessages=10).get("Messages"):
            pass
    dead = [message["Body"] for message in queue.dead.take_all()]
    there = sum(dead.count(each) == 1 for each in junk)
    assert there == len(junk), (
        f"{len(junk)} bad messages should be in the dead-letter queue after 2 receives; {there} are"
    )


@pytest.mark.check("04.bad-message")
def test_a_bad_message_that_came_often_is_left_alone_too(student, sqs, asked, queue):
    """The queue counts the receives, not the consumer; and it says how long a message is hidden."""
    queue.put("{oops")
    came = receive_often(sqs, queue)
    run = student.consume(queue, max_events=1, wait_seconds=1, max_empty_receives=1)
    scene = f"a bad message had been received {came} times before, and came again"
    if isinstance(step := run.next(), Handle | Raised):
        leave_to(
            "04.bad-message",
            f"{scene}: it should be left alone; {in_words(step, 'it')}",
        )
        return
    stays_hidden(sqs, asked, queue, scene)
