"""Hidden suite of exercise 04: sqs_consumer. The queues' clock is moved, so 30 s cost nothing."""

from __future__ import annotations

import pytest

from grader.suite import Handle, Raised, exceptions
from grader.suite.content import BAD, listed, named, same
from grader.suite.steps import in_words

RAISED = (*exceptions.ORDINARY, *exceptions.BOTOCORE)
HIDDEN = 600
"""Seconds: the visibility timeout of a `queue`."""
DELETES = ("DeleteMessage", "DeleteMessageBatch")


def bad_messages() -> list[str]:
    """Bodies that are no JSON object; one of white space is bad too."""
    return [bad.decode() for bad in BAD if bad.isascii()] + [" "]


# All goes well --------------------------------------------------------------------


@pytest.mark.check("04.consumes")
def test_everything_is_handled_and_deleted(
    student, queue, new_queue, odd_events, unusual_text, trips, rng
):
    """Events of every kind, more than a batch; then on other queues in the same process, one FIFO."""
    process = student.process()
    many, few = [*odd_events, *unusual_text], trips(rng.randint(6, 8))
    for each, events, size in (
        (queue, many, {"batch_size": 10}),
        (new_queue(), few, {}),
        (new_queue(fifo=True), trips(2), {}),
    ):
        kind = "FIFO " if each.is_fifo else ""
        each.put(*events, ascii_only=False)
        run = student.consume(each, process, max_events=len(events), **size)
        seen = run.drain()
        assert same(seen, events), (
            f"{len(events)} events were in the {kind}queue; it handled {named(seen, events)}"
        )
        assert run.value == len(events), (
            f"{len(events)} events were handled, so {len(events)} should be returned, not {run.value!r}"
        )
        assert each.depth == (0, 0), (
            f"every handled message of the {kind}queue should be deleted; {each.left}"
        )


@pytest.mark.check("04.consumes")
def test_a_delete_that_failed_is_made_again(student, sqs, queue, trips):
    """Of who deletes in batches: an entry may fail, as one of a batch of sends may."""
    events = trips(4)
    queue.put(*events)
    failed = []

    def pick(entry, _):
        handle = entry.get("ReceiptHandle")
        if not failed:
            failed.append(handle)
            return True
        return False

    sqs.fail_delete_entries(pick)
    student.consume(queue, max_events=4, max_empty_receives=1).drain()
    queue.let_time_out()
    left = queue.depth
    assert left == (0, 0), (
        "DeleteMessageBatch reported an entry as failed, so its message was not deleted: delete it "
        f"again; after the visibility timeout {queue.left}"
        if failed
        else f"every handled message should be deleted; {queue.left}"
    )


@pytest.mark.check("04.consumes")
def test_a_delete_has_the_receipt_handle_of_its_receive(student, queue, trips):
    """A message comes a second time in the same call: the first receive's handle deletes nothing."""
    (event,) = trips(1)
    queue.put(event)
    run = student.consume(queue, max_events=1, max_empty_receives=2)
    if run.next_event() != event:
        return
    queue.let_time_out()
    run.fails()
    if not isinstance(run.next(), Handle):
        return  # that it comes again is another check's
    run.handled()
    run.returned()
    queue.let_time_out()
    assert queue.depth == (0, 0), (
        "handle() raised for a message, which came again in the same call and was handled: its "
        "message should be deleted, with the ReceiptHandle of its latest receive; after the "
        f"visibility timeout {queue.left}"
    )


@pytest.mark.check("04.long-polling")
def test_every_receive_is_a_long_poll(student, asked, queue, trips, rng):
    """With messages there and without, also after an empty answer; the shortest wait, the longest, the default."""
    for wait in (1, 20, rng.randint(2, 19), None):
        asked.forget()
        queue.put(*trips(1))
        told = {} if wait is None else {"wait_seconds": wait}
        student.consume(queue, max_events=9, max_empty_receives=2, **told).drain()
        waits, wanted = asked.waits, wait or 5
        assert waits, "sqs_consumer received nothing"
        assert all(each == wanted for each in waits), (
            f"wait_seconds is {wait or 'the default, 5'}, so every receive should ask with "
            f"WaitTimeSeconds={wanted}; yours asked with {', '.join(map(str, waits))}"
        )


# Crashes --------------------------------------------------------------------------


@pytest.mark.check("04.delete-after-handle")
def test_killed_inside_handle_at_every_event(student, new_queue, trips):
    """Killed while it handles event k, for every k: after the time-out it comes back."""
    events = trips(4)
    for k in range(len(events)):
        queue = new_queue()
        queue.put(*events)
        run = student.consume(queue, max_events=4, batch_size=2)
        handled = []
        for _ in range(k):
            handled.append(run.next_event())
            run.handled()
        current = run.next_event()
        run.kill()
        queue.let_time_out()
        seen = student.consume(queue, max_events=4, max_empty_receives=1).drain()
        missing = [event for event in events if event not in handled and event not in seen]
        early = ", the one in hand among them" if current in missing else ""
        hidden = queue.depth[1]
        where = "still hidden" if hidden >= len(missing) else "no longer in the queue"
        assert not missing, (
            f"killed inside handle() of event {k + 1} of 4; after the visibility timeout "
            f"{named(missing, events)} did not come back{early}: "
            f"{'it was' if len(missing) == 1 else 'they were'} {where}"
        )


@pytest.mark.check("04.delete-after-handle")
def test_each_message_is_deleted_before_the_next_receive(student, asked, queue, trips):
    """In the order of the requests: no delete inside handle, all of a batch before the next one."""
    queue.put(*trips(7))
    run = student.consume(queue, max_events=7, batch_size=3)
    done = 0
    while isinstance(run.next(), Handle):
        deleted = asked.deleted
        assert deleted <= done, f"{done} events were handled so far, and {deleted} deleted already"
        run.handled()
        done += 1
    waiting = 0
    for request in asked.all:
        if request.action == "ReceiveMessage":
            assert waiting == 0, (
                f"handled messages should be deleted before the next receive; {waiting} were not"
            )
            waiting = len(request.response.get("Messages") or ())
        elif request.action == DELETES[0]:
            waiting -= 1
        elif request.action == DELETES[1]:
            waiting -= len(request.parameters.get("Entries") or ())
    assert waiting == 0, f"{waiting} handled messages were never deleted"


@pytest.mark.check("04.visibility-redelivery")
def test_what_a_dead_consumer_held_comes_back(student, sqs, asked, queue, trips):
    """Hidden from a second consumer at first, there for it after the queue's time-out."""
    events = trips(3)
    queue.put(*events)
    run = student.consume(queue, max_events=3, batch_size=3)
    held = run.next_event()
    run.kill()
    # Half of the queue's time: a receive that asks for another one is seen as well.
    sqs.advance(HIDDEN // 2)
    before = len(asked.receives)
    early = student.consume(queue, max_events=3, wait_seconds=1, max_empty_receives=1).drain()
    empty = sum(not each.response.get("Messages") for each in asked.receives[before:])
    # Each empty answer makes a second of the queue's time pass.
    assert held not in early, (
        f"max_empty_receives is 1, and after {empty} empty answers it had a message that was hidden "
        "until the visibility timeout was over"
        if empty > 1
        else f"a consumer was killed in handle(); until the queue's visibility timeout of {HIDDEN} s "
        f"is over its message should be hidden, and {HIDDEN // 2} s later a second consumer got it"
    )
    queue.let_time_out()
    seen = early + student.consume(queue, max_events=3, max_empty_receives=1).drain()
    assert same(seen, events), (
        "a consumer was killed with 3 messages in hand; after the visibility timeout all 3 should "
        f"come back; {named(seen, events)} did"
    )


# handle fails ---------------------------------------------------------------------


@pytest.mark.check("04.failed-handle-not-deleted")
def test_a_failed_message_stays_and_the_others_go_on(student, queue, trips):
    """Two of three fail, each by another exception, and come back after the time-out.

    Then they are handled: in a second call in the same process, and where one failed in that call
    again, before it is over.
    """
    fails = dict(enumerate(RAISED))
    bad = [event | {"pickup_zone": "Queens"} for event in trips(len(RAISED))]
    good = [event | {"pickup_zone": "Queens"} for event in trips(len(RAISED) // 2 + 1)]
    events = [e for n, event in enumerate(good) for e in (*bad[2 * n : 2 * n + 2], event)]
    queue.put(*events)
    process = student.process()
    run = student.consume(queue, process, max_events=len(good), batch_size=10)
    handled = []
    last = "nothing"
    while isinstance(step := run.next(), Handle):
        if step.event in bad:
            number = bad.index(step.event)
            last = fails.get(number, last)
            assert number in fails, (
                "a message whose handle() raised should stay hidden until its time-out; "
                "it came again at once"
            )
            run.process.case.given(f"handle() raised {last} for one event")
            run.fails(fails.pop(number))
        else:
            handled.append(step.event)
            run.handled()
    assert not isinstance(step, Raised), (
        f"handle() raised {last} for one event, and sqs_consumer should go on with the others; "
        f"{in_words(step, 'it')}"
    )
    assert same(handled, good), (
        f"handle() raised for {len(bad)} of {len(events)} events; the {len(good)} others should be "
        f"handled; it handled {len(handled)} of them"
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
        return  # what was handled has not been deleted, which 04.consumes tells
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
def test_a_failed_message_of_a_fifo_queue_stays_hidden(student, new_queue, trips):
    """Its group waits for it; it is not made visible at once for that."""
    queue = new_queue(fifo=True)
    events = [event | {"pickup_zone": zone} for event, zone in zip(trips(2), "AB", strict=True)]
    queue.put(*events)
    run = student.consume(queue, max_events=2, wait_seconds=1, max_empty_receives=1)
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
        if isinstance(run.next(), Raised):
            return  # that it goes on is told by the test before
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
        seen.append(step.event)
        if len(seen) == 1:
            run.fails()
            continue
        if len(seen) == len(bad):
            queue.let_time_out()
        run.handled()
    return seen, seen[0] if seen else None


@pytest.mark.check("04.failed-handle-not-deleted")
@pytest.mark.parametrize("name", exceptions.STOPPING)
def test_ctrl_c_leaves(student, queue, trips, name):
    """It is no failure of one event: it ends the consumer, and the message in hand comes back."""
    events = trips(2)
    queue.put(*events)
    run = student.consume(queue, max_events=2, max_empty_receives=1)
    held = run.next_event()
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
        seen.append(step.event)
        run.handled()
    assert not isinstance(step, Raised), f"{scene}: it should go on; {in_words(step, 'it')}"
    assert same(seen, events), f"{scene}; it handled {named(seen, events)}"
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
    if isinstance(run.next(), Handle | Raised):
        return  # told by the test before
    scene = f"a bad message had been received {came} times before, and came again"
    stays_hidden(sqs, asked, queue, scene)


# When it ends ---------------------------------------------------------------------


@pytest.mark.check("04.empty-receives")
def test_it_gives_up_after_empty_answers_in_a_row(student, consumer, asked, queue, rng):
    """Nothing ever comes; twice in a process, and by default."""
    process = student.process()
    limit = rng.choice((2, 3, 4, 6))
    for told, words in (({"max_empty_receives": limit}, limit), ({}, "the default, 5")):
        consumer.given(f"the queue is empty, and max_empty_receives is {words}")
        asked.forget()
        value = student.consume(queue, process, max_events=3, wait_seconds=1, **told).returned()
        seen, wanted = len(asked.receives), told.get("max_empty_receives", 5)
        assert seen == wanted, (
            f"the queue is empty, and max_empty_receives is {words}; it received {seen} times"
        )
        assert value == 0, f"nothing was handled, so 0 should be returned, not {value!r}"


@pytest.mark.check("04.empty-receives")
@pytest.mark.parametrize("what", ["handled", "fails", "bad"])
def test_an_answer_with_messages_starts_the_count_anew(
    student, sqs, asked, new_queue, trips, rng, what
):
    """Two messages, each after all but one of the empty answers that it takes to give up."""
    limit = rng.randint(2, 4)
    messages = trips(2) if what != "bad" else ["[1]", "{oops"]
    queue = new_queue(1)  # so that no message comes a second time
    queue.put(*messages)
    sqs.receive_at_most(1)
    full = {limit, 2 * limit}
    sqs.empty_receives(*(set(range(1, 2 * limit)) - full))
    run = student.consume(queue, max_events=9, wait_seconds=1, max_empty_receives=limit)
    while isinstance(step := run.next(), Handle):
        if what == "fails":
            run.fails()
        else:
            run.handled()
    if what != "handled" and isinstance(step, Raised):
        return  # that it goes on is another check's
    assert not isinstance(step, Raised), (
        f"max_empty_receives is {limit}: it should give up and return; {in_words(step, 'it')}"
    )
    answers = [bool(each.response.get("Messages")) for each in asked.receives]
    expected = [number in full for number in range(1, 3 * limit + 1)]
    words = {"handled": "which is handled", "fails": "handle() raises", "bad": "which is bad"}
    assert answers == expected, (
        f"max_empty_receives is {limit}, and receives {limit} and {2 * limit} bring a message "
        f"({words[what]}): it should give up after receive {3 * limit}, it did after receive {len(answers)}"
    )


@pytest.mark.check("04.leaves-the-rest")
@pytest.mark.parametrize("fails", [False, True])
def test_it_never_receives_more_than_it_will_handle(student, asked, queue, trips, rng, fails):
    """In no receive, also when handle failed for some; what is beyond max_events stays visible."""
    total, wanted, size = 14, rng.choice((6, 8)), 5
    events = trips(total)
    bad = events[1:4] if fails else []
    queue.put(*events)
    run = student.consume(queue, max_events=wanted, batch_size=size)
    done = looked = 0
    while True:
        step = run.next()
        for count in asked.counts(looked):
            assert count <= min(size, wanted - done), (
                f"max_events is {wanted}, batch_size is {size}, and {done} events were handled "
                f"when it asked for {count} messages"
            )
        looked = len(asked.receives)
        if not isinstance(step, Handle):
            break
        if step.event in bad:
            bad.remove(step.event)
            run.fails()
        else:
            done += 1
            run.handled()
    if not fails:  # what becomes of failed ones is another check's
        assert done == wanted, f"max_events is {wanted}; {done} events were handled"
        assert queue.depth == (total - wanted, 0), (
            f"{total - wanted} of {total} messages should be left, all visible; {queue.left}"
        )


@pytest.mark.check("04.leaves-the-rest")
def test_a_batch_is_never_larger_than_asked(student, asked, queue, trips, rng):
    """batch_size bounds each receive: the smallest, one drawn, and the default."""
    queue.put(*trips(2))
    for size in (1, rng.randint(2, 4), None):
        asked.forget()
        told = {} if size is None else {"batch_size": size}
        run = student.consume(queue, max_events=9, max_empty_receives=1, **told)
        run.drain()
        largest = max(asked.counts(), default=0)
        assert largest <= (size or 5), (
            f"batch_size is {size or 'the default, 5'}; a receive asked for {largest}"
        )
