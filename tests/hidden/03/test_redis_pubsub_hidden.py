"""Hidden suite of exercise 03, first half: Redis Pub/Sub."""

from __future__ import annotations

import threading

import pytest

from grader.suite import Handle, Raised, Ready, Returned
from grader.suite.steps import in_words

SUBSCRIBES = ("SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE")
PATIENCE = 5.0  # seconds; only a wrong submission waits so long
READ_TIMEOUT = 0.5
"""Seconds that a client waits for an answer; a busy machine needs some of it to connect."""


def places(events, everything):
    """Events by their number, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


def publish(channel, events):
    """What the student's publish_events returns, as a list of events."""
    value = channel.publish_events(events).returned()
    assert isinstance(value, list | tuple), (
        f"publish_events should return a list of events, it returned {value!r}"
    )
    return list(value)


@pytest.mark.check("03.redis-delivers")
@pytest.mark.parametrize("decode", [False, True])
def test_events_arrive_in_order(channel, trips, decode):
    """One at a time and many at once, as bytes and as str."""
    everything = trips(7)
    # Room for more: whether it counts right is seen in the next test.
    run = channel.subscribe(everything, max_events=20, decode_responses=decode)
    for event in everything[:2]:
        channel.publish(event)
        run.take([event], "events were published one at a time")
    channel.publish(*everything[2:])
    run.take(everything[2:], "five events were published at once")


@pytest.mark.check("03.redis-delivers")
def test_it_stops_at_max_events(channel, trips, rng):
    """More are published than max_events; it returns how many it handled."""
    limit = rng.randint(2, 4)
    everything = trips(limit + 3)
    run = channel.subscribe(everything, max_events=limit)
    channel.publish(*everything)
    handled = run.finish(f"{len(everything)} events were published, and max_events is {limit}")
    assert len(handled) <= limit, f"max_events is {limit}, yet {len(handled)} events were handled"
    assert handled == everything[: len(handled)], (
        f"the first {limit} events should be handled in order, it was {run.numbers(handled)}"
    )
    # Whoever stopped early is told so by 03.redis-confirmation.
    if len(handled) == limit:
        assert run.run.value == limit, (
            f"{limit} events were handled, so {limit} should be returned, not {run.run.value!r}"
        )


@pytest.mark.check("03.redis-ready")
def test_ready_comes_after_the_confirmation(channel, trips):
    """The subscription is held up on its way: ready() must not be called meanwhile."""
    everything = trips(3)
    released = threading.Event()
    with channel.service.before(
        *SUBSCRIBES, action=lambda: released.wait(30) and None
    ) as on_its_way:
        run = channel.start(everything, max_events=20).run
        for _ in range(1000):
            if on_its_way.wait(0.005) or not run.waiting(0.005):
                break
        # Gives a consumer that does not wait for the server the time to go on.
        early = not run.waiting(0.1)
        released.set()
    asked = on_its_way.is_set()
    assert not early, (
        "ready() should be called when the server has confirmed the subscription; "
        f"{'the request was still on its way' if asked else 'nothing had been asked of the server'} "
        f"when {in_words(run.next(), repr(run))}"
    )
    assert asked, "redis_consumer should subscribe to the channel; it asked for nothing"
    assert not run.waiting(PATIENCE), (
        f"the server confirmed the subscription {PATIENCE:.0f} s ago, and ready() was not called"
    )
    step = run.next()
    assert step == Ready(), (
        f"when the subscription is confirmed, ready() should be called; {in_words(step, 'it')}"
    )
    heard = channel.publish(everything[0])
    assert heard, "an event that was published inside ready() reached no subscriber: it is lost"
    run.go_on()
    channel.publish(*everything[1:])
    handled = []
    while len(handled) < 3 and isinstance(step := run.next(), Handle):
        if isinstance(step.event, dict):
            handled.append(step.event)
        run.go_on()
    assert step != Ready(), "ready() is called once; here it was called again"
    assert handled == everything, (
        f"one event was published inside ready() and two after it: all should be handled; it was "
        f"{places(handled, everything)}"
    )


@pytest.mark.check("03.redis-ready")
def test_ready_may_be_left_out(channel, trips):
    """`ready` has a default that does nothing."""
    everything = trips(1)
    run = channel.subscribe(everything, max_events=5, ready=False)
    channel.publish(*everything)
    run.take(everything, "redis_consumer was called without ready")


@pytest.mark.check("03.redis-confirmation")
def test_the_confirmation_is_no_event(channel, trips, rng):
    """It is neither handled nor counted: exactly max_events events are."""
    limit = rng.randint(2, 4)
    everything = trips(limit + 1)
    tracked = channel.start(everything, max_events=limit)
    run = tracked.run
    channel.wait_subscribed(tracked, 1, lambda step: step == Ready())
    channel.publish(*everything)
    handled = []
    while not isinstance(step := run.next(), Returned | Raised):
        if isinstance(step, Handle):
            assert isinstance(step.event, dict), (
                f"the server's confirmation is not an event; handle() got {step.event!r}"
            )
            handled.append(step.event)
        run.go_on()
    # Whoever handles too many is told so by 03.redis-delivers.
    assert handled[:limit] == everything[:limit], (
        f"max_events is {limit} and {limit + 1} events were published; handled were "
        f"{places(handled, everything)}, then {in_words(step, 'it')}"
    )


@pytest.mark.check("03.redis-lost")
def test_what_was_published_before_is_gone(channel, trips):
    """Published by the student's own function, then subscribed to in the same process."""
    everything = trips(5)
    process = channel.process()
    # What it returns, or raises, is the business of 03.redis-reports-lost.
    channel.publish_events(everything[:3], process).next()
    run = channel.subscribe(everything, max_events=20, process=process)
    channel.publish(*everything[3:])
    run.take(everything[3:], "events 1 to 3 were published with no subscriber")


@pytest.mark.check("03.redis-lost")
def test_what_was_published_between_two_consumers_is_gone(channel, trips):
    """A consumer that was there before changes nothing."""
    everything = trips(5)
    first = channel.subscribe(everything, max_events=20)
    channel.publish(*everything[:2])
    first.take(everything[:2], "two events were published")
    first.run.kill()
    channel.service.wait_unheard(channel.name, PATIENCE)
    channel.publish(*everything[2:4])
    second = channel.subscribe(everything, max_events=20)
    channel.publish(everything[4])
    second.take(everything[4:], "events 3 and 4 were published with no subscriber")


@pytest.mark.check("03.redis-reports-lost")
def test_with_nobody_there_all_are_lost(channel, trips, rng):
    """No subscriber: every event comes back, in order."""
    events = trips(rng.randint(3, 6))
    lost = publish(channel, events)
    assert lost == events, (
        f"{len(events)} events were published with no subscriber, so all of them should be returned; "
        f"returned were {places(lost, events)}"
    )


@pytest.mark.check("03.redis-reports-lost")
@pytest.mark.parametrize("subscribers", [1, 3])
def test_with_somebody_there_none_is_lost(channel, listen, trips, rng, in_short, subscribers):
    """One subscriber and several: nothing comes back, and each got every event as JSON."""
    events = trips(rng.randint(3, 6))
    listeners = [listen() for _ in range(subscribers)]
    lost = publish(channel, events)
    for listener in listeners:
        listener.leave()
        received = listener.events()
        assert received == events, (
            f"{len(events)} events should be published as JSON, one message each, in order; messages "
            f"that a subscriber received: {in_short(listener.received, events)}"
        )
    assert lost == [], (
        f"every event was received (subscribers: {subscribers}), so none should be returned; "
        f"returned were {places(lost, events)}"
    )


@pytest.mark.check("03.redis-reports-lost")
def test_the_subscriber_leaves_half_way(channel, listen, trips, rng):
    """The only subscriber is gone before event k: exactly the events from k on come back."""
    events = trips(rng.randint(6, 9))
    k = rng.randint(2, len(events) - 2)
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
        f"the only subscriber left after event {len(received)} of {len(events)}, so events "
        f"{places(missed, events)} were lost; returned were {places(lost, events)}"
    )


@pytest.mark.check("03.redis-fan-out")
def test_both_consumers_get_every_event(channel, trips):
    """Two processes subscribe to one channel."""
    everything = trips(4)
    both = [channel.subscribe(everything, max_events=20) for _ in range(2)]
    heard = channel.publish(*everything)
    assert heard == 2, f"two consumers subscribed to the channel, an event reached {heard} of them"
    for number, run in enumerate(both, 1):
        for event in everything:
            assert not run.run.waiting(PATIENCE), (
                f"every event should reach both consumers; consumer {number} did not handle "
                f"event {run.numbers([event])}"
            )
            run.take([event], f"consumer {number} of two on the same channel")


@pytest.mark.check("03.redis-quiet")
def test_a_quiet_channel_is_waited_on(new_channel, trips):
    """Nothing for a while, at the beginning and between events, with and without a read time-out."""
    everything = trips(2)
    channels = [new_channel(), new_channel()]
    runs = [
        channels[0].subscribe(everything, max_events=20, socket_timeout=READ_TIMEOUT),
        channels[1].subscribe(everything, max_events=20),
    ]
    # Longer than a second, which is the time-out that many write; shorter would let it pass. All
    # runs are quiet at the same time, so it is waited once.
    for run, seconds in zip(runs, (1.1, 0), strict=True):
        step = run.moves(seconds)
        assert step is None, (
            "the channel was quiet for a second, and the consumer should go on waiting; "
            f"{run.said(step)}"
        )
    # And again between two events, as long as the read time-out at least.
    for channel, run in zip(channels, runs, strict=True):
        channel.publish(everything[0])
        run.take(everything[:1], "after a quiet second an event was published")
    step = runs[0].moves(READ_TIMEOUT + 0.1)
    assert step is None, f"the channel was quiet between two events; {runs[0].said(step)}"
    for channel, run in zip(channels, runs, strict=True):
        channel.publish(everything[1])
        run.take(everything[1:], "after a quiet moment a second event was published")


@pytest.mark.check("03.redis-bad-message")
def test_bad_messages_are_skipped(channel, trips, junk):
    """Between two good ones, bad messages of every kind; neither handled nor counted."""
    first, second = everything = trips(2)
    bad = junk
    run = channel.subscribe(everything, max_events=3)
    channel.publish(first, *bad, second)
    handled = []
    while len(handled) < 2 and not isinstance(step := run.run.next(), Returned | Raised):
        if isinstance(step, Handle):
            # 1 is what the confirmation carries, and the business of 03.redis-confirmation.
            assert isinstance(step.event, dict) or step.event == 1, (
                f"a message that is not a JSON object should be skipped; handle() got {step.event!r}"
            )
            handled += [step.event] if isinstance(step.event, dict) else []
        run.run.go_on()
    assert handled == everything, (
        f"events 1 and 2 were published with {len(bad)} bad messages between them; "
        f"handled were {run.numbers(handled)}, then {in_words(step, 'it')}"
    )


@pytest.mark.check("03.redis-unsubscribes")
def test_nobody_is_subscribed_after_a_return(channel, trips):
    """The process lives on, its subscription does not."""
    everything = trips(3)
    run = channel.subscribe(everything, max_events=2)
    channel.publish(*everything)
    run.finish("three events were published, and max_events is 2")
    left = channel.service.wait_unheard(channel.name, PATIENCE)
    assert left == 0, (
        f"the consumer has returned, and {PATIENCE:.0f} s later the channel still has subscribers: {left}"
    )


@pytest.mark.check("03.redis-unsubscribes")
@pytest.mark.parametrize("exception", ["HandlerError", "KeyboardInterrupt"])
def test_nobody_is_subscribed_after_an_exception(channel, trips, exception):
    """What handle() raises leaves the consumer unchanged, and nothing behind."""
    everything = trips(2)
    run = channel.subscribe(everything, max_events=5)
    channel.publish(*everything)
    run.event()
    run.run.fails(exception)
    step = run.step()
    left = isinstance(step, Raised) and step.is_a(exception)
    assert left, (
        f"handle() raised {exception}, which should leave redis_consumer unchanged; {in_words(step, 'it')}"
    )
    left = channel.service.wait_unheard(channel.name, PATIENCE)
    assert left == 0, (
        f"handle() raised {exception}, and {PATIENCE:.0f} s later the channel still has subscribers: {left}"
    )
