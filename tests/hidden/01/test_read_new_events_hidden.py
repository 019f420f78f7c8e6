"""Hidden suite of exercise 01: read_new_events, the lines of a file and its offset."""

from __future__ import annotations

import json

import pytest

from grader.suite import New
from grader.suite.content import BAD as USUAL
from grader.suite.content import LENIENT, PADDED, event_of, named, to_line, tokens
from grader.suite.properties import for_all

BAD = (*USUAL, *LENIENT, *PADDED)
BUFFERS = 200_000  # bytes: more than any buffer that a file is commonly read with


def spacious(event: dict, size: int = BUFFERS) -> bytes:
    """The event's line, made long by spaces between its fields, as JSON allows."""
    return b"{" + b" " * size + to_line(event)[1:]


# 01.reads-appended ------------------------------------------------------------


@pytest.mark.check("01.reads-appended")
def test_many_calls_return_everything_once_in_order(reader, new_stream, trips, odd_events, rng):
    """Two files that grow by turns, with events of every kind: the calls' results are the files."""
    files = [(new_stream(), everything, list(everything)) for everything in (odd_events, trips(9))]
    offsets = [0, 0]
    for stream, _, _ in files:
        stream.write()
    while any(todo for _, _, todo in files):
        for which, (stream, everything, todo) in enumerate(files):
            batch = [todo.pop(0) for _ in range(min(len(todo), rng.randint(0, 4)))]
            stream.append(*batch)
            events, offsets[which] = reader(stream.path, offsets[which])
            assert events == batch, (
                f"{named(batch, everything)} were appended since the last call for this file; "
                f"the call returned {named(events, everything)}"
            )
    for which, (stream, _, _) in enumerate(files):
        events, again = reader(stream.path, offsets[which])
        assert events == [], f"nothing was appended, yet {len(events)} events came back"
        assert again == offsets[which], (
            f"nothing was appended, yet the offset went from {offsets[which]} to {again}"
        )


@pytest.mark.check("01.reads-appended")
def test_one_call_returns_all_there_is(reader, stream, rng):
    """1,500 lines at once, and some that are longer than a buffer: more than a megabyte."""
    events = [{"number": number, "of": rng.randrange(10**9)} for number in range(1500)]
    long = events[: rng.randint(6, 8)]
    stream.append(*events, *map(spacious, long), events[0])
    seen, offset = reader(stream.path, 0)
    assert seen == [*events, *long, events[0]], (
        f"the file held {1501 + len(long)} events in {stream.size >> 10} KB, {len(long)} of them on lines "
        f"of {BUFFERS >> 10} KB; one call returned {len(seen)} events"
    )
    assert offset == stream.size, (
        f"the call returned all events of the file: expected offset {stream.size}, got {offset}"
    )


@pytest.mark.check("01.reads-appended")
def test_blank_lines_are_nothing(reader, stream, trips):
    """An empty line between events is skipped, and so is one of white space; also one that comes alone."""
    first, second = trips(2)
    stream.append(b"\n", first, b"\n \t\n\n \n", second, b"\n")
    events, offset = reader(stream.path, 0)
    assert events == [first, second], (
        f"the file held 2 events with blank lines around them; {len(events)} events came back"
    )
    assert offset == stream.size, (
        f"blank lines are consumed: expected offset {stream.size}, got {offset}"
    )
    for blank in (b"\n", b" \n", b"\r\n"):
        stream.append(blank)
        events, offset = reader(stream.path, offset)
        # Who counts no carriage return loses the points of 01.byte-offset alone.
        assert (events, offset) == ([], stream.size) or (not events and b"\r" in blank), (
            f"the line {blank!r} was appended and nothing after it: expected no events and offset "
            f"{stream.size}, got {len(events)} events and offset {offset}"
        )


@pytest.mark.check("01.reads-appended")
def test_a_path_object_and_keywords_do_as_well(reader, stream, trips):
    """`path` is a str or a pathlib.Path; both parameters can be named."""
    everything = trips(2)
    stream.append(*everything)
    events, _ = reader(path=New("pathlib.Path", stream.path), offset=0)
    assert events == everything, (
        f"with path=a pathlib.Path, 2 events were to come back; {len(events)} did"
    )


# 01.byte-offset ---------------------------------------------------------------


@pytest.mark.check("01.byte-offset")
def test_the_offset_is_the_number_of_bytes(reader, stream, trips, unusual_text):
    """After each call the offset equals the file's size, whatever characters the events hold."""
    stream.write()
    offset, everything, sizes = 0, [], []
    for number, text in enumerate([*trips(3, accented=True), *unusual_text]):
        event = text | {"event_id": number}
        stream.append(event)
        everything.append(event)
        sizes.append(stream.size)
        events, offset = reader(stream.path, offset)
        assert events == [event], (
            f"the line {to_line(event)[:120]!r} was appended; the call returned {len(events)} events "
            "or another one: only the byte 0x0A ends a line, and offsets count bytes"
        )
        assert offset == stream.size, (
            f"the file holds {stream.size} bytes, all consumed: expected that as offset, got {offset}"
        )
    events, _ = reader(stream.path, sizes[2])
    assert events == everything[3:], (
        f"from byte {sizes[2]} on, after 3 events of accented zones, there are {len(everything) - 3} "
        f"events; {len(events)} came back"
    )


@pytest.mark.check("01.byte-offset")
def test_only_0x0a_ends_a_line(reader, stream, trips):
    """A carriage return before the newline, or between two fields, is white space of JSON's."""
    first, second, third = trips(3)
    between = to_line(second).replace(b", ", b",\r ")
    stream.append(to_line(first)[:-1] + b"\r\n", between, third)
    events, offset = reader(stream.path, 0)
    assert events == [first, second, third], (
        "the file held 3 lines: one that ends with \\r\\n, one with \\r between its fields, and a "
        f"usual one; the call returned {named(events, [first, second, third])}"
    )
    assert offset == stream.size, (
        f"the file holds {stream.size} bytes, \\r among them: expected that as offset, got {offset}"
    )


# 01.partial-line --------------------------------------------------------------


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
def test_a_line_cut_anywhere_comes_whole(reader, new_stream, trips, rng):
    """An unfinished last line is not returned and not passed over, a long one neither."""
    for size in (0, 0, BUFFERS):
        stream = new_stream()
        first, second, third = trips(3)
        line = spacious(second, size)
        cut = rng.randint(max(1, size), len(line) - 1)
        stream.append(first)
        after_first = stream.size
        stream.append(line[:cut])
        events, offset = reader(stream.path, 0)
        assert events == [first], (
            f"the second line is unfinished (byte {cut} of {len(line)}): expected 1 event, got {len(events)}"
        )
        assert offset <= after_first, (
            f"an unfinished line begins at byte {after_first}; offset {offset} has already passed that"
        )
        events, offset = reader(stream.path, offset)
        assert events == [], (
            f"the second line is still unfinished, yet {len(events)} events came back"
        )
        stream.append(line[cut:], third)
        events, offset = reader(stream.path, offset)
        assert events == [second, third], (
            f"the unfinished line, of {len(line)} bytes, was completed and one more came: "
            f"expected 2 events, got {len(events)}"
        )


@pytest.mark.check("01.partial-line")
def test_a_complete_object_without_its_newline_waits_too(reader, stream, trips):
    """Valid JSON is not a line yet: more of it could come, a blank or a carriage return too."""
    first, second = trips(2)
    offset, more = 0, b""
    for piece in (json.dumps(first).encode(), b" ", b"\r"):
        stream.append(piece)
        events, offset = reader(stream.path, offset)
        more += piece
        assert events == [], (
            f"the only line has no newline yet, it ends with {more[-3:]!r}: it should wait; "
            f"{len(events)} events came back"
        )
    stream.append(b"\n", second)
    events, _ = reader(stream.path, offset)
    assert events == [first, second], (
        f"after its newline came, 2 events were to be read; got {len(events)}"
    )


@pytest.mark.check("01.partial-line")
def test_a_file_that_grows_in_any_pieces_comes_whole(reader, stream, rng):
    """Drawn: three lines, written in pieces that end anywhere, and a call after each."""
    events = [{"event_id": 1}, {"event_id": 2, "a": [2]}, {"event_id": 3}]
    data = b"".join(map(to_line, events))

    def look(cuts):
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        stream.write()
        seen, offset = [], 0
        for number, piece in enumerate(pieces):
            stream.append(piece)
            complete = b"".join(pieces[: number + 1]).count(b"\n")
            returned, offset = reader(stream.path, offset)
            seen += returned
            assert seen == events[:complete], (
                f"a file of 3 events grew by the pieces {pieces[: number + 1]}, with a call after each: "
                f"{complete} lines are complete, the calls returned {named(seen, events)}"
            )

    def cuts(st):
        return st.lists(st.integers(1, len(data) - 1), unique=True, max_size=5).map(sorted)

    for_all(rng, cuts, look, examples=6)


# 01.missing-file --------------------------------------------------------------


@pytest.mark.check("01.missing-file")
def test_a_missing_file_gives_nothing_and_offset_0(reader, stream, trips, rng):
    """No file: no events and offset 0, whatever offset was passed; also once there was a file."""
    for offset in (0, rng.randint(1, 10_000)):
        events, seen = reader(stream.path, offset)
        assert (events, seen) == ([], 0), (
            f"there is no file, and the offset was {offset}: expected no events and offset 0, "
            f"got {len(events)} events and offset {seen}"
        )
    everything = trips(3)
    stream.append(*everything[:1])
    _, offset = reader(stream.path, 0)
    stream.remove()
    events, seen = reader(stream.path, offset)
    assert (events, seen) == ([], 0), (
        "the file was there and has been removed: expected no events and offset 0, "
        f"got {len(events)} events and offset {seen}"
    )
    stream.append(*everything[1:])
    events, _ = reader(stream.path, seen)
    assert events == everything[1:], (
        f"the file was removed, and one of that name came with 2 events; {len(events)} came back"
    )


# 01.truncated-file ------------------------------------------------------------


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


@pytest.mark.check("01.truncated-file")
def test_an_offset_past_the_end_starts_over(reader, stream, trips, rng):
    """By a byte or by much; an empty file gives nothing, and offset 0."""
    everything = trips(2)
    stream.append(*everything)
    for past in (1, rng.randint(2, 10**6)):
        events, offset = reader(stream.path, stream.size + past)
        assert events == everything, (
            f"the file holds {stream.size} bytes and 2 events, the offset was {past} more: "
            f"expected both events, got {len(events)}"
        )
    stream.write()
    events, offset = reader(stream.path, offset)
    assert (events, offset) == ([], 0), (
        "the file was truncated to 0 bytes: expected no events and offset 0, "
        f"got {len(events)} events and offset {offset}"
    )
    stream.append(*everything)
    events, offset = reader(stream.path, offset)
    assert events == everything, (
        f"the file was truncated to 0 bytes, then 2 events came; {len(events)} came back"
    )


# 01.bad-line ------------------------------------------------------------------


@pytest.mark.check("01.bad-line")
def test_bad_lines_are_passed_over(reader, stream, trips, rng):
    """Every kind of bad line, between events and alone; no later call returns to it."""
    everything = trips(len(BAD) + 1)
    lines = [everything[0]]
    for bad, event in zip(rng.sample(BAD, len(BAD)), everything[1:], strict=True):
        lines += [bad + b"\n", event]
    stream.append(*lines)
    events, offset = reader(stream.path, 0)
    assert events == everything, (
        f"the file held {len(everything)} events and {len(BAD)} bad lines between them; "
        f"{len(events)} events came back"
    )
    assert offset == stream.size, (
        f"all lines are read: expected offset {stream.size}, the file's size, got {offset}"
    )
    for bad in BAD:
        stream.append(bad + b"\n")
        events, offset = reader(stream.path, offset)
        assert events == [], f"the new line is {bad!r}, no JSON object, yet {events!r} came back"
        assert offset == stream.size, (
            f"the bad line {bad!r} should be passed over: expected offset {stream.size}, got {offset}"
        )


@pytest.mark.check("01.bad-line")
def test_no_line_stops_the_events_around_it(reader, stream, rng):
    """Drawn: pieces of JSON, and bytes that are not UTF-8, on lines between two events."""
    first, last = {"event_id": 1}, {"event_id": 2}

    def look(drawn):
        lines = [b"".join(pieces) for pieces in drawn]
        stream.write(first, b"\n".join([*lines, b""]), last)
        events, offset = reader(stream.path, 0)
        between = [event for line in lines if (event := event_of(line)) is not None]
        wanted = [first, *between, last]
        assert (events, offset) == (wanted, stream.size), (
            f"between two events the file held the line{'s' * (len(lines) != 1)} "
            f"{' and '.join(map(repr, lines)) or 'none'}, with {len(between)} events: expected {len(wanted)} "
            f"events and offset {stream.size}, got {len(events)} events and offset {offset}"
        )

    def some_lines(st):
        # Blank lines and {} are the business of 01.reads-appended.
        odd = tokens(st, 5).filter(
            lambda line: b"".join(line).replace(b" ", b"") not in (b"", b"{}")
        )
        return st.lists(odd, min_size=1, max_size=3)

    for_all(rng, some_lines, look, examples=6)
