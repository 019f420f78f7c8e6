"""Hidden suite of exercise 03, first half: Redis Pub/Sub."""

from __future__ import annotations

import pytest
from broker_runs import held_still

from grader.suite import Handle, Raised, Ready, Returned, content, exceptions, leave_to
from grader.suite.steps import in_words

PATIENCE = 5.0  # seconds; only a wrong submission waits so long
QUIET = 5.1
"""Seconds: longer than the five that clients have as a default and many write."""


@pytest.mark.check("03.redis-delivers")
@pytest.mark.parametrize("decode", [False, True])
def test_events_arrive_in_order(channel, odd_events, unusual_text, large, trips, returned, decode):
    """Events of every kind and size, one at a time and many at once, as bytes and as str.

    For the last of them handle() returns something: it has handled them all the same.
    """
    last = trips(len(returned) + 1)
    everything = [*odd_events, *unusual_text, large, *last]
    # Room for more: whether it counts right is seen in the next test.
    run = channel.subscribe(everything, max_events=200, decode_responses=decode)
    channel.publish(everything[0])
    run.expect(everything[0], "events were published one at a time")
    heard = []
    with channel.hold_subscription(
        lambda: heard.append(channel.publish_apart(everything[1]))
    ) as again:
        run.run.handled()
        # Gives a consumer that subscribes again after each event the time to ask for it.
        if not again.wait(0.03):
            heard.append(channel.publish(everything[1]))
    assert heard == [1], (
        "after ready() no event should be missed; it subscribed again after event 1, and event 2, "
        "which was published before the server had confirmed that, reached nobody"
    )
    run.take(everything[1:2], "events were published one at a time")
    channel.publish(*everything[2:])
    scene = f"{len(everything) - 2} events were published at once"
    run.take(everything[2 : -len(last)], scene)
    run.take(last, scene, returned)


@pytest.mark.check("03.redis-delivers")
def test_each_call_is_a_new_one(channel, new_channel, new_name, trips, rng):
    """Three calls in one process with one client: max_events of each, of its own channel alone."""
    limit, more = rng.randint(2, 4), rng.randint(2, 4)
    everything = trips(limit + 5 + 3 * more)
    odd_name = f"{new_name()} [aBc]*?"
    process = channel.process()
    full = True
    for number, (at, most) in enumerate(
        [(channel, limit), (new_channel(odd_name), 2), (channel, 3)], 1
    ):
        mine, everything = everything[: most + more], everything[most + more :]
        run = at.subscribe(mine, max_events=most, process=process)
        # To each of these somebody subscribes who takes the name for a pattern or cuts it.
        cased = (at.name.upper(), at.name.lower())
        others = {f"{at.name[:-6]}a--z", f"{at.name}x", at.name[:-1], *cased} - {at.name}
        for other in sorted(others):
            new_channel(other).publish({"published on": "another channel"})
        at.publish(*mine)
        scene = (
            f"call {number} in one process, on the channel {at.name!r}: {len(mine)} events were "
            f"published on it, others on other channels, and max_events is {most}"
        )
        handled = run.finish(scene, most)
        assert len(handled) <= most, f"{scene}; it handled {len(handled)} events"
        assert handled == mine[: len(handled)], (
            f"{scene}; it should handle the first of those in order, and handled "
            f"{run.these(handled)}"
        )
        if number == 1 and len(handled) < most:
            full = False
            leave_to("03.redis-confirmation", f"{scene}; it handled {run.these(handled)}")
        assert not full or len(handled) == most, f"{scene}; it handled {run.these(handled)}"
        assert not full or run.run.value == most, (
            f"{scene}; it should return {most}, it returned {run.run.value!r:.100}"
        )


@pytest.mark.check("03.redis-ready")
@pytest.mark.last
def test_ready_comes_after_the_confirmation(waits):
    """The subscription was held up on its way: ready() must not be called meanwhile."""
    late, _ = waits.look("redis late")
    early, run, channel, everything = late.wait(), late.run, late.channel, late.everything
    asked = late.asked.is_set()
    if early:
        step = run.next()
        assert isinstance(step, Returned | Raised), (
            "ready() should be called when the server has confirmed the subscription; "
            f"{'the request was still on its way' if asked else 'nothing had been asked of the server'} "
            f"when {in_words(step, repr(run))}"
        )
        leave_to(
            "03.redis-quiet",
            f"nothing was published yet, and it should wait for its subscription; {in_words(step, 'it')}",
        )
        return
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
        f"one event was published inside ready() and two after it: it should handle all of them; it "
        f"handled {channel.these(handled, everything)}"
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
                f"the server's confirmation is not an event; it called handle({step.event!r:.100})"
            )
            handled.append(step.event)
        run.go_on()
    if len(handled) > limit:
        leave_to(
            "03.redis-delivers",
            f"max_events is {limit} and {limit + 1} events were published; it handled {len(handled)}",
        )
    assert handled[:limit] == everything[:limit], (
        f"max_events is {limit} and {limit + 1} events were published; it handled "
        f"{tracked.these(handled)}, then {in_words(step, 'it')}"
    )


@pytest.mark.check("03.redis-lost")
def test_what_was_published_before_is_gone(channel, trips):
    """Published by the student's own function, then subscribed to in the same process."""
    everything = trips(5)
    process = channel.process()
    step = channel.publish_events(everything[:3], process).next()
    if not isinstance(step, Returned):
        leave_to(
            "03.redis-reports-lost",
            f"publish_events was given 3 events, and there was no subscriber; {in_words(step, 'it')}",
        )
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
                f"{run.these([event])}"
            )
            run.take([event], f"consumer {number} of two on the same channel")


@pytest.mark.check("03.redis-quiet")
@pytest.mark.last
def test_a_quiet_channel_is_waited_on(waits):
    """Nothing for more than five seconds: before an event, after one, with a read time-out."""
    names = ("redis quiet", "redis quiet, read time-out", "redis quiet after an event")
    all_quiet = [waits.look(name) for name in names]
    for quiet, seconds in all_quiet:
        short = f" (the client's socket_timeout is {quiet.timeout:.1f} s)" if quiet.timeout else ""
        short = " after an event" if quiet.handled else short
        step = quiet.moves(max(0.0, QUIET - seconds))
        assert 0 not in quiet.heard, (
            f"the channel was quiet{short}, and the consumer subscribed once more; an event that "
            "was published before the server had confirmed that reached nobody"
        )
        assert step is None, (
            f"the channel was quiet{short}, and the consumer should go on waiting; within "
            f"{QUIET:.0f} s {quiet.run.said(step)}"
        )
        event = quiet.everything[quiet.handled]
        quiet.channel.publish(event)
        quiet.take(event, "an event was published after some quiet seconds")
    # And again between two events, longer than the read time-out.
    quiet, _ = all_quiet[1]
    step = quiet.moves(quiet.timeout + 0.1)
    assert step is None, (
        f"the channel was quiet between two events, for longer than the client's socket_timeout of "
        f"{quiet.timeout:.1f} s, and the consumer should go on waiting; {quiet.run.said(step)}"
    )
    for quiet, _ in all_quiet[:2]:
        quiet.channel.publish(quiet.everything[1])
        quiet.take(quiet.everything[1], "a second event was published after a quiet moment")


@pytest.mark.check("03.redis-bad-message")
def test_bad_messages_are_skipped(channel, trips, junk):
    """Between two good ones, bad messages of every kind; neither handled nor counted."""
    first, second = everything = trips(2)
    run = channel.subscribe(everything, max_events=3)
    junk = [*junk, *content.LENIENT]
    channel.publish(first, *junk, second)
    handled = []
    while not isinstance(step := run.run.next(), Returned | Raised):
        if isinstance(step, Handle):
            if step.event == 1:  # what the confirmation carries
                leave_to(
                    "03.redis-confirmation",
                    "the server's confirmation is not an event; it called handle(1)",
                )
            assert isinstance(step.event, dict) or step.event == 1, (
                "a message that is not a JSON object should be skipped; it called "
                f"handle({step.event!r:.100})"
            )
            assert step.event == 1 or step.event in everything, (
                "a bad message should be skipped; it called "
                f"handle({step.event!r:.100}), {content.why_bad(step.event)}"
            )
            handled += [step.event] if isinstance(step.event, dict) else []
        run.run.go_on()
        if handled == everything:
            return  # whether it stops and what it returns have checks of their own
    assert handled == everything, (
        f"events 1 and 2 were published, with {len(junk)} bad messages between them; it handled "
        f"{run.these(handled)}, then {in_words(step, 'it')}"
    )


@pytest.mark.check("03.redis-unsubscribes")
def test_nobody_is_subscribed_after_a_return(channel, trips):
    """The process lives on, its subscription does not."""
    everything = trips(3)
    process = channel.process()
    run = channel.subscribe(everything, max_events=2, process=process)
    channel.publish(*everything)
    run.finish("three events were published, and max_events is 2", 3)
    with held_still(process):
        left = channel.service.wait_unheard(channel.name, PATIENCE)
    assert left == 0, (
        "the consumer has returned, and its process was held still from then on; "
        f"{PATIENCE:.0f} s later the channel still has subscribers: {left}"
    )


@pytest.mark.check("03.redis-unsubscribes")
def test_nobody_is_subscribed_after_an_exception(channel, trips, rng):
    """Whatever handle() raises leaves the consumer unchanged, and no subscription is left.

    For the first event or the second, and however many there are to be.
    """
    names = (*exceptions.ORDINARY, *exceptions.REDIS, *exceptions.STOPPING, *exceptions.BASE)
    fresh = trips(2 * len(names))
    process = channel.process()
    for name in names:
        everything = [fresh.pop(), fresh.pop()]
        most = int(10 ** rng.uniform(0.5, 6))
        run = channel.subscribe(everything, max_events=most, process=process)
        channel.publish(*everything)
        for _ in range(rng.randrange(2)):
            run.event()
            run.run.handled()
        run.event()
        run.run.fails(name)
        step = run.step()
        left = isinstance(step, Raised) and step.by_handle
        assert left, (
            f"handle() raised {name}, which should leave redis_consumer unchanged; "
            f"{in_words(step, 'it')}"
        )
        left = channel.service.wait_unheard(channel.name, PATIENCE)
        assert left == 0, (
            f"handle() raised {name}, and {PATIENCE:.0f} s later the channel still has "
            f"subscribers: {left}"
        )
