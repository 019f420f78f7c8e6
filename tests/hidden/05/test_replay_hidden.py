"""Hidden suite of exercise 05: replay. The suite looks at the stream itself."""

from __future__ import annotations

import pytest
from stream_seen import MANY, is_unchanged

from grader.suite import Failed, exceptions, leave_to
from grader.suite.content import BAD
from grader.suite.steps import in_words, shorten

READS = ("XRANGE", "XREVRANGE", "XREAD", "XREADGROUP")
LARGEST = 10_000
"""Entries of a page, at the very most: of large events they are some megabytes."""
RAISED = (*exceptions.ORDINARY, *exceptions.REDIS, *exceptions.STOPPING)


@pytest.mark.check("05.replay")
@pytest.mark.parametrize("decode", [False, True])
def test_everything_is_replayed(student, new_stream, odd_events, unusual_text, decode):
    """More than a page, of one millisecond; then a short stream, and one that is not there."""
    process = student.process(decode=decode)
    stream, short, none = new_stream(), new_stream(), new_stream()
    # That one goes by pages does not depend on what a client decodes; once is enough of so many.
    many = [{"number": number} for number in range(220 if decode else MANY)]
    stream.append(*many, first="1700000000000-0")
    short.append(*odd_events, *unusual_text)
    for each in (stream, short, none):
        run = student.replay(each, process)
        seen = run.drain()
        scene = (
            f"a stream of {len(each.everything)} entries was replayed (decode_responses={decode})"
        )
        assert len(seen) == len(each.everything), f"{scene}; it handled {len(seen)} events"
        for number, (event, wanted) in enumerate(zip(seen, each.everything, strict=True), 1):
            assert event == wanted, (
                f"{scene}; number {number} should be {shorten(wanted)}, it handled {shorten(event)}"
            )
        assert run.value == len(seen), (
            f"{scene}, so {len(seen)} is to be returned, not {run.value!r}"
        )


@pytest.mark.check("05.replay")
def test_it_goes_a_page_at_a_time(student, stream, trips, rng):
    """No request asks for the whole stream: it may be longer than the memory.

    Between two events there are more bad entries than a page of a hundred has.
    """
    events = trips(4)
    bad = rng.randint(200, 230)
    stream.append(*events[:2], *[b"{oops"] * bad, *events[2:])
    scene = f"a stream of 2 events, {bad} bad entries and 2 events was replayed"
    with student.recording() as recorded:
        run = student.replay(stream)
        student.given(scene)
        seen = [run.next_event()]
        before = len(recorded.commands(*READS))
        run.handled()
        seen += run.drain()
    assert seen == events, f"{scene}; it handled {stream.these(seen)}"
    assert not stream.dead, (
        f"{scene}: replay should change nothing; it added {len(stream.dead)} entries to {stream.name}.dead"
    )
    asked = recorded.commands(*READS)
    # One page ahead of the one that it handles is fine.
    assert before <= 2 or before < len(asked) // 2, (
        "replay should handle a page before it reads further ones, since a stream may be longer than "
        f"the memory; it had asked for {before} pages of {len(asked)} when it handled the first event"
    )
    large = [each for each in asked if not 0 < number_in(each.option("COUNT")) <= LARGEST]
    assert not large, (
        "replay should read a page at a time, with a COUNT of some hundreds, since a stream may be "
        f"longer than the memory; it asked with {large[0].in_words()}"
    )


def number_in(word: bytes | None) -> int:
    """The number that it says; 0 where it says none."""
    return int(word) if word is not None and word.isdigit() else 0


@pytest.mark.check("05.replay")
@pytest.mark.parametrize("decode", [False, True])
def test_from_one_id_to_another(student, stream, rng, decode):
    """Both included, of several milliseconds; ids are numbers, not texts."""
    process = student.process(decode=decode)
    stream.append(*({"number": number} for number in range(12)), first="9-5")
    stream.append(*({"number": number} for number in range(12, 130)), first="10-0")
    stream.append(*({"number": number} for number in range(130, 133)), first="10000-7")
    total = len(stream.ids)
    first, last = rng.randint(1, 11), rng.randint(128, 131)
    few = (total - rng.randint(8, 11), None), (None, rng.randint(5, 9)), (last, last)
    for start, end in ((first, last), *few):
        told = {} if start is None else {"start": stream.ids[start]}
        told |= {} if end is None else {"end": stream.ids[end]}
        run = student.replay(stream, process, **told)
        seen = run.drain()
        wanted = stream.everything[start or 0 : (total - 1 if end is None else end) + 1]
        words = ", ".join(f"{name}={value!r}" for name, value in told.items())
        assert seen == wanted, (
            f"replay was called with {words}: that is {len(wanted)} entries, both ends included; it "
            f"handled {len(seen)} events"
        )
        assert run.value == len(wanted), f"{len(wanted)} is to be returned, not {run.value!r}"
    # Milliseconds alone: a start is their first entry then, and an end their last.
    for start, end, wanted in (
        ("9", "9", stream.everything[:12]),
        (None, "10", stream.everything[:130]),
        ("10000", None, stream.everything[130:]),
        ("10", "10000", stream.everything[12:]),
    ):
        told = ({} if start is None else {"start": start}) | ({} if end is None else {"end": end})
        words = ", ".join(f"{name}={value!r}" for name, value in told.items())
        student.given(f"replay was called with {words}")
        seen = student.replay(stream, process, **told).drain()
        assert seen == wanted, (
            f"replay was called with {words}, milliseconds alone: that is {len(wanted)} entries, all of "
            f"those milliseconds; it handled {len(seen)} events"
        )


@pytest.mark.check("05.replay")
def test_nothing_changes(student, stream, new_stream, trips):
    """Neither the stream nor a group of it; replayed twice in one process, once with a failure."""
    events = trips(6)
    stream.append(*events[:3], *BAD, b"", *events[3:])
    stream.append_fields(data=b"{}")
    stream.create_group()
    stream.deliver(2)
    before = (stream.entries, stream.pending, stream.groups, stream.consumers)
    process = student.process()
    for _ in range(2):
        run = student.replay(stream, process)
        seen = run.drain()
        known = [event for event in seen if event in events]
        if known == events != seen and stream_consumer_does(student, new_stream(), stream, events):
            leave_to(
                "05.bad-entry",
                f"a stream of 6 events and {len(stream.ids) - 6} bad entries was replayed, and handled "
                f"by stream_consumer; both handled {stream.these(seen)}",
            )
            return
        assert seen == events, (
            f"a stream of 6 events and {len(stream.ids) - 6} bad entries was replayed; it handled "
            f"{stream.these(seen)}"
        )
        assert run.value == 6, f"6 events were handled, so 6 is to be returned, not {run.value!r}"
        after = (stream.entries, stream.pending, stream.groups, stream.consumers)
        changed = [
            name
            for name, one, other in zip(
                ("entries", "pending entries", "groups", "consumers"), before, after, strict=True
            )
            if one != other
        ]
        assert not changed, (
            f"replay should change nothing; after it the stream's {' and '.join(changed)} had changed"
        )


def stream_consumer_does(student, copy, stream, events) -> bool:
    """Tell whether stream_consumer handles what is no event as well, in a copy of the stream."""
    copy.append(*stream.everything)
    try:
        seen = student.consume(copy, max_empty_reads=1).drain()
    except Failed:
        return False
    return any(event not in events for event in seen)


@pytest.mark.check("05.replay")
def test_what_handle_raises_leaves_it(student, stream, trips):
    """Any exception, unchanged; the next call in the process begins anew."""
    events = trips(3)
    stream.append(*events)
    process = student.process()
    for name in RAISED:
        run = student.replay(stream, process)
        first = run.next_event()
        assert first == events[0], (
            f"a stream was replayed; it handled {stream.these([first])} first"
        )
        student.given(f"handle() raised {name} for event 1")
        run.fails(name)
        step = run.next()
        left = is_unchanged(step, name)
        assert left, (
            f"handle() raised {name} for event 1, which should leave replay unchanged; "
            f"{in_words(step, 'it')}"
        )
