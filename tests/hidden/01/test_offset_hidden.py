"""Hidden suite of exercise 01: the stored offset, after a return, an exception and a kill."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.suite import HANDLE, SLEEP, Failed, Handle, Kept, Line, New, Returned, Sleep, Write
from grader.suite.content import named, numbers
from grader.suite.exceptions import ORDINARY, STOPPING

POLL = "polling.poll"


# 01.resumes -------------------------------------------------------------------


@pytest.mark.check("01.resumes", leans_on="01.poll-interval")
def test_each_run_handles_only_what_is_new(process, start_poll, offset_path, stream, trips):
    """Run after run, also with nothing new: every event exactly once."""
    everything = trips(7)
    todo, path = list(everything), offset_path()
    for count, polls, place in ((2, 1, process), (0, 1, None), (1, 3, process), (4, 1, process)):
        batch = [todo.pop(0) for _ in range(count)]
        stream.append(*batch)
        run = start_poll(stream, offset_path=path, max_polls=polls, poll_interval=0, process=place)
        events = run.drain()
        assert events == batch, (
            f"{named(batch, everything)} were appended since the last run; "
            f"this run, with the same offset_path, handled {named(events, everything)}"
        )


@pytest.mark.check("01.resumes")
def test_two_streams_keep_their_own_offsets(poll_once, offset_path, new_stream, state, trips):
    """The offset lies at offset_path and nowhere else, and what lies beside it stays as it is."""
    one, two = new_stream(), new_stream()
    events, notes = trips(4), b"a file of the student's own\n"
    one.append(*events[:3])
    two.append(events[3])
    state.write("trips", notes)
    paths = [New("pathlib.Path", offset_path(name)) for name in ("trips.one", "trips.two")]
    poll_once(one, offset_path=paths[0])
    seen = poll_once(two, offset_path=paths[1])
    assert seen == [events[3]], (
        "another stream, with another offset_path in the same folder, starts at its beginning: "
        f"it holds 1 event, {len(seen)} were handled"
    )
    seen = poll_once(one, offset_path=paths[0])
    assert seen == [], f"the first stream was read to its end; {len(seen)} events came again"
    left = state.read("trips")
    assert left == notes, (
        "a file named `trips` lay beside the offset files `trips.one` and `trips.two`; poll() "
        f"{'removed it' if left is None else 'changed it'}"
    )


@pytest.mark.check("01.resumes")
def test_relative_paths_do_as_well(consumer, process, offset_path, stream, state, trips):
    """Both paths as they are seen from the working directory, where there may be no folder to name."""
    everything = trips(3)
    stream.append(*everything[:2])
    folder = working_directory(process)
    process.keep("path", New("os.path.relpath", stream.path))
    process.keep("offset_path", New("os.path.relpath", state.path("offset")))
    offset_path()
    consumer.given(
        "path and offset_path are relative paths, and poll() was called before in the same process"
        f"{moved(folder, working_directory(process))}"
    )
    for batch in (everything[:2], everything[2:]):
        if batch == everything[2:]:
            stream.append(*batch)
        run = process.start(
            POLL,
            Kept("path"),
            HANDLE,
            max_polls=1,
            sleep=SLEEP,
            offset_path=Kept("offset_path"),
        )
        seen = run.drain()
        assert seen == batch, (
            f"with relative paths, {named(batch, everything)} were appended since the last run; "
            f"this run handled {named(seen, everything)}{moved(folder, working_directory(process))}"
        )


def working_directory(process) -> str:
    """The folder that the process's relative paths count from; "" where the system does not say."""
    try:
        return str(Path(f"/proc/{process.pid}/cwd").readlink())
    except OSError:
        return ""


def moved(before: str, after: str) -> str:
    """Say that the working directory has changed; "" where it has not."""
    return f"; its working directory had been {before} and was {after}" * (before != after)


@pytest.mark.check("01.resumes")
def test_the_offset_may_lie_on_another_file_system(
    consumer, poll_once, offset_path, stream, state, trips, rng
):
    """What is written aside is written into the offset's own folder: no rename crosses a device."""
    if consumer.sandbox.kind == "process":
        return  # a learner's own machine: nothing is left in its /tmp, and it may be no other one
    offset_path()
    if state.read("offset") == b"":
        return  # an absent file was not taken: the business of 01.fresh-start
    everything = trips(3)
    path = f"/tmp/offset-{rng.randrange(16**8):08x}"  # noqa: S108 - inside the sandbox
    consumer.given(f"offset_path is {path}")
    stream.append(*everything[:2])
    poll_once(stream, offset_path=path)
    stream.append(*everything[2:])
    seen = poll_once(stream, offset_path=path)
    assert seen == everything[2:], (
        f"offset_path was {path}, and event 3 was appended after a run had handled events 1 and 2: the "
        f"next run should handle event 3, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.resumes")
def test_without_offset_path_nothing_is_remembered(process, start_poll, stream, trips):
    """offset_path=None starts at the beginning every time, in the same process and in another."""
    events = trips(2)
    stream.append(*events)
    for place in (process, process, None):
        seen = start_poll(stream, process=place).drain()
        assert seen == events, (
            "without offset_path every run starts at the beginning of the file, in the same process too: "
            f"a run should handle both events, it handled {len(seen)}"
        )


# 01.fresh-start ---------------------------------------------------------------


@pytest.mark.check("01.fresh-start")
def test_no_offset_means_the_beginning(consumer, poll_once, stream, state, trips):
    """An absent offset file, and an empty one."""
    events = trips(2)
    stream.append(*events)
    state.write("empty", b"")
    for name, kind in (("absent", "no"), ("empty", "an empty")):
        consumer.given(f"there is {kind} offset file")
        seen = poll_once(stream, offset_path=state.path(name))
        assert seen == events, (
            f"{kind} offset file means offset 0: the file held 2 events, {len(seen)} were handled"
        )


@pytest.mark.check("01.fresh-start")
def test_a_removed_offset_file_means_the_beginning(poll_once, offset_path, stream, state, trips):
    """In the process that stored it, too: the offset is what the file says."""
    events = trips(2)
    stream.append(*events)
    path = offset_path()
    poll_once(stream, offset_path=path)
    if "offset" not in state.names():
        return  # it keeps the offset elsewhere: the business of 01.resumes
    state.remove("offset")
    seen = poll_once(stream, offset_path=path)
    assert seen == events, (
        "a run handled 2 events, then its offset file was removed: the next run, in the same process, "
        f"should handle both again, it handled {len(seen)}"
    )


# 01.crash-loses-nothing -------------------------------------------------------


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

        def after(moment):
            found = found_in(state, name)
            seen = poll_once(stream, offset_path=path)
            again = " (events 1 and 2 come again without a kill, too)" if repeats else ""
            assert seen in ([], during, repeats + during), (
                f"an earlier run handled events 1 and 2{again}; the next one was to handle event 3, and "
                f"{moment}{found}. The run after that should find the old offset and handle event 3, or the new "
                f"one and handle none; it handled {named(seen, everything)}"
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


@pytest.mark.check("01.handler-error")
def test_what_handle_raises_leaves_poll(
    process, start_poll, poll_once, offset_path, stream, trips, rng
):
    """The exception leaves, whatever its type; the event comes again, those before it do not."""
    # The plain one first: whoever treats all alike is not told of a rare one.
    plain, *kinds = [*ORDINARY, *STOPPING]
    rng.shuffle(kinds)
    kinds.insert(0, plain)
    everything = trips(len(kinds) + 2)
    stream.append(*everything[:1])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        return  # it handles old events again where nothing failed: the business of 01.resumes
    stream.append(*everything[1:])
    story = "event 1 was handled by an earlier run"
    for number, kind in enumerate(kinds, start=1):
        run = start_poll(stream, offset_path=path, process=process)
        due = everything[number : number + 2]
        seen = [run.next_event()]
        run.handled()
        seen.append(run.next_event())
        assert seen == due, (
            f"{story}: the next run should handle events {number + 1} and {number + 2} first, "
            f"it handled {named(seen, everything)}"
        )
        process.case.given(f"handle() raised {kind}")
        run.fails(kind)
        raised = run.raised()
        process.case.given("")
        assert raised.by_handle, (
            f"handle() raised {kind}, which should leave poll unchanged; "
            f"it raised {raised.message} instead"
        )
        story = f"handle() returned for event {number + 1} and raised {kind} for event {number + 2}"
    seen = poll_once(stream, offset_path=path)
    assert seen == everything[-1:], (
        f"{story}, the last one: the next run should handle that one alone, "
        f"it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error", leans_on="01.poll-interval")
def test_an_exception_in_a_later_poll(
    process, start_poll, next_event, poll_once, offset_path, stream, trips, rng
):
    """With bad lines between the events, which have no part in the count of what was handled."""
    everything = trips(5)
    bad = [b"{broken\n"] * 3  # of one kind: the others are the business of 01.bad-line
    long = b"no JSON " * rng.randint(100, 200) + b"\n"  # longer than all events are
    # An offset that falls a byte behind with each line is an event behind after as many.
    short = b"{\n" * rng.randint(200, 250)
    stream.append(everything[0])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        return  # the business of 01.resumes
    stream.append(bad[0], everything[1])
    run = start_poll(stream, max_polls=4, poll_interval=0, offset_path=path, process=process)
    try:
        for number in (1, 2, 3):
            if next_event(run) != everything[number]:
                return  # the business of 01.bad-line
            if number == 1:
                stream.append(
                    short, long, everything[2], bad[1], everything[3], bad[2], everything[4]
                )
            if number < 3:
                run.handled()
    except Failed:
        return  # the same
    run.fails()
    run.raised()
    seen = poll_once(stream, offset_path=path)
    repeated = [event for event in seen if event in everything[:3]]
    assert not repeated, (
        "in several polls, with bad lines between the events, handle() returned for events 1 to 3 and "
        f"raised for event 4: the next run handled {named(repeated, everything)} again"
    )
    assert seen == everything[3:], (
        "in several polls, with bad lines between the events, handle() raised for event 4 of 5: the next "
        f"run should handle events 4 and 5, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error")
def test_ctrl_c_in_a_pause(process, start_poll, poll_once, offset_path, stream, trips):
    """What was handled before the pause is not handled again."""
    first, second, third = everything = trips(3)
    path = offset_path()
    stream.append(first)
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        return  # the business of 01.resumes
    stream.append(second)
    run = start_poll(stream, max_polls=2, offset_path=path, process=process)
    if not isinstance(run.next(), Handle):
        return  # the business of 01.reads-appended
    run.handled()
    if not isinstance(run.next(), Sleep):
        return  # the business of 01.poll-interval
    run.fails("KeyboardInterrupt")
    raised = run.raised()
    assert raised.is_a("KeyboardInterrupt"), (
        f"sleep() raised KeyboardInterrupt, which should leave poll; it raised {raised.message}"
    )
    stream.append(third)
    seen = poll_once(stream, offset_path=path)
    assert seen == [third], (
        "Ctrl-C came in the pause after event 2 was handled, and event 3 was appended: the next run "
        f"should handle event 3 alone, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error")
def test_a_failing_event_fails_until_it_succeeds(
    process, start_poll, poll_once, offset_path, stream, trips
):
    """It is not passed over after its second failure either, and no event before it comes again."""
    _, first, second = everything = trips(3)
    stream.append(everything[0])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        return  # the business of 01.resumes
    stream.append(first, second)
    for _ in range(2):
        run = start_poll(stream, offset_path=path, process=process)
        event = run.next_event()
        assert event == first, (
            "event 1 was handled by an earlier run, and event 2 failed or is new: it should come first, "
            f"poll handled event {numbers([event], everything)}"
        )
        run.fails()
        run.raised()
    seen = poll_once(stream, offset_path=path)
    assert seen == [first, second], (
        "event 1 was handled by an earlier run, and handle() failed twice for event 2 of 3: the next run "
        f"should handle events 2 and 3, it handled {named(seen, everything)}"
    )
