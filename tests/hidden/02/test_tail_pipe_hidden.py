"""Hidden suite of exercise 02: tail_consumer. The tail processes are real."""

from __future__ import annotations

import pytest

from grader.suite import HANDLE, Handle, New, Returned, content, expect, in_words, leave_to

BAD = (*content.BAD, *content.LENIENT, *content.PADDED)
TAIL = "tail_pipe.tail_consumer"
# Seconds. The promise is "about 2"; whoever asks less often is late every time.
LATE = 3.5
QUIET = 2.1
"""Seconds: longer than the one or two that many write."""


class Waiting:
    """A tail_consumer that is begun beside the tests, and stands in handle for the first event."""

    def __init__(self, consumer, stream, events, more: int = 0) -> None:
        self.stream = stream
        self.events = events
        self.run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(events) + more)
        expect.next_event(self.run, events[0], events, "one line was in the file")


@pytest.fixture(autouse=True)
def waiting(beside, new_stream, rng):
    """`waiting(name)`: what goes on beside the tests since the first of them, and for how many seconds."""

    def quiet(consumer, _):
        """After the first line comes the second one without its newline: JSON that is not finished."""
        stream, events = new_stream(where=consumer), content.trips(rng, 3)
        stream.append(events[0])
        made = Waiting(consumer, stream, events)
        line = content.to_line(events[1])
        stream.append(line[:-1])
        made.run.handled()
        return made

    def linked(consumer, _):
        """After the first line the link, which is the path, is set to another file."""
        old, new, link = (new_stream(where=consumer) for _ in range(3))
        events = content.trips(rng, 2)
        old.append(events[0])
        link.point_to(old)
        # It does not return: what a return ends beside its own tail is the business of 02.tail-reaped.
        made = Waiting(consumer, link, events, more=1)
        new.append(events[1])
        link.point_to(new)
        made.run.set_at_liberty()
        made.run.handled()
        return made

    starts = {"quiet": quiet, "linked": linked}
    for name, start in starts.items():
        beside.begin(f"{name} tail", start)
    return lambda name: beside.look(f"{name} tail", starts[name])


@pytest.mark.check("02.tail-from-start")
def test_every_line_of_the_file_is_handled(consumer, stream, odd_events):
    """More than ten lines are there before the start, and any JSON object is an event."""
    stream.append(*odd_events)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(odd_events))
    expect.all_events(run, odd_events, f"the file held {len(odd_events)} events")


@pytest.mark.check("02.tail-from-start")
def test_unusual_text_arrives_from_a_file_of_an_unusual_name(consumer, new_stream, unusual_text):
    """A name that a shell would take apart, as a pathlib.Path; text that splitlines() would cut."""
    stream = new_stream("my $HOME 'trips' & so; on")
    stream.append(*unusual_text)
    path = New("pathlib.Path", stream.path)
    run = consumer.start(TAIL, path, HANDLE, max_events=len(unusual_text))
    when = f"the file {stream.path!r} held {len(unusual_text)} events, with text that is not ASCII"
    expect.all_events(run, unusual_text, when)


@pytest.mark.check("02.tail-from-start")
def test_a_relative_path_does_as_well(consumer, state, trips):
    """The file lies in the working directory, where a sandbox has the state: its path is a bare name."""
    everything = trips(2)
    state.write("trips", b"".join(map(content.to_line, everything)))
    path = New("os.path.relpath", state.path("trips"))
    run = consumer.start(TAIL, path, HANDLE, max_events=2)
    expect.all_events(run, everything, "the path was a relative one, of a file of 2 events")


@pytest.mark.check("02.tail-from-start")
def test_many_lines_and_a_long_one_are_handled(consumer, stream, trips, rng):
    """More than a pipe holds, and a line longer than that."""
    everything = trips(rng.randint(1500, 1600))
    size = rng.randint(150_000, 200_000)
    everything[rng.randrange(1500)]["note"] = "x" * size
    stream.append(*everything)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(everything))
    when = f"the file held {len(everything)} events, one of them {size // 1000} KB long"
    expect.all_events(run, everything, when)


@pytest.mark.check("02.tail-follows")
def test_each_new_line_arrives_before_the_next_is_written(consumer, stream, trips):
    """One line at a time: nothing but the line itself can make it arrive, and soon."""
    everything = trips(5)
    stream.append(everything[0])
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=5)
    expect.next_event(run, everything[0], everything, "one line was in the file")
    late = []
    for event in everything[1:]:
        run.handled()
        stream.append(event)
        late.append(run.waiting(LATE))
        # One late line may be the machine's fault; a consumer that looks too seldom is late again.
        assert late[-2:] != [True, True], (
            f"two lines were appended, one after the other, and each took over {LATE} s to arrive; "
            "it should handle a line about 2 s after it is written, or sooner"
        )
        expect.next_event(run, event, everything, "a line was appended, and nothing after it")
    run.handled()
    count = run.returned()
    assert count == 5, f"it handled 5 events: it should return 5, it returned {count!r}"


@pytest.mark.check("02.tail-follows")
def test_a_line_that_is_half_written_at_the_start_arrives_whole(
    consumer, stream, trips, rng, until_tail_waits
):
    """Its rest is appended while the event before it is handled."""
    everything = first, second, third = trips(3)
    line = content.to_line(second)
    cut = rng.randint(1, len(line) - 1)
    stream.append(first, line[:cut])
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=3)
    expect.next_event(run, first, everything, "a line and a part of the next one were in the file")
    # The consumer has begun to read: what it does not see now it would never see.
    until_tail_waits(run)
    stream.append(line[cut:], third)
    run.handled()
    when = (
        f"{cut} bytes of line 2 were in the file at the start, its rest and line 3 were appended while "
        "event 1 was handled"
    )
    for event in (second, third):
        expect.next_event(run, event, everything, when)
        run.handled()
    run.returned()


@pytest.mark.check("02.tail-follows")
def test_whatever_handle_returns_the_event_is_handled(consumer, stream, trips, whatever_it_returns):
    """False and 0 are no failure, True is no wish to end."""
    everything = trips(len(content.RETURNED))
    stream.append(*everything)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(everything))
    whatever_it_returns(run, everything)


@pytest.mark.check("02.tail-follows")
@pytest.mark.last
def test_a_quiet_file_is_waited_on(waiting):
    """A line but its newline, and nothing for seconds; that and another line that come then are handled."""
    made, seconds = waiting("quiet")
    run, events = made.run, made.events
    before = f"it handled event 1 of {len(events)}, then line 2 was appended without its newline and nothing else"
    if not run.waiting(max(0.0, QUIET - seconds)):
        raise AssertionError(
            f"{before}: it should go on waiting; within {QUIET:.0f} s {in_words(run.next(), 'it')}"
        )
    made.stream.append(b"\n", events[2])
    when = f"{before}; some seconds later came the newline, and line 3"
    for event in events[1:]:
        expect.next_event(run, event, events, when)
        run.handled()
    count = run.returned()
    assert count == 3, f"it handled 3 events: it should return 3, it returned {count!r}"


@pytest.mark.check("02.tail-rotation")
@pytest.mark.last
def test_a_link_that_is_set_to_another_file_is_followed(waiting):
    """The path names what the link points to now. Up to 1 s passes: tail looks at links once a second."""
    made, _ = waiting("linked")
    when = "the path is a symbolic link, which was set to another file with event 2 after event 1 was handled"
    made.run.process.case.given(when)
    step = made.run.next("call handle() for the next event")
    if isinstance(step, Returned):
        leave_to(
            "02.tail-follows",
            f"nothing was written for a while, which is not the end; {in_words(step, 'it')}",
        )
        return
    assert isinstance(step, Handle), f"{when}; {in_words(step, 'it')}"
    assert step.event == made.events[1], f"{when}; it handled {step.event!r} then"


@pytest.mark.check("02.tail-rotation")
def test_the_new_file_of_the_name_is_followed(consumer, stream, trips, until_tail_waits):
    """Renamed aside, and a new, smaller file takes the name; twice, the second time a moment later."""
    old, new = trips(4), trips(3)
    everything = old + new
    stream.append(*old)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=7)
    for event in old:
        expect.next_event(run, event, everything, "4 lines were in the file")
        run.handled()
    until_tail_waits(run)  # it has read the old file to its end
    stream.rotate()
    stream.append(new[0])
    expect.next_event(run, new[0], everything, "the file was renamed and a new one took its name")
    run.handled()
    stream.append(new[1])
    expect.next_event(run, new[1], everything, "a line was appended to the new file")
    run.handled()
    stream.rotate()
    # The name is free until tail has seen it; one that does not look again ends here.
    assert run.waiting(0.3), "the file was renamed and none has its name: it should wait for one"
    stream.append(new[2])
    when = "the file was renamed, and a new one took its name a moment later"
    expect.next_event(run, new[2], everything, when)
    run.handled()
    run.returned()


@pytest.mark.check("02.tail-late-file")
def test_a_file_that_comes_later_is_followed(consumer, stream, trips, until_tail_waits):
    """No file at the start. Up to 1 s passes: without a file, tail looks once a second."""
    (event,) = trips(1)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=1)
    until_tail_waits(run)
    stream.append(event)
    expect.next_event(run, event, [event], "the file was created after the start")
    run.handled()
    consumer.given("max_events is 1, and it handled 1")
    run.returned()


@pytest.mark.check("02.tail-stops")
def test_it_stops_after_max_events_and_starts_anew(consumer, new_stream, trips, rng):
    """More lines wait in the pipe; the next call, on another file, knows nothing of them."""
    process = consumer.process()
    # More than a pipe holds, so tail itself stands still in the middle of the file; and less than
    # asyncio reads ahead where nothing is taken, 128 KB, so that no verdict varies with the number.
    for count in (rng.randint(700, 740), 8):
        stream, everything = new_stream(), trips(count)
        wanted = rng.randint(2, 6)
        stream.append(*everything)
        run = process.start(TAIL, stream.path, HANDLE, max_events=wanted)
        for event in everything[:wanted]:
            when = f"the file held {count} events, and max_events is {wanted}"
            expect.next_event(run, event, everything, when)
            run.handled()
        consumer.given(f"max_events is {wanted}, and it handled {wanted}")
        returned = run.returned()
        assert returned == wanted, (
            f"it handled {wanted} events: it should return {wanted}, it returned {returned!r}"
        )


@pytest.mark.check("02.tail-bad-line")
def test_bad_lines_are_skipped(consumer, stream, trips, rng):
    """Every kind of bad line, between events; blank lines too, and events with white space in them."""
    bad = rng.sample(BAD, len(BAD))
    everything = trips(len(bad) + 1)
    lines = [b"\n", everything[0]]
    for junk, event in zip(bad, everything[1:], strict=True):
        lines += [junk + b"\n", rng.choice((b"\n", b" \t\n", b"\r\n")), event]
    spaced = trips(2)
    # A reader of text ends a line at \r, too: then the parts of this one are two bad lines.
    line = b" \t" + content.to_line(spaced[0])[:-1].replace(b", ", b",\r\t", 1) + b" \r\n"
    lines += [line, content.to_line(spaced[1])]
    stream.append(*lines)
    everything += spaced
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=len(everything))
    expect.all_events(
        run,
        everything,
        f"the file held {len(everything)} events, with {len(bad)} bad lines and some blank ones between "
        f"them, and \\r between two fields of event {len(everything) - 1}",
    )
