"""Hidden suite of exercise 05: what stream_consumer cannot handle, and what was trimmed.

Nobody waits for idle_ms: an onlooker makes pending entries old, with XCLAIM and its IDLE.
"""

from __future__ import annotations

import json
import time

import pytest
from stream_seen import LONG, OTHER, PATIENCE, judge_dead

from grader.services.redis.commands import Command
from grader.suite import Failed, Handle, Returned, leave_to
from grader.suite.content import BAD, LENIENT, same, why_bad
from grader.suite.steps import in_words, shorten

# Bad entries ------------------------------------------------------------------------


@pytest.mark.check("05.bad-entry")
@pytest.mark.parametrize("decode", [False, True])
def test_a_bad_entry_is_moved_at_once(student, new_stream, trips, rng, decode):
    """Of every kind, before, between and after the events; new ones, and some that were claimed."""
    if student.is_blind(decode=decode):
        return
    process = student.process(decode=decode)
    # A client that decodes cannot read what is not UTF-8.
    values = [bad for bad in (*BAD, *LENIENT, b"", b" ") if bad.isascii() or not decode]
    rng.shuffle(values)
    for how in ("new", "claimed"):
        stream = new_stream()
        good, ids = trips(len(values) + 2), []
        stream.append(good[0])
        ids.append(stream.append_fields(data=b'{"event_id": 1}', Event="{}"))
        for value, event in zip(values, good[1:], strict=False):
            ids.append(stream.append_fields(event=value, source="meter 7"))
            stream.append(event)
        stream.append(good[-1])

        def scene(stream=stream, how=how) -> None:
            if how == "claimed":
                stream.deliver(len(stream.ids), idle=LONG)

        idle = rng.choice((None, LONG // 2))  # by default, half a minute
        run = student.consume(stream, process, scene=scene, idle_ms=idle, max_events=len(good))
        words = (
            f"{len(good)} events were in the stream, and {len(ids)} bad entries between them"
            + (", all held by another consumer for long" if how == "claimed" else "")
        )
        seen = []
        while isinstance(step := run.next(), Handle):
            assert step.event in good, f"{words}; {in_words(step, 'it')}, {why_bad(step.event)}"
            seen.append(step.event)
            run.handled()
        assert isinstance(step, Returned), f"{words}: it should go on; {in_words(step, 'it')}"
        if how == "claimed" and not seen and not stream.dead:
            leave_to("05.claims", f"{words}; it claimed none of them")
            return
        assert same(seen, good), f"{words}; it handled {stream.these(seen)}"
        if student.miscounts(step.value, len(good)):
            said = f"{words}: return {len(good)}, not {step.value!r}"
            assert how == "claimed", said
            assert step.value < len(good), said
            leave_to("05.leaves-the-rest", said)  # that what was claimed counts
        judge_dead(stream, ids, words)
        dead = stream.dead
        for entry_id in ids:
            fields = stream.fields[entry_id]
            kept = any(fields.items() <= each.items() for each in dead)
            assert kept, (
                f"{words}: a bad entry should be in {stream.name}.dead with its fields as they are; "
                f"{shorten(fields)} is not there"
            )


@pytest.mark.check("05.bad-entry")
def test_what_is_moved_keeps_its_fields(student, stream, trips):
    """Also an entry that was an event, and failed too often."""
    if student.is_blind(decode=False):
        return  # a client that decodes cannot read what is not UTF-8
    event, after_it = trips(2)
    stream.append_fields(event=json.dumps(event), source="meter 7", **{"pickup zone": b"\xe9"})
    stream.append(after_it)
    run = student.consume(
        *(stream, student.process(decode=False)),
        scene=lambda: stream.deliver(1, idle=LONG, deliveries=7),
        idle_ms=LONG // 2,
        max_events=1,
    )
    run.drain()
    dead, fields = stream.dead, stream.fields[stream.ids[0]]
    if len(dead) != 1:
        leave_to(
            mover(stream, stream.ids[0], "poisoned"),
            f"an entry that was delivered 7 times should be moved to {stream.name}.dead; there "
            f"{'is no entry' if not dead else f'are {len(dead)} entries'}",
        )
        return
    assert fields.items() <= dead[0].items(), (
        "an entry that was delivered 7 times has the fields event, source and pickup zone; in "
        f"{stream.name}.dead it should keep them as they are; there it has {shorten(dead[0])}"
    )


# Moved whole ------------------------------------------------------------------------


CHANGES = ("XADD", "XACK", "XDEL", "XTRIM", "DEL", "EXEC")
"""Commands by which an entry is lost or moved: between two of them nothing is."""
MOST_CHANGES = 40
TRIES = 3
"""How often it may come to its end before the command that it had sent in an earlier run."""


@pytest.mark.check("05.dead-whole")
@pytest.mark.parametrize("what", ["poisoned", "bad"])
def test_killed_between_any_two_commands(student, new_stream, what):
    """The entry is pending or in .dead, whenever the process was killed."""
    item = {"zone": "Queens"} if what == "poisoned" else b"{oops"

    def begin(stream):
        entry_id, _ = stream.append(item, {"zone": "Bronx"})

        def scene() -> None:
            if what == "poisoned":
                stream.deliver(1, idle=LONG, deliveries=7)

        return entry_id, student.consume(stream, scene=scene, max_events=1)

    stream = new_stream()
    with student.recording() as recorded:
        entry_id, run = begin(stream)
        goes_on_to(run)
    assert student.handles, (
        "an event was in a stream: stream_consumer should handle it; it did not, so that nothing is "
        "moved to .dead either"
    )
    scene = f"a {what} entry was to be moved to a stream's .dead"
    if not stream.dead:
        leave_to(mover(stream, entry_id, what), f"{scene}; it has no entry")
        return
    if any(each.has_flag("NOACK") for each in recorded.commands("XREADGROUP")):
        leave_to("05.ack-after-handle", f"{scene}; it reads with NOACK, so nothing is pending")
        return
    changes, number, early = len(recorded.commands(*CHANGES)), 2, 0
    while number < MOST_CHANGES:
        stream = new_stream()
        with student.service.stopped_before(number, *CHANGES) as stop:
            entry_id, run = begin(stream)
            if stopped := goes_on_to(run, stop.reached):
                run.kill()
        if is_moved(stream, entry_id, what, stop.command if stopped else None):
            return  # whatever comes after that
        if not stopped and number > changes:
            return  # it was killed before each of them
        early += not stopped
        assert early < TRIES, (
            f"{scene}: one run sent {changes} commands that may change a stream, and {TRIES} later ones "
            f"ended before their command {number}, so that they could not be killed there"
        )
        number += stopped
    raise Failed(
        f"{scene}: it should take a few commands; it sent {MOST_CHANGES} and more that may change a "
        "stream before the entry was moved"
    )


def mover(stream, entry_id: str, what: str) -> str:
    """The check of who moves such an entry; of who has not even claimed it, another."""
    held = stream.pending.get(entry_id)
    if held is not None and held.consumer == OTHER:
        return "05.claims"
    return {"poisoned": "05.poison", "bad": "05.bad-entry"}[what]


def is_moved(stream, entry_id: str, what: str, command: Command | None) -> bool:
    """Tell whether the entry is in .dead alone; it must be there or pending.

    The process was killed before the command, or has returned.
    """
    there = entry_id in [each for each, _ in stream.entries]
    held = there and (entry_id in stream.pending or entry_id not in stream.delivered)
    dead = bool(stream.dead)
    how = "returned" if command is None else f"was killed before its command {command.in_words()}"
    assert held or dead, (
        f"a {what} entry was to be moved to {stream.name}.dead, and the process {how}: the entry "
        "should be pending, and in the stream, or it should be in .dead; it is in neither"
    )
    return dead and not held


@pytest.mark.check("05.dead-whole")
def test_another_consumer_moves_one_at_the_same_time(student, new_stream, trips):
    """Right before this one's entry is added to .dead, another's is."""
    process = student.process()
    for what, item in (("poisoned", {"zone": "Queens"}), ("bad", b"{oops")):
        stream = new_stream()
        entry_id, _ = stream.append(item, *trips(1))
        dead = f"{stream.name}.dead"

        def scene(what=what, stream=stream) -> None:
            if what == "poisoned":
                stream.deliver(1, idle=LONG, deliveries=7)

        with student.service.before(
            "XADD", action=stream.add_to_dead, argument=dead, in_transactions=True
        ) as added:
            run = student.consume(
                *(stream, process), scene=scene, idle_ms=LONG // 2, max_events=1, max_empty_reads=2
            )
            goes_on_to(run)
        there = len(stream.dead) > 1  # with which fields, 05.bad-entry tells
        if not added.is_set():
            leave_to(
                mover(stream, entry_id, what),
                f"a {what} entry was to be moved to {dead}; nothing was added to it",
            )
            continue
        assert there or entry_id in stream.pending, (
            f"a {what} entry was to be moved to {dead}, and another consumer moved one of its own "
            "there right before; the entry should be there, or still pending; it is neither"
        )


@pytest.mark.check("05.dead-whole")
def test_the_dead_are_kept(student, stream, trips, rng):
    """However many there are: what was moved there is nowhere else."""
    before = rng.randint(1100, 1200)  # of some a "~1000" takes a node away
    entry_id, _ = stream.append(b"{oops", *trips(1))
    stream.fill_dead(before)
    run = student.consume(stream, max_events=1)
    goes_on_to(run)
    there = len(stream.dead)
    if entry_id not in stream.pending and there == before:
        leave_to(
            mover(stream, entry_id, "bad"),
            f"a bad entry was to be moved to {stream.name}.dead, which had {before} entries; it has as "
            "many then",
        )
        return
    assert there >= before, (
        f"a bad entry was to be moved to {stream.name}.dead, which had {before} entries, pending no "
        f"more; then it has {there}: the others should stay there"
    )


def goes_on_to(run, reached=None) -> bool:
    """Say yes to every step until that is set; whether it was, before the call was over."""
    deadline = time.monotonic() + PATIENCE
    while reached is None or not reached.is_set():
        if reached is not None and run.waiting(0.001) and time.monotonic() < deadline:
            continue
        if not isinstance(run.next(), Handle):
            return False
        run.handled()
    return True


# Trimmed ----------------------------------------------------------------------------


@pytest.mark.check("05.trimmed")
@pytest.mark.parametrize("decode", [False, True])
def test_what_was_trimmed_is_passed_over(student, new_stream, trips, rng, decode):
    """Pending entries that are gone: of another consumer, its own, poisoned, all that are pending."""
    if student.is_blind(decode=decode):
        return
    process = student.process(decode=decode)
    mine = student.name
    for who, deliveries, everything in (
        (OTHER, 1, False),
        (mine, 1, False),
        (OTHER, 7, False),
        (OTHER, 1, True),
    ):
        stream, events = new_stream(), trips(6)
        stream.append(*events)
        gone = range(4) if everything else sorted(rng.sample(range(4), 2))

        def scene(
            stream=stream, who=who, gone=gone, deliveries=deliveries, everything=everything
        ) -> None:
            ids = stream.deliver(4, idle=LONG, consumer=who)
            stream.age(*(ids[number] for number in gone), idle=LONG, deliveries=deliveries)
            if everything:
                stream.trim(2)
            else:
                stream.remove(*(ids[number] for number in gone))

        most = 6 - len(gone)
        idle = rng.choice((None, LONG // 2))
        run = student.consume(stream, process, scene=scene, idle_ms=idle, max_events=most)
        words = (
            f"{'it' if who == mine else 'another consumer'} has held entries 1 to 4 for long, and "
            f"{stream.entries_named([stream.ids[n] for n in gone])} were trimmed away "
            f"(decode_responses={decode})"
        )
        seen = student.finish(run, words)
        wanted = [event for number, event in enumerate(events) if number not in gone]
        said = f"{words}: it should handle {stream.these(wanted)}; it handled {stream.these(seen)}"
        if not everything and same(seen, events[4:]):
            leave_to("05.claims", said)
            continue
        assert same(seen, wanted), said
        assert not stream.dead, (
            f"{words}: what is gone should be passed over; in {stream.name}.dead there "
            f"{'is 1 entry' if len(stream.dead) == 1 else f'are {len(stream.dead)} entries'}"
        )
