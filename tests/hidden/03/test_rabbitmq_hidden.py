"""Hidden suite of exercise 03, second half: RabbitMQ, a real one."""

from __future__ import annotations

import pytest

from grader.services.gate import Packet
from grader.suite import Handle, Kept, Method, New, Raised, Returned, content, exceptions
from grader.suite.steps import in_words

PATIENCE = 5.0  # seconds; only a wrong submission waits so long
PUBLISH = Packet("RabbitMQ", "basic.publish", up=True)
PERSISTENT = 2
"""The delivery mode of a message that outlives a restart of the broker."""
QUIET = 3.1
"""Seconds: longer than the one or two that many write; these tests begin later than those of Redis."""


LIMITS = {
    "x-expires": "deletes it when nobody has used it for a while",
    "x-message-ttl": "takes messages out of it after a while",
}
"""Arguments of a queue that lose messages in time. They come first where arguments differ."""


@pytest.mark.check("03.rabbit-delivers")
def test_before_and_after_the_start(queues, odd_events, unusual_text):
    """More than the prefetch before the consumer came, and some while it waits; of every kind."""
    everything = odd_events + unusual_text
    total = len(everything)
    (queue,) = queues.declare()
    queues.put(queue, *everything[:-3])
    run = queues.start(queue, everything, max_events=total)
    run.take(everything[:-3], f"{total - 3} events were in the queue before the consumer started")
    for event in everything[-3:]:
        # The queue is empty now: a consumer that gives up does so here.
        if not run.run.waiting(0.05):
            raise AssertionError(
                f"the queue was empty, so it should wait; {in_words(run.run.next(), 'it')}"
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


@pytest.mark.check("03.rabbit-durable")
def test_both_queues_are_durable(queues):
    """Of two queues declared in one process: neither they nor their dead-letter queues get lost."""
    for queue in queues.declare(2):
        for name, what in ((queue, "the queue"), (f"{queue}.dead", "the dead-letter queue")):
            assert queues.ready(name) >= 0, (
                f"declare_queue(channel, {queue!r}) should declare {what}, for everybody: there is "
                f"no {name!r} after its connection was closed"
            )
            # Declared with another argument, a queue answers with the first thing that differs:
            # durability, then auto-delete, then the arguments. Source: assert_equivalence in
            # rabbit_amqqueue.erl.
            refusal = queues.refusal(name, durable=True, arguments={"x-max-length": 7})
            assert "'durable'" not in refusal, f"{what} should be durable, it is not"
            assert "'auto_delete'" not in refusal, (
                f"{what} should stay when its last consumer has left; it is declared with auto_delete"
            )
            for limit, loses in LIMITS.items():
                assert f"'{limit}'" not in refusal, (
                    f"{what} is declared with {limit}, which {loses}: what nobody has consumed yet "
                    "should stay"
                )


@pytest.mark.check("03.rabbit-durable")
def test_declaring_again_is_fine(queues):
    """The producer declares, and so does the consumer; on one channel, which stays open."""
    (queue,) = queues.declare()
    process = queues.process()
    process.keep("channel", Method(Kept("connection"), "channel"))
    for _ in range(2):
        step = process.start("rabbitmq.declare_queue", Kept("channel"), queue).next()
        assert isinstance(step, Returned), (
            f"declaring a queue again should do nothing; {in_words(step, 'it')}"
        )


@pytest.mark.check("03.rabbit-persistent")
def test_messages_are_persistent_json(queues, odd_events, unusual_text, in_short):
    """Delivery mode 2, the event as JSON, in order; twice on a channel that confirms already.

    The second time the events come from an iterator, which has no length.
    """
    everything = odd_events + unusual_text
    (queue,) = queues.declare()
    process = queues.process()
    process.keep("channel", Method(Kept("connection"), "channel"))
    process.start("worker.calls.keep", Method(Kept("channel"), "confirm_delivery")).returned()
    for events in (odd_events, New("builtins.iter", unusual_text)):
        process.case.given("publish_events is called twice with one channel, which is to stay open")
        process.start("rabbitmq.publish_events", Kept("channel"), queue, events).returned()
    # Whoever publishes without confirms returns a moment before the broker has everything.
    queues.wait_ready(queue, len(everything))
    messages = queues.take(queue)
    bodies = [body for _, body in messages]
    assert queues.parse(bodies) == everything, (
        f"{len(everything)} events were published; the queue should hold them as JSON, one message "
        f"each, in order; messages in it: {in_short(bodies, everything)}"
    )
    expiring = {properties.expiration for properties, _ in messages} - {None}
    assert not expiring, (
        f"messages should stay until they are consumed; they expire after {min(expiring)} ms"
    )
    modes = [properties.delivery_mode or "none" for properties, _ in messages]
    other = next((mode for mode in modes if mode != 2), "")
    assert not other, f"messages should have delivery mode 2, persistent; one has {other}"


@pytest.mark.check("03.rabbit-confirms")
def test_an_unroutable_message_is_an_error(queues, trips, new_name):
    """There is no queue of that name: nothing can be done with the message. On a second channel."""
    (queue,) = queues.declare()
    process = queues.process()
    # What becomes of these is the business of 03.rabbit-persistent.
    queues.in_channel(process, "publish_events", queue, trips(1)).next()
    step = queues.in_channel(process, "publish_events", nowhere := new_name(), trips(1)).next()
    assert isinstance(step, Raised), (
        f"there is no queue {nowhere!r}, so the event went nowhere and publish_events should raise; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-confirms")
def test_a_refused_message_is_an_error(queues, trips, new_name, rng):
    """The queue is full and refuses the last message."""
    queue, room = new_name(), rng.randint(1, 3)
    arguments = {"x-max-length": room, "x-overflow": "reject-publish"}
    queues.channel.queue_declare(queue, durable=True, arguments=arguments)
    step = queues.in_channel(queues.process(), "publish_events", queue, trips(room + 1)).next()
    assert isinstance(step, Raised), (
        f"the queue has room for {room} and refuses more; {room + 1} events were published, so "
        f"publish_events should raise; {in_words(step, 'it')}"
    )


@pytest.mark.check("03.rabbit-ack-after-handle")
def test_ended_inside_handle(queues, trips):
    """Killed inside handle(), or left by Ctrl-C or SystemExit: what was not handled is there again."""
    everything = trips(4)
    (queue,) = queues.declare()
    for count, way in enumerate(("", *exceptions.STOPPING, "")):
        queues.put(queue, *everything)
        scene = f"{len(everything)} events were in the queue"
        run = queues.start(queue, everything, max_events=len(everything))
        run.take(everything[:count], scene)
        run.expect(everything[count], scene)
        if way:
            run.run.fails(way)
            # Whether it leaves, and closes its connection, is the business of 03.rabbit-closes.
            run.step()
        run.run.kill()
        queues.wait_ready(queue, len(everything) - count)
        left = queues.events(queue)
        lost = [event for event in everything[count:] if event not in left]
        ended = f"handle() raised {way}" if way else "the process was killed inside handle()"
        assert not lost, (
            f"{scene}, and {ended} for event {count + 1}: the queue should hold "
            f"{run.these(everything[count:])} again; {run.these(lost)} {'is' if len(lost) == 1 else 'are'} "
            "not in it"
        )


@pytest.mark.check("03.ack-before-stop")
@pytest.mark.parametrize(("limit", "prefetch"), [(1, 10), (3, 10), (2, 1)])
def test_what_was_handled_is_gone_and_nothing_else(queues, trips, limit, prefetch):
    """After a return the queue holds exactly the messages that were never handled.

    Who waits for several before it acknowledges gets no more than the prefetch.
    """
    everything = trips(5)
    (queue,) = queues.declare()
    queues.put(queue, *everything)
    run = queues.start(queue, everything, max_events=limit, prefetch_count=prefetch)
    scene = f"five events were in the queue, max_events={limit}, prefetch_count={prefetch}"
    handled = run.finish(scene, limit)
    assert handled == everything[:limit], (
        f"{scene}: it should handle the first {limit} of 5 events, it handled {run.these(handled)}"
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
        f"{run.these(again)}, unacknowledged: another consumer will handle that again"
    )
    # In which order they come back, RabbitMQ promises for none of its queue types.
    assert content.same(left, rest), (
        f"{limit} of 5 events were handled; the queue should hold {run.these(rest)}, it holds "
        f"{run.these(left)}"
    )


@pytest.mark.check("03.rabbit-leaves-the-rest")
def test_the_rest_is_ready_for_another(queues, trips, junk, rng):
    """After a return, while its process lives on, others get what it did not handle.

    A bad message among the rest may be dead by then: it goes there at once.
    """
    everything = trips(rng.randint(6, 9))
    limit = rng.randint(1, 3)
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


def tried_less(tries: dict, due: dict, kinds: list) -> str:
    """Those that were not tried so often as was due, by what handle() raised for them."""
    less = [name for number, name in enumerate(kinds) if tries[number] < due[number]]
    names = f"those for which handle() raised {content.listed(less)}"
    return f"Tried less often: {names if less else 'those that should succeed at the second try'}"


@pytest.mark.check("03.rabbit-retry-once")
def test_a_failing_message_is_tried_twice(queues, trips, rng):
    """Whatever handle() raises, twice, then the dead-letter queue; the others are handled once.

    The last of the others fails once too, and it is the last that max_events allows.
    """
    kinds = [*exceptions.ORDINARY, *exceptions.PIKA]
    everything = trips(len(kinds) + 3)
    last = len(everything) - 1
    due = dict.fromkeys(range(len(kinds)), 2) | {last - 2: 1, last - 1: 1, last: 2}
    due[0] = 4  # there are two of it
    first = [*everything[:-1], dict(everything[0])]
    rng.shuffle(first)
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
        kind = "HandlerError" if number == last and tries[last] == 1 else ""
        if kind := kinds[number] if number < len(kinds) else kind:
            scene = f"handle() raised {kind}"
            run.run.fails(kind)
        else:
            run.run.handled()
    step = run.step()
    # Who returns nothing is told so by 03.rabbit-delivers.
    assert step in (Returned(3), Returned(None)), (
        f"handle() failed for {len(kinds) + 1} events and succeeded for 3, so it should return 3; "
        f"{run.said(step)}"
    )
    queues.wait_ready(f"{queue}.dead", len(kinds) + 1)
    dead = queues.events(f"{queue}.dead")
    assert content.same(dead, [dict(everything[0]), *everything[: len(kinds)]]), (
        f"handle() failed twice for {len(kinds) + 1} messages; the dead-letter queue should hold "
        f"them, it holds {len(dead)} messages"
    )


@pytest.mark.check("03.rabbit-retry-once")
def test_the_second_try_may_be_anothers(queues, trips):
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
    if queues.wait_ready(queue, 2) < 2:
        return  # what a kill loses is the business of 03.rabbit-ack-after-handle
    second = queues.start(queue, everything, max_events=1)
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
            "a message that is not a JSON object is no event; it called "
            f"handle({step.event!r:.100})"
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
        f"{len(junk)} bad messages were persistent; {transient} of them are not in the dead-letter "
        "queue, where a restart of the broker would lose them: rejected, a message is moved as it is"
    )
    again = queues.service.redelivered - before
    assert again == 0, (
        f"a bad message goes to the dead-letter queue at once; {again} of {len(junk)} were put back "
        "into the queue first, and delivered again"
    )
    queues.put(queue, everything[2])
    run.take(everything[2:], "an event was published after the bad messages")
    step = run.step()
    assert step in (Returned(3), Returned(None)), (
        f"it handled 3 events, and bad messages do not count, so it should return 3; {run.said(step)}"
    )


@pytest.mark.check("03.rabbit-bad-message")
def test_killed_before_it_publishes_a_dead_letter(queues, gate, trips, junk):
    """Who moves a bad message itself, and is killed on the way: it is in one of the two queues."""
    events = trips(1)
    (queue,) = queues.declare()
    queues.put(queue, junk[0], *events)
    with gate.recording() as crossed:
        run = queues.start(queue, events, max_events=1)
        run.finish("a bad message and an event were in the queue, and max_events is 1", 1)
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


@pytest.mark.check("03.rabbit-honest-failure")
def test_nothing_more_can_come(queues, trips):
    """Fewer than three events were handled; the broker drops the connection, or the queue is deleted."""
    everything = trips(2)
    (queue,) = queues.declare()
    process = None
    for event, deleted in zip(everything, (False, True), strict=True):
        queue = queues.still(queue)
        queues.put(queue, event)
        run = queues.start(queue, everything, max_events=3, process=process)
        process = run.run.process
        process.case.given("one event was in the queue")
        if run.event() != event:  # the drop gave back what was not acknowledged yet
            run.run.handled()
            run.expect(event, "two events were in the queue")
        run.run.handled()
        if deleted:
            queues.channel.queue_delete(queue)
            # Who waits for ever says nothing wrong, and pika tells only who asks for it.
            if (step := run.moves(PATIENCE)) is None:
                return
        else:
            run.run.waiting(0.05)  # lets it begin to wait; what it does is judged after the drop
            dropped = queues.service.drop_connections()
            assert dropped, "the consumer should keep its connection open while it waits for events"
            step = run.step()
        scene = "the queue was deleted" if deleted else "the broker dropped the connection"
        assert isinstance(step, Raised), (
            f"{scene} before 3 events were handled, which should be an exception; {run.said(step)}"
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


def wait_closed(queues, when):
    """No connection is open, a moment later at most."""
    closed = queues.service.wait_closed(PATIENCE)
    count = queues.service.open_connections
    assert closed, (
        f"{when}, and {PATIENCE:.0f} s later {count} "
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
    wait_closed(queues, "the consumer has returned")


@pytest.mark.check("03.rabbit-closes")
def test_no_connection_after_an_exception(queues, trips, new_name):
    """Ctrl-C and SystemExit leave the consumer unchanged; so does the broker's refusal to declare."""
    fresh = trips(2 * len(exceptions.STOPPING))
    (queue,) = queues.declare()
    process = None
    for name in exceptions.STOPPING:
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
        wait_closed(queues, f"{name} has left the consumer")
    taken = new_name()
    queues.channel.queue_declare(taken, durable=True, arguments={"x-max-length": 1000})
    run = queues.start(taken, everything, max_events=3, process=process)
    # Who raises nothing may well have found a way to use the queue as it is.
    if isinstance(step := run.moves(PATIENCE), Raised):
        wait_closed(
            queues, "a queue of that name had other arguments, an exception left the consumer"
        )
