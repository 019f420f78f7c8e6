"""Hidden suite of exercise 03, RabbitMQ, a real one: the queues, and what publish_events puts into one."""

from __future__ import annotations

import pytest

from grader.suite import Kept, Method, New, Raised, Returned
from grader.suite.steps import in_words

LIMITS = {
    "x-expires": "deletes it when nobody has used it for a while",
    "x-message-ttl": "takes messages out of it after a while",
}
"""Arguments of a queue that lose messages in time. They come first where arguments differ."""


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
