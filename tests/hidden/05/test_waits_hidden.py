"""Hidden suite of exercise 05: how long stream_consumer waits, and when it gives up."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from stream_seen import LONG

from grader.suite import Handle, Raised, leave_to
from grader.suite.steps import in_words


def reads(recorded) -> list:
    """The requests for what is new."""
    return [each for each in recorded.commands("XREADGROUP") if b">" in each.words]


def judge_waits(recorded, wanted: int, words: str) -> None:
    """Each read asks for that wait."""
    asked = [each.option("BLOCK") for each in reads(recorded)]
    assert asked, "stream_consumer should read what is new, with XREADGROUP; it did not"
    odd = [each for each in asked if each != b"%d" % wanted]
    assert not odd, (
        f"wait_ms is {words}, so every read should ask the server to wait so long, with BLOCK "
        f"{wanted}; one of {len(asked)} asked "
        + ("without BLOCK" if odd[0] is None else f"with BLOCK {odd[0].decode()!r:.20}")
    )


@pytest.mark.check("05.waits")
def test_it_gives_up_after_empty_reads_in_a_row(student, consumer, new_stream, rng):
    """Nothing ever comes; twice in a process, and by default."""
    process = student.process()
    for most in (rng.randint(2, 4), None, 1):
        stream, wait = new_stream(), rng.randint(3, 9)
        stream.make_empty()
        words = f"the stream is empty, and max_empty_reads is {most or 'the default, 5'}"
        consumer.given(words)
        with student.recording() as recorded:
            run = student.consume(stream, process, wait_ms=wait, max_empty_reads=most)
            value = run.returned()
        judge_waits(recorded, wait, str(wait))
        assert len(reads(recorded)) == (most or 5), f"{words}; it read {len(reads(recorded))} times"
        assert not student.miscounts(value, 0), f"{words}: return 0, not {value!r}"


@pytest.mark.check("05.waits")
def test_the_default_wait(student, stream, trips):
    """One second, and no other read than those that ask for it; also after a claim that found some."""
    stream.append(*trips(5))

    def scene() -> None:
        stream.deliver(2, idle=LONG)

    options = {"idle_ms": LONG // 2, "wait_ms": None, "max_empty_reads": 1}
    with student.recording() as recorded:
        student.consume(stream, scene=scene, max_events=5, batch_size=2, **options).drain()
    judge_waits(recorded, 1000, "the default, 1000")


@pytest.mark.check("05.waits")
@pytest.mark.parametrize("what", ["handled", "fails", "bad"])
def test_a_read_with_entries_starts_the_count_anew(student, stream, trips, rng, what):
    """Two entries, each after all but one of the empty reads that it takes to give up."""
    most = rng.randint(2, 3)
    entries = [b"{oops", b"42"] if what == "bad" else trips(2)
    stream.make_empty()
    with student.recording() as recorded, ExitStack() as at_end:
        for number, entry in zip((most, 2 * most), entries, strict=True):
            at_end.enter_context(
                student.service.before(
                    "XREADGROUP",
                    action=lambda entry=entry: stream.append(entry),
                    number=number,
                    argument=">",
                )
            )
        run = student.consume(
            stream, max_events=9, max_empty_reads=most, wait_ms=rng.randint(3, 9), idle_ms=LONG
        )
        seen = []
        while isinstance(step := run.next(), Handle):
            if step.event in seen:
                leave_to(
                    "05.poison", "handle() raised for an event, and it was handled again at once"
                )
                return
            seen.append(step.event)
            if what == "fails":
                run.fails()
            else:
                run.handled()
    if what != "handled" and isinstance(step, Raised):
        leave_to(
            "05.poison" if what == "fails" else "05.bad-entry",
            f"an entry came {'for which handle() raised' if what == 'fails' else 'that is bad'}, and it "
            f"should go on; {in_words(step, 'it')}",
        )
        return
    assert not isinstance(step, Raised), (
        f"max_empty_reads is {most}: it should give up and return; {in_words(step, 'it')}"
    )
    words = {"handled": "which is handled", "fails": "handle() raises", "bad": "which is bad"}
    if what == "handled":
        assert not student.miscounts(step.value, len(seen)), (
            f"it handled {len(seen)} events, and gave up after max_empty_reads empty reads: return "
            f"{len(seen)}, not {step.value!r}"
        )
    count = len(reads(recorded))
    assert count == 3 * most, (
        f"max_empty_reads is {most}, and reads {most} and {2 * most} bring an entry ({words[what]}): "
        f"it should give up after read {3 * most}, it did after read {count}"
    )
