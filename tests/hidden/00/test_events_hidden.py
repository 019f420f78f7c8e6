"""Hidden suite of exercise 00: parse and encode, one line and one event at a time."""

from __future__ import annotations

import json

import pytest

from grader.suite import Kept, New, Returned, cut
from grader.suite.content import BAD, LENIENT, PADDED, event_of, to_line, tokens
from grader.suite.properties import for_all

ENDS = (b"\n", b"\r\n", b"")
ASCII = "aZ09 \n\r\t\x00\x0b\x1c\x7f\"'\\/{}[],:"
BEYOND = "\x85\xa0ãßÑ\u2028\u2029\ufeffŁ台ع🚕\u0301"
SHOWN = 160  # characters of a line or an event in a sentence
ONE_BUFFER = 1 << 16
"""Bytes: what many take for the most that a line can have."""
SAYS_LITTLE = {
    "empty": "",
    "padded": "  two spaces ",
    "zero": 0,
    "no": False,
    "none": None,
    "list": [],
    "object": {},
}
"""Values that are false or have white space around: who tidies up an event changes them."""
LOOKS_LIKE_OTHERS = {
    "punctuation": "Pier 4, dock: B, [x], {y}",
    "json in text": '{"a": 1, "b": [null, true]}',
    "escapes": "&amp; &lt;b&gt; %20 + \\u00e9 \\n",
    " around ": ["  two spaces  ", "\tan end\n", ""],
    "words": ["null", "true", "17", "NaN"],
}
"""Text that is changed by who cleans up JSON, or text, with replace, split or strip."""
JSON_IN_TEXT = b'"{\\"event_id\\": 123456}"'
IN_WORDS = {b"\n": "\\n", b"\r\n": "\\r\\n", b"": "no newline"}


def shown(value) -> str:
    """Return a line or an event for a sentence."""
    return cut(value, SHOWN)


def difference(wanted, seen) -> str:
    """Say what is not as it should be in an event that came back; "" where nothing is."""
    if seen == wanted:
        return ""
    if not isinstance(seen, dict):
        return f"it is {cut(seen, 120)}"
    for name in wanted:
        if name not in seen:
            return f"the field {name!r} is missing"
        if seen[name] != wanted[name]:
            return (
                f"the field {name!r} is {cut(seen[name], 120)} in place of {cut(wanted[name], 120)}"
            )
    return f"there are more fields, {', '.join(map(repr, seen.keys() - wanted.keys()))}"


# 00.parse-event ---------------------------------------------------------------


@pytest.mark.check("00.parse-event")
def test_every_json_object_is_an_event(parse, odd_events):
    """Objects of every kind, and every end of a line."""
    for number, event in enumerate([{}, {}, *odd_events]):
        end = ENDS[number % 3]
        line = json.dumps(event).encode() + end
        seen = parse(line)
        assert seen == event, (
            f"the line {shown(line)} holds a JSON object and ends with {IN_WORDS[end]}: "
            f"parse should return it as a dict, it returned {shown(seen)}"
        )


@pytest.mark.check("00.parse-event")
def test_white_space_around_and_inside_an_object_is_jsons_own(parse, trips):
    """Spaces, tabs and carriage returns between the parts of an object say nothing."""
    (event,) = trips(1)
    line = to_line(event)[:-1]
    for spaced in (b"  " + line + b" \t\n", line.replace(b", ", b" ,\r\t") + b"\n"):
        seen = parse(spaced)
        assert seen == event, (
            f"the line {shown(spaced)} holds a JSON object with white space around its parts: parse "
            f"should return it as a dict, it returned {shown(seen)}"
        )


@pytest.mark.check("00.parse-event")
def test_text_that_is_not_ascii_is_text(parse, unusual_text):
    """Accents, other scripts, and the characters at which str.splitlines() cuts."""
    for event in unusual_text:
        line = to_line(event)
        seen = parse(line)
        assert seen == event, (
            f"the line {shown(line)} is a JSON object in UTF-8, and only the byte 0x0A ends a line: "
            f"parse should return {shown(event)}, it returned {shown(seen)}"
        )


@pytest.mark.check("00.parse-event")
def test_a_line_may_be_long(parse, trips, rng):
    """Longer than the buffers that lines are often read with, by its text or by white space."""
    (event,) = trips(1)
    size = rng.randint(ONE_BUFFER, 3 * ONE_BUFFER)
    noted = event | {"note": "x" * size}
    spaced = b"{" + b" " * size + to_line(event)[1:]
    for wanted, long in ((noted, to_line(noted)), (event, spaced)):
        seen = parse(long)
        assert seen == wanted, (
            f"a line of {len(long) >> 10} KB, {long[:60]!r} and so on, holds a JSON object: parse should "
            f"return it as a dict, it returned {shown(seen)}"
        )


@pytest.mark.check("00.parse-event")
def test_an_equal_line_is_another_event(parse, process, trips):
    """Lines A, B, A and A give four events; and the parameter can be named."""
    first, second = trips(2)
    for number, event in enumerate((first, second, first, first)):
        seen = parse(to_line(event))
        assert seen == event, (
            f"parse was called for the 4 lines of events A, B, A and A; call {number + 1} returned {seen!r}"
        )
    seen = process.call("events.parse", line=to_line(second))
    assert seen == second, f"parse(line=...) should return the line's event, it returned {seen!r}"


@pytest.mark.check("00.parse-event")
def test_an_event_stays_as_it_was_read(consumer, process, parse, trips):
    """The dict of one call is no other call's: it is kept while more lines are read."""
    first, *others = trips(4)
    alone = consumer.process()
    for place in (process, alone):
        place.keep("event", New("events.parse", to_line(first)))
    for event in others:
        parse(to_line(event))
    steps = [
        place.start("events.encode", Kept("event")).next("return") for place in (process, alone)
    ]
    if not all(isinstance(step, Returned) for step in steps):
        return  # what parse returns may be another Mapping, which encode need not take
    lines = [step.value for step in steps]
    assert lines[0] == lines[1], (
        f"parse was called for the line {shown(to_line(first))}, then for {len(others)} more; of the dict "
        f"that it had returned first, encode then made {shown(lines[0])}. Return a new dict from each call"
    )


@pytest.mark.check("00.parse-event")
def test_what_the_caller_does_with_an_event_stays_with_the_caller(process, parse, trips):
    """The dict of one call is changed; the next call with an equal line gives the line's event."""
    (event,) = trips(1)
    process.keep("event", New("events.parse", to_line(event)))
    step = process.start("operator.setitem", Kept("event"), "event_id", 0).next("return")
    if not isinstance(step, Returned):
        return  # what parse returns may be another Mapping, which nobody can change
    seen = parse(to_line(event))
    assert seen == event, (
        f"parse was called for the line {shown(to_line(event))}, and the caller set event_id to 0 in the "
        f"dict that it got; for an equal line parse then returned {shown(seen)}. Return a new dict from "
        "each call"
    )


# 00.parse-bad -----------------------------------------------------------------


@pytest.mark.check("00.parse-bad")
def test_a_bad_line_is_none(parse, trips, rng):
    """Lines of every kind that are no JSON object, each with two ends, after an event."""
    # A padded line without its end is an event to who cuts a byte off, which is 00.parse-event's.
    lines = [(bad, ENDS[1]) for bad in PADDED]
    lines += [
        (bad, ENDS[1 + number % 2]) for number, bad in enumerate([*BAD, *LENIENT, JSON_IN_TEXT])
    ]
    rng.shuffle(lines)
    first, *others = trips(1 + 2 * len(lines))
    reads_events = parses(first, parse) == first
    for bad, another_end in lines:
        for end in (b"\n", another_end):
            seen = parse(bad + end)
            assert seen is None, (
                f"the line {shown(bad + end)} is no JSON object in UTF-8: parse should return None, "
                f"it returned {shown(seen)}"
            )
            if reads_events:
                not_remembered(bad + end, parse, others.pop())


@pytest.mark.check("00.parse-bad")
def test_no_line_raises(parse, rng):
    """Drawn: pieces of JSON, and bytes that are not UTF-8."""

    def look(pieces):
        line = b"".join(pieces) + b"\n"
        seen = parse(line)
        assert seen is None, (
            f"parse({line!r}) should return None, since the line is no JSON object in UTF-8; "
            f"it returned {seen!r}"
        )

    def pieces(st):
        # Events are the business of 00.parse-event, and blank lines of 00.parse-blank.
        return tokens(st, 6).filter(is_bad)

    for_all(rng, pieces, look, examples=15)


def parses(event, parse):
    """What the line of an event is read as; None for every line says nothing of the bad ones."""
    seen = parse(to_line(event))
    assert seen is not None, (
        f"the line {shown(to_line(event))} holds an event: parse should return None for other lines "
        "alone; it returned None for this one"
    )
    return seen


def not_remembered(line: bytes, parse, event) -> None:
    """Look at an event's line after another line, where events have been read before it."""
    seen = parse(to_line(event))
    assert seen == event, (
        f"each call of parse is about its own line: {shown(to_line(event))} holds an event, and right "
        f"after parse({line!r}) parse returned {shown(seen)} for it; earlier it had returned the "
        "event of such a line"
    )


def is_bad(pieces: list[bytes]) -> bool:
    """Tell whether a line is neither blank nor a JSON object."""
    line = b"".join(pieces)
    return bool(line.strip()) and event_of(line) is None


# 00.parse-blank ---------------------------------------------------------------


@pytest.mark.check("00.parse-blank")
def test_a_blank_line_is_none(parse, trips, rng):
    """Empty, or white space alone; after an event, and after each other."""
    blanks = [b"", b"\n", b"\r\n", b" ", b"\t", b" \n", b"\t\t\n", b" \t \r\n", b"\r\r\n"]
    blanks.append(b" " * rng.randint(5, 500) + b"\n")
    first, *others = trips(1 + len(blanks))
    reads_events = parses(first, parse) == first
    for blank in rng.sample(blanks, len(blanks)):
        seen = parse(blank)
        what = "is blank" if blank.strip(b"\r\n") else "is empty"
        assert seen is None, (
            f"the line {blank[-20:]!r} {what}: parse should return None, it returned {seen!r}"
        )
        if reads_events:
            not_remembered(blank[-20:], parse, others.pop())


# 00.encode-line ---------------------------------------------------------------


def one_line(line, event) -> None:
    """Look at the form of a line; what it holds is another check's business."""
    assert isinstance(line, bytes), (
        f"encode should return bytes; for {shown(event)} it returned {shown(line)}"
    )
    assert line.endswith(b"\n"), (
        f"the line of an event ends with a newline; for {shown(event)} encode returned a line that "
        f"ends with {line[-20:]!r}"
    )
    newlines = line.count(b"\n")
    assert newlines == 1, (
        f"an event is one line, with one newline at its end; for {shown(event)} encode returned "
        f"{newlines} newlines: {shown(line)}"
    )
    assert not line.endswith(b"\r\n"), (
        "a line of this course ends with the byte 0x0A alone; encode returned one that ends with "
        f"{line[-20:]!r}"
    )


@pytest.mark.check("00.encode-line")
def test_an_event_is_one_line(encode, process, odd_events, trips):
    """Events of every kind, one after the other, and one of them again."""
    for event in [*odd_events, odd_events[0]]:
        one_line(encode(event), event)
    (event,) = trips(1)
    one_line(process.call("events.encode", event=event), event)


@pytest.mark.check("00.encode-line")
def test_a_newline_in_text_does_not_end_the_line(encode, objects, rng):
    """Drawn: control characters in keys and values, at any depth."""

    def look(event):
        one_line(encode(event), event)

    for_all(rng, lambda st: objects(st, "a\n\r\t\x0b\\"), look, examples=8)


# 00.round-trip ----------------------------------------------------------------


@pytest.fixture
def there_and_back(encode, parse):
    """`there_and_back(event)`: the line holds the event, and parse reads it from there."""

    def look(event) -> None:
        line = encode(event)
        assert isinstance(line, bytes | str), (
            f"encode should return the line of {shown(event)}, it returned {shown(line)}"
        )
        if isinstance(line, bytes):  # text in place of bytes is the business of 00.encode-line
            written = read(line)
            assert written is not None, (
                f"encode should write JSON in UTF-8; for the event {shown(event)} it wrote {shown(line)}, "
                "which is not one JSON value in UTF-8"
            )
            other = difference(event, written)
            assert not other, (
                f"encode should write the event as it is; in the line it wrote {other}"
            )
        other = difference(event, parse(line))
        assert not other, (
            "parse(encode(event)) should be equal to event; in what parse returned for the line "
            f"{shown(line)}, {other}"
        )

    return look


def read(line: bytes):
    """The JSON of a line, or None."""
    try:
        return json.loads(line.decode())
    except ValueError:
        return None


@pytest.mark.check("00.round-trip")
def test_what_is_written_can_be_read(there_and_back, trips, unusual_text):
    """Text that is not ASCII, objects in objects, numbers of every size, few fields, empty values."""
    (trip,) = trips(1)
    inside = {
        "stops": [{"zone": "São João", "at": [1, [2, {"deep": ["Ñuñoa", {}]}]]}, [], None],
        "tip_share": 0.125,
        "distance": 2**53 + 1,
        "numbers": [0, -1, 2**53 + 1, -(2**63), 10**20, 0.1, 17.4, -2.5, 1e-7, 1.5e300],
        "flags": {"yes": True, "no": False},
        "note": "first line\nsecond line\r\n\tand a tab",
        "quoted": "say \"hello\" \\ and 'so' on",
    }
    for event in [
        trip,
        *unusual_text,
        trip | inside,
        trip | {"reversed": dict(reversed(inside.items()))},
        {"event_id": trip["event_id"]} | LOOKS_LIKE_OTHERS,
        trip
        | SAYS_LITTLE
        | {"inside": SAYS_LITTLE, "several": [SAYS_LITTLE, *SAYS_LITTLE.values()]},
    ]:
        there_and_back(event)


@pytest.mark.check("00.round-trip")
def test_any_event_comes_back(there_and_back, objects, trips, rng):
    """Drawn: trips with more fields, in any text."""
    (trip,) = trips(1)
    for_all(
        rng,
        lambda st: objects(st, ASCII + BEYOND).map(lambda more: more | trip),
        there_and_back,
        examples=12,
    )


@pytest.mark.check("00.round-trip")
def test_the_event_stays_as_it_is(process, encode, trips, rng):
    """One dict, encoded three times: each line holds all of it, also a long text."""
    (event,) = trips(1)
    event |= {"stops": [{"zone": "Ñuñoa"}, {"zone": "Łódź"}], "tip": None}
    event["note"] = "x" * rng.randint(ONE_BUFFER, 2 * ONE_BUFFER)
    process.keep("event", event)
    for time in ("first", "second", "third"):
        line = encode(Kept("event"))
        written = read(line.encode() if isinstance(line, str) else line)
        other = difference(event, written)
        assert not other, (
            "encode should leave the dict that it is given as it is; it was called three times with "
            f"the same one, and in the {time} line {other}"
        )
