"""Hidden suite of exercise 01: the stored offset from run to run, and where none is stored."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from grader.suite import HANDLE, SLEEP, Handle, Kept, New, Sleep, in_words, leave_to
from grader.suite.content import named, to_line

POLL = "polling.poll"
TWO_BYTES = 1 << 16
A_DAY = 24 * 3600  # seconds
SUFFIXES = ("east", "west", "one", "two", "a", "b")


@pytest.mark.check("01.resumes", leans_on="01.poll-interval")
def test_each_run_handles_only_what_is_new(process, start_poll, offset_path, stream, trips, rng):
    """Run after run, some a long time after the last, also with nothing new: each event exactly once.

    The file grows to 65,536 bytes and beyond, where the offset no longer fits into two bytes.
    """
    everything = [*trips(3), *trips(40), *trips(4)]
    last = everything[42]
    for event in everything[3:42]:
        event["note"] = "x" * 1500
    last["note"] = ""
    last["note"] = "x" * (TWO_BYTES - sum(map(len, map(to_line, everything[:43]))))
    todo, path, days = list(everything), offset_path(), 0
    runs = ((2, 1, process), (0, 1, None), (1, 3, process), (40, 1, process), (4, 1, process))
    for count, polls, place in runs:
        batch = [todo.pop(0) for _ in range(count)]
        stream.append(*batch)
        run = start_poll(stream, offset_path=path, max_polls=polls, poll_interval=0, process=place)
        events = run.drain()
        assert events == batch, (
            f"{these(batch, everything)} appended since the last run{f', {days} days ago' * (days > 0)}; the "
            f"file holds {stream.size} bytes. This run, with the same offset_path, handled "
            f"{named(events, everything)}"
        )
        days = rng.randint(2, 500) if count else 0
        if days:
            then = time.time() - days * A_DAY
            # Where there is no such file, it keeps the offset elsewhere.
            process.start("os.utime", path, (then, then)).next()


def these(batch, everything) -> str:
    """The events that were appended, with their verb."""
    return f"{named(batch, everything)} {'was' if len(batch) == 1 else 'were'}"


@pytest.mark.check("01.resumes")
def test_an_equal_event_is_another_event(process, start_poll, offset_path, stream, trips):
    """The last event of one run and the first of the next are equal."""
    first, other = trips(2)
    path = offset_path()
    for batch in ([first], [first, other]):
        stream.append(*batch)
        seen = start_poll(stream, offset_path=path, max_polls=1, process=process).drain()
        if batch == [first] and seen != batch:
            leave_to(
                "01.reads-appended",
                f"1 event was in the file: the first run should handle it, it handled {len(seen)} events",
            )
            return
    assert seen == [first, other], (
        "a run handled an event, then an equal one and another were appended: two equal events are two, so "
        f"the next run should handle 2 events, it handled {len(seen)}"
    )


@pytest.mark.check("01.resumes", leans_on="01.poll-interval")
def test_what_an_earlier_poll_handled_stays_handled_after_a_kill(
    start_poll, whose_pause, poll_after_a_kill, offset_path, stream, trips
):
    """Killed in the second poll of a run: events of that poll may come again, not those of the first."""
    everything = trips(4)
    stream.append(*everything[:2])
    path = offset_path()
    run = start_poll(stream, offset_path=path, max_polls=3)
    steps = [run.next()]
    while isinstance(steps[-1], Handle):
        run.handled()
        steps.append(run.next())
    if len(steps) != 3 or not isinstance(steps[-1], Sleep):
        leave_to(
            "01.poll-interval" if len(steps) == 3 else whose_pause(),
            "2 events were in the file: the first of 3 polls should handle both, and sleep after that; after "
            f"{len(steps) - 1} of them {in_words(steps[-1], 'it')}",
        )
        return
    stream.append(*everything[2:])
    run.go_on()
    if not isinstance(step := run.next(), Handle):  # it had looked before the pause
        leave_to(
            "01.reads-appended",
            f"2 events were appended in the pause between two polls: the next one should handle them; {in_words(step, 'it')}",
        )
        return
    run.kill()
    seen = poll_after_a_kill(stream, offset_path=path)
    if seen is None or seen[-2:] != everything[2:]:
        leave_to(
            "01.crash-loses-nothing",
            "killed inside handle() of event 3 of 4, in the second poll, the next run should handle events 3 and 4; "
            f"it {'raised' if seen is None else f'handled {named(seen, everything)}'}",
        )
        return
    assert seen == everything[2:], (
        "a poll handled events 1 and 2, and in the next poll of the same run the process was killed inside "
        f"handle() of event 3: the next run should handle events 3 and 4, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.resumes")
def test_two_streams_keep_their_own_offsets(
    poll_once, offset_path, new_name, new_stream, state, trips, rng
):
    """The offset lies at offset_path and nowhere else, and what lies beside it stays as it is."""
    one, two = new_stream(), new_stream()
    events, notes = trips(4), b"a file of the student's own\n"
    one.append(*events[:3])
    two.append(events[3])
    name = new_name()
    names = [f"{name}.{word}" for word in rng.sample(SUFFIXES, 2)]
    state.write(name, notes)
    paths = [New("pathlib.Path", offset_path(each)) for each in names]
    poll_once(one, offset_path=paths[0])
    seen = poll_once(two, offset_path=paths[1])
    assert seen == [events[3]], (
        "another stream, with another offset_path in the same folder, starts at its beginning: "
        f"it holds 1 event, {len(seen)} were handled"
    )
    seen = poll_once(one, offset_path=paths[0])
    assert seen == [], f"the first stream was read to its end; {len(seen)} events came again"
    left = state.read(name)
    assert left == notes, (
        f"a file named `{name}` lay beside the offset files `{names[0]}` and `{names[1]}`; poll() "
        f"{'removed it' if left is None else 'changed it'}"
    )


@pytest.mark.check("01.resumes")
def test_relative_paths_do_as_well(consumer, process, offset_path, new_name, stream, state, trips):
    """Both paths as they are seen from the working directory, where there may be no folder to name.

    The first run has the stream's absolute path: the same file, however its path is written.
    """
    everything = trips(3)
    stream.append(*everything[:2])
    folder = working_directory(process)
    process.keep("path", New("os.path.relpath", stream.path))
    name = new_name()
    process.keep("offset_path", New("os.path.relpath", state.path(name)))
    offset_path(name)
    consumer.given(
        "offset_path is a relative path, and poll() was called before in the same process"
        f"{moved(folder, working_directory(process))}"
    )
    for batch in (everything[:2], everything[2:]):
        if batch == everything[2:]:
            stream.append(*batch)
        run = process.start(
            POLL,
            stream.path if batch == everything[:2] else Kept("path"),
            HANDLE,
            max_polls=1,
            sleep=SLEEP,
            offset_path=Kept("offset_path"),
        )
        seen = run.drain()
        assert seen == batch, (
            f"offset_path is a relative path, and path was absolute in the first run and is relative in the "
            f"second; {these(batch, everything)} appended since the last run; this run handled {named(seen, everything)}{moved(folder, working_directory(process))}"
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
    consumer, poll_once, takes_no_file, new_name, stream, state, trips
):
    """What is written aside is written into the offset's own folder: no rename crosses a device."""
    if consumer.sandbox.kind == "process":
        return  # a learner's own machine: nothing is left in its /tmp, and it may be no other one
    name = new_name()
    if not takes_no_file(state.path(name)):
        return
    everything = trips(3)
    path = f"/tmp/{new_name()}"  # noqa: S108 - inside the sandbox
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
def test_no_offset_means_the_beginning(consumer, poll_once, new_name, stream, state, trips):
    """An absent offset file, and an empty one."""
    events = trips(2)
    stream.append(*events)
    for kind in ("no", "an empty"):
        name = new_name()
        if kind != "no":
            state.write(name, b"")
        consumer.given(f"there is {kind} offset file")
        seen = poll_once(stream, offset_path=state.path(name))
        assert seen == events, (
            f"{kind} offset file means offset 0: the file held 2 events, {len(seen)} were handled"
        )


@pytest.mark.check("01.fresh-start")
def test_a_removed_offset_file_means_the_beginning(
    poll_once, offset_path, new_name, stream, state, trips
):
    """In the process that stored it, too: the offset is what the file says, and is stored again.

    It is the offset that was stored last, too: there is one event.
    """
    events = trips(1)
    stream.append(*events)
    name = new_name()
    path = offset_path(name)
    poll_once(stream, offset_path=path)
    if name not in state.names():
        leave_to(
            "01.resumes",
            "the offset is kept at offset_path: after a run there should be a file, there is none",
        )
        return
    state.remove(name)
    seen = poll_once(stream, offset_path=path)
    assert seen == events, (
        "a run handled an event, then its offset file was removed: the next run, in the same process, "
        f"should handle that again, it handled {len(seen)} events"
    )
    again = poll_once(stream, offset_path=path)
    if again and handles_all_again(poll_once, stream, offset_path()):
        leave_to(
            "01.resumes",
            f"a run handled an event: the next run should handle none, it handled {len(again)}",
        )
        return
    assert not again, (
        "a run handled an event, then its offset file was removed, and the next run, in the same process, "
        "handled the event again: a third run should not, and did. Its offset was not stored a second time"
    )


def handles_all_again(poll_once, stream, path) -> bool:
    """Tell whether the second of two runs with a new offset file handles something."""
    poll_once(stream, offset_path=path)
    return bool(poll_once(stream, offset_path=path))


# 01.crash-loses-nothing -------------------------------------------------------
