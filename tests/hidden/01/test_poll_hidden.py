"""Hidden suite of exercise 01: poll, its pauses, and a file that comes, goes and starts over.

Where a test is not about the pauses, the file grows while handle() is at work: whoever waits in a
way of his own loses the points of the pauses alone.
"""

from __future__ import annotations

import os
import time

import pytest

from grader.suite import (
    HANDLE,
    SLEEP,
    Handle,
    New,
    Raised,
    Returned,
    Sleep,
    cut,
    in_words,
    leave_to,
)
from grader.suite.content import BAD as USUAL
from grader.suite.content import LENIENT, PADDED, named, numbers, these

POLL = "polling.poll"
BAD = (*USUAL, *LENIENT, *PADDED)
AN_HOUR = 3600  # seconds: whoever really waits that long reaches the deadline
BRIEF = 0.03  # seconds
SLOW = 0.04  # seconds: longer than the interval


# 01.reads-appended ------------------------------------------------------------


@pytest.mark.check("01.reads-appended", leans_on="01.poll-interval")
def test_poll_handles_what_arrives_between_polls(start_poll, stream, rng):
    """What is written meanwhile is handled, also 500 events at once, and all of it is counted."""
    everything = [{"event_id": n, "note": rng.randbytes(64).hex()} for n in range(503)]
    todo = [everything[2:3], everything[3:]]  # the second is more than 64 KB
    stream.append(*everything[:2])
    seen = []
    paused_first = False
    run = start_poll(stream, max_polls=5, poll_interval=0)
    while todo and not isinstance(step := run.next(), Raised | Returned):
        if isinstance(step, Handle):
            if len(seen) in (1, 2):
                stream.append(*todo.pop(0))
            seen.append(step.event)
        paused_first = paused_first or (isinstance(step, Sleep) and not seen)
        run.go_on()
    if not todo:
        seen += run.drain()
    assert seen == everything, (
        "2 events were in the file; 1 and then 500 were written while the one before them was handled: "
        f"5 polls should handle all 503 in order, they handled {len(seen)}"
        f"{'; it called sleep() before it handled the first' * paused_first}"
    )
    counted(run.value, 503)


def counted(value: object, events: int) -> None:
    """The value that poll returned is the number of events."""
    assert (type(value), value) == (int, events), (
        f"poll handled {events} event{'s' * (events != 1)} and should return {events}, it returned {value!r}"
    )


@pytest.mark.check("01.reads-appended", leans_on="01.poll-interval")
def test_each_poll_looks_after_its_pause(process, start_poll, stream, trips, rng):
    """What is written in a pause is handled by the poll after it, also by the last one."""
    polls = rng.randint(3, 5)
    everything = trips(polls)
    todo = everything[1:]
    stream.append(everything[0])

    def grow(step):
        if isinstance(step, Sleep) and todo:
            stream.append(todo.pop(0))

    run = start_poll(stream, max_polls=polls, process=process)
    seen = run.drain(grow)
    if todo:
        leave_to(
            "01.poll-interval",
            f"max_polls is {polls}: it should sleep {polls - 1} times, it did {polls - 1 - len(todo)} times",
        )
        return
    assert seen == everything, (
        f"1 event was in the file, and 1 more was appended in each of the {polls - 1} pauses of {polls} polls: "
        f"poll should handle {named(everything, everything)}, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.reads-appended", leans_on="01.poll-interval")
def test_poll_reads_what_was_written_in_the_same_tick(start_poll, stream, trips):
    """The file's times are as they were: a clock that ticks 250 times a second does not tell of it."""
    first, second = trips(2)
    stream.append(first)
    run = start_poll(stream, max_polls=3, poll_interval=0)
    step = run.next()
    assert isinstance(step, Handle), (
        f"1 event was in the file, and should be handled first; {in_words(step, 'it')}"
    )
    with stream.opened() as descriptor:
        times = os.fstat(descriptor)
        stream.append(second)
        os.utime(descriptor, ns=(times.st_atime_ns, times.st_mtime_ns))
    run.handled()
    seen = run.drain()
    assert seen == [second], (
        "event 2 was appended while event 1 was handled, so soon after it that the file had the same time "
        f"of modification: the next poll should handle it, it handled {len(seen)} events"
    )


@pytest.mark.check("01.reads-appended")
def test_poll_hands_over_events_of_every_kind(consumer, stream, odd_events):
    """Any JSON object is an event, and two equal ones are two; names and a pathlib.Path will do."""
    stream.append(*odd_events)
    run = consumer.start(
        POLL, path=New("pathlib.Path", stream.path), handle=HANDLE, max_polls=1, sleep=SLEEP
    )
    seen = run.drain()
    assert seen == odd_events, (
        f"the file held {len(odd_events)} JSON objects, of which two are equal and one is {{}}; "
        f"it handled events {numbers(seen, odd_events)}"
    )
    counted(run.value, len(odd_events))


# 01.bad-line ------------------------------------------------------------------


@pytest.mark.check("01.bad-line", leans_on="01.poll-interval")
def test_poll_goes_on_after_a_bad_line(start_poll, stream, trips, rng):
    """poll handles the events around it, in several polls, and counts those alone."""
    everything = trips(4)
    bad = [line + b"\n" for line in rng.sample(BAD, len(BAD))]
    stream.append(bad[0], everything[0], *bad[1:3], everything[1])
    seen = []

    more = [*bad[3:5], everything[2], bad[5], everything[3], *bad[6:]]

    def grow(step):
        if isinstance(step, Handle):
            seen.append(step.event)
        # Who handles nothing before a pause loses the points of 01.reads-appended alone.
        if len(seen) == 2 or isinstance(step, Sleep):
            stream.append(*more)
            more.clear()

    run = start_poll(stream, max_polls=4, poll_interval=0)
    run.drain(grow)
    assert seen == everything, (
        f"the file held 4 events with {len(bad)} bad lines around them; "
        f"poll handled {these(seen, everything, 'are on no line of it')}{no_event(seen, everything)}"
    )
    again = start_poll(stream, process=run.process)
    seen = again.drain()
    if len(seen) != 4:
        leave_to(
            "01.resumes",
            "without offset_path every run starts at the beginning: a second run of a file of 4 events, in the same "
            f"process, handled {len(seen)}",
        )
        return
    assert (type(again.value), again.value) == (int, 4), (
        f"one poll handled 4 events, with {len(bad)} bad lines around them, and should return 4: "
        f"it returned {again.value!r}"
    )


def no_event(seen, everything) -> str:
    """Name the first that was handled and is no event of the file; "" without one."""
    others = [event for event in seen if event not in everything]
    return f". No line of the file holds {cut(others[0], 120)}" if others else ""


@pytest.mark.check("01.bad-line")
def test_poll_does_not_come_back_to_a_bad_line_at_the_end(
    poll_once, offset_path, stream, new_stream, trips
):
    """The stored offset is past it: a file that is shorter than that is a new one."""
    (event,), new = trips(1), trips(3)
    path = offset_path()
    stream.append(event, b"no JSON " * 200 + b"\n")  # longer than the new file will be
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        leave_to(
            "01.resumes",
            "a run handled what was in the file, and the next run, with the same offset_path and nothing new, handled some of it again",
        )
        return
    stream.rotate()
    stream.append(*new)
    seen = poll_once(stream, offset_path=path)
    if seen != new and not notices_a_shorter_file(poll_once, offset_path, new_stream(), trips):
        leave_to(
            "01.truncated-file",
            f"a file was replaced by a shorter one of 3 events: the next run should handle these, it handled {named(seen, new)}",
        )
        return
    assert seen == new, (
        "a file of 1 event and a long bad line after it was read to its end, then replaced by a shorter "
        f"one of 3 events: the next run should handle these, it handled {named(seen, new)} of them. "
        "The stored offset should have passed the bad line"
    )


def notices_a_shorter_file(poll_once, offset_path, stream, trips) -> bool:
    """Tell whether a run reads a file from its start that is shorter than what the last one read."""
    path, new = offset_path(), trips(2)
    stream.append(*trips(4))
    poll_once(stream, offset_path=path)
    stream.write(*new)
    return poll_once(stream, offset_path=path) == new


# 01.poll-interval -------------------------------------------------------------


@pytest.mark.check("01.poll-interval")
def test_there_is_a_pause_between_polls_only(process, start_poll, stream, trips, rng):
    """sleep(poll_interval), max_polls - 1 times, with events and without, and no real waiting.

    Also where a handle() takes longer than the interval.
    """
    stream.append(*trips(2))
    long = AN_HOUR + rng.randint(1, 100)
    several = [rng.randint(3, 6) for _ in range(4)]
    intervals = (long, long + 0.25, BRIEF, 0, long)
    for polls, interval, grows in zip(
        [*several, 1], intervals, (True, False, True, False, False), strict=True
    ):
        process.case.given(f"poll with max_polls={polls} and sleep= a function of the suite's")
        run = start_poll(stream, process=process, poll_interval=interval, max_polls=polls)
        pauses, slow = [], [SLOW] * (interval == BRIEF)
        took = f" One handle() took {SLOW} s" if slow else ""

        def note(step, pauses=pauses, slow=slow, grows=grows, polls=polls):
            if isinstance(step, Handle) and slow:
                time.sleep(slow.pop())
            if isinstance(step, Sleep):
                pauses.append(step.seconds)
                assert len(pauses) < 3 * polls, (
                    f"{polls} polls have {polls - 1} pauses between them; "
                    f"sleep() was called {len(pauses)} times and poll() had not returned"
                )
                if grows:
                    stream.append(*trips(1))

        run.drain(note)
        assert len(pauses) == polls - 1, (
            f"{polls} polls have {polls - 1} pauses between them, and one has none; "
            f"with max_polls={polls}, sleep() was called {len(pauses)} times.{took}"
        )
        assert all(pause == interval for pause in pauses), (
            f"every pause should be sleep(poll_interval), {interval} s here; "
            f"sleep() was called with {pauses}.{took}"
        )


@pytest.mark.check("01.poll-interval")
def test_left_out_arguments_have_the_values_of_the_stub(process, stream, trips):
    """Ten polls, 2 s between them; without `sleep` it is time.sleep."""
    stream.append(*trips(1))
    pauses = []
    run = process.start(POLL, stream.path, HANDLE, sleep=SLEEP)
    run.drain(lambda step: pauses.append(step.seconds) if isinstance(step, Sleep) else None)
    assert pauses == [2.0] * 9, (
        "called without max_polls and poll_interval, poll() polls 10 times, with sleep(2.0) between "
        f"them; sleep() was called with {pauses}"
    )
    (late,) = trips(1)
    stream.append(late)
    seen = process.start(POLL, stream.path, HANDLE, max_polls=2, poll_interval=0).drain()
    # Whether the first event comes again is the business of 01.resumes.
    assert seen[-1:] == [late], (
        "called without sleep, with poll_interval=0, poll() did not handle the event that was appended"
    )
