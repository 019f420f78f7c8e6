"""Hidden suite of exercise 03, RabbitMQ: what fails, what is no event, and a broker that goes away."""

from __future__ import annotations

import pytest

from grader.services.gate import Packet
from grader.suite import Failed, Handle, Raised, Returned, content, exceptions, leave_to

PATIENCE = 5.0  # seconds; only a wrong submission waits so long
PUBLISH = Packet("RabbitMQ", "basic.publish", up=True)
PERSISTENT = 2
"""The delivery mode of a message that outlives a restart of the broker."""


def tried_less(tries: dict, due: dict, kinds: list) -> str:
    """Those that were not tried so often as was due, by what handle() raised for them."""
    less = [name for number, name in enumerate(kinds) if tries[number] < due[number]]
    names = f"those for which handle() raised {content.listed(less)}"
    return f"Tried less often: {names if less else 'those that should succeed at the second try'}"


def left_if_nothing(step, count: int) -> None:
    """Leave to another check that it returned nothing in the place of a count."""
    if step == Returned(None):
        leave_to(
            "03.rabbit-delivers",
            f"it handled {count} events, so it should return {count}, not None",
        )


@pytest.mark.check("03.rabbit-retry-once")
def test_a_failing_message_is_tried_twice(queues, trips, rng):
    """Whatever handle() raises, twice, then the dead-letter queue; the others are handled once.

    The last of the others fails once too, and it is the last that max_events allows. There are two
    of an event that fails, and both are held at once; and two of the last, of which the first does
    not fail.
    """
    kinds = [*exceptions.ORDINARY, *exceptions.PIKA]
    everything = trips(len(kinds) + 2)
    last = len(everything) - 1
    due = dict.fromkeys(range(len(kinds)), 2) | {0: 4, last - 1: 1, last: 3}
    first = rng.sample(everything[1:], len(everything) - 1)
    for _ in range(2):  # among the ten that it is sent first: what fails comes again after these
        first.insert(rng.randint(0, 8), dict(everything[0]))
    (queue,) = queues.declare()
    queues.put(queue, *first, everything[-1])
    run = queues.start(queue, everything, max_events=3)
    tries = dict.fromkeys(due, 0)
    scene = there = (
        f"{len(first) + 1} events were in the queue, and handle() raises for {len(first) - 1} of them"
    )
    while tries != due:
        run.run.process.case.given(scene)
        assert not run.run.waiting(PATIENCE), (
            f"{there}: each should be tried twice, and its message be in the dead-letter queue "
            f"after that; {sum(tries.values())} of {sum(due.values())} tries came, and no further "
            f"for {PATIENCE:.0f} s. {tried_less(tries, due, kinds)}"
        )
        step = run.step()
        left = isinstance(step, Raised)
        assert isinstance(step, Handle), (
            f"{scene if left else there}: each message that fails should be tried twice, "
            f"{sum(due.values())} tries in all; after {sum(tries.values())} of them {run.said(step)}"
            f"{'' if left else f'. {tried_less(tries, due, kinds)}'}"
        )
        event = step.event
        number = everything.index(event) if event in everything else -1
        why = f", for which handle() raised {kinds[number]}," if 0 <= number < len(kinds) else ""
        assert tries.get(number, 0) < due.get(number, 0), (
            f"{there}: {run.these([event])}{why} should come "
            f"{due.get(number, 0)} times, it came once more"
        )
        tries[number] += 1
        kind = "HandlerError" if number == last and tries[last] == 2 else ""
        if kind := kinds[number] if number < len(kinds) else kind:
            scene = f"handle() raised {kind}"
            run.run.fails(kind)
        else:
            run.run.handled()
    step = run.step()
    left_if_nothing(step, 3)
    assert step in (Returned(3), Returned(None)), (
        f"handle() failed for {len(kinds) + 1} events and succeeded for 3, so it should return 3; "
        f"{run.said(step)}"
    )
    queues.wait_ready(f"{queue}.dead", len(kinds) + 1)
    letters = queues.take(f"{queue}.dead")
    dead = queues.parse([body for _, body in letters])
    assert content.same(dead, [dict(everything[0]), *everything[: len(kinds)]]), (
        f"handle() failed twice for {len(kinds) + 1} messages; the dead-letter queue should hold "
        f"them, it holds {len(dead)} messages, and the queue holds {queues.ready(queue)}"
    )
    transient = sum(properties.delivery_mode != PERSISTENT for properties, _ in letters)
    assert transient == 0, (
        f"handle() failed twice for {len(dead)} persistent messages; in the dead-letter queue {transient} "
        "are not persistent, and lost when the broker restarts: rejected, a message is moved as it is"
    )


@pytest.mark.check("03.rabbit-retry-once")
def test_the_second_try_may_be_anothers(queues, trips, rng):
    """An event fails once, and once more in another consumer, which it is redelivered to."""
    everything = trips(2)
    failed, _ = everything
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=1, prefetch_count=1)
    run.expect(failed, "two events were in the queue")
    run.run.fails()
    run.event()  # the same one again, or the other one, where the queue gives back in another order
    run.run.kill()
    if (there := queues.wait_ready(queue, 2)) < 2:
        leave_to(
            "03.rabbit-ack-after-handle",
            "of two events one had failed, and the process was killed inside handle() after that: both "
            f"messages should be in the queue again, it holds {max(there, 0)}",
        )
        return
    second = queues.start(queue, everything, max_events=int(10 ** rng.uniform(2, 6)))
    scene = "handle() had failed for event 1 in a consumer before this one"
    second.run.process.case.given(scene)
    tries = 0
    while queues.settled(f"{queue}.dead", 2, second.run) < 2:
        assert not second.run.waiting(0), (
            f"{scene}, and failed again: its message should be in the dead-letter queue, and after "
            "two failures that of event 2; nothing happened"
        )
        tries += second.event() == failed
        assert tries < 2, (
            f"{scene}, and failed again: its message should be in the dead-letter queue; it came "
            "once more"
        )
        second.run.fails()


@pytest.mark.check("03.rabbit-bad-message")
def test_bad_messages_are_dead_letters(queues, trips, junk):
    """Every kind of bad message goes to the dead-letter queue while the consumer goes on."""
    everything = trips(3)
    other, queue = queues.declare(2)
    junk = [*junk, *content.LENIENT]
    queues.put(queue, everything[0], *junk, everything[1])
    before = queues.service.redelivered
    run = queues.start(queue, everything, max_events=3)
    run.run.process.case.given(f"{len(junk)} bad messages lay between two events")
    for event in everything[:2]:
        step = run.run.next()
        assert isinstance(step, Handle), (
            f"it should handle {run.these([event])}, whatever lies before it; {run.said(step)}"
        )
        assert step.event == event, (
            f"it should handle {run.these([event])} next; it called handle({step.event!r:.100}), "
            f"{content.why_bad(step.event)}"
        )
        run.run.handled()
    # The consumer waits for its third event now.
    there = queues.wait_ready(f"{queue}.dead", len(junk))
    elsewhere = queues.ready(f"{other}.dead")
    assert there > 0 or elsewhere <= 0, (
        "two queues were declared in one process, and bad messages were put into the second: they "
        "should be in its own dead-letter queue, they are in the other's"
    )
    assert elsewhere <= 0, (
        "two queues were declared in one process, and bad messages were put into the second: they "
        f"should be in its own dead-letter queue alone; the other's holds {elsewhere} too"
    )
    letters = queues.take(f"{queue}.dead")
    dead = [body for _, body in letters]
    assert sorted(dead) == sorted(junk), (
        f"{len(junk)} bad messages should be in the dead-letter queue as they came; messages in it: "
        f"{len(dead)}"
    )
    transient = sum(properties.delivery_mode != PERSISTENT for properties, _ in letters)
    assert transient == 0, (
        f"{len(junk)} bad messages were persistent; in the dead-letter queue {transient} are not, and "
        "lost when the broker restarts: rejected, a message is moved as it is"
    )
    again = queues.service.redelivered - before
    assert again == 0, (
        f"a bad message goes to the dead-letter queue at once; {again} of {len(junk)} were put back "
        "into the queue first, and delivered again"
    )
    queues.put(queue, everything[2])
    run.take(everything[2:], "an event was published after the bad messages")
    step = run.step()
    left_if_nothing(step, 3)
    assert step in (Returned(3), Returned(None)), (
        f"it handled 3 events, and bad messages do not count, so it should return 3; {run.said(step)}"
    )


@pytest.mark.check("03.rabbit-bad-message")
def test_killed_before_it_publishes_a_dead_letter(queues, gate, trips, junk, new_name):
    """Who moves a bad message itself, and is killed on the way: it is in one of the two queues.

    Somebody had deleted the dead-letter queue before: a consumer declares both.
    """
    events = trips(1)
    (queue,) = queues.declare()
    queues.channel.queue_delete(f"{queue}.dead")
    queues.put(queue, junk[0], *events)
    scene = "a bad message and an event were in the queue, and max_events is 1"
    with gate.recording() as crossed:
        run = queues.start(queue, events, max_events=1)
        run.finish(scene, 1)
    if queues.wait_ready(f"{queue}.dead", 1) < 0:
        if not declares(queues, new_name(), run.run.process):
            leave_to(
                "03.rabbit-delivers",
                "a queue had not been declared before: rabbitmq_consumer should declare it",
            )
            return
        raise AssertionError(
            f"somebody had deleted the dead-letter queue; {scene}. rabbitmq_consumer should declare both "
            "queues: there is no dead-letter queue after the return, and the bad message is lost"
        )
    if PUBLISH not in crossed:
        return  # the broker moves what is rejected, and loses nothing
    queues.take(f"{queue}.dead")
    queues.put(queue, junk[0], *events)
    with gate.stopped_before(PUBLISH, alone=True) as halt:
        run = queues.start(queue, events, max_events=1)
        run.run.next_before(halt)
        halt.reached.wait(PATIENCE)  # it may have gone on to the event before its message left
        run.run.kill()
        halt.drop()
    there = max(queues.wait_ready(queue, 2), 0) + max(queues.ready(f"{queue}.dead"), 0)
    assert there == len(events) + 1, (
        "the process was killed before it published a bad message to the dead-letter queue, and the "
        "message was no longer in the queue: it had been acknowledged, so it is lost"
    )


def declares(queues, name: str, process) -> bool:
    """Tell whether a consumer of a queue that nobody has declared makes one."""
    run = queues.start(name, [], max_events=1, process=process)
    try:
        queues.wait_declared(run, name)
    except Failed:
        return False
    run.run.kill()
    return True


@pytest.mark.check("03.rabbit-honest-failure")
def test_nothing_more_can_come(queues, trips, rng):
    """Fewer than max_events were handled; the broker goes away, or the queue is deleted.

    It goes away without a word, as in a crash, or closes the connection, as when it is shut down.
    """
    ends = {
        "the broker dropped the connection": queues.service.drop_connections,
        "the broker closed the connection": queues.service.close_connections,
        "the queue was deleted": None,
    }
    everything = trips(len(ends))
    (queue,) = queues.declare()
    process = None
    for event, (scene, end) in zip(everything, ends.items(), strict=True):
        queue = queues.still(queue)
        queues.put(queue, event)
        # More than all three calls handle: who counts over calls is told so by 03.rabbit-delivers.
        most = rng.choice((5, int(10 ** rng.uniform(1, 6))))
        run = queues.start(queue, everything, max_events=most, process=process)
        process = run.run.process
        process.case.given("one event was in the queue")
        while run.event() != event:  # the drop gave back what was not acknowledged yet
            run.run.handled()
        run.run.handled()
        if end is None:
            queues.channel.queue_delete(queue)
            # Who waits for ever says nothing wrong, and pika tells only who asks for it.
            if (step := run.moves(PATIENCE)) is None:
                return
        else:
            run.run.waiting(0.05)  # lets it begin to wait; what it does is judged after the end
            assert end(), "the consumer should keep its connection open while it waits for events"
            step = run.step()
            queues.service.drop_connections()  # what still hears of nothing gets no message
        assert isinstance(step, Raised), (
            f"{scene} before {most} events were handled (max_events), which should be an exception; {run.said(step)}"
        )


@pytest.mark.check("03.rabbit-honest-failure")
def test_the_connection_is_dropped_inside_handle(queues, trips):
    """The broker goes away while an event is handled: one of several, and the last one.

    No acknowledgement of the last one arrives, so it is not done, though nothing is left to handle.
    """
    (queue,) = queues.declare()
    process = None
    for most in (5, 1):
        everything = trips(2)
        queue = queues.still(queue)
        queues.put(queue, *everything)
        run = queues.start(queue, everything, max_events=most, process=process)
        process = run.run.process
        scene = f"two events were in the queue, and max_events is {most}"
        run.expect(everything[0], scene)
        queues.service.drop_connections()
        run.run.handled()
        # Whoever has the second event in hand already may still handle it.
        while isinstance(step := run.step(), Handle):
            run.run.handled()
        assert isinstance(step, Raised), (
            f"{scene}; the broker dropped the connection inside handle(), before event 1 was "
            f"acknowledged, which should be an exception; {run.said(step)}"
        )
        if queues.wait_ready(queue, len(everything)) > 0:
            queues.take(queue)
