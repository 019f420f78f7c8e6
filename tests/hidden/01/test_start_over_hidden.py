"""Hidden suite of exercise 01: poll, and a file that comes, goes and starts over."""

from __future__ import annotations

import pytest

from grader.suite import Failed, Handle, Raised, Returned, Sleep, in_words, leave_to
from grader.suite.content import named, numbers

LOOKED_BEFORE = (
    "1 event was appended in the pause between two polls: the next one should handle it, it did not"
)


# 01.missing-file --------------------------------------------------------------


@pytest.mark.check("01.missing-file", leans_on="01.poll-interval")
def test_poll_goes_on_until_the_file_appears(
    process, start_poll, new_stream, trips, looks_after_a_pause
):
    """Created between two polls, removed, created again with more than there was before."""
    everything = trips(7)
    process.case.given("there is no file at first")
    seen, polls = six_polls(start_poll, new_stream(), everything, process, missing=True)
    if (
        polls != 6
        and six_polls(start_poll, new_stream(), everything, process, missing=False)[1] != 6
    ):
        leave_to(
            "01.poll-interval",
            "max_polls is 6: it should sleep 5 times, also where the file is there and empty; it did not",
        )
        return
    if seen != everything and polls == 6 and not looks_after_a_pause():
        leave_to("01.reads-appended", LOOKED_BEFORE)
        return
    assert polls > 2, (
        f"there was no file, and max_polls was 6: poll should go on polling, it returned after {polls - 1} "
        f"call{'s' * (polls != 2)} of sleep(); when the same file was there, and empty, it called "
        "sleep() 5 times"
    )
    assert seen[:2] == everything[:2], (
        "the file appeared before poll 3 of 6 with 2 events; "
        f"poll handled {len(seen)} events, and not those first"
    )
    assert seen == everything, (
        "the file appeared before poll 3 with events 1 and 2, was gone in polls 4 and 5, and was there "
        f"again with events 3 to 7 in poll 6; poll handled events {numbers(seen, everything)}"
    )
    assert polls == 6, (
        "the file appeared before poll 3, was gone in polls 4 and 5, and was there again in poll 6: "
        f"max_polls was 6, and sleep() should be called 5 times, it was called {polls - 1} times"
    )


def six_polls(start_poll, stream, everything, process, *, missing: bool):
    """Poll a file that comes and goes, or one that is there and empty instead.

    Returns:
        The events that were handled, and the number of polls: one more than the pauses.
    """
    polls = 1
    vanish = stream.remove if missing else stream.write
    if not missing:
        stream.write()

    def change(step):
        nonlocal polls
        if isinstance(step, Sleep):
            polls += 1
            if polls == 3:
                stream.append(*everything[:2])
            elif polls == 4:
                vanish()
            elif polls == 6:
                stream.append(*everything[2:])

    return start_poll(stream, max_polls=6, process=process).drain(change), polls


@pytest.mark.check("01.missing-file", leans_on="01.poll-interval")
def test_a_poll_that_finds_no_file_is_a_poll(start_poll, stream, rng):
    """The file never appears: poll returns 0 after max_polls, it does not wait for it."""
    polls = rng.randint(2, 5)
    run = start_poll(stream, max_polls=polls)
    pauses = 0

    def count(step):
        nonlocal pauses
        pauses += isinstance(step, Sleep)
        assert pauses <= 2 * polls, (
            f"there is no file: poll() should return after {polls} polls (max_polls), "
            f"it had called sleep() {pauses} times and not returned"
        )

    run.drain(count)
    assert run.value == 0, (
        f"there was no file, so poll() should return 0, it returned {run.value!r}"
    )


@pytest.mark.check("01.missing-file")
def test_a_missing_file_is_remembered_by_the_next_run(poll_once, offset_path, new_stream, trips):
    """One run finds no file; the new one has grown past the old offset when the next run begins."""

    def after(vanish):
        stream = new_stream()
        path = offset_path()
        stream.append(*trips(2))
        poll_once(stream, offset_path=path)
        getattr(stream, vanish)()
        poll_once(stream, offset_path=path)
        new = trips(5)
        stream.append(*new)
        return poll_once(stream, offset_path=path), new

    seen, new = after("remove")
    if seen != new:
        seen_then, new_then = after("write")
        if seen_then != new_then:
            leave_to(
                "01.truncated-file",
                "a run handled the 2 events of a file, which was then emptied, and a run saw that; then 5 events came: the "
                f"next run should handle these, it handled {named(seen_then, new_then)}",
            )
            return
    assert seen == new, (
        "a run handled the 2 events of a file, the file was removed, and a run found none, so that the "
        "offset was 0; then a new file came, longer than the old one: the next run should handle its 5 "
        f"events, it handled {named(seen, new)}"
    )


# 01.truncated-file ------------------------------------------------------------


@pytest.mark.check("01.truncated-file", leans_on="01.poll-interval")
def test_the_file_starts_over_during_a_run(
    process, start_poll, offset_path, new_stream, trips, looks_after_a_pause
):
    """Replaced by a shorter one, and truncated to nothing, between the polls of one run."""
    for kwargs in ({}, {"offset_path": offset_path()}):
        stream, everything = new_stream(), trips(7)
        stream.append(*everything[:4])
        todo = [
            lambda stream=stream, new=everything[4:6]: (stream.rotate(), stream.append(*new)),
            stream.write,
            lambda stream=stream, new=everything[6:]: stream.append(*new),
        ]

        def change(step, todo=todo):
            if isinstance(step, Sleep) and todo:
                todo.pop(0)()

        run = start_poll(stream, process=process, max_polls=5, poll_interval=0, **kwargs)
        seen = run.drain(change)
        if todo:
            leave_to(
                "01.poll-interval",
                f"max_polls is 5: it should sleep 4 times, it did {3 - len(todo)} times",
            )
            return
        if seen != everything and not looks_after_a_pause():
            leave_to("01.reads-appended", LOOKED_BEFORE)
            return
        assert seen == everything, (
            f"with{'' if kwargs else 'out'} offset_path, between the polls of one run, a file of events "
            "1 to 4 was replaced by a shorter one of events 5 and 6, which was truncated to 0 bytes, and "
            f"then event 7 came; poll handled events {numbers(seen, everything)}"
        )


@pytest.mark.check("01.truncated-file", leans_on="01.poll-interval")
def test_a_link_is_set_to_a_shorter_file(
    process, start_poll, new_stream, trips, looks_after_a_pause
):
    """The path is a symbolic link, and names what that points to when poll looks."""
    everything = trips(5)
    old, new, link = (new_stream() for _ in range(3))
    old.append(*everything[:4])
    new.append(everything[4])
    link.point_to(old)
    pauses = []

    def change(step):
        if isinstance(step, Sleep):
            pauses.append(step)
            link.point_to(new)

    seen = start_poll(link, process=process, max_polls=2, poll_interval=0).drain(change)
    if not pauses:
        leave_to(
            "01.poll-interval", "max_polls is 2: it should sleep between the two polls, it did not"
        )
        return
    if seen != everything and not looks_after_a_pause():
        leave_to("01.reads-appended", LOOKED_BEFORE)
        return
    assert seen == everything, (
        "the path is a symbolic link to a file of events 1 to 4, which was set to a shorter file, of event 5, "
        f"between two polls: poll should handle all five, it handled events {numbers(seen, everything)}"
    )


@pytest.mark.check("01.truncated-file")
def test_poll_starts_over_with_a_shorter_file(poll_once, offset_path, stream, trips):
    """The file is replaced by a shorter one between two runs: its offset has fewer digits, too."""
    stream.append(*trips(12))
    path = offset_path()
    poll_once(stream, offset_path=path)
    unchanged = poll_once(stream, offset_path=path)
    new = trips(2)
    stream.rotate()
    stream.append(*new)
    seen = poll_once(stream, offset_path=path)
    assert seen == new, f"the new file is shorter and holds 2 events; {len(seen)} were handled"
    if unchanged:
        leave_to(
            "01.resumes",
            f"a run handled the 12 events of a file; the next run, with nothing new, handled {len(unchanged)} of them again",
        )
        return
    seen = poll_once(stream, offset_path=path)
    assert not seen, (
        "a file of 12 events was replaced by a shorter one of 2, and a run handled these: the next run "
        f"should handle none, it handled {len(seen)} of them again"
    )


@pytest.mark.check("01.truncated-file", leans_on="01.poll-interval")
@pytest.mark.parametrize(
    ("same_run", "killed"),
    [(False, True), (True, True), (True, False)],
    ids=["killed-in-another-run", "killed-in-the-same-run", "handle-raises"],
)
def test_offset_0_is_stored_before_the_new_content_is_handled(
    start_poll,
    poll_once,
    offset_path,
    stream,
    trips,
    looks_after_a_pause,
    whose_pause,
    same_run,
    killed,
):
    """Ended in the first event of the new file, which then grows beyond the old offset."""
    old, new = trips(4), trips(7)
    path = offset_path()
    stream.append(*old)
    if same_run:
        run = start_poll(stream, offset_path=path, max_polls=2)
        if other := no_pause_after(run, len(old), whose_pause):
            leave_to(*other)
            return
    else:
        poll_once(stream, offset_path=path)
    stream.rotate()
    stream.append(*new[:2])
    if same_run:
        run.go_on()
    else:
        run = start_poll(stream, offset_path=path)
    if not handles_one(run, looks_after_a_pause):
        leave_to("01.reads-appended", LOOKED_BEFORE)
        return
    if killed:
        run.kill()
    else:
        run.fails()
        if not isinstance(step := run.next(), Raised):
            leave_to(
                "01.handler-error",
                f"handle() raised, which should leave poll(); {in_words(step, 'it')}",
            )
            return
    stream.append(*new[2:])  # now it is longer than the old file was
    run = start_poll(stream, offset_path=path)
    seen = []
    while not isinstance(step := run.next(), Raised | Returned):
        if isinstance(step, Handle):
            seen.append(step.event)
        run.go_on()
    if killed and isinstance(step, Raised):
        leave_to(
            "01.crash-loses-nothing",
            f"killed inside handle(): the next run should go on; {in_words(step, 'it')}",
        )
        return
    # Whether event 1 comes again is the business of 01.crash-loses-nothing and 01.handler-error.
    assert seen[-6:] == new[1:], (
        f"{'killed' if killed else 'handle() raised'} in the first event of a new, shorter file, which then "
        "grew: the next run should handle all 7 events of the new file, it handled "
        f"{named(seen, new)}"
    )


def no_pause_after(run, events: int, whose_pause) -> tuple[str, str] | None:
    """None where it handles as many events and then stands in sleep(); else whose business that is.

    The other check, and a sentence for it.
    """
    for number in range(1, events + 1):
        if not isinstance(step := run.next(), Handle):
            said = f"{events} events were in the file, and event {number} was to be handled"
            return whose_pause(), f"{said}; {in_words(step, 'it')}"
        run.handled()
    if isinstance(step := run.next(), Sleep):
        return None
    said = f"the {events} events of the file were handled in the first of 2 polls: it should sleep"
    return "01.poll-interval", f"{said}; {in_words(step, 'it')}"


def handles_one(run, looks_after_a_pause) -> bool:
    """Tell whether it handles an event now; False for one that had looked before the pause.

    Raises:
        Failed: it does not, for another reason.
    """
    try:
        run.next_event()
    except Failed:
        if looks_after_a_pause():
            raise
        return False
    return True


@pytest.fixture
def killed_after_a_poll_without(
    start_poll, poll_once, poll_after_a_kill, offset_path, new_stream, trips
):
    """`killed_after_a_poll_without(how)`: what is handled after a kill in a run's second poll, and should be.

    The first poll found the file as `how` left it: emptied by "write", gone by "remove".
    """

    def look(vanish: str):
        old, new = trips(4), trips(7)
        stream, path = new_stream(), offset_path()
        stream.append(*old)
        poll_once(stream, offset_path=path)
        getattr(stream, vanish)()
        run = start_poll(stream, offset_path=path, max_polls=2)
        if not isinstance(step := run.next(), Sleep):
            leave_to(
                "01.poll-interval",
                f"nothing was there for the first of 2 polls: it should sleep; {in_words(step, 'it')}",
            )
            return new, new
        stream.append(*new[:2])
        run.go_on()
        if not isinstance(run.next(), Handle):
            leave_to("01.reads-appended", LOOKED_BEFORE)
            return new, new
        run.kill()
        stream.append(*new[2:])  # now it is longer than the old file was
        seen = poll_after_a_kill(stream, offset_path=path)
        if seen is None:
            leave_to(
                "01.crash-loses-nothing",
                "killed inside handle(): the next run should go on; it raised",
            )
            return new, new
        return seen, new

    return look


_SINCE = (
    "a poll saw that, then 2 new events came, and the next poll was killed in handle() of the first; the file "
    "grew to 7 new events, and the next run should handle all but perhaps the first, it handled"
)


@pytest.mark.check("01.truncated-file", leans_on="01.poll-interval")
def test_offset_0_is_stored_when_the_file_was_seen_empty(killed_after_a_poll_without):
    """A poll finds the file truncated to nothing, and the next one is killed in its first event."""
    seen, new = killed_after_a_poll_without("write")
    # Whether event 1 comes again is the business of 01.crash-loses-nothing.
    assert seen[-6:] == new[1:], (
        f"a file of 4 events was truncated to 0 bytes, {_SINCE} {named(seen, new)}"
    )


@pytest.mark.check("01.missing-file", leans_on="01.poll-interval")
def test_offset_0_is_stored_when_the_file_was_seen_missing(killed_after_a_poll_without):
    """A poll finds no file, and the next one is killed in its first event."""
    seen, new = killed_after_a_poll_without("remove")
    if seen[-6:] != new[1:]:
        then, all_of_it = killed_after_a_poll_without("write")
        if then[-6:] != all_of_it[1:]:
            leave_to(
                "01.truncated-file",
                f"a file of 4 events was truncated to 0 bytes, {_SINCE} {named(then, all_of_it)}",
            )
            return
    assert seen[-6:] == new[1:], f"a file of 4 events was removed, {_SINCE} {named(seen, new)}"
