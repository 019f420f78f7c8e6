"""Hidden suite of exercise 05: append_events and lag. The suite looks at the stream itself."""

from __future__ import annotations

import pytest
from stream_seen import MANY

from grader.suite import New, leave_to
from grader.suite.steps import shorten


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
def test_an_entry_for_each_event(student, new_stream, odd_events, unusual_text, trips, rng, decode):
    """Events of every kind, in order, equal ones too; then another stream, and the first again.

    In a third one the last id is ahead of the clock, which was set back: the server counts on in
    that millisecond then, beyond -9.
    """
    process = student.process(decode=decode)
    first, second, third = new_stream(), new_stream("trips {} of:today"), new_stream()
    many, early = [*odd_events, *unusual_text], {"from": "the future"}
    future = rng.randint(4 * 10**12, 5 * 10**12)  # in about a hundred years
    third.append(early, first=f"{future}-{rng.randint(0, 5)}")
    calls = [
        (first, many, []),
        (second, trips(3), []),
        (first, tuple(trips(2)), many),
        (third, trips(rng.randint(12, 15)), [early]),
    ]
    for number, (stream, events, before) in enumerate(calls, 1):
        entries = "1 entry" if len(before) == 1 else f"{len(before)} entries"
        ahead = f", whose id {third.ids[0]} is ahead of the clock" if stream is third else ""
        scene = (
            f"call {number} in one process appended {len(events)} events to a stream of "
            f"{entries}{ahead} (decode_responses={decode})"
        )
        student.given(scene)
        ids = ids_in(student.append(stream, events, process))
        found, wanted = stream.events, [*before, *events]
        assert len(found) == len(wanted), f"{scene}; it has {len(found)} entries then"
        for event, seen in zip(wanted, found, strict=True):
            assert seen == event, (
                f"{scene}; the field `event` should hold {shorten(event)} as JSON, "
                + ("the entry has no such field" if seen is None else f"it holds {shorten(seen)}")
            )
        there = [entry_id for entry_id, _ in stream.entries][len(before) :]
        assert len(ids) == len(there), f"{scene}; it returned {len(ids)} ids"
        for at, (entry_id, told) in enumerate(zip(there, ids, strict=True), 1):
            assert told == entry_id, (
                f"{scene}; it should return their ids, in order: id {at} is {entry_id}, and it "
                f"returned {shorten(told)}"
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
    left = stream.length
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

    What is left may be more than a thousand.

    Trimming asks no group: some entries are pending in one, and the others it was not given yet.
    """
    process = student.process()
    stream, short = new_stream(), new_stream()
    long = rng.randint(1010, 1300)
    stream.append(*({"number": number} for number in range(long + rng.randint(60, 90))))
    stream.create_group()
    stream.deliver(rng.randint(3, 9))
    for where, count, most in (
        (stream, 3, long),
        (stream, 1, 150 + rng.randint(1, 40)),
        (stream, 2, rng.randint(5, 9)),
        (stream, 7, rng.randint(3, 4)),
        (short, 4, 9),
        (stream, 5, None),
        (short, 2, 0),
    ):
        before = [entry_id for entry_id, _ in where.entries]
        added = where.added if before else 0
        told = {} if most is None else {"keep": most}
        student.append(where, trips(count), process, **told)
        left = [entry_id for entry_id, _ in where.entries]
        added = where.added - added
        wanted = len(before) + added if most is None else min(len(before) + added, most)
        scene = f"{count} events were appended to {len(before)} entries, " + (
            "without keep" if most is None else f"with keep={most}"
        )
        if where is stream:
            scene += " (a group holds some of them, and was not given the others)"
        if added != count:
            leave_to("05.append", f"{scene}; the server says that {added} were added to it")
        assert len(left) == wanted, (
            f"{scene}: {wanted or 'no'} entries should be left; {len(left)} are"
        )
        old = [entry_id for entry_id in left if entry_id in before]
        newest = before[len(before) - max(0, wanted - added) :]
        assert old == newest, (
            f"{scene}: the newest {wanted} entries should be left; of the older ones it left others"
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
    """XINFO says nil: after XDEL in the middle, and of a group that began at some id.

    Nor is the entry that was delivered last always in the stream.
    """
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
    done = rng.randint(5, 9)
    for how in ("removed", "trimmed away with the others"):
        known = new_stream()
        known.append(*({"number": number} for number in range(30)))
        known.create_group()
        known.acknowledge(*known.deliver(done))
        if how == "removed":
            known.remove(known.ids[done - 1])
        else:
            known.trim(30 - done)
        judge_lag(
            *(student, known, process, 30 - done),
            f"{done} of 30 entries are acknowledged, and the last of these was {how}",
        )
