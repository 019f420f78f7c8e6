"""Hidden suite of exercise 01: what a call leaves open, and a call while another one is under way."""

from __future__ import annotations

import pytest

from grader.suite import HANDLE, SLEEP, Handle, New, Raised, Returned
from grader.suite.content import RETURNED, named, these

POLL = "polling.poll"
TIMES = 4
"""How often each way out is taken. Fewer files are left to a garbage collector."""
READS_MEANWHILE = "lambda read, path, handle: lambda event: (read(path, 0), handle(event))[-1]"
"""A handle that reads another file before it goes on."""


# 01.reads-appended ------------------------------------------------------------


@pytest.mark.check("01.reads-appended")
def test_no_call_leaves_a_file_open(
    process, reader, poll_once, start_poll, offset_path, open_files, stream, trips
):
    """After many calls of both functions that end the same way, the process has no more open than before."""
    path = offset_path()

    def something_new():
        stream.append(*trips(1))
        reader(stream.path, 0)
        poll_once(stream, offset_path=path)

    def nothing_new():
        reader(stream.path, stream.size)
        poll_once(stream, offset_path=path)

    def a_shorter_file():
        stream.append(*trips(1))
        poll_once(stream, offset_path=path)
        stream.write(*trips(1))
        reader(stream.path, stream.size + 1)
        poll_once(stream, offset_path=path)

    def a_handle_that_raises():
        stream.append(*trips(1))
        run = start_poll(stream, process=process, offset_path=path)
        if isinstance(run.next(), Handle):  # which event it is, is the business of other checks
            run.fails()
            run.next()

    for way_out in (something_new, nothing_new, a_shorter_file, a_handle_that_raises):
        way_out()  # what is opened once, such as a module's file, is open now
        before = open_files(process.pid)
        for _ in range(TIMES):
            way_out()
        after = open_files(process.pid)
        more = len(after) - len(before)
        assert more < TIMES, (
            f"poll() and read_new_events() met {way_out.__name__.replace('_', ' ')} {TIMES} times: {more} "
            f"files were open that had not been before, one of them {after[-1]}. Close what a call opens"
        )


@pytest.mark.check("01.reads-appended")
def test_whatever_handle_returns_the_event_is_handled(process, start_poll, stream, trips, rng):
    """False and 0 are no failure, True is no wish to end."""
    values = rng.sample(RETURNED, len(RETURNED))
    everything = trips(len(values))
    stream.append(*everything)
    run = start_poll(stream, process=process)
    seen = []
    while len(seen) < len(values) and isinstance(step := run.next(), Handle):
        seen.append(step.event)
        run.handled(values[len(seen) - 1])
    said = f"handle() returned {', '.join(map(repr, values))} for {len(values)} events of a file"
    assert seen == everything, (
        f"{said}: each is handled when it returns, whatever the value; poll handled "
        f"{named(seen, everything)}"
    )
    run.drain(into=seen)
    assert (seen, run.value) == (everything, len(values)), (
        f"{said}: poll should handle each once and return {len(values)}; it handled "
        f"{named(seen, everything)} and returned {run.value!r}"
    )


@pytest.mark.check("01.reads-appended")
def test_a_handle_may_read_another_file(process, stream, new_stream, trips):
    """read_new_events, called inside handle for another file, changes nothing of the call under way."""
    everything, other = trips(3), new_stream()
    stream.append(*everything)
    other.append(*trips(9))
    read = New("builtins.getattr", New("importlib.import_module", "polling"), "read_new_events")
    make = New("builtins.eval", READS_MEANWHILE)
    handle = New("worker.calls.apply", make, read, other.path, HANDLE)
    run = process.start(POLL, stream.path, handle, max_polls=1, sleep=SLEEP)
    seen = []
    while not isinstance(step := run.next(), Raised | Returned):
        if isinstance(step, Handle):
            seen.append(step.event)
        run.go_on()
    if isinstance(step, Raised):
        return  # it is at work in an event loop, where read_new_events cannot begin another one
    assert (seen, step.value) == (everything, 3), (
        "the file held 3 events, and handle() called read_new_events() for another file: poll should handle "
        f"its 3 events and return 3, it handled {these(seen, everything, 'are none of this file')} and returned "
        f"{step.value!r}. Keep nothing of a call outside of it"
    )
