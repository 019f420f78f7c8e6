"""Hidden suite of exercise 01: the stored offset after a kill, before any write of the run."""

from __future__ import annotations

import pytest

from grader.suite import HANDLE, SLEEP, Failed, Handle, Line, Returned, Sleep, Write
from grader.suite.content import named

POLL = "polling.poll"


@pytest.mark.check("01.crash-loses-nothing")
def test_killed_inside_handle_at_every_event(start_poll, poll_once, offset_path, new_stream, trips):
    """Killed while it handles event k, for every k: the next run handles event k and all after it."""
    everything = trips(3)
    for k in range(len(everything)):
        stream, path = new_stream(), offset_path(f"offset{k}")
        stream.append(*everything)
        run = start_poll(stream, offset_path=path)
        for event in everything[:k]:
            seen = run.next_event()
            assert seen == event, (
                f"events should be handled in the order of the file: expected {named([event], everything)}, "
                f"got {named([seen], everything)}"
            )
            run.handled()
        run.next_event()
        run.kill()
        seen = poll_once(stream, offset_path=path)
        assert seen[-(3 - k) :] == everything[k:], (
            f"killed inside handle() of event {k + 1} of 3, the next run should handle "
            f"{named(everything[k:], everything)}, in order and last; it handled "
            f"{named(seen, everything)}"
        )


@pytest.mark.check("01.crash-loses-nothing", leans_on="01.poll-interval")
def test_killed_in_a_later_poll(start_poll, next_event, poll_once, offset_path, stream, trips):
    """Killed in the second poll of a run: what the first handled does not hide what the second lost."""
    first, second, third = everything = trips(3)
    stream.append(first)
    path = offset_path()
    run = start_poll(stream, max_polls=3, poll_interval=0, offset_path=path)
    if not isinstance(run.next(), Handle):
        return  # the business of 01.reads-appended
    stream.append(second, third)  # while the first is handled: the next poll finds them
    run.process.case.given("events 2 and 3 were appended while event 1 was handled")
    run.handled()
    next_event(run)
    run.kill()
    seen = poll_once(stream, offset_path=path)
    assert seen[-2:] == [second, third], (
        "killed inside handle() of event 2 of 3, in the second poll, the next run should handle events 2 "
        f"and 3; it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.crash-loses-nothing", leans_on="01.poll-interval")
def test_killed_in_a_pause(start_poll, poll_once, offset_path, stream, trips):
    """Killed between two polls, after the file grew: the next run handles what it grew by."""
    first, second, third = everything = trips(3)
    stream.append(first)
    path = offset_path()
    run = start_poll(stream, max_polls=3, offset_path=path)
    if not isinstance(run.next(), Handle):
        return  # the business of 01.reads-appended
    stream.append(second)
    run.handled()
    if not isinstance(step := run.next(), Sleep | Handle):
        return  # the business of 01.poll-interval
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
def recording(consumer, poll_once, offset_path, new_stream, state, trips):
    """`recording(name, **stops)`: a run that is about to record event 3, and what it goes by.

    The run, and `after(moment)`, which judges what the run after the kill handles.
    """
    before, during = trips(2), trips(1)
    everything = before + during
    repeats = None

    def begin(name, **stops: bool):
        nonlocal repeats
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
        run, after = recording(f"offset{k}", stop_at_writes=True)
        syscall, handled = kill_before(run, Write, k)
        mapped = mapped or syscall == "mmap"
        seen = after(f"was killed just before {syscall}" if syscall else "returned")
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

    run, _ = recording("lines", stop_at_lines=True)
    changed, last, count = [], files(), 0
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, Line):
            count += 1
            if last != (last := files()):
                changed.append(count)
        run.go_on()
    for k in changed[:50]:
        run, after = recording(f"line{k}", stop_at_lines=True)
        number, _ = kill_before(run, Line, k)
        after("returned" if number is None else f"was killed before line {number}")


def kill_before(run, kind, k: int) -> tuple[str | None, bool]:
    """Let the run go on and kill it before its k-th write, or line.

    The system call, or the line's number (None if the run returned before it), and whether the
    event was handled.
    """
    count = 0
    handled = False
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, kind):
            count += 1
            if count == k:
                run.kill()
                return step.syscall if isinstance(step, Write) else step.number, handled
        run.go_on()
        handled = handled or isinstance(step, Handle)
    return None, handled


# 01.handler-error -------------------------------------------------------------
