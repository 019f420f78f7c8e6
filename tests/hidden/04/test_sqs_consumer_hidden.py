"""Hidden suite of exercise 04: sqs_consumer. The queues' clock is moved, so 30 s cost nothing."""

from __future__ import annotations

from itertools import cycle

import pytest
from sent_events import all_as_sent, as_sent

from grader.suite import Handle, Raised, leave_to
from grader.suite.content import count_of, same, these
from grader.suite.steps import cut, in_words

HIDDEN = 600
"""Seconds: the visibility timeout of a `queue`."""
ATTRIBUTES = ({"EventType": "trip_start"}, {}, {"source": "a kiosk"})
"""Of messages whose bodies are events, whoever sent them."""
DELETES = ("DeleteMessage", "DeleteMessageBatch")


UNSENT = "had not been sent"


def length(event: object) -> int:
    """How long it is in a sentence."""
    return len(str(event))


def difference(seen: list, events: list) -> str:
    """What was handled; the shortest event that was not, and the shortest that should not be."""
    rest, missing = list(seen), []
    for event in events:
        if event in rest:
            rest.remove(event)
        else:
            missing.append(event)
    words = f"it handled {count_of(seen, 'event')}"
    if missing:
        words += f", and not {cut(min(missing, key=length), 120)}"
    return f"{words}{f', but {cut(min(rest, key=length), 120)}' if rest else ''}"


def all_handled(run, values) -> list:
    """What it calls handle with until it returns; handle() returns those values in turn."""
    seen = []
    for value in cycle(values):
        if not isinstance(step := run.next(), Handle):
            break
        seen.append(step.event)
        run.handled(value)
    if isinstance(step, Raised):
        raise run.otherwise("return", in_words(step, "it"))
    run.value = step.value
    return seen


# All goes well --------------------------------------------------------------------


@pytest.mark.check("04.consumes")
def test_everything_is_handled_and_deleted(
    student, queue, new_queue, odd_events, unusual_text, trips, returned
):
    """Events of every kind, more than a batch; then on other queues in the same process, one FIFO.

    For those of the second queue handle() returns something: they are handled all the same.
    """
    process = student.process()
    many, few = [*odd_events, *unusual_text], trips(len(returned) + 1)
    for each, events, size, values in (
        (queue, many, {"batch_size": 10}, (None,)),
        (new_queue(), few, {}, returned),
        (new_queue(fifo=True), trips(2), {}, (None,)),
    ):
        kind = "FIFO " if each.is_fifo else ""
        each.put(*events, ascii_only=False, attributes=ATTRIBUTES)
        run = student.consume(each, process, max_events=len(events), **size)
        seen = all_handled(run, values)
        scene = f"{len(events)} events were in the {kind}queue, of producers of several kinds"
        if values is returned:
            scene += f", and handle() returned {', '.join(map(repr, returned))} for them"
        assert same(seen, events), f"{scene}; {difference(seen, events)}"
        assert run.value == len(events), (
            f"{scene}; all were handled, so {len(events)} should be returned, not {run.value!r}"
        )
        assert each.depth == (0, 0), (
            f"every handled message of the {kind}queue should be deleted; {each.left}"
        )


@pytest.mark.check("04.consumes")
def test_a_delete_that_failed_is_made_again(student, sqs, queue, asked, trips):
    """Of who deletes in batches: an entry may fail, as one of a batch of sends may.

    It is made again before the next receive, which may bring the message again.
    """
    events = trips(5)
    queue.put(*events)
    failed = []

    def pick(entry, _):
        handle = entry.get("ReceiptHandle")
        if not failed:
            failed.append(handle)
            return True
        return False

    sqs.fail_delete_entries(pick)
    student.consume(queue, max_events=5, batch_size=3, max_empty_receives=1).drain()
    queue.let_time_out()
    left = queue.depth
    assert left == (0, 0), (
        "DeleteMessageBatch reported an entry as failed, so its message was not deleted: delete it "
        f"again; after the visibility timeout {queue.left}"
        if failed
        else f"every handled message should be deleted; {queue.left}"
    )
    assert not (failed and asked.received_between_deletes(failed[0])), (
        "DeleteMessageBatch reported an entry as failed: delete it again before the next receive; it was "
        "deleted after one"
    )


@pytest.mark.check("04.consumes")
def test_a_delete_has_the_receipt_handle_of_its_receive(student, queue, trips):
    """A message comes a second time in the same call: the first receive's handle deletes nothing."""
    (event,) = trips(1)
    queue.put(event)
    run = student.consume(queue, max_events=1, max_empty_receives=2)
    if as_sent(run.next_event(), [event]) != event:
        return
    queue.let_time_out()
    run.fails()
    if not isinstance(step := run.next(), Handle):
        leave_to(
            "04.failed-handle-not-deleted",
            f"handle() raised for a message, and its visibility timeout passed: it should come again; {in_words(step, 'it')}",
        )
        return
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
def test_killed_inside_handle(student, new_queue, trips, rng):
    """Killed while it handles an event, one of the first and one far into the queue: it comes back.

    With what is told and with the defaults; of a consumer that is to handle what is there, or very many.
    """
    deep = rng.randint(5, 40)
    for k in (0, rng.randint(1, 4), deep):
        events = trips(k + rng.randint(1, 4))
        queue = new_queue()
        queue.put(*events)
        most = int(10 ** rng.uniform(2, 6)) if k == deep else len(events)
        told = rng.choice(({}, {}, {"batch_size": rng.randint(1, 10)}))
        run = student.consume(queue, max_events=most, **told)
        handled = []
        for _ in range(k):
            handled.append(as_sent(run.next_event(), events))
            run.handled()
        current = as_sent(run.next_event(), events)
        run.kill()
        queue.let_time_out()
        again = student.consume(
            queue, max_events=len(events), batch_size=10, max_empty_receives=1
        ).drain()
        seen = all_as_sent(again, events)
        missing = [event for event in events if event not in handled and event not in seen]
        early = ", the one in hand among them" if current in missing else ""
        hidden = queue.depth[1]
        where = "still hidden" if hidden >= len(missing) else "no longer in the queue"
        assert not missing, (
            f"max_events was {most}, and it was killed inside handle() of event {k + 1} of {len(events)}; "
            f"after the visibility timeout {these(missing, events, UNSENT)} did not come back{early}: "
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
            entries = request.parameters.get("Entries")
            waiting -= len(entries) if isinstance(entries, list) else 0
    assert waiting == 0, f"{waiting} handled messages were never deleted"


@pytest.mark.check("04.visibility-redelivery")
def test_what_a_dead_consumer_held_comes_back(student, sqs, asked, queue, trips):
    """Hidden from a second consumer at first, there for it after the queue's time-out."""
    events = trips(3)
    queue.put(*events)
    run = student.consume(queue, max_events=3, batch_size=3)
    held = as_sent(run.next_event(), events)
    run.kill()
    # Half of the queue's time: a receive that asks for another one is seen as well.
    sqs.advance(HIDDEN // 2)
    before = len(asked.receives)
    second = student.consume(queue, max_events=3, wait_seconds=1, max_empty_receives=1)
    early = all_as_sent(second.drain(), events)
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
    third = student.consume(queue, max_events=3, max_empty_receives=1)
    seen = early + all_as_sent(third.drain(), events)
    assert same(seen, events), (
        "a consumer was killed with 3 messages in hand; after the visibility timeout all 3 should "
        f"come back; {these(seen, events, UNSENT)} did"
    )


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
        leave_to(
            "04.bad-message" if what == "bad" else "04.failed-handle-not-deleted",
            f"a message came {'that is bad' if what == 'bad' else 'for which handle() raised'}, and it should go on; {in_words(step, 'it')}",
        )
        return
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
        if (event := as_sent(step.event, events)) in bad:
            bad.remove(event)
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
