"""Hidden suite of exercise 03, second half: RabbitMQ, a real one."""

from __future__ import annotations

import json

import pytest

from grader.suite import Handle, Raised, Returned
from grader.suite.steps import in_words

PATIENCE = 5.0  # seconds; only a wrong submission waits so long


def places(events, everything):
    """Events by their number, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


@pytest.mark.check("03.rabbit-delivers")
def test_before_and_after_the_start(queues, trips):
    """What was queued before the consumer came, and what is published while it waits."""
    everything = trips(7)
    (queue,) = queues.declare()
    queues.put(queue, *everything[:4])
    run = queues.start(queue, everything, max_events=7)
    run.take(everything[:4], "events 1 to 4 were in the queue before the consumer started")
    for event in everything[4:]:
        # The queue is empty now: a consumer that gives up does so here.
        if not run.run.waiting(0.05):
            raise AssertionError(
                f"the queue was empty, so it should wait; {in_words(run.run.next(), 'it')}"
            )
        queues.put(queue, event)
        run.take([event], "published while the consumer was waiting")
    value = run.run.returned()
    assert value == 7, f"7 events were handled, so it should return 7, not {value!r}"


@pytest.mark.check("03.rabbit-delivers")
def test_it_declares_the_queue_itself(queues, trips, new_name):
    """The consumer comes before anybody declared the queue."""
    (event,) = everything = trips(1)
    queue = new_name()
    run = queues.start(queue, everything, max_events=1)
    while queues.ready(queue) < 0:
        if not run.run.waiting(0.003):
            raise AssertionError(
                f"it should declare the queue and wait; {in_words(run.run.next(), 'it')}"
            )
    queues.put(queue, event)
    handled = run.finish("it had declared the queue, and an event was published")
    assert handled == [event], f"one event was published, handled were {len(handled)}"


@pytest.mark.check("03.rabbit-durable")
def test_both_queues_are_durable(queues):
    """Neither the queue nor its dead-letter queue is lost when the broker restarts."""
    (queue,) = queues.declare()
    for name, what in ((queue, "the queue"), (f"{queue}.dead", "the dead-letter queue")):
        assert queues.ready(name) >= 0, (
            f'declare_queue("q") should declare {what}: {name!r} does not exist'
        )
        # Declared with another argument, a queue answers with the first thing that differs, and its
        # durability comes before its arguments. Source: assert_equivalence in rabbit_amqqueue.erl.
        refusal = queues.refusal(name, durable=True, arguments={"x-max-length": 7})
        assert "'durable'" not in refusal, f"{what} should be durable, it is not"


@pytest.mark.check("03.rabbit-durable")
def test_declaring_again_is_fine(queues):
    """The producer declares, and so does the consumer."""
    (queue,) = queues.declare()
    process = queues.process()
    for _ in range(2):
        step = queues.in_channel(process, "declare_queue", queue).next()
        assert isinstance(step, Returned), (
            f"declaring a queue again should do nothing; {in_words(step, 'it')}"
        )


@pytest.mark.check("03.rabbit-persistent")
def test_messages_are_persistent_json(queues, trips, rng, in_short):
    """Delivery mode 2, the event as JSON, in order."""
    everything = trips(rng.randint(3, 6))
    (queue,) = queues.declare()
    process = queues.process()
    queues.in_channel(process, "publish_events", queue, everything).returned()
    # Whoever publishes without confirms returns a moment before the broker has everything.
    queues.wait_ready(queue, len(everything))
    messages = queues.take(queue)
    bodies = [body for _, body in messages]
    try:
        events = [json.loads(body) for body in bodies]
    except ValueError:
        events = None
    assert events == everything, (
        f"{len(everything)} events were published; the queue should hold them as JSON, one message "
        f"each, in order; messages in it: {in_short(bodies, everything)}"
    )
    modes = [properties.delivery_mode for properties, _ in messages]
    assert all(mode == 2 for mode in modes), (
        f"messages should have delivery mode 2, persistent; they have {modes}"
    )


@pytest.mark.check("03.rabbit-confirms")
def test_an_unroutable_message_is_an_error(queues, trips, new_name):
    """There is no queue of that name: nothing can be done with the message."""
    queue = new_name()
    step = queues.in_channel(queues.process(), "publish_events", queue, trips(2)).next()
    assert isinstance(step, Raised), (
        f"there is no queue {queue!r}, so the events went nowhere and publish_events should raise; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-confirms")
def test_a_refused_message_is_an_error(queues, trips, new_name, rng):
    """The queue is full and refuses more."""
    queue, room = new_name(), rng.randint(1, 3)
    arguments = {"x-max-length": room, "x-overflow": "reject-publish"}
    queues.channel.queue_declare(queue, durable=True, arguments=arguments)
    step = queues.in_channel(queues.process(), "publish_events", queue, trips(room + 2)).next()
    assert isinstance(step, Raised), (
        f"the queue has room for {room} messages and refuses more; {room + 2} were published, so "
        f"publish_events should raise; {in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-ack-after-handle")
def test_killed_inside_handle_at_every_event(queues, trips):
    """Killed while it handles event k, for every k: event k and all behind it are in the queue."""
    everything = trips(4)
    for k, queue in enumerate(queues.declare(len(everything))):
        queues.put(queue, *everything)
        run = queues.start(queue, everything, max_events=4)
        run.take(everything[:k], "four events were in the queue")
        run.expect(everything[k], "four events were in the queue")
        run.run.kill()
        queues.wait_ready(queue, 4 - k)
        left = queues.events(queue)
        lost = [event for event in everything[k:] if event not in left]
        assert not lost, (
            f"killed inside handle() of event {k + 1} of 4: the queue should hold events "
            f"{places(everything[k:], everything)} again; {places(lost, everything)} are lost"
        )


@pytest.mark.check("03.ack-before-stop")
@pytest.mark.parametrize("limit", [1, 3])
def test_what_was_handled_is_gone_and_nothing_else(queues, trips, limit):
    """After a return the queue holds exactly the messages that were never handled."""
    everything = trips(5)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=limit)
    handled = run.finish(f"five events were in the queue, and max_events is {limit}")
    assert handled == everything[:limit], (
        f"max_events is {limit}: the first {limit} of 5 events should be handled, it was "
        f"{places(handled, everything)}"
    )
    rest = everything[limit:]
    if queues.wait_ready(queue, len(rest)) != len(rest):
        # What it still holds is the business of 03.rabbit-leaves-the-rest.
        run.run.kill()
        queues.wait_ready(queue, len(rest))
    left = queues.events(queue)
    again = [event for event in left if event in handled]
    assert not again, (
        f"{limit} of 5 events were handled before the return; the queue still holds "
        f"{places(again, everything)} of them, unacknowledged: another consumer will handle that again"
    )
    # In which order they come back, RabbitMQ promises for none of its queue types.
    assert sorted(left, key=repr) == sorted(rest, key=repr), (
        f"{limit} of 5 events were handled; the queue should hold {places(rest, everything)}, "
        f"it holds {places(left, everything)}"
    )


@pytest.mark.check("03.rabbit-leaves-the-rest")
def test_the_rest_is_ready_for_another(queues, trips, rng):
    """After a return, while its process lives on, others get what it did not handle."""
    everything = trips(rng.randint(6, 9))
    limit = rng.randint(1, 3)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=limit)
    run.finish(f"{len(everything)} events were in the queue, and max_events is {limit}")
    rest = everything[limit:]
    queues.wait_ready(queue, len(rest))
    left = queues.events(queue)
    missing = [event for event in rest if event not in left]
    assert not missing, (
        f"after max_events={limit} of {len(everything)} events, the others should be ready for another "
        f"consumer; {PATIENCE:.0f} s after the return {places(missing, everything)} are not"
    )


@pytest.mark.check("03.rabbit-prefetch")
@pytest.mark.parametrize("prefetch", [1, 3])
def test_a_second_consumer_gets_its_share(queues, trips, prefetch):
    """While the first handles an event, it holds no more than prefetch_count."""
    everything = trips(2 * prefetch + 3)
    total = len(everything)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    first = queues.start(queue, everything, max_events=total, prefetch_count=prefetch)
    first.expect(everything[0], f"{total} events were in the queue")
    for _ in range(10):
        queues.channel.connection.process_data_events(0.003)  # the broker may still be sending
        held = total - queues.ready(queue)
        assert held <= prefetch, (
            f"prefetch_count is {prefetch}, yet the consumer was sent {held} messages by the time it "
            f"handles the first of {total}"
        )
    second = queues.start(queue, everything, max_events=total, prefetch_count=prefetch)
    assert not second.run.waiting(PATIENCE), (
        f"the first consumer holds {held} of {total} messages; a second one got none"
    )
    share = second.event()
    assert share in everything[1:], (
        "the second consumer should get an event that the first has not; it got "
        f"{places([share], everything)}"
    )


@pytest.mark.check("03.rabbit-retry-once")
def test_a_failing_message_is_tried_twice(queues, trips, rng):
    """Twice to handle(), then to the dead-letter queue; the others are handled once."""
    everything = trips(4)
    *early, late = everything
    bad = rng.choice(early)
    (queue,) = queues.declare()
    queues.put(queue, *early)
    run = queues.start(queue, everything, max_events=3)
    run.run.process.consumer.given(f"handle() fails for event {places([bad], everything)} of 3")
    seen = []
    while len(seen) < 4:
        assert not run.run.waiting(PATIENCE), (
            f"handle() failed for event {places([bad], everything)}: it should come once more; seen were "
            f"{places(seen, everything)}"
        )
        event = run.event()
        seen.append(event)
        if event == bad:
            run.run.fails()
        else:
            run.run.handled()
    tries = seen.count(bad)
    once = all(seen.count(event) == 1 for event in early if event != bad)
    assert (tries, once) == (2, True), (
        f"handle() failed for event {places([bad], everything)}, which should come twice, the other two once; "
        f"seen were {places(seen, everything)}"
    )
    assert queues.wait_ready(f"{queue}.dead", 1) == 1, (
        "after its second failure the message should be in the dead-letter queue, which holds "
        f"{queues.ready(f'{queue}.dead')} messages"
    )
    dead = queues.events(f"{queue}.dead")
    assert dead == [bad], (
        f"the dead-letter queue should hold event {places([bad], everything)}, it holds "
        f"{places(dead, everything)}"
    )
    assert run.run.waiting(0.05), (
        f"two of max_events=3 events were handled, failures do not count; {in_words(run.run.next(), 'it')}"
    )
    queues.put(queue, late)
    run.take([late], "after the failures another event was published")
    step = run.step()
    assert isinstance(step, Returned), (
        f"3 events were handled, so it should return; {run.said(step)}"
    )


@pytest.mark.check("03.rabbit-retry-once")
def test_a_second_try_may_succeed(queues, trips):
    """A message that failed once and succeeds then is handled, and nothing is dead."""
    first, second = everything = trips(2)
    (queue,) = queues.declare()
    queues.put(queue, first, second)
    run = queues.start(queue, everything, max_events=2)
    run.expect(first, "two events were in the queue")
    run.run.fails()
    handled = run.finish("handle() failed for the first of two events")
    assert sorted(places(handled, everything)) == sorted("1, 2"), (
        "handle() failed for event 1 at its first try only: both events should be handled, it was "
        f"{places(handled, everything)}"
    )
    dead = queues.ready(f"{queue}.dead")
    assert dead == 0, f"both events were handled, yet the dead-letter queue holds {dead} messages"


@pytest.mark.check("03.rabbit-bad-message")
def test_bad_messages_are_dead_letters(queues, trips, junk):
    """Every kind of bad message goes to the dead-letter queue while the consumer goes on."""
    everything = trips(3)
    bad = junk
    (queue,) = queues.declare()
    queues.put(queue, everything[0], *bad, everything[1])
    run = queues.start(queue, everything, max_events=3)
    run.run.process.consumer.given(f"{len(bad)} bad messages lay between two events")
    for event in everything[:2]:
        step = run.run.next()
        assert isinstance(step, Handle), (
            f"event {places([event], everything)} should be handled, whatever lies before it; {in_words(step, 'it')}"
        )
        assert step.event == event, (
            f"a message that is not a JSON object is no event; handle() got {step.event!r}"
        )
        run.run.handled()
    # The consumer waits for its third event now.
    queues.wait_ready(f"{queue}.dead", len(bad))
    dead = sorted(body for _, body in queues.take(f"{queue}.dead"))
    assert dead == sorted(bad), (
        f"{len(bad)} bad messages should be in the dead-letter queue as they came; messages in it: "
        f"{len(dead)}"
    )
    queues.put(queue, everything[2])
    run.take(everything[2:], "after the bad messages")
    step = run.step()
    assert isinstance(step, Returned), (
        f"3 events were handled, so it should return; {run.said(step)}"
    )


@pytest.mark.check("03.rabbit-honest-failure")
def test_the_connection_is_dropped_while_it_waits(queues, trips):
    """One of three events was handled, the queue is empty, and the broker goes away."""
    everything = trips(1)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=3)
    run.take(everything, "one event was in the queue")
    run.run.waiting(0.05)  # lets it begin to wait; what it does is judged after the drop
    dropped = queues.service.drop_connections()
    assert dropped, "the consumer should keep its connection open while it waits for events"
    step = run.step()
    assert isinstance(step, Raised), (
        f"the broker dropped the connection after 1 of 3 events, which should be an exception; {in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-honest-failure")
def test_the_connection_is_dropped_inside_handle(queues, trips):
    """The broker goes away while an event is handled."""
    everything = trips(2)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=5)
    run.expect(everything[0], "two events were in the queue")
    queues.service.drop_connections()
    run.run.handled()
    # Whoever has the second event in hand already may still handle it.
    while isinstance(step := run.step(), Handle):
        run.run.handled()
    assert isinstance(step, Raised), (
        f"the broker dropped the connection before 5 events were handled, which should be an exception; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-closes")
def test_no_connection_after_a_return(queues, trips):
    """The process lives on, its connection does not."""
    everything = trips(3)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=2)
    run.finish("three events were in the queue, and max_events is 2")
    closed = queues.service.wait_closed(PATIENCE)
    assert closed, (
        f"the consumer has returned, and {PATIENCE:.0f} s later still open "
        f"are connections: {queues.service.open_connections}"
    )


@pytest.mark.check("03.rabbit-closes")
def test_no_connection_after_ctrl_c(queues, trips):
    """KeyboardInterrupt leaves the consumer unchanged; the message goes back to the queue."""
    everything = trips(3)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=3)
    run.take(everything[:1], "three events were in the queue")
    run.event()
    run.run.fails("KeyboardInterrupt")
    step = run.step()
    left = isinstance(step, Raised) and step.is_a("KeyboardInterrupt")
    assert left, (
        f"KeyboardInterrupt inside handle() should leave the consumer unchanged; {in_words(step, 'it')}"
    )
    closed = queues.service.wait_closed(PATIENCE)
    assert closed, (
        f"KeyboardInterrupt left the consumer, and {PATIENCE:.0f} s later "
        f"still open are connections: {queues.service.open_connections}"
    )
