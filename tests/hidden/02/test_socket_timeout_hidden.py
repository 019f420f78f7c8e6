"""Hidden suite of exercise 02: how long socket_consumer waits."""

from __future__ import annotations

import itertools
import time

import pytest

from grader.suite import Handle, Raised, Ready, in_words
from grader.suite.content import to_line

# Seconds. How much later than its time-out a right consumer may give up on a busy machine; who is
# later than that is asked again. Less than a second later: a time-out has fractions.
SLACK = 0.6
TRIES = 4


def waits_before_timeout(run, why: str) -> float:
    """The seconds until the TimeoutError, which must be the next step."""
    run.process.case.given(why)
    begin = time.monotonic()
    step = run.next("raise TimeoutError")
    if isinstance(step, Ready):
        run.go_on()
        begin = time.monotonic()
        step = run.next("raise TimeoutError")
    timed_out = isinstance(step, Raised) and step.is_a("TimeoutError")
    assert timed_out, f"{why}: {run} should raise TimeoutError; {in_words(step, 'it')}"
    return time.monotonic() - begin


def expect_timeout(timeout: float, begin) -> None:
    """`begin()` starts a run for which nothing comes; it gives up about `timeout` seconds later."""
    for _ in range(TRIES):
        run, why = begin()
        seconds = waits_before_timeout(run, why)
        if seconds < timeout + SLACK:
            return
    raise AssertionError(
        f"{why}: {run} should raise TimeoutError after about {timeout} s, "
        f"it did after {seconds:.1f} s, and was as late in {TRIES - 1} runs before"
    )


@pytest.mark.check("02.socket-timeout", leans_on="02.socket-ready")
def test_no_producer_and_a_silent_one_are_time_outs(consumer, start, connect, trips, rng, unused):
    """A consumer with a long time-out waits meanwhile, and is not disturbed by it."""
    (event,) = trips(1)
    patient_port = unused()
    long = float(rng.randint(50, 70))
    patient = start(consumer, max_events=1, timeout=long, port=patient_port)
    producer = connect(patient, port=patient_port)
    begin = time.monotonic()
    short = rng.randint(15, 30) / 100

    def nobody():
        port = unused()
        run = start(consumer, max_events=1, timeout=short, port=port)
        return run, f"the time-out is {short} s, and no producer came"

    def silent(sent: int):
        port = unused()
        run = start(consumer, max_events=2, timeout=short, port=port)
        connect(run, *map(to_line, trips(sent)), only_in_ready=True, port=port)
        for _ in range(sent):
            run.next_event()
            run.handled()
        return run, f"the time-out is {short} s, and a producer was silent after {sent} events"

    expect_timeout(short, nobody)
    expect_timeout(short, lambda: silent(0))
    expect_timeout(short, lambda: silent(1))
    waited = time.monotonic() - begin
    assert goes_on_waiting(patient, max(0.0, 1.2 - waited)), (
        f"the time-out is {long} s, and {patient} waited less than {max(waited, 1.2):.1f} s for the next byte"
    )
    producer.send(to_line(event))
    patient.process.case.given(f"the time-out is {long} s, and an event came in time")
    seen = patient.next_event()
    assert seen == event, f"an event that came within the time-out should be handled, not {seen!r}"


def goes_on_waiting(run, seconds: float) -> bool:
    """Tell whether no step comes within that time; a second ready() is another check's business."""
    if run.waiting(seconds):
        return True
    if not isinstance(run.next(every=True), Ready):
        return False
    run.go_on()
    return run.waiting(seconds)


@pytest.mark.check("02.socket-timeout", leans_on="02.socket-ready")
def test_the_timeout_bounds_each_wait_for_a_byte(consumer, start, connect, trips, rng, unused):
    """A slow and steady producer: each byte in time, the whole line later than the time-out."""
    for _ in range(3):
        if slow_and_steady(consumer, start, connect, trips, rng, unused()):
            return
    # The machine stood still three times: nothing was proved, and nobody is blamed.


def slow_and_steady(consumer, start, connect, trips, rng, port) -> bool:
    """Send an event and more in pieces; whether the suite itself was in time with every piece."""
    first, second = trips(2)
    timeout = rng.randint(75, 95) / 100
    pause = round(0.4 * timeout, 2)
    line = to_line(first)
    data = line + to_line(second)
    # The first line ends with the last piece, 1.6 time-outs after the start.
    cuts = [0, *sorted(rng.sample(range(1, len(line) - 1), 3)), len(data)]
    run = start(consumer, max_events=2, timeout=timeout, port=port)
    producer = connect(run, only_in_ready=True, port=port)
    last, in_time, ended = time.monotonic(), True, None

    def handle_what_came():
        """Say yes to what it handles until the pause is over; the step that ended it before."""
        end = time.monotonic() + pause
        while not run.waiting(max(0.0, end - time.monotonic())):
            step = run.next(every=True)  # each step: a second ready() is followed by a wait
            if not isinstance(step, Handle | Ready):
                return step
            run.handled()
        return None

    for begin, end in itertools.pairwise(cuts):
        if (ended := handle_what_came()) is not None:
            break
        now = time.monotonic()
        in_time = in_time and now - last < timeout * 0.75
        last = now
        producer.send(data[begin:end])
    if not in_time:
        run.kill()
        return False
    assert ended is None, (
        f"the time-out is {timeout} s, and a part of the events came every {pause} s: {run} should wait "
        f"for the next; {in_words(ended, 'it')}"
    )
    run.kill()  # how it puts the parts together is the business of other checks
    return True


@pytest.mark.check("02.socket-timeout", leans_on="02.socket-ready")
def test_the_time_in_handle_does_not_count(consumer, start, connect, trips, rng):
    """handle takes longer than the time-out, and the next event has come meanwhile."""
    first, second = trips(2)
    timeout = rng.randint(15, 30) / 100
    consumer.given(f"the time-out is {timeout} s, and events come in time")
    run = start(consumer, max_events=2, timeout=timeout)
    producer = connect(run, to_line(first), only_in_ready=True)
    run.next_event()
    producer.send(to_line(second))
    run.waiting(
        timeout + 0.05
    )  # the suite holds handle: the only way to let the consumer's time pass
    run.handled()
    step = run.next()
    assert isinstance(step, Handle), (
        "the second event was there before the consumer waited for it, so no time-out was due; "
        f"{in_words(step, 'it')}"
    )
