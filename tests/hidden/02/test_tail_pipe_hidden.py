"""Hidden suite of exercise 02: tail_consumer. The tail processes are real."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.suite import HANDLE, New, content, exceptions, expect, in_words

BAD = (*content.BAD, *content.LENIENT)
TAIL = "tail_pipe.tail_consumer"
# Seconds. The promise is "about 2"; whoever asks less often is late every time.
LATE = 3.5
QUIET = 2.1
"""Seconds: longer than the one or two that many write."""


def tail_state(consumer) -> str:
    """The state of the tail process as ps shows it: S asleep, R running, Z zombie; "" without one."""
    for info in consumer.processes():
        if info.name == "tail":
            try:
                return Path(f"/proc/{info.pid}/stat").read_text().rpartition(")")[2].split()[0]
            except OSError:
                return ""
    return ""


def wait_until_tail_waits(consumer, run) -> None:
    """Until tail has looked at its file and sleeps, or the consumer does something; 2 s at the most."""
    for _ in range(400):
        if tail_state(consumer) in ("S", "Z") or not run.waiting(0.005):
            return


class Quiet:
    """A tail_consumer whose file gets no line for a while after the first, begun beside the tests."""

    def __init__(self, consumer, stream, events) -> None:
        self.stream = stream
        self.events = events
        stream.append(events[0])
        self.run = consumer.start(TAIL, stream.path, HANDLE, max_events=2)
        expect.next_event(self.run, events[0], events, "one line was in the file")
        self.run.handled()


@pytest.fixture(autouse=True)
def quiet(beside, new_stream, rng):
    """`quiet()`: what waits beside the tests since the first of them, and how many seconds it has."""

    def start(consumer, _):
        return Quiet(consumer, new_stream(where=consumer), content.trips(rng, 2))

    beside.begin("quiet tail", start)
    return lambda: beside.look("quiet tail", start)


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
def test_a_line_that_is_half_written_at_the_start_arrives_whole(consumer, stream, trips, rng):
    """Its rest is appended while the event before it is handled."""
    everything = first, second, third = trips(3)
    line = content.to_line(second)
    cut = rng.randint(1, len(line) - 1)
    stream.append(first, line[:cut])
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=3)
    expect.next_event(run, first, everything, "a line and a part of the next one were in the file")
    # The consumer has begun to read: what it does not see now it would never see.
    wait_until_tail_waits(consumer, run)
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
@pytest.mark.last
def test_a_quiet_file_is_waited_on(quiet):
    """No line comes for seconds; one that comes then is handled."""
    waiting, seconds = quiet()
    run = waiting.run
    if not run.waiting(max(0.0, QUIET - seconds)):
        raise AssertionError(
            "it handled event 1 of max_events=2, then no line was appended, and it should go on "
            f"waiting; within {QUIET:.0f} s {in_words(run.next(), 'it')}"
        )
    second = waiting.events[1]
    waiting.stream.append(second)
    when = "a line was appended after some quiet seconds"
    expect.next_event(run, second, waiting.events, when)
    run.handled()
    count = run.returned()
    assert count == 2, f"it handled 2 events: it should return 2, it returned {count!r}"


@pytest.mark.check("02.tail-rotation")
def test_the_new_file_of_the_name_is_followed(consumer, stream, trips):
    """Renamed aside, and a new, smaller file takes the name; twice, the second time a moment later."""
    old, new = trips(4), trips(3)
    everything = old + new
    stream.append(*old)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=7)
    for event in old:
        expect.next_event(run, event, everything, "4 lines were in the file")
        run.handled()
    # tail has read the old file to its end and waits for more.
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
def test_a_file_that_comes_later_is_followed(consumer, stream, trips):
    """No file at the start. Up to 1 s passes: without a file, tail looks once a second."""
    (event,) = trips(1)
    run = consumer.start(TAIL, stream.path, HANDLE, max_events=1)
    wait_until_tail_waits(consumer, run)
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


def python_helper(pid: int, parents: set[int]) -> bool:
    """Tell whether it is a process that multiprocessing keeps until the end of the program.

    One that only has the name of such a process, and follows the file, is none: helpers have no
    children, and read nothing but pipes.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        executable = Path(f"/proc/{pid}/exe").readlink().name
        names = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return False
    named = any(
        word.startswith(b"from multiprocessing." + module)
        for word in words
        for module in (b"resource_tracker import", b"forkserver import")
    )
    follows = any("/stream/" in name or "inotify" in name for name in names)
    return named and executable.startswith("python") and not follows and pid not in parents


def left(consumer) -> str:
    """The processes that are left, in words; empty when there is none."""

    def matches(info) -> bool:
        return not python_helper(info.pid, {each.parent for each in consumer.processes()})

    rest = consumer.left_processes(matches)
    return " and ".join(
        f"{info.name} is a zombie (nobody collected its exit status)"
        if info.zombie
        else f"{info.name} still runs"
        for info in rest
    )


@pytest.mark.check("02.tail-reaped")
def test_no_process_is_left_after_a_return(consumer, stream, trips):
    """Looked at while the consumer's process still lives."""
    stream.append(*trips(3))
    consumer.given("the file held 3 events, and max_events is 2")
    run = consumer.process().start(TAIL, stream.path, HANDLE, max_events=2)
    run.drain()
    rest = left(consumer)
    assert not rest, f"tail_consumer() has returned, and {rest}"


@pytest.mark.check("02.tail-reaped")
def test_no_process_is_left_after_an_exception(consumer, stream, trips):
    """handle raises in the middle: whatever it is leaves unchanged, and tail is ended."""
    stream.append(*trips(3))
    process = consumer.process()
    for exception in (*exceptions.ORDINARY, *exceptions.STOPPING):
        consumer.given("the file held 3 events")
        run = process.start(TAIL, stream.path, HANDLE, max_events=3)
        run.next_event()
        consumer.given(f"handle() raised {exception}")
        run.fails(exception)
        raised = run.raised()
        assert raised.by_handle, (
            f"handle() raised {exception}, which should leave tail_consumer() unchanged; "
            f"{raised.message} left it"
        )
        rest = left(consumer)
        assert not rest, f"{exception} has left tail_consumer(), and {rest}"


def living_tails(consumer) -> set[int]:
    """The tail processes of all calls that are under way."""
    return {info.pid for info in consumer.processes() if info.name == "tail" and not info.zombie}


@pytest.mark.check("02.tail-reaped")
def test_another_consumers_tail_is_left_alone(consumer, new_stream, trips):
    """Two processes follow a file each; one returns, and the other's tail lives on."""
    mine, others = new_stream(), new_stream()
    for stream in (mine, others):
        stream.append(*trips(3))
    other = consumer.start(TAIL, others.path, HANDLE, max_events=2)
    other.next_event()
    wait_until_tail_waits(consumer, other)
    tails = living_tails(consumer)
    consumer.given("the file held 3 events, and max_events is 2")
    run = consumer.start(TAIL, mine.path, HANDLE, max_events=2)
    run.next_event()
    tails &= living_tails(consumer)  # one that ends by itself is the business of 02.tail-follows
    run.handled()
    run.drain()
    assert tails <= living_tails(consumer), (
        "two calls of tail_consumer() followed a file each, in two processes; one has returned, and the "
        "other's tail has ended too: end the process that you have started, not every one of its name"
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
