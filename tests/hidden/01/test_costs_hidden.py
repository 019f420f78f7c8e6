"""Hidden suite of exercise 01: what a call reads.

Reading is counted by system calls, where what a call reads of a small file is subtracted: modules
that are imported, and children that are started for it, cost the same in both. What is read
through a mapping is no system call: for that, the pages of the file that lie in memory are counted.
"""

from __future__ import annotations

import ctypes
import json
import mmap
import os
from pathlib import Path

import pytest

from grader.suite import Failed, Handle, Sleep, in_words, leave_to, not_graded

SLACK = 1 << 20
"""Bytes. Whoever reads only what is new reads some buffers; a small part of the old is allowed."""


@pytest.fixture
def big(rng) -> int:
    """How many bytes there were before; another number in each test."""
    return rng.randint(14 * 1024, 18 * 1024) << 10


def bytes_read(pid: int) -> int:
    """How many bytes a process, with its ended children, has read; see proc(5), /proc/PID/io."""
    if not Path("/proc/self/io").exists():
        not_graded("this check needs Linux: it looks at /proc/PID/io")
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        raise Failed("the process ended while it was measured, or hid what it reads") from None
    return int(dict(line.split(": ") for line in lines)["rchar"])


def bytes_in_memory(descriptor: int, size: int) -> int:
    """How many bytes of a file lie in memory; see mincore(2). 0 where that cannot be known."""
    libc = ctypes.CDLL(None, use_errno=True)
    with mmap.mmap(descriptor, size) as mapped:  # nothing is read by it
        start = ctypes.c_char.from_buffer(mapped)
        pages = bytearray(-(-size // mmap.PAGESIZE))
        vector = (ctypes.c_char * len(pages)).from_buffer(pages)
        failed = libc.mincore(ctypes.byref(start), ctypes.c_size_t(size), vector)
        del start, vector
    return 0 if failed else sum(page & 1 for page in pages) * mmap.PAGESIZE


@pytest.mark.check("01.reads-only-new")
def test_read_new_events_reads_only_what_is_new(process, reader, stream, new_stream, trips, big):
    """An event after megabytes costs what an event after nothing does."""
    small = new_stream()
    first, second = trips(2)
    small.append(first)
    stream.append_hole(big)
    stream.append(b"\n")
    after_hole = stream.size
    stream.append(second)
    reader(small.path, 0)  # imports are done here
    costs = []
    for file, offset in ((small, 0), (stream, after_hole)):
        before = bytes_read(process.pid)
        events, _ = reader(file.path, offset)
        costs.append(bytes_read(process.pid) - before)
    cost = costs[1] - costs[0]
    assert cost < SLACK, (
        f"1 event was appended to a file of {big >> 20} MB; the call read {cost / 2**20:.1f} MB more "
        "than for 1 event in an empty file"
    )
    with stream.opened() as descriptor:
        mapped = bytes_in_memory(descriptor, big)
    assert mapped < big // 2, (
        f"1 event was appended to a file of {big >> 20} MB; the call read {mapped >> 20} MB of what was "
        "there before, through a mapping or another process"
    )
    assert events == [second], f"1 event was appended; {len(events)} came back"


@pytest.mark.check("01.reads-only-new", leans_on="01.poll-interval")
def test_a_later_poll_maps_only_what_is_new(
    start_poll, process, next_event, looks_after_a_pause, stream, trips, big
):
    """The same of a poll after the one that read the megabytes: what lies in memory is dropped between."""
    first, long, second = trips(3)
    stream.append(first, json.dumps(long).encode()[:-1] + b" " * (big // 4) + b"}\n")
    old = stream.size
    run = start_poll(stream, max_polls=2, process=process)
    for number in (1, 2):
        if not isinstance(step := run.next(), Handle):
            leave_to(
                "01.reads-appended",
                f"2 events were in the file, and event {number} was to be handled; {in_words(step, 'it')}",
            )
            return
        run.handled()
    if not isinstance(step := run.next(), Sleep):
        leave_to(
            "01.poll-interval",
            f"max_polls is 2, and the 2 events of the file were handled: it should sleep; {in_words(step, 'it')}",
        )
        return
    with stream.opened() as descriptor:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        kept = bytes_in_memory(descriptor, old)
        stream.append(second)
        run.go_on()
        try:
            event = next_event(run)
        except Failed:
            if looks_after_a_pause():
                raise
            leave_to(
                "01.reads-appended",
                "1 event was appended in the pause between two polls: the next one should handle it, it did not",
            )
            return
        mapped = bytes_in_memory(descriptor, old) - kept
    assert event == second, (
        "1 event was appended in the pause between two polls and was not handled next"
    )
    assert mapped < old // 2, (
        f"1 event was appended to a file of {old >> 20} MB; the next poll read {mapped >> 20} MB of what "
        "was there before, through a mapping or another process"
    )


@pytest.mark.check("01.reads-only-new", leans_on="01.poll-interval")
def test_poll_reads_only_what_is_new(start_poll, process, next_event, stream, trips, big):
    """The polls after the first do not read the megabytes again."""
    first, second, last = trips(3)
    old = trips(1)[0]
    line = json.dumps(old).encode()
    todo = [second, line[:-1] + b" " * (big // 4) + b"}\n", last]
    everything = [first, second, old, last]
    stream.append(first)
    run = start_poll(stream, max_polls=5, poll_interval=0, process=process)
    costs = []
    process.case.given("events were written one by one, each while the one before was handled")
    for number in range(len(everything)):
        if number == 0 and not isinstance(step := run.next(), Handle):
            leave_to(
                "01.reads-appended",
                f"1 event was in the file, and was to be handled first; {in_words(step, 'it')}",
            )
            return
        event = next_event(run) if number else first
        assert event == everything[number], (
            f"events were written one by one, each while the one before was handled: event {number + 1} "
            "was not handled next"
        )
        costs.append(bytes_read(run.process.pid))
        if todo:
            stream.append(todo.pop(0))
        run.handled()
    cost = (costs[3] - costs[2]) - (costs[1] - costs[0])
    assert cost < SLACK, (
        f"1 event was appended to a file of {big >> 22} MB; the next poll read {cost / 2**20:.1f} MB more "
        "than the same poll of a small file"
    )
