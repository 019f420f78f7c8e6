"""Hidden suite of exercise 03, Redis Pub/Sub: what publish_events publishes, and says that nobody got."""

from __future__ import annotations

import pytest
from redis_channel import OwnSubscription

from grader.suite import New


def publish(channel, events, process=None):
    """What the student's publish_events returns, as a list of events."""
    value = channel.publish_events(events, process).returned()
    assert isinstance(value, list | tuple), (
        f"publish_events should return a list of events, it returned {value!r:.200}"
    )
    return list(value)


@pytest.mark.check("03.redis-reports-lost")
def test_with_nobody_there_all_are_lost(channel, odd_events, trips):
    """No subscriber: every event comes back, in order, equal ones too; in each of two calls.

    The second time the events come from an iterator, which has no length.
    """
    process = channel.process()
    where = {"host": channel.service.host, "port": channel.service.port}
    three = trips(3)
    for events, given, decode, words in (
        (odd_events, odd_events, False, "a list"),
        (three, New("builtins.iter", three), True, "an iterator, which can be gone through once,"),
        ([], [], False, "an empty list"),
    ):
        process.keep("client", New("redis.Redis", **where, decode_responses=decode))
        lost = publish(channel, given, process)
        assert lost == events, (
            f"publish_events was given {words} of {len(events)} events (decode_responses={decode}), "
            "and there was no subscriber, so it should return all of them in order; it returned "
            f"{channel.these(lost, events)}"
        )


@pytest.mark.check("03.redis-reports-lost")
def test_with_somebody_there_none_is_lost(
    channel, new_channel, listen, odd_events, unusual_text, in_short
):
    """One subscriber and then three: nothing comes back, and each got every event as JSON."""
    process = channel.process()
    own = OwnSubscription(new_channel(), process)
    listeners = []
    for events, more in ((odd_events, 1), (unusual_text, 2)):
        listeners += [listen() for _ in range(more)]
        lost = publish(channel, events, process)
        for listener in listeners:
            listener.receive(len(events))
            assert listener.events() == events, (
                f"{len(events)} events should be published as JSON, one message each, in order; "
                f"messages that a subscriber received: {in_short(listener.received, events)}"
            )
            listener.received.clear()
        assert lost == [], (
            f"every event was received (subscribers: {len(listeners)}), so it should return none; "
            f"it returned {channel.these(lost, events)}"
        )
    assert own.hears({"event_id": 1}), (
        "publish_events should leave its client open: another subscription of that client's, made "
        "before the call, had ended after it"
    )


@pytest.mark.check("03.redis-reports-lost")
def test_the_subscriber_leaves_half_way(channel, listen, trips, rng):
    """The only subscriber is gone before event k: exactly the events from k on come back."""
    events = trips(rng.choice((rng.randint(6, 9), rng.randint(10, 40))))
    k = rng.randint(2, len(events) - 2)
    # One that was received and is published once more is lost all the same.
    events[-1] = dict(events[rng.randrange(k)])
    listener = listen()

    def leave():
        listener.receive(k)
        listener.leave()

    with channel.service.before("PUBLISH", "SPUBLISH", number=k + 1, action=leave):
        lost = publish(channel, events)
    # Who publishes all in one transaction leaves no moment to leave in: then all were received.
    listener.leave()
    received = listener.events()
    assert received == events[: len(received)], (
        f"the events should be published in order, as JSON; a subscriber received {received!r:.300}"
    )
    missed = events[len(received) :]
    assert lost == missed, (
        f"the only subscriber left after event {len(received)} of {len(events)}, so "
        f"{channel.these(missed, events)} were lost; it returned {channel.these(lost, events)}"
    )


@pytest.mark.check("03.redis-reports-lost")
def test_a_subscriber_comes_half_way(channel, listen, trips, rng):
    """The first one comes before event k: the events before it are lost, it gets the others."""
    events = trips(rng.choice((rng.randint(6, 9), rng.randint(10, 40))))
    k = rng.randint(2, len(events) - 2)
    came = []
    with (
        channel.service.recording() as recorded,
        channel.service.before(
            "PUBLISH", "SPUBLISH", number=k + 1, action=lambda: came.append(listen())
        ),
    ):
        lost = publish(channel, events)
    published = len(recorded.commands("PUBLISH", "SPUBLISH"))
    assert published >= len(events) or recorded.commands("EVAL", "EVALSHA", "FCALL"), (
        f"{len(events)} events were to be published, to nobody at first: somebody may come for the "
        f"next one, so each should be published; {published} {'was' if published == 1 else 'were'}"
    )
    received = []
    for listener in came:
        listener.receive(len(events) - k)
        listener.leave()
        received = listener.events()
    # Who publishes all in one transaction does so after somebody came, or before.
    missed = events[: len(events) - len(received)]
    assert received == events[len(missed) :], (
        f"the events should be published in order, as JSON; a subscriber that came before event "
        f"{k + 1} received {received!r:.300}"
    )
    assert lost == missed, (
        f"{channel.these(missed, events)} of {len(events)} reached nobody, then somebody subscribed "
        f"and got the others; it should return what was lost, it returned "
        f"{channel.these(lost, events)}"
    )
