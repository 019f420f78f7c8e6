"""Hidden suite of exercise 01: the stored offset after a kill, before any write of the run."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from grader.suite import (
    HANDLE,
    SLEEP,
    Failed,
    Handle,
    Line,
    Returned,
    Sleep,
    Write,
    in_words,
    leave_to,
)
from grader.suite.content import named, these

POLL = "polling.poll"


AGAIN = 3
"""How often a run is begun that ends before the change of a file that another one came to."""


def but_not(event, events, everything) -> str:
    """Say of what was handled that an event is not among it."""
    return "" if event in events else f", and not {named([event], everything)}"


@pytest.mark.check("01.crash-loses-nothing")
def test_killed_inside_handle(
    start_poll, next_event, poll_once, offset_path, new_stream, trips, rng
):
    """Killed while it handles event k, soon and late in a poll: the next run handles it and all after it."""
    for k in (0, rng.randint(1, 3), rng.randint(4, 40)):
        everything = trips(k + rng.randint(1, 5))
        stream, path = new_stream(), offset_path()
        stream.append(*everything)
        run = start_poll(stream, rng.choice(((), ("max_polls",))), offset_path=path)
        for number, event in enumerate(everything[:k], start=1):
            seen = next_event(run)
            assert seen == event, (
                f"events should be handled in the order of the file: event {number} was to come next, "
                f"{named([seen], everything)} came"
            )
            run.handled()
        next_event(run)
        run.kill()
        seen = poll_once(stream, offset_path=path)
        due = everything[k:]
        assert seen[-len(due) :] == due, (
            f"killed inside handle() of event {k + 1} of {len(everything)}, the next run should handle "
            f"{range_of(k, everything)}, in order and last; it handled "
            f"{these(seen, everything, 'are none of this file')}{but_not(due[0], seen, everything)}"
        )


def range_of(start: int, everything) -> str:
    """The events from that one to the last, counted from 1."""
    first, last = start + 1, len(everything)
    if first == last:
        return f"event {last}"
    return f"events {first} {'and' if first + 1 == last else 'to'} {last}"


@pytest.mark.check("01.crash-loses-nothing", leans_on="01.poll-interval")
def test_killed_in_a_later_poll(start_poll, next_event, poll_once, offset_path, stream, trips, rng):
    """Killed in a later poll of a run: what those before it handled does not hide what it lost."""
    polls = rng.randint(2, 8)
    everything = trips(polls - 1 + rng.randint(2, 6))
    # One event for each poll before the last, and the others while that before it is at work.
    killed = rng.randint(polls - 1, len(everything) - 1)
    path = offset_path()
    stream.append(everything[0])
    options = rng.choice(({}, {"poll_interval": 0}, {"poll_interval": 0, "max_polls": polls + 1}))
    run = start_poll(
        stream, () if "max_polls" in options else ("max_polls",), offset_path=path, **options
    )
    if not isinstance(step := run.next(), Handle):
        leave_to(
            "01.reads-appended",
            f"1 event was in the file, and was to be handled first; {in_words(step, 'it')}",
        )
        return
    run.process.case.given(
        f"{range_of(1, everything)} were appended while those before them were handled"
    )
    for number in range(1, killed + 1):
        if number < polls:  # the next poll finds them
            stream.append(*everything[number : number + 1 if number < polls - 1 else None])
        run.handled()
        next_event(run)
    run.kill()
    seen = poll_once(stream, offset_path=path)
    due = everything[killed:]
    assert seen[-len(due) :] == due, (
        f"killed inside handle() of event {killed + 1} of {len(everything)}, in poll {polls} of a run, the "
        f"next run should handle {range_of(killed, everything)}; it handled "
        f"{these(seen, everything, 'are none of this file')}{but_not(due[0], seen, everything)}"
    )


@pytest.mark.check("01.crash-loses-nothing", leans_on="01.poll-interval")
def test_killed_in_a_pause(start_poll, poll_once, offset_path, stream, trips):
    """Killed between two polls, after the file grew: the next run handles what it grew by."""
    first, second, third = everything = trips(3)
    stream.append(first)
    path = offset_path()
    run = start_poll(stream, max_polls=3, offset_path=path)
    if not isinstance(step := run.next(), Handle):
        leave_to(
            "01.reads-appended",
            f"1 event was in the file, and was to be handled first; {in_words(step, 'it')}",
        )
        return
    stream.append(second)
    run.handled()
    if not isinstance(step := run.next(), Sleep | Handle):
        leave_to(
            "01.poll-interval",
            f"event 1 was handled in the first of 3 polls: it should sleep; {in_words(step, 'it')}",
        )
        return
    if isinstance(step, Handle):  # it reads on while there is something
        run.handled()
    stream.append(third)
    run.kill()
    seen = poll_once(stream, offset_path=path)
    unhandled = [third] if isinstance(step, Handle) else [second, third]
    assert seen[-len(unhandled) :] == unhandled, (
        f"killed before {named(unhandled, everything)} of 3 were handled, the next run should "
        f"handle them; it handled {named(seen, everything)}"
    )


# 01.torn-offset ---------------------------------------------------------------


@pytest.fixture
def recording(consumer, poll_once, offset_path, new_name, new_stream, state, trips):
    """`recording(**stops)`: a run that is about to record event 3, and what it goes by.

    The run, and `after(moment)`, which judges what the run after the kill handles.
    """
    before, during = trips(2), trips(1)
    everything = before + during
    repeats = None

    def begin(**stops: bool):
        nonlocal repeats
        name = new_name()
        stream, path = new_stream(), offset_path(name)
        stream.append(*before)
        poll_once(stream, offset_path=path)
        if repeats is None:
            # Who handles old events again even if nobody is killed loses the points of 01.resumes.
            repeats = poll_once(stream, offset_path=path)
        stream.append(*during)
        beside = set(state.names())

        def after(moment):
            found = found_in(state, name)
            left = sorted(set(state.names()) - beside - {name})
            seen = poll_once(stream, offset_path=path)
            unkilled = " (events 1 and 2 come again without a kill, too)" if repeats else ""
            assert seen in ([], during, repeats + during), (
                f"an earlier run handled events 1 and 2{unkilled}; the next one was to handle event 3, and "
                f"{moment}{found}. The run after that should find the old offset and handle event 3, or the new "
                f"one and handle none; it handled {named(seen, everything)}"
            )
            if left and seen and not repeats:  # it has stored again, where something lay in the way
                again = poll_once(stream, offset_path=path)
                assert not again, (
                    "an earlier run handled events 1 and 2; the next one was to handle event 3, and "
                    f"{moment}, which left {', '.join(left)} beside the offset file. The run after that "
                    f"handled {named(seen, everything)} and returned; the run after it should handle none, "
                    f"it handled {named(again, everything)}"
                )
            return seen

        process = consumer.process(**stops)
        options = {"max_polls": 1, "offset_path": path, "sleep": SLEEP}
        return process.start(POLL, stream.path, HANDLE, **options), after

    return begin


def found_in(state, name: str) -> str:
    """What a kill has left of the offset file, in words; "" where it holds something."""
    if name not in state.names():
        return "; there was no offset file then"
    return "; the offset file was empty then" if state.read(name) == b"" else ""


@pytest.mark.check("01.torn-offset")
def test_killed_before_every_write(recording, state):
    """Killed before the k-th change of a file, for every k, until a run gets through."""
    mapped = False
    for k in range(1, 200):
        for _ in range(AGAIN):
            run, after = recording(stop_at_writes=True)
            syscall, handled, count = kill_before(run, Write, k)
            seen = after(f"was killed just before {syscall}" if syscall else "returned")
            if syscall is not None or count == k - 1:
                break
        else:
            raise Failed(
                f"a run with an offset_path was killed just before it changed a file for time {k - 1}; "
                f"{AGAIN} runs that were to do the same returned after {count} changes. Each run should "
                "store the offset in the same way"
            )
        mapped = mapped or syscall == "mmap"
        if syscall is None:
            assert k > 1, "the run with an offset_path handled an event and stored nothing"
            break
        assert handled or seen, (
            f"killed just before {syscall}, with event 3 not handled yet, the next run should handle it"
        )
    else:
        raise Failed("poll changed files 200 times to handle one event and to store one offset")
    if mapped:
        killed_between_lines(recording, state)


def killed_between_lines(recording, state) -> None:
    """Killed wherever a line has changed a file: with a mapping no system call does."""

    def files():
        return {name: state.read(name) for name in state.names()}

    run, _ = recording(stop_at_lines=True)
    changed, last, count = [], files(), 0
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, Line):
            count += 1
            if last != (last := files()):
                changed.append(count)
        run.go_on()
    for k in changed[:50]:
        run, after = recording(stop_at_lines=True)
        number = kill_before(run, Line, k).at
        after("returned" if number is None else f"was killed before line {number}")


class Stopped(NamedTuple):
    """Where a run was killed."""

    at: str | int | None
    """The system call, or the line's number; None: it returned before that."""
    handled: bool
    """Whether the event was handled."""
    count: int
    """How many writes, or lines, there were, with that one."""


def kill_before(run, kind, k: int) -> Stopped:
    """Let the run go on and kill it before its k-th write, or line."""
    count = 0
    handled = False
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, kind):
            count += 1
            if count == k:
                run.kill()
                at = step.syscall if isinstance(step, Write) else step.number
                return Stopped(at, handled, count)
        run.go_on()
        handled = handled or isinstance(step, Handle)
    return Stopped(None, handled, count)


# 01.handler-error -------------------------------------------------------------
