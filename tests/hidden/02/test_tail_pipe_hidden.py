"""Hidden suite of exercise 02: tail_consumer. The tail processes are real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.suite import HANDLE, Failed

TAIL = "tail_pipe.tail_consumer"
JUNK = (b"{broken\n", b'{"zone": "\xe9"}\n', b"42\n", b'["a"]\n', b'"text"\n', b"null\n", b"\n")


def numbers(events: list, everything: list) -> str:
    """Events by their place in the stream, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


def expect_next(run, event, everything, when: str) -> None:
    """The next step handles `event`."""
    run.process.consumer.given(when)
    seen = run.next_event()
    assert seen == event, (
        f"{when}: expected event {numbers([event], everything)} next, got {numbers([seen], everything)}"
    )


def tail_state(consumer) -> str:
    """The state of the tail process as ps shows it: S asleep, R running, Z zombie; "" without one."""
    for info in consumer.processes():
        if info.name == "tail":
            try:
                return Path(f"/proc/{info.pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                return ""
    return ""


def wait_until_tail_waits(consumer, run) -> None:
    """Until tail has looked at its file and sleeps, or has gone, or the consumer does something."""
    for _ in range(2000):
        if tail_state(consumer) in ("S", "Z") or not run.waiting(0.005):
            return
    raise Failed("tail_consumer() started no tail process within 10 s")


@pytest.mark.check("02.tail-from-start")
def test_every_line_of_the_file_is_handled(consumer, stream, trips, rng):
    """More than ten lines are there before the start."""
    everything = trips(rng.randint(15, 30))
    stream.append(*everything)
    consumer.given(f"the file held {len(everything)} events")
    seen = consumer.start(TAIL, stream.path, HANDLE, max_events=len(everything)).drain()
    assert seen == everything, (
        f"the file held {len(everything)} events; handled were numbers {numbers(seen, everything)}"
    )


@pytest.mark.check("02.tail-follows")
def test_each_new_line_arrives_before_the_next_is_written(consumer, stream, trips):
    """One line at a time: nothing but the line itself can make it arrive."""
    everything = trips(5)
    stream.append(everything[0])
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=5)
    expect_next(run, everything[0], everything, "one line was in the file")
    for event in everything[1:]:
        run.handled()
        stream.append(event)
        expect_next(run, event, everything, "a line was appended, and nothing after it")
    run.handled()
    count = run.returned()
    assert count == 5, f"5 events were handled, so 5 should be returned, not {count!r}"


@pytest.mark.check("02.tail-rotation")
def test_the_new_file_of_the_name_is_followed(consumer, stream, trips):
    """Renamed aside, and a new, smaller file takes the name."""
    old, new = trips(4), trips(2)
    everything = old + new
    stream.append(*old)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=6)
    for event in old:
        expect_next(run, event, everything, "4 lines were in the file")
        run.handled()
    # tail has read the old file to its end and waits for more.
    stream.rotate()
    stream.append(new[0])
    expect_next(run, new[0], everything, "the file was renamed and a new one took its name")
    run.handled()
    stream.append(new[1])
    expect_next(run, new[1], everything, "a line was appended to the new file")
    run.handled()
    run.returned()


@pytest.mark.check("02.tail-late-file")
def test_a_file_that_comes_later_is_followed(consumer, stream, trips):
    """No file at the start. Up to 1 s passes: without a file, tail looks once a second."""
    (event,) = trips(1)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=1)
    wait_until_tail_waits(consumer, run)
    stream.append(event)
    expect_next(run, event, [event], "the file was created after the start")
    run.handled()
    consumer.given("max_events is 1, and 1 was handled")
    run.returned()


@pytest.mark.check("02.tail-stops")
def test_it_stops_after_max_events(consumer, stream, trips, rng):
    """More lines wait in the pipe."""
    everything = trips(12)
    wanted = rng.randint(2, 6)
    stream.append(*everything)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=wanted)
    for event in everything[:wanted]:
        expect_next(run, event, everything, f"max_events is {wanted}")
        run.handled()
    consumer.given(f"max_events is {wanted}, and so many were handled")
    count = run.returned()
    assert count == wanted, (
        f"{wanted} events were handled, so {wanted} should be returned, not {count!r}"
    )


def left(consumer) -> list[str]:
    """What is left of tail, in words."""
    return [
        "a zombie (its exit status was never collected)" if info.zombie else "a running process"
        for info in consumer.left_processes(lambda each: each.zombie or "tail" in each.name)
    ]


@pytest.mark.check("02.tail-reaped")
def test_no_tail_is_left_after_a_return(consumer, stream, trips):
    """Looked at while the consumer's process still lives."""
    stream.append(*trips(3))
    consumer.given("the file held 3 events, and max_events is 2")
    run = consumer.process().start(TAIL, stream.path, HANDLE, max_events=2)
    run.drain()
    rest = left(consumer)
    assert not rest, (
        f"tail_consumer() has returned, and its tail is still there: {' and '.join(rest)}"
    )


@pytest.mark.check("02.tail-reaped")
@pytest.mark.parametrize("exception", ["HandlerError", "KeyboardInterrupt"])
def test_no_tail_is_left_after_an_exception(consumer, stream, trips, exception):
    """handle raises in the middle."""
    stream.append(*trips(3))
    consumer.given("the file held 3 events")
    run = consumer.process().start(TAIL, stream.path, HANDLE, max_events=3)
    run.next_event()
    consumer.given(f"handle() raised {exception}")
    run.fails(exception)
    raised = run.raised()
    assert raised.is_a(exception), (
        f"handle() raised {exception}, which should leave tail_consumer unchanged; {raised.type} left it"
    )
    rest = left(consumer)
    assert not rest, (
        f"{exception} has left tail_consumer(), and its tail is still there: {' and '.join(rest)}"
    )


@pytest.mark.check("02.tail-bad-line")
def test_bad_lines_are_skipped(consumer, stream, trips, rng):
    """Every kind of bad line, between events."""
    everything = trips(len(JUNK) + 1)
    lines = [everything[0]]
    for junk, event in zip(rng.sample(JUNK, len(JUNK)), everything[1:], strict=True):
        lines += [junk, event]
    stream.append(*lines)
    consumer.given(f"{len(everything)} events stand between {len(JUNK)} bad lines")
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(everything))
    seen = run.drain()
    assert seen == everything, (
        f"{len(everything)} events stand between bad lines; handled: {numbers(seen, everything)}"
    )
    assert run.value == len(everything), (
        f"only events count: expected {len(everything)} to be returned, got {run.value!r}"
    )
