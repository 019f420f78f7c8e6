"""Hidden suite of exercise 01: poll, its pauses and its stored offset."""

from __future__ import annotations

import pytest

from grader.suite import HANDLE, SLEEP, Failed, Handle, Returned, Sleep, Write
from grader.suite.steps import in_words

AN_HOUR = 3600.0  # whoever really waits that long reaches the deadline


def places(events: list, everything: list) -> str:
    """Events by their number in the stream, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


@pytest.mark.check("01.poll-interval")
@pytest.mark.parametrize("with_events", [True, False])
def test_there_is_a_pause_between_polls_only(consumer, stream, trips, rng, with_events):
    """sleep(poll_interval), max_polls - 1 times, with events and without, and no real waiting."""
    polls = rng.randint(3, 6)
    interval = AN_HOUR + rng.randint(1, 100)
    stream.append(*trips(2))
    consumer.given(f"poll with max_polls={polls} and sleep= a function of the suite's")
    run = consumer.start(
        "polling.poll", stream.path, HANDLE, poll_interval=interval, max_polls=polls, sleep=SLEEP
    )
    pauses = []

    def note(step):
        if isinstance(step, Sleep):
            pauses.append(step.seconds)
            if with_events:
                stream.append(*trips(1))

    run.drain(note)
    assert len(pauses) == polls - 1, (
        f"{polls} polls have {polls - 1} pauses between them; calls of sleep(): {len(pauses)}"
    )
    assert all(pause == interval for pause in pauses), (
        f"every pause should be sleep(poll_interval), {interval} s here; sleep() was called with {pauses}"
    )


@pytest.mark.check("01.poll-interval")
def test_one_poll_has_no_pause(consumer, stream, trips):
    """With max_polls=1 nothing sleeps, neither before nor after."""
    stream.append(*trips(1))
    run = consumer.start(
        "polling.poll", stream.path, HANDLE, poll_interval=AN_HOUR, max_polls=1, sleep=SLEEP
    )
    pauses = []
    run.drain(lambda step: pauses.append(step) if isinstance(step, Sleep) else None)
    assert not pauses, f"max_polls is 1, and one poll has no pause; calls of sleep(): {len(pauses)}"


@pytest.mark.check("01.resumes")
def test_each_run_handles_only_what_is_new(start_poll, stream, state, trips, rng):
    """Run after run, also with nothing new: every event exactly once."""
    everything = trips(6)
    seen, todo = [], list(everything)
    for count in (2, 0, 1, 3):
        batch = [todo.pop(0) for _ in range(count)]
        stream.append(*batch)
        events = start_poll(stream, offset_path=state.path("offset")).drain()
        assert events == batch, (
            f"appended since the last run: {places(batch, everything)}; "
            f"this run, with the same offset_path, handled: {places(events, everything)}"
        )
        seen += events


@pytest.mark.check("01.resumes")
def test_two_streams_keep_their_own_offsets(start_poll, new_stream, state, trips):
    """The offset lies at offset_path and nowhere else."""
    one, two = new_stream(), new_stream()
    events = trips(4)
    one.append(*events[:3])
    two.append(events[3])
    start_poll(one, offset_path=state.path("one")).drain()
    seen = start_poll(two, offset_path=state.path("two")).drain()
    assert seen == [events[3]], (
        "another stream with another offset_path starts at its beginning: expected its 1 event, "
        f"got {len(seen)}"
    )
    seen = start_poll(one, offset_path=state.path("one")).drain()
    assert seen == [], f"the first stream was read to its end; {len(seen)} events came again"


@pytest.mark.check("01.resumes")
def test_without_offset_path_nothing_is_remembered(start_poll, stream, trips):
    """offset_path=None starts at the beginning every time."""
    events = trips(2)
    stream.append(*events)
    for run in (1, 2):
        seen = start_poll(stream).drain()
        assert seen == events, (
            "without offset_path every run starts at the beginning of the file: "
            f"run {run} should handle both events, it handled {len(seen)}"
        )


@pytest.mark.check("01.fresh-start")
@pytest.mark.parametrize("existing", [None, b""])
def test_no_offset_means_the_beginning(poll_once, stream, state, trips, existing):
    """An absent offset file, and an empty one."""
    events = trips(2)
    stream.append(*events)
    if existing is not None:
        state.write("offset", existing)
    seen = poll_once(stream, offset_path=state.path("offset"))
    kind = "an empty" if existing == b"" else "no"
    assert seen == events, f"{kind} offset file means offset 0: expected 2 events, got {len(seen)}"


@pytest.mark.check("01.crash-loses-nothing")
def test_killed_inside_handle_at_every_event(start_poll, poll_once, new_stream, state, trips):
    """Killed while it handles event k, for every k: the next run handles event k and all behind it."""
    everything = trips(4)
    for k in range(len(everything)):
        stream, offset = new_stream(), state.path(f"offset{k}")
        stream.append(*everything)
        run = start_poll(stream, offset_path=offset)
        for event in everything[:k]:
            seen = run.next_event()
            assert seen == event, (
                f"events should be handled in the order of the file: expected {places([event], everything)}, "
                f"got {places([seen], everything)}"
            )
            run.handled()
        run.next_event()
        run.kill()
        seen = poll_once(stream, offset_path=offset)
        assert seen[-(4 - k) :] == everything[k:], (
            f"killed inside handle() of event {k + 1} of 4, the next run should handle "
            f"{places(everything[k:], everything)}; it handled {places(seen, everything)}: "
            "the stored offset had passed an event that was not handled"
        )


@pytest.mark.check("01.crash-loses-nothing")
def test_killed_in_a_later_poll(consumer, poll_once, stream, state, trips):
    """Killed in the second poll of a run: what the first handled does not hide what the second lost."""
    first, second, third = everything = trips(3)
    stream.append(first)
    offset = state.path("offset")
    run = consumer.start(
        "polling.poll", stream.path, HANDLE, max_polls=2, sleep=SLEEP, offset_path=offset
    )
    while not isinstance(step := run.next(), Sleep):
        assert isinstance(step, Handle), (
            f"after the first of 2 polls, poll should call sleep(); {in_words(step, 'it')}"
        )
        run.handled()
    stream.append(second, third)
    run.go_on()
    run.next_event()
    run.kill()
    seen = poll_once(stream, offset_path=offset)
    assert seen[-2:] == [second, third], (
        "killed inside handle() of event 2 of 3, in the second poll, the next run should handle 2, 3; "
        f"it handled {places(seen, everything)}"
    )


@pytest.mark.check("01.truncated-file")
def test_poll_starts_over_with_a_shorter_file(poll_once, stream, state, trips):
    """The file is replaced by a shorter one between two runs."""
    stream.append(*trips(4))
    poll_once(stream, offset_path=state.path("offset"))
    new = trips(2)
    stream.rotate()
    stream.append(*new)
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == new, f"the new file is shorter and holds 2 events; {len(seen)} were handled"
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == [], f"the new file was read to its end; {len(seen)} events came again"


@pytest.mark.check("01.truncated-file")
def test_offset_0_is_stored_before_the_new_content_is_handled(
    start_poll, poll_once, stream, state, trips
):
    """Killed in the first event of the new file, which then grows beyond the old offset."""
    old = trips(4)
    stream.append(*old)
    poll_once(stream, offset_path=state.path("offset"))
    new = trips(7)
    stream.rotate()
    stream.append(*new[:2])
    run = start_poll(stream, offset_path=state.path("offset"))
    run.next_event()
    run.kill()
    stream.append(*new[2:])  # now it is longer than the old file was
    seen = poll_once(stream, offset_path=state.path("offset"))
    # Whether event 1 comes again is the business of 01.crash-loses-nothing.
    assert seen[-6:] == new[1:], (
        "killed in the first event of a new, shorter file, which then grew: the next run should handle "
        f"all 7 events of the new file, it handled {places(seen, new)}: the old offset was still stored"
    )


@pytest.mark.check("01.torn-offset")
def test_killed_before_every_write(consumer, poll_once, new_stream, state, trips):
    """Killed before the k-th change of a file, for every k, until a run gets through."""
    before, during = trips(2), trips(1)
    everything = before + during
    for k in range(1, 200):
        stream, offset = new_stream(), state.path(f"offset{k}")
        stream.append(*before)
        poll_once(stream, offset_path=offset)
        stream.append(*during)
        process = consumer.process(stop_at_writes=True)
        run = process.start(
            "polling.poll", stream.path, HANDLE, max_polls=1, offset_path=offset, sleep=SLEEP
        )
        syscall, handled = kill_before_write(run, k)
        seen = poll_once(stream, offset_path=offset)
        assert seen in ([], during), (
            f"an earlier run stored that events 1 and 2 are done; this one was killed just before {syscall} "
            "while it stored the same of event 3. The run after that should find the old offset and handle 3, "
            f"or the new one and handle none; it handled {places(seen, everything)}"
        )
        if syscall is None:
            assert k > 1, "the run with an offset_path handled an event and stored nothing"
            return
        assert handled or seen == during, (
            f"killed just before {syscall}, with event 3 not handled yet, the next run should handle it"
        )
    raise Failed("poll changed files 200 times to handle one event and to store one offset")


def kill_before_write(run, k: int) -> tuple[str | None, bool]:
    """Let the run go on and kill it before its k-th write.

    The system call (None if the run returned before it), and whether the event was handled.
    """
    writes = 0
    handled = False
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, Write):
            writes += 1
            if writes == k:
                run.kill()
                return step.syscall, handled
        run.go_on()
        handled = handled or isinstance(step, Handle)
    return None, handled


@pytest.mark.check("01.handler-error")
@pytest.mark.parametrize("exception", ["HandlerError", "KeyboardInterrupt"])
def test_what_handle_raises_leaves_poll(start_poll, poll_once, stream, state, trips, exception):
    """The exception leaves; the event comes again, those handled before it do not."""
    everything = trips(4)
    stream.append(*everything)
    run = start_poll(stream, offset_path=state.path("offset"))
    for _ in range(2):
        run.next_event()
        run.handled()
    run.next_event()
    run.fails(exception)
    raised = run.raised()
    assert raised.is_a(exception), (
        f"handle() raised {exception}, which should leave poll unchanged; {raised.type} left it"
    )
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == everything[2:], (
        f"handle() failed for event 3 of 4: the next run should handle 3, 4, "
        f"it handled {places(seen, everything)}"
    )


@pytest.mark.check("01.handler-error")
def test_a_failing_event_fails_until_it_succeeds(start_poll, poll_once, stream, state, trips):
    """It is not passed over after its second failure either."""
    first, second = trips(2)
    stream.append(first, second)
    for _ in range(2):
        run = start_poll(stream, offset_path=state.path("offset"))
        event = run.next_event()
        assert event == first, (
            "the event that failed should come again first: expected event 1, "
            f"got {places([event], [first, second])}"
        )
        run.fails()
        run.raised()
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == [first, second], (
        f"handle() failed twice for event 1 of 2, so both are still to be handled; the next run handled {places(seen, [first, second])}"
    )
