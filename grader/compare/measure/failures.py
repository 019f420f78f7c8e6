"""What is lost and what comes twice when a consumer is away or killed, or the broker is."""

from __future__ import annotations

import time

from grader.compare.measure.bench import COUNTED_RATE, Bench, Subject, begin, handled
from grader.compare.processes.crew import PATIENCE, Child, RunError
from grader.compare.processes.story import Story
from grader.compare.result import Away, Crash, Restart
from grader.errors import ServiceError
from grader.services.rabbitmq.private import PrivateNode

AWAY = 1.0
"""Seconds that the consumer is away."""
CRASH_EVENTS = 50


def away(bench: Bench, subject: Subject) -> Away:
    """Handle a second's events, be away for a second, come back.

    Raises:
        RunError: a consumer failed.
    """
    technique, place = subject.technique, bench.places.make(subject.technique)
    first_second = round(COUNTED_RATE)
    first = bench.job(
        subject,
        # poll has no max_events: it looks for a second.
        place.model_copy(update={"max_polls": round(1 / place.interval) + 1}),
        max_events=first_second,
    )
    plan = bench.plan(technique, place, 4 * first_second)
    with bench.crew.children(
        bench.crew.consumer(first),
        bench.crew.consumer(bench.job(subject, place)),
        bench.crew.producer(plan),
    ) as (one, other, source):
        begin(one, source)
        (left,) = one.wait_for("returned")
        bench.crew.pause(AWAY)
        other.begin()
        (back,) = other.wait_for("ready")
        source.wait_for("done")
        bench.settle(technique.quiet(place), one, other)
        _require_no_failure(other)
        story = Story.of(source, one, other)
    bench.places.clear(place)
    meanwhile = {number for number, sent in story.sent.items() if left < sent < back}
    later = [number for number, _ in story.handled if number in meanwhile]
    once = list(dict.fromkeys(later))
    return Away(
        left=round(left - story.start, 4),
        back=round(back - story.start, 4),
        sent_meanwhile=len(meanwhile),
        arrived_later=len(once),
        in_order=once == sorted(once),
        twice=story.twice,
        events=story.moments(),
    )


def crash(bench: Bench, subject: Subject, at: int) -> Crash:
    """Kill the consumer inside `handle` of its `at`-th event, and start another at once.

    Raises:
        RunError: a consumer failed.
    """
    return _killed(bench, subject, at, "begin", hold_at=at)


def between(bench: Bench, subject: Subject, at: int) -> Crash:
    """Let the consumer be killed when `handle` of its `at`-th event returns; start another.

    Raises:
        RunError: a consumer failed.
    """
    return _killed(bench, subject, at, "end", kill_after=at)


def _killed(bench: Bench, subject: Subject, at: int, word: str, **how: int) -> Crash:
    """Start a consumer that is killed after it has said `word` so often, then another."""
    technique, place = subject.technique, bench.places.make(subject.technique)
    with bench.crew.children(
        bench.crew.consumer(bench.job(subject, place, **how)),
        bench.crew.consumer(bench.job(subject, place)),
        bench.crew.producer(bench.plan(technique, place, CRASH_EVENTS)),
    ) as (one, other, source):
        begin(one, source)
        bench.crew.until(lambda: len(one.of(word)) >= at or one.ended, PATIENCE)
        _require_no_failure(one)
        if len(one.of(word)) < at:
            raise RunError(f"no event {at} arrived")
        if "kill_after" in how and not bench.crew.until(lambda: one.ended, PATIENCE):
            raise RunError("it was not killed when handle() returned")
        one.kill_alone()
        killed = time.monotonic()
        other.begin()
        source.wait_for("done")
        bench.settle(technique.quiet(place), one, other)
        _require_no_failure(other)
        story = Story.of(source, one, other)
    bench.places.clear(place)
    return Crash(
        killed=round(killed - story.start, 4),
        killed_at=one.of(word)[-1][0],
        sent=len(story.sent),
        lost=story.lost,
        twice=story.twice,
        events=story.moments(),
    )


def restart(bench: Bench, subjects: list[Subject], node: PrivateNode) -> dict[Subject, Restart]:
    """Kill the broker under producers that insist and consumers that are called again.

    Raises:
        RunError: it did not recover.
    """
    places = {subject: bench.places.make(subject.technique) for subject in subjects}
    made: list[Child] = []
    for subject, place in places.items():
        plan = bench.plan(subject.technique, place, 10**6, insist=True)
        made.append(bench.crew.consumer(bench.job(subject, place, persistent=True)))
        made.append(bench.crew.producer(plan))
    with bench.crew.children(*made):
        sinks, sources = made[::2], made[1::2]
        for sink, source in zip(sinks, sources, strict=True):
            begin(sink, source)
        half = COUNTED_RATE / 2
        if not bench.crew.until(lambda: min(map(handled, sinks)) >= half, PATIENCE):
            raise RunError("no events arrived before the broker was killed")
        node.kill()
        killed = time.monotonic()
        _start_again(bench, node)
        down = time.monotonic() - killed
        if not bench.crew.until(lambda: all(_after(s, killed) for s in sinks), PATIENCE):
            raise RunError("no event was handled after the broker was back")
        for source in sources:
            source.stop()
            source.wait_for("done")
        bench.settle(max(s.technique.quiet(place) for s, place in places.items()), *sinks)
        stories = [Story.of(*pair) for pair in zip(sources, sinks, strict=True)]
        first = [_after(sink, killed)[0] for sink in sinks]
    for place in places.values():
        bench.places.clear(place)
    return {
        subject: Restart(
            sent=len(story.sent),
            lost=story.lost,
            twice=story.twice,
            down=round(down, 2),
            recovered=round(moment - killed, 2),
        )
        for subject, story, moment in zip(subjects, stories, first, strict=True)
    }


def _start_again(bench: Bench, node: PrivateNode) -> None:
    node.start_again()
    try:
        while not node.ready():
            bench.crew.pause(0.02)
    except ServiceError as error:
        raise RunError(str(error)) from None


def _after(sink: Child, killed: float) -> list[float]:
    """Return when events were handled that were sent after the kill, or came again then."""
    # What the client had fetched before is handled at once; nothing new comes for seconds.
    return [moment for _, moment in sink.of("end") if moment > killed + 1]


def _require_no_failure(sink: Child) -> None:
    if sink.failed:
        raise RunError(sink.failed)
