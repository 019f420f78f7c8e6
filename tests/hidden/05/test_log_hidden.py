"""Hidden suite of exercise 05: append_events, replay and lag. The suite looks at the stream itself."""

from __future__ import annotations

import pytest

from grader.suite import New, Raised, exceptions
from grader.suite.content import BAD
from grader.suite.steps import in_words, shorten

READS = ("XRANGE", "XREVRANGE", "XREAD", "XREADGROUP")
MANY = 1_050
"""Entries: more than one page, and more than what is kept by those who always trim."""
RAISED = (*exceptions.ORDINARY, *exceptions.REDIS, *exceptions.STOPPING)


def ids_in(value) -> list:
    """The ids that append_events returned.

    Raises:
        AssertionError: they are no list of str.
    """
    is_list = isinstance(value, list | tuple)
    assert is_list, f"append_events should return the ids, a list of str; it returned {kind(value)}"
    odd = [each for each in value if not isinstance(each, str)]
    assert not odd, (
        f"append_events should return ids that are str; it returned {shorten(odd[0])} "
        "(a client with decode_responses=False answers with bytes)"
    )
    return list(value)


def kind(value) -> str:
    """A value of another type than was due, in a few words."""
    return "None" if value is None else shorten(value)


# Appending ------------------------------------------------------------------------


@pytest.mark.check("05.append")
@pytest.mark.parametrize("decode", [False, True])
def test_an_entry_for_each_event(student, new_stream, odd_events, unusual_text, trips, decode):
    """Events of every kind, in order, equal ones too; then another stream, and the first again."""
    process = student.process(decode=decode)
    first, second = new_stream(), new_stream("trips {} of:today")
    many = [*odd_events, *unusual_text]
    calls = [(first, many, []), (second, trips(3), []), (first, tuple(trips(2)), many)]
    for number, (stream, events, before) in enumerate(calls, 1):
        scene = (
            f"call {number} in one process appended {len(events)} events to a stream of "
            f"{len(before)} entries (decode_responses={decode})"
        )
        ids = ids_in(student.append(stream, events, process))
        found, wanted = stream.events, [*before, *events]
        assert len(found) == len(wanted), f"{scene}; it has {len(found)} entries then"
        for event, seen in zip(wanted, found, strict=True):
            assert seen == event, (
                f"{scene}; the field `event` should hold {shorten(event)} as JSON, "
                + ("the entry has no such field" if seen is None else f"it holds {shorten(seen)}")
            )
        there = [entry_id for entry_id, _ in stream.entries][len(before) :]
        assert ids == there, (
            f"{scene}; it should return their ids, {shorten(there)}; it returned {shorten(ids)}"
        )


@pytest.mark.check("05.append")
def test_the_events_may_come_from_an_iterator(student, stream, trips):
    """Any Iterable of events: one that has no length, and can be gone through once."""
    events = trips(4)
    scene = "events was an iterator of 4 events"
    ids = ids_in(student.append(stream, New("builtins.iter", events), student.process()))
    assert stream.events == events, f"{scene}; the stream has {len(stream.events)} entries"
    assert len(ids) == len(events), f"{scene}; it returned {len(ids)} ids"


@pytest.mark.check("05.append")
def test_without_keep_nothing_is_removed(student, stream, trips):
    """A long stream, and nothing to append; then three more."""
    stream.append(*({"number": number} for number in range(MANY)))
    process = student.process()
    ids = ids_in(student.append(stream, [], process))
    assert ids == [], f"no event was appended, so no id should be returned; got {shorten(ids)}"
    student.append(stream, trips(3), process)
    left = len(stream.entries)
    assert left == MANY + 3, (
        f"3 events were appended to {MANY} entries, without keep; {left} entries are left"
    )


@pytest.mark.check("05.append")
def test_the_ids_of_what_is_trimmed_at_once(student, stream, trips, rng):
    """With keep, an id is returned for each event, also for those that are gone by then."""
    events = trips(rng.randint(5, 7))
    ids = ids_in(student.append(stream, events, student.process(), keep=3))
    there = [entry_id for entry_id, _ in stream.entries]
    assert len(ids) == len(events), (
        f"{len(events)} events were appended, with keep=3, so {len(events)} ids should be returned; "
        f"it returned {len(ids)}"
    )
    # How many are left is 05.keep's.
    assert ids[-1:] == there[-1:], (
        f"the last entry's id is {there[-1:]}; the last one that it returned is {ids[-1]}"
    )


@pytest.mark.check("05.keep")
def test_exactly_the_newest_are_left(student, new_stream, trips, rng):
    """Fewer than were appended, more, as many as a node of the server holds, none; in one process.

    Trimming asks no group: some entries are pending in one, and the others it was not given yet.
    """
    process = student.process()
    stream, short = new_stream(), new_stream()
    stream.append(*({"number": number} for number in range(rng.randint(230, 290))))
    stream.create_group()
    stream.deliver(rng.randint(3, 9))
    for where, count, keep in (
        (stream, 3, 150 + rng.randint(1, 40)),
        (stream, 2, rng.randint(5, 9)),
        (stream, 7, rng.randint(3, 4)),
        (short, 4, 9),
        (stream, 5, None),
        (short, 2, 0),
    ):
        before = [entry_id for entry_id, _ in where.entries]
        added = where.added if before else 0
        told = {} if keep is None else {"keep": keep}
        student.append(where, trips(count), process, **told)
        left = [entry_id for entry_id, _ in where.entries]
        # What it appends is 05.append's.
        added = where.added - added
        wanted = len(before) + added if keep is None else min(len(before) + added, keep)
        scene = f"{count} events were appended to {len(before)} entries, " + (
            "without keep" if keep is None else f"with keep={keep}"
        )
        if where is stream:
            scene += " (a group holds some of them, and was not given the others)"
        assert len(left) == wanted, (
            f"{scene}: {wanted or 'no'} entries should be left; {len(left)} are"
        )
        old = [entry_id for entry_id in left if entry_id in before]
        newest = before[len(before) - max(0, wanted - added) :]
        assert old == newest, (
            f"{scene}: the newest {wanted} entries should be left; of the older ones it left others"
        )


# Replaying ------------------------------------------------------------------------


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
    with student.service.recording() as recorded:
        run = student.replay(stream)
        student.given(scene)
        seen = [run.next_event()]
        before = len(recorded.commands(*READS))
        run.handled()
        seen += run.drain()
    assert seen == events, f"{scene}; it handled {stream.these(seen)}"
    asked = recorded.commands(*READS)
    # One page ahead of the one that it handles is fine.
    assert before <= 2 or before < len(asked) // 2, (
        "replay should handle a page before it reads further ones, since a stream may be longer than "
        f"the memory; it had asked for {before} pages of {len(asked)} when it handled the first event"
    )
    assert all(each.option("COUNT") for each in asked), (
        "replay should read a page at a time, with COUNT, since a stream may be longer than the "
        f"memory; it asked with {next(e.in_words() for e in asked if not e.option('COUNT'))}"
    )


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


@pytest.mark.check("05.replay")
def test_nothing_changes(student, stream, trips):
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
        left = isinstance(step, Raised) and step.by_handle
        assert left, (
            f"handle() raised {name} for event 1, which should leave replay unchanged; "
            f"{in_words(step, 'it')}"
        )


# Lag ------------------------------------------------------------------------------


def judge_lag(student, stream, process, wanted: int, scene: str) -> None:
    """It is that many."""
    value = student.lag(stream, process)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    right = is_number and value == wanted
    assert right, f"{scene}: the lag is {wanted}; lag() returned {kind(value)}"


@pytest.mark.check("05.lag")
@pytest.mark.parametrize("decode", [False, True])
def test_not_delivered_plus_pending(student, stream, rng, decode):
    """Of each of three groups, by turns, in one process."""
    process = student.process(decode=decode)
    total, held, done = rng.randint(110, 150), rng.randint(3, 6), rng.randint(7, 9)
    others = [stream.of_group(f"{word}{stream.group}") for word in ("a-", "z-")]
    for each in (others[0], stream, others[1]):
        each.create_group()
    judge_lag(student, stream, process, 0, "nothing was appended yet")
    stream.append(*({"number": number} for number in range(total)))
    judge_lag(student, stream, process, total, f"none of {total} entries was delivered")
    ids = stream.deliver(done + held)
    scene = f"{done + held} of {total} entries were delivered"
    judge_lag(student, stream, process, total, f"{scene}, and none is acknowledged")
    # Not the first ones: what is pending lies between others, and at the end.
    stream.acknowledge(*ids[1 : done + 1])
    judge_lag(student, stream, process, total - done, f"{scene}, and {done} are acknowledged")
    ids = others[0].deliver(total - 1)
    ids += others[0].deliver(1, consumer="a third")
    judge_lag(
        student, others[0], process, total, f"all of {total} entries are pending, of two consumers"
    )
    others[0].acknowledge(*ids)
    judge_lag(student, others[0], process, 0, f"all of {total} entries are acknowledged")
    judge_lag(student, stream, process, total - done, "another group has acknowledged everything")
    judge_lag(student, others[1], process, total, "other groups were delivered entries")


@pytest.mark.check("05.lag")
@pytest.mark.parametrize("decode", [False, True])
def test_where_the_server_does_not_know(student, new_stream, rng, decode):
    """XINFO says nil: after XDEL in the middle, and of a group that began at some id."""
    process = student.process(decode=decode)
    total, held, gone = rng.randint(120, 150), rng.randint(2, 4), rng.randint(2, 5)
    # How many it counts does not depend on what a client decodes.
    total += 0 if decode else MANY
    stream = new_stream()
    stream.append(*({"number": number} for number in range(total)))
    stream.create_group()
    stream.deliver(held)
    middle = rng.randint(held + 5, total - 10)
    stream.remove(*stream.ids[middle : middle + gone])
    judge_lag(
        *(student, stream, process, total - gone),
        f"{held} of {total} entries are pending, and {gone} of the others were removed (XINFO may "
        "say nil then)",
    )
    later = new_stream()
    later.append(*({"number": number} for number in range(total)), first="5-0")
    later.create_group(f"5-{middle}")
    later.deliver(held)
    judge_lag(
        *(student, later, process, total - middle - 1),
        f"a group that begins after the first {middle + 1} of {total} entries holds {held} (XINFO "
        "may say nil then)",
    )
