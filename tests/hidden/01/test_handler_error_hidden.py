"""Hidden suite of exercise 01: the stored offset after an exception, of handle or in a pause."""

from __future__ import annotations

import pytest

from grader.suite import Failed, Handle, Sleep, in_words, leave_to
from grader.suite.content import named, numbers
from grader.suite.exceptions import ORDINARY, STOPPING

POLL = "polling.poll"
COMES_AGAIN = "a run handled the only event of a file; the next run, with the same offset_path, handled it again"


@pytest.mark.check("01.handler-error")
def test_what_handle_raises_leaves_poll(
    process, start_poll, poll_once, offset_path, stream, trips, rng
):
    """The exception leaves, whatever its type; the event comes again, those before it do not."""
    # The plain one first: whoever treats all alike is not told of a rare one.
    plain, *kinds = [*ORDINARY, *STOPPING]
    rng.shuffle(kinds)
    kinds.insert(0, plain)
    # How many events each run handles before one fails; one run handles many.
    ahead = [1] * len(kinds)
    ahead[rng.randrange(1, len(kinds))] = rng.randint(3, 40)
    everything = trips(sum(ahead) + 2)
    stream.append(*everything[:1])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        leave_to("01.resumes", COMES_AGAIN)
        return
    stream.append(*everything[1:])
    story = "event 1 was handled by an earlier run"
    begin = 1
    for kind, several in zip(kinds, ahead, strict=True):
        run = start_poll(stream, offset_path=path, process=process)
        fails_at = begin + several
        for number in range(begin, fails_at + 1):
            seen = run.next_event()
            assert seen == everything[number], (
                f"{story}: the next run should handle event {begin + 1} first, and those after it in order; "
                f"it handled {named([seen], everything)} in the place of event {number + 1}"
            )
            if number < fails_at:
                run.handled()
        process.case.given(f"handle() raised {kind}")
        run.fails(kind)
        raised = run.raised()
        process.case.given("")
        assert raised.by_handle, (
            f"handle() raised {kind}, which should leave poll unchanged; "
            f"it raised {raised.message} instead"
        )
        story = f"handle() returned for event {fails_at} and raised {kind} for event {fails_at + 1}"
        begin = fails_at
    seen = poll_once(stream, offset_path=path)
    assert seen == everything[-1:], (
        f"{story}, the last one: the next run should handle that one alone, "
        f"it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error", leans_on="01.poll-interval")
def test_an_exception_in_a_later_poll(
    process, start_poll, next_event, reads_meanwhile, poll_once, offset_path, stream, trips, rng
):
    """With bad lines between the events, which have no part in the count of what was handled."""
    everything = trips(5)
    bad = [b"{broken\n"] * 3  # of one kind: the others are the business of 01.bad-line
    long = b"no JSON " * rng.randint(100, 200) + b"\n"  # longer than all events are
    # An offset that falls a byte behind with each line is an event behind after as many.
    short = b"{\n" * rng.randint(200, 250)
    stream.append(everything[0])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        leave_to("01.resumes", COMES_AGAIN)
        return
    stream.append(bad[0], everything[1])
    run = start_poll(stream, max_polls=4, poll_interval=0, offset_path=path, process=process)
    try:
        for number in (1, 2, 3):
            if (event := next_event(run)) != everything[number]:
                leave_to(
                    "01.bad-line",
                    f"event {number + 1} was to be handled next, after bad lines; {named([event], everything)} came",
                )
                return
            if number == 1:
                stream.append(
                    short, long, everything[2], bad[1], everything[3], bad[2], everything[4]
                )
            if number < 3:
                run.handled()
    except Failed as failed:
        check = "01.bad-line" if reads_meanwhile() else "01.reads-appended"
        leave_to(check, f"bad lines lay before event {number + 1}: {failed}")
        return
    run.fails()
    run.raised()
    seen = poll_once(stream, offset_path=path)
    repeated = [event for event in seen if event in everything[:3]]
    assert not repeated, (
        "in several polls, with bad lines between the events, handle() returned for events 1 to 3 and "
        f"raised for event 4: the next run handled {named(repeated, everything)} again"
    )
    assert seen == everything[3:], (
        "in several polls, with bad lines between the events, handle() raised for event 4 of 5: the next "
        f"run should handle events 4 and 5, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error")
def test_ctrl_c_in_a_pause(process, start_poll, poll_once, offset_path, stream, trips):
    """What was handled before the pause is not handled again."""
    first, second, third = everything = trips(3)
    path = offset_path()
    stream.append(first)
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        leave_to("01.resumes", COMES_AGAIN)
        return
    stream.append(second)
    run = start_poll(stream, max_polls=2, offset_path=path, process=process)
    if not isinstance(step := run.next(), Handle):
        leave_to(
            "01.reads-appended",
            f"event 2 was appended after a run had handled event 1: it should be handled; {in_words(step, 'it')}",
        )
        return
    run.handled()
    if not isinstance(step := run.next(), Sleep):
        leave_to(
            "01.poll-interval",
            f"event 2 was handled in the first of 2 polls: it should sleep; {in_words(step, 'it')}",
        )
        return
    run.fails("KeyboardInterrupt")
    raised = run.raised()
    assert raised.is_a("KeyboardInterrupt"), (
        f"sleep() raised KeyboardInterrupt, which should leave poll; it raised {raised.message}"
    )
    stream.append(third)
    seen = poll_once(stream, offset_path=path)
    assert seen == [third], (
        "Ctrl-C came in the pause after event 2 was handled, and event 3 was appended: the next run "
        f"should handle event 3 alone, it handled {named(seen, everything)}"
    )


@pytest.mark.check("01.handler-error")
def test_a_failing_event_fails_until_it_succeeds(
    process, start_poll, poll_once, offset_path, stream, trips
):
    """It is not passed over after its second failure either, and no event before it comes again."""
    _, first, second = everything = trips(3)
    stream.append(everything[0])
    path = offset_path()
    poll_once(stream, offset_path=path)
    if poll_once(stream, offset_path=path):
        leave_to("01.resumes", COMES_AGAIN)
        return
    stream.append(first, second)
    for _ in range(2):
        run = start_poll(stream, offset_path=path, process=process)
        event = run.next_event()
        assert event == first, (
            "event 1 was handled by an earlier run, and event 2 failed or is new: it should come first, "
            f"poll handled event {numbers([event], everything)}"
        )
        run.fails()
        run.raised()
    seen = poll_once(stream, offset_path=path)
    assert seen == [first, second], (
        "event 1 was handled by an earlier run, and handle() failed twice for event 2 of 3: the next run "
        f"should handle events 2 and 3, it handled {named(seen, everything)}"
    )
