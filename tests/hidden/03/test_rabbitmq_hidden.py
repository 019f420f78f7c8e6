"""Hidden suite of exercise 03, RabbitMQ: what a consumer handles, acknowledges and leaves."""

from __future__ import annotations

import pytest
from broker_runs import held_still

from grader.suite import Handle, Raised, content, exceptions, leave_to
from grader.suite.steps import in_words

PATIENCE = 5.0  # seconds; only a wrong submission waits so long
QUIET = 3.1
"""Seconds: longer than the one or two that many write; these tests begin later than those of Redis."""
LABELS = (
    {},
    {"content_type": "application/json"},
    {"content_type": "text/plain", "content_encoding": "utf-8"},
    {"content_type": "application/octet-stream", "type": "trip"},
    {"content_type": "application/json; charset=utf-8", "headers": {"source": "a kiosk"}},
)
"""What producers say of a message that is a JSON object."""


@pytest.mark.check("03.rabbit-delivers")
def test_before_and_after_the_start(queues, odd_events, unusual_text, large, trips, returned):
    """More than the prefetch before the consumer came, and some while it waits; of every kind.

    Producers label messages as they like. For some handle() returns something: it has handled
    them all the same.
    """
    last = trips(len(returned) + 1)
    everything = [*odd_events, *unusual_text, large, *last, *trips(3)]
    total = len(everything)
    (queue,) = queues.declare()
    queues.put(queue, *everything[:-3], labels=LABELS)
    run = queues.start(queue, everything, max_events=total)
    scene = (
        f"{total - 3} events were in the queue before the consumer started, labelled as text/plain, "
        "application/json and otherwise"
    )
    run.take(everything[: -3 - len(last)], scene)
    run.take(last, scene, returned)
    for event in everything[-3:]:
        # The queue is empty now: a consumer that gives up does so here.
        if not run.run.waiting(0.05):
            step = run.run.next()
            at = last.index(step.event) if isinstance(step, Handle) and step.event in last else -1
            again = f" again, for which handle() had returned {returned[at % len(returned)]!r}"
            raise AssertionError(
                f"{scene}; all of them were handled, so it should wait; {in_words(step, 'it')}"
                f"{again if at >= 0 else ''}"
            )
        queues.put(queue, event)
        run.take([event], "an event was published while the consumer was waiting")
    value = run.run.returned()
    assert value == total, f"it handled {total} events, so it should return {total}, not {value!r}"


@pytest.mark.check("03.rabbit-delivers")
def test_each_call_is_a_new_one(queues, trips, new_name, rng):
    """Two calls in one process, the second for a queue that nobody had declared before."""
    limit = rng.randint(2, 4)
    everything = trips(limit + 4)
    (queue,) = queues.declare()
    process = None
    for number, (name, most) in enumerate([(queue, limit), (new_name(), 2)], 1):
        mine, everything = everything[: most + 1], everything[most + 1 :]
        if number == 1:
            queues.put(name, *mine)
        run = queues.start(name, mine, max_events=most, process=process)
        if number == 2:
            queues.wait_declared(run, name)
            queues.put(name, *mine)
        process = run.run.process
        scene = (
            f"call {number} in one process, for a queue of its own: {len(mine)} events were put "
            f"into it, and max_events is {most}"
        )
        handled = run.finish(scene, most)
        assert handled == mine[:most], (
            f"{scene}; it should handle the first {most}, it handled {run.these(handled)}"
        )
        value = run.run.value
        assert value == most, f"{scene}; it should return {most}, it returned {value!r:.100}"


@pytest.mark.check("03.rabbit-delivers")
@pytest.mark.last
def test_a_quiet_queue_is_waited_on(waits):
    """Nothing comes for seconds; an event that comes then is handled."""
    quiet, seconds = waits.look("rabbitmq quiet")
    step = quiet.run.moves(max(0.0, QUIET - seconds))
    assert step is None, (
        "it handled event 1 of max_events=2, then the queue was empty, and the consumer should go on "
        f"waiting; within {QUIET:.0f} s {quiet.run.said(step)}"
    )
    second = quiet.everything[1:]
    quiet.queues.put(quiet.name, *second)
    quiet.run.take(second, "an event was published after some quiet seconds")


@pytest.mark.check("03.rabbit-ack-after-handle")
def test_ended_inside_handle(queues, trips, rng):
    """Killed inside handle(), or left by Ctrl-C or SystemExit: what was not handled is there again.

    In the first event and far into a queue; of a consumer that is to handle what is there, or very many.
    """
    (queue,) = queues.declare()
    deep = rng.randint(5, 40)
    for count, way in (
        (0, ""),
        *((rng.randint(1, 3), way) for way in exceptions.STOPPING),
        (deep, ""),
    ):
        everything = trips(count + rng.randint(1, 3))
        total = len(everything)
        many = count == deep or rng.random() < 0.5
        most = int(10 ** rng.uniform(2, 6)) if many else total
        # No less: who acknowledges several at once waits for them, which is 03.ack-before-stop's.
        told = rng.choice(({}, {"prefetch_count": rng.randint(10, 50)}))
        queues.put(queue, *everything)
        scene = f"the queue held {content.count_of(total, 'event')}, and max_events is {most}"
        run = queues.start(queue, everything, max_events=most, **told)
        run.take(everything[:count], scene)
        run.expect(everything[count], scene)
        if way:
            run.run.fails(way)
            if not isinstance(step := run.step(), Raised):
                leave_to(
                    "03.rabbit-closes",
                    f"handle() raised {way}, which should leave rabbitmq_consumer; {run.said(step)}",
                )
        run.run.kill()
        queues.wait_ready(queue, total - count)
        left = queues.events(queue)
        lost = [event for event in everything[count:] if event not in left]
        ended = f"handle() raised {way}" if way else "the process was killed inside handle()"
        assert not lost, (
            f"{scene}; {ended} for event {count + 1}: the queue should hold "
            f"{run.these(everything[count:])} again; {run.these(lost)} {'is' if len(lost) == 1 else 'are'} "
            "not in it"
        )


@pytest.mark.check("03.ack-before-stop")
@pytest.mark.parametrize(("many", "prefetch"), [(0, None), (1, None), (0, 1)])
def test_what_was_handled_is_gone_and_nothing_else(queues, trips, rng, many, prefetch):
    """After a return the queue holds exactly the messages that were never handled.

    Who waits for several before it acknowledges gets no more than the prefetch.
    """
    limit = rng.randint(11, 40) if many else rng.randint(1, 3)
    everything = trips(limit + rng.randint(2, 4))
    total = len(everything)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    told = {} if prefetch is None else {"prefetch_count": prefetch}
    run = queues.start(queue, everything, max_events=limit, **told)
    scene = f"{total} events were in the queue, max_events={limit}, prefetch_count={prefetch or 10}"
    handled = run.finish(scene, limit)
    assert handled == everything[:limit], (
        f"{scene}: it should handle the first {limit} of them, it handled {run.these(handled)}"
    )
    rest = everything[limit:]
    if not queues.released(queue, len(rest)):
        leave_to(
            "03.rabbit-leaves-the-rest",
            f"{scene}: after the return {run.these(rest)} should be ready for another consumer; the "
            f"queue {queues.holds(queue)} ready",
        )
        run.run.kill()
        queues.wait_ready(queue, len(rest))
    left = queues.events(queue)
    again = [event for event in left if event in handled]
    assert not again, (
        f"{limit} of {total} events were handled before the return; the queue still holds "
        f"{run.these(again)}, unacknowledged: another consumer will handle that again"
    )
    # In which order they come back, RabbitMQ promises for none of its queue types.
    assert content.same(left, rest), (
        f"{limit} of {total} events were handled; the queue should hold {run.these(rest)}, it holds "
        f"{run.these(left)}"
    )


@pytest.mark.check("03.rabbit-leaves-the-rest")
def test_the_rest_is_ready_for_another(queues, trips, junk, rng):
    """After a return, while its process lives on, others get what it did not handle.

    A bad message among the rest may be dead by then: it goes there at once.
    """
    limit = rng.choice((rng.randint(1, 3), rng.randint(4, 30)))
    everything = trips(limit + rng.randint(5, 7))
    *rest, last = everything[limit:]
    (queue,) = queues.declare()
    queues.put(queue, *everything[:limit], *rest, junk[0], last)
    run = queues.start(queue, everything, max_events=limit)
    run.finish(f"{len(everything)} events were in the queue, and max_events is {limit}", limit)
    queues.wait_ready(queue, len(rest) + 1)
    ready = [body for _, body in queues.take(queue)]
    left = queues.parse(ready)
    missing = [event for event in everything[limit:] if event not in left]
    assert not missing, (
        f"after max_events={limit} of {len(everything)} events, the others should be ready for "
        f"another consumer; {PATIENCE:.0f} s after the return {run.these(missing)} "
        f"{'was' if len(missing) == 1 else 'were'} not"
    )
    dead = queues.wait_ready(f"{queue}.dead", 1 - ready.count(junk[0]))
    assert ready.count(junk[0]) + dead == 1, (
        f"a bad message lay beyond max_events={limit}; it should be in the queue or in its "
        f"dead-letter queue, which hold {ready.count(junk[0])} and {dead}"
    )


@pytest.mark.check("03.rabbit-prefetch")
@pytest.mark.parametrize("prefetch", [1, None])
def test_a_second_consumer_gets_its_share(queues, trips, prefetch):
    """While the first handles an event, it holds no more than prefetch_count, which is 10 if unsaid."""
    told = {} if prefetch is None else {"prefetch_count": prefetch}
    limit, words = (prefetch, f"{prefetch}") if prefetch else (10, "10, the default")
    everything = trips(2 * limit + 3)
    total = len(everything)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    first = queues.start(queue, everything, max_events=total, **told)
    first.expect(everything[0], f"{total} events were in the queue")
    for _ in range(10):
        queues.channel.connection.process_data_events(0.003)  # the broker may still be sending
        held = total - queues.ready(queue)
        assert held <= limit, (
            f"prefetch_count is {words}, yet the consumer had been sent {held} messages by the "
            f"time it handled the first of {total}"
        )
    second = queues.start(queue, everything, max_events=total, **told)
    second.run.process.case.given(
        f"{total} events were in the queue, a first consumer held {held} of them, and a second began"
    )
    assert not second.run.waiting(PATIENCE), (
        f"the first consumer holds {held} of {total} messages; a second one got none"
    )
    share = second.event()
    assert share in everything[1:], (
        "the second consumer should get an event that the first has not; it got "
        f"{second.these([share])}"
    )


def wait_closed(queues, run, when):
    """No connection is open, though the process does nothing any more."""
    with held_still(run.run.process):
        closed = queues.service.wait_closed(PATIENCE)
    count = queues.service.open_connections
    assert closed, (
        f"{when}, and its process was held still from then on; {PATIENCE:.0f} s later {count} "
        f"connection{'s were' if count != 1 else ' was'} still open"
    )


@pytest.mark.check("03.rabbit-closes")
def test_no_connection_after_a_return(queues, trips):
    """The process lives on, its connection does not."""
    everything = trips(3)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=2)
    run.finish("three events were in the queue, and max_events is 2", 3)
    wait_closed(queues, run, "the consumer has returned")


@pytest.mark.check("03.rabbit-closes")
def test_no_connection_after_an_exception(queues, trips, new_name):
    """What is no Exception leaves the consumer unchanged; so does the broker's refusal to declare."""
    names = (*exceptions.STOPPING, *exceptions.BASE)
    fresh = trips(2 * len(names))
    (queue,) = queues.declare()
    process = None
    for name in names:
        everything = [fresh.pop(), fresh.pop()]
        queue = queues.still(queue)
        queues.put(queue, *everything)
        run = queues.start(queue, everything, max_events=3, process=process)
        process = run.run.process
        run.event()
        run.run.handled()
        run.event()
        run.run.fails(name)
        step = run.step()
        left = isinstance(step, Raised) and step.by_handle
        assert left, (
            f"handle() raised {name}, which should leave rabbitmq_consumer unchanged; "
            f"{run.said(step)}"
        )
        wait_closed(queues, run, f"{name} has left the consumer")
    taken = new_name()
    queues.channel.queue_declare(taken, durable=True, arguments={"x-max-length": 1000})
    run = queues.start(taken, everything, max_events=3, process=process)
    # Who raises nothing may well have found a way to use the queue as it is.
    if isinstance(step := run.moves(PATIENCE), Raised):
        wait_closed(
            queues, run, "a queue of that name had other arguments, an exception left the consumer"
        )
