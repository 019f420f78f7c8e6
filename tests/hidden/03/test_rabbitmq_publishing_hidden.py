"""Hidden suite of exercise 03, RabbitMQ, a real one: the queues, and what publish_events puts into one."""

from __future__ import annotations

import pytest

from grader.suite import Kept, Method, New, Raised, Returned
from grader.suite.steps import in_words

LIMITS = {
    "x-expires": "deletes it when nobody has used it for a while",
    "x-message-ttl": "takes messages out of it after a while",
    "x-max-length": "takes messages out of it, or takes none, when it holds so many",
    "x-max-length-bytes": "takes messages out of it, or takes none, when they are so large",
}
"""Arguments of a queue that lose messages."""
REFUSES = "reject-publish"
"""How the value of x-overflow begins where a full queue takes no more, and the publisher is told."""


def is_open(process) -> bool:
    """Tell whether the kept channel is."""
    return process.call("builtins.getattr", Kept("channel"), "is_open") is True


@pytest.mark.check("03.rabbit-durable")
def test_both_queues_are_durable(queues):
    """Of two queues declared in one process: neither they nor their dead-letter queues get lost.

    Their names have letters of both kinds.
    """
    for queue in queues.declare(2, str.title):
        usual = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": f"{queue}.dead"}
        for name, what, guess in (
            (f"{queue}.dead", "the dead-letter queue", {}),
            (queue, "the queue", usual),
        ):
            assert queues.ready(name) >= 0, (
                f"declare_queue(channel, {queue!r}) should declare {what}, for everybody: there is "
                f"no {name!r} after its connection was closed"
            )
            # A queue answers with the first thing that differs: durability, then auto-delete, then
            # the arguments. Source: assert_equivalence in rabbit_amqqueue.erl.
            arguments = queues.declared(name, guess)
            refusal = queues.refusal(name, durable=True, arguments=arguments)
            assert "'durable'" not in refusal, f"{what} should be durable, it is not"
            assert "'auto_delete'" not in refusal, (
                f"{what} should stay when its last consumer has left; it is declared with auto_delete"
            )
            told = name == queue and str(arguments.get("x-overflow")).startswith(REFUSES)
            for limit, loses in LIMITS.items():
                assert limit not in arguments or (told and "length" in limit), (
                    f"{what} is declared with {limit}={arguments[limit]!r}, which {loses}: what "
                    "nobody has consumed yet should stay"
                )
        exchange = str(arguments.get("x-dead-letter-exchange", ""))
        assert not (exchange and queues.loses_its_exchange(exchange)), (
            f"what is rejected goes through the exchange {exchange!r}, which is not durable: when "
            "the broker restarts it is gone, and a message that is rejected then is lost"
        )


@pytest.mark.check("03.rabbit-durable")
def test_declaring_again_is_fine(queues, new_name):
    """The producer declares, and so does the consumer; on one channel, which stays open."""
    process = queues.process()
    process.keep("channel", Method(Kept("connection"), "channel"))
    queue = new_name()
    for again in ("", " again"):
        step = process.start("rabbitmq.declare_queue", Kept("channel"), queue).next()
        assert isinstance(step, Returned), (
            f"declaring a queue{again} should do {'nothing' if again else 'so'}; "
            f"{in_words(step, 'it')}"
        )
        assert is_open(process), (
            f"declare_queue should leave the channel open that it was given; declaring a queue{again} "
            "left it closed"
        )


@pytest.mark.check("03.rabbit-persistent")
def test_messages_are_persistent_json(queues, odd_events, unusual_text, large, in_short):
    """Delivery mode 2, the event as JSON, in order; twice on one channel.

    The second time the events come from an iterator, which has no length.
    """
    unusual_text = [*unusual_text, large]
    everything = odd_events + unusual_text
    (queue,) = queues.declare()
    process = queues.process()
    process.keep("channel", Method(Kept("connection"), "channel"))
    for events in (odd_events, New("builtins.iter", unusual_text)):
        process.case.given("publish_events is called twice with one channel, which is to stay open")
        process.start("rabbitmq.publish_events", Kept("channel"), queue, events).returned()
        assert is_open(process), "publish_events should leave the channel open that it was given"
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
    """There is no queue of that name: nothing can be done with the message. On a second channel.

    The first one confirmed already when it was given.
    """
    (queue,) = queues.declare()
    process = queues.process()
    process.keep("channel", Method(Kept("connection"), "channel"))
    process.start("worker.calls.keep", Method(Kept("channel"), "confirm_delivery")).returned()
    step = process.start("rabbitmq.publish_events", Kept("channel"), queue, trips(1)).next()
    assert isinstance(step, Returned), (
        "the channel was in confirm mode already, and publish_events should publish to it and "
        f"return; {in_words(step, 'it')}"
    )
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
