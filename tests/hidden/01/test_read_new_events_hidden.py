"""Hidden suite of exercise 01: read_new_events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from grader.suite import HANDLE, SLEEP, Failed, Returned, Sleep, not_graded

JUNK = (
    b"{broken\n",
    b'{"zone": "\xe9"}\n',
    b"42\n",
    b'["a", "list"]\n',
    b'"text"\n',
    b"null\n",
    b"{} {}\n",
)
# The lines above are read by whoever reads only what is new; a small multiple of that is allowed.
BIG = 4 << 20
SLACK = 1 << 20


def positions(events: list, everything: list) -> str:
    """Events by their place in the stream, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


@pytest.mark.check("01.reads-appended")
def test_many_calls_return_everything_once_in_order(reader, stream, trips, rng):
    """Over many calls between appends of any size, the calls' results joined are the stream."""
    everything = trips(rng.randint(20, 30))
    offset, seen, todo = 0, [], list(everything)
    stream.write()
    while todo:
        batch = [todo.pop(0) for _ in range(min(len(todo), rng.randint(0, 4)))]
        stream.append(*batch)
        events, offset = reader(stream.path, offset)
        assert events == batch, (
            f"{len(batch)} events were appended since the last call (numbers {positions(batch, everything)}), "
            f"the call returned numbers {positions(events, everything)}"
        )
        seen += events
    events, again = reader(stream.path, offset)
    assert events == [], f"nothing was appended, yet {len(events)} events came back"
    assert again == offset, f"nothing was appended, yet the offset went from {offset} to {again}"


@pytest.mark.check("01.reads-appended")
def test_poll_handles_what_arrives_between_polls(consumer, stream, trips):
    """Events written during a pause are handled in the next poll, and counted."""
    everything = trips(5)
    arriving = [everything[:2], [], everything[2:3], everything[3:]]
    stream.append(*arriving[0])
    run = consumer.start("polling.poll", stream.path, HANDLE, max_polls=4, sleep=SLEEP)
    seen, pauses = [], 0
    while not isinstance(step := run.next(), Returned):
        if isinstance(step, Sleep):
            pauses += 1
            stream.append(*(arriving[pauses] if pauses < len(arriving) else []))
        else:
            seen.append(getattr(step, "event", step))
        run.go_on()
    assert seen == everything, (
        f"5 events were written before and between 4 polls; handled were numbers {positions(seen, everything)}"
    )
    assert step.value == 5, f"poll handled 5 events and should return 5, it returned {step.value!r}"


@pytest.mark.check("01.reads-appended")
def test_blank_lines_are_nothing(reader, stream, trips):
    """An empty line between events is skipped."""
    first, second = trips(2)
    stream.append(b"\n", first, b"\n\n", second, b"\n")
    events, offset = reader(stream.path, 0)
    assert events == [first, second], (
        f"blank lines around 2 events: expected the 2, got {len(events)}"
    )
    assert offset == stream.size, (
        f"blank lines are consumed: expected offset {stream.size}, got {offset}"
    )


@pytest.mark.check("01.byte-offset")
def test_the_offset_is_the_number_of_bytes(reader, stream, trips):
    """After each call the offset equals the file's size, whatever characters the events hold."""
    stream.write()
    offset = 0
    for event in trips(6, accented=True):
        stream.append(event)
        events, offset = reader(stream.path, offset)
        assert events == [event], (
            f"after an event with accents the next one should come back, {len(events)} events did"
        )
        assert offset == stream.size, (
            f"the file holds {stream.size} bytes, all consumed: expected that as offset, got {offset}"
        )


@pytest.mark.check("01.byte-offset")
def test_an_offset_of_the_suites_own_is_understood_as_bytes(reader, stream, trips):
    """An offset that counts bytes of accented events leads to the event behind them."""
    first, second = trips(2, accented=True)
    stream.append(first)
    behind_first = stream.size
    stream.append(second)
    events, _ = reader(stream.path, behind_first)
    assert events == [second], (
        f"from byte {behind_first} on there is 1 event; {len(events)} came back"
    )


@pytest.mark.check("01.partial-line")
def test_a_character_cut_in_two_comes_whole(reader, stream, trips):
    """The producer's write ended between two bytes of one character."""
    (event,) = trips(1)
    event["pickup_zone"] = "Þingholt 🚕"
    line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
    cut = line.index("🚕".encode()) + 2
    stream.append(line[:cut])
    events, offset = reader(stream.path, 0)
    assert events == [], f"the only line is unfinished, yet {len(events)} events came back"
    stream.append(line[cut:])
    events, _ = reader(stream.path, offset)
    assert events == [event], (
        "a line was cut inside a character and then completed: expected its event, "
        f"got {len(events)} events"
    )


@pytest.mark.check("01.partial-line")
def test_a_line_cut_anywhere_comes_whole(reader, stream, new_stream, trips, rng):
    """An unfinished last line is not returned and not passed over, wherever it is cut."""
    for _ in range(6):
        stream = new_stream()
        first, second, third = trips(3)
        line = json.dumps(second).encode() + b"\n"
        cut = rng.randint(1, len(line) - 1)
        stream.append(first)
        behind_first = stream.size
        stream.append(line[:cut])
        events, offset = reader(stream.path, 0)
        assert events == [first], (
            f"the second line is unfinished (byte {cut} of {len(line)}): expected 1 event, got {len(events)}"
        )
        assert offset <= behind_first, (
            f"an unfinished line begins at byte {behind_first}; offset {offset} has already passed that"
        )
        events, offset = reader(stream.path, offset)
        assert events == [], (
            f"the second line is still unfinished, yet {len(events)} events came back"
        )
        stream.append(line[cut:], third)
        events, offset = reader(stream.path, offset)
        assert events == [second, third], (
            f"the unfinished line was completed and one more came: expected 2 events, got {len(events)}"
        )


@pytest.mark.check("01.partial-line")
def test_a_complete_object_without_its_newline_waits_too(reader, stream, trips):
    """Valid JSON is not a line yet: more of it could come."""
    first, second = trips(2)
    stream.append(json.dumps(first).encode())
    events, offset = reader(stream.path, 0)
    assert events == [], "the only line has no newline yet, so it should wait; it was returned"
    stream.append(b"\n", second)
    events, _ = reader(stream.path, offset)
    assert events == [first, second], (
        f"after its newline came, 2 events were to be read; got {len(events)}"
    )


@pytest.mark.check("01.missing-file")
def test_a_missing_file_gives_nothing_and_offset_0(reader, stream, rng):
    """No file: no events and offset 0, whatever offset was passed."""
    for offset in (0, rng.randint(1, 10_000)):
        result = reader(stream.path, offset)
        assert result == ([], 0), (
            f"there is no file, and the offset was {offset}: expected ([], 0), got {result}"
        )


@pytest.mark.check("01.missing-file")
def test_poll_goes_on_until_the_file_appears(consumer, stream, trips):
    """The file is created between two polls: its events are handled."""
    everything = trips(2)
    run = consumer.start("polling.poll", stream.path, HANDLE, max_polls=3, sleep=SLEEP)
    polls = 0

    def appear(step):
        nonlocal polls
        if isinstance(step, Sleep):
            polls += 1
            if polls == 2:
                stream.append(*everything)

    seen = run.drain(appear)
    assert seen == everything, (
        f"the file appeared before poll 3 with 2 events; {len(seen)} were handled"
    )


@pytest.mark.check("01.truncated-file")
def test_a_shorter_file_is_read_from_its_start(reader, stream, trips):
    """Truncated in place, and replaced by a shorter one: the new content comes back."""
    old, new, newer = trips(5), trips(2), trips(1)
    stream.append(*old)
    _, offset = reader(stream.path, 0)
    stream.write(*new)
    events, offset = reader(stream.path, offset)
    assert events == new, f"the file was truncated and holds 2 new events; {len(events)} came back"
    assert offset == stream.size, (
        f"expected offset {stream.size}, the new file's size, got {offset}"
    )
    stream.rotate()
    stream.append(*newer)
    events, offset = reader(stream.path, offset)
    assert events == newer, f"the file was replaced by one with 1 event; {len(events)} came back"


@pytest.mark.check("01.bad-line")
def test_bad_lines_are_passed_over(reader, stream, trips, rng):
    """Every kind of bad line, between events and alone; no later call returns to it."""
    everything = trips(len(JUNK) + 1)
    lines = [everything[0]]
    for junk, event in zip(rng.sample(JUNK, len(JUNK)), everything[1:], strict=True):
        lines += [junk, event]
    stream.append(*lines)
    events, offset = reader(stream.path, 0)
    assert events == everything, (
        f"{len(everything)} events stand between {len(JUNK)} bad lines; {len(events)} came back"
    )
    assert offset == stream.size, f"expected offset {stream.size}, behind everything, got {offset}"
    for junk in JUNK:
        stream.append(junk)
        events, offset = reader(stream.path, offset)
        assert events == [], f"the new line is {junk!r}, no JSON object, yet {events!r} came back"
        assert offset == stream.size, (
            f"the bad line {junk!r} should be passed over: expected offset {stream.size}, got {offset}"
        )


@pytest.mark.check("01.bad-line")
def test_poll_goes_on_behind_a_bad_line(poll_once, start_poll, stream, state, trips):
    """poll handles the events around it, and a bad line at the end is not read again."""
    first, second = trips(2)
    stream.append(first, b"{broken\n", second, b"not json\n")
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == [first, second], f"2 events stand around a bad line; {len(seen)} were handled"
    seen = poll_once(stream, offset_path=state.path("offset"))
    assert seen == [], f"nothing is new, yet the next poll handled {len(seen)} events again"


def bytes_read(pid: int) -> int:
    """How many bytes a process, and those that it waited for, read by system calls.

    See proc(5), /proc/PID/io. What an interpreter or a program reads to start is among them.
    """
    if not Path("/proc/self/io").exists():
        not_graded("this check needs Linux: it looks at /proc/PID/io")
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        raise Failed("the process ended while it was measured, or hid what it reads") from None
    return int(dict(line.split(": ") for line in lines)["rchar"])


def filler(trips) -> bytes:
    """BIG bytes of events."""
    line = json.dumps(trips(1)[0]).encode() + b"\n"
    return line * (BIG // len(line))


def cost_of_a_call(process, stream, event) -> int:
    """Append an event to the stream; how many bytes the call that returns it reads."""
    offset = stream.size
    stream.append(event)
    before = bytes_read(process.pid)
    events, _ = process.call("polling.read_new_events", stream.path, offset)
    cost = bytes_read(process.pid) - before
    assert events == [event], f"1 event was appended; {len(events)} came back"
    return cost


@pytest.mark.check("01.reads-only-new")
def test_read_new_events_reads_only_what_is_new(consumer, new_stream, trips):
    """An event after megabytes costs about what one at the start of a file does."""
    short, long = new_stream(), new_stream()
    short.append(*trips(1))
    long.append(filler(trips))
    process = consumer.process()
    first, *events = trips(4)
    cost_of_a_call(process, short, first)  # imports are done here
    small = cost_of_a_call(process, short, events[0])
    for event in events[1:]:
        cost = cost_of_a_call(process, long, event) - small
        assert cost < SLACK, (
            f"1 event was appended to a file of {BIG >> 20} MB; the call read {cost / 2**20:.1f} MB "
            "more than for an event in a short file"
        )


def cost_of_a_poll(consumer, stream, old, events) -> int:
    """Bytes that the second of three polls reads, for one event after `old`."""
    stream.append(*old)
    run = consumer.start("polling.poll", stream.path, HANDLE, max_polls=3, sleep=SLEEP)
    pid, costs = run.process.pid, []

    def measure(step):
        if isinstance(step, Sleep):
            costs.append(bytes_read(pid))
            stream.append(*events[len(costs) - 1 : len(costs)])

    seen = run.drain(measure)
    assert seen == old + events, (
        f"{len(old)} events were in the file, and 1 came before each of 2 more polls; "
        f"{len(seen)} of the {len(old) + 2} were handled"
    )
    return costs[1] - costs[0]


@pytest.mark.check("01.reads-only-new")
def test_poll_reads_only_what_is_new(consumer, new_stream, trips):
    """The polls after the first do not read the megabytes again."""
    small = cost_of_a_poll(consumer, new_stream(), trips(4), trips(2))
    old = [event | {"note": "x" * (BIG // 4)} for event in trips(4)]
    cost = cost_of_a_poll(consumer, new_stream(), old, trips(2)) - small
    assert cost < SLACK, (
        f"1 event was appended to a file of {BIG >> 20} MB; the next poll read {cost / 2**20:.1f} MB "
        "more than in a short file"
    )
