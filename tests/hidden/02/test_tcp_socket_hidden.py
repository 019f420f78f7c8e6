"""Hidden suite of exercise 02: socket_consumer, over real connections."""

from __future__ import annotations

import contextlib

import pytest

from grader.suite import Failed, Handle, Returned, content, expect, in_words, leave_to
from grader.suite.content import to_line

SOCKET = "tcp_socket.socket_consumer"
BAD = (*content.BAD, *content.LENIENT, *content.PADDED)
LATE = 5.0
"""Seconds after which who should have returned has not; only a wrong submission waits so long."""
LOOKS = 5
"""How often a consumer reads the first producer while a second one waits."""
RETURN_KEPT = (([b"1\r2"], b""), [[b"1\r2"], b""])
"""What split_lines makes of `1\\r2\\n`, as a tuple and as a list."""


# Delivery -------------------------------------------------------------------------


@pytest.mark.check("02.socket-delivers")
@pytest.mark.parametrize("pieces", ["at once", "one by one", "byte by byte"])
def test_events_arrive_in_order(consumer, start, connect, trips, pieces):
    """The same events in one packet, in one each, and in one a byte."""
    everything = trips(4)
    data = b"".join(map(to_line, everything))
    sent = {
        "at once": [data],
        "one by one": [to_line(event) for event in everything],
        "byte by byte": [data[i : i + 1] for i in range(len(data))],
    }[pieces]
    when = f"4 events were sent {pieces}"
    consumer.given(when)
    run = start(consumer, max_events=4)
    connect(run, *sent)
    expect.all_events(run, everything, when)


@pytest.mark.check("02.socket-delivers")
def test_any_json_object_is_an_event(consumer, start, connect, odd_events, trips, rng):
    """All kinds of objects, and so many trips that a recv of the usual sizes cannot hold them."""
    everything = [*odd_events, *trips(rng.randint(300, 400))]
    consumer.given(f"{len(everything)} events were sent")
    run = start(consumer, max_events=len(everything))
    connect(run, b"".join(map(to_line, everything)))
    expect.all_events(run, everything, f"{len(everything)} events were sent")


@pytest.mark.check("02.socket-delivers")
def test_each_event_arrives_before_the_next_is_sent(consumer, start, connect, trips):
    """Nothing is held back until more comes."""
    everything = trips(3)
    run = start(consumer, max_events=3)
    producer = connect(run)
    for number, event in enumerate(everything, 1):
        producer.send(to_line(event))
        expect.next_event(run, event, everything, f"event {number} was sent, and nothing after it")
        run.handled()
    run.returned()


@pytest.mark.check("02.socket-delivers")
def test_a_newline_that_comes_alone_ends_a_line_and_no_more(consumer, start, connect, trips):
    """It is sent when all before it has been read."""
    everything = trips(2)
    run = start(consumer, max_events=2)
    producer = connect(run)
    for event in everything:
        for piece in (to_line(event)[:-1], b"\n"):
            producer.wait_until_read(run.process.pid)
            producer.send(piece)
        expect.next_event(run, event, everything, "an event was sent, and then its newline alone")
        run.handled()
    run.returned()


@pytest.mark.check("02.socket-delivers")
def test_an_event_cut_at_every_byte_arrives(consumer, start, connect, trips):
    """While event n is handled, the rest of event n + 1 is still to come, cut one byte further."""
    (event,) = trips(1)
    data = to_line(event)
    consumer.given("events were sent, each cut one byte further than the one before")
    run = start(consumer, max_events=len(data))
    producer = connect(run, data + data[:1])
    for cut in range(1, len(data)):
        seen = run.next_event()
        assert seen == event, f"an event cut at byte {cut - 1} should arrive whole, got {seen!r}"
        producer.send(data[cut:] + data[: cut + 1])
        run.handled()
    seen = run.next_event()
    assert seen == event, f"an event cut at its last byte should arrive whole, got {seen!r}"


@pytest.mark.check("02.socket-delivers")
@pytest.mark.last
def test_an_event_of_many_packets_arrives(trickle):
    """Byte by byte, with a pause after each: more packets than calls may stand in each other."""
    made = trickle()
    if made is None:
        return  # the business of 02.socket-ready
    run, event = made
    when = f"an event was sent byte by byte, {len(to_line(event))} packets with a pause after each"
    expect.next_event(run, event, [event], when)


@pytest.mark.check("02.socket-delivers")
def test_short_lines_after_a_long_one_arrive(consumer, start, connect, trips, rng):
    """A part of a long line is read alone; its rest comes with the lines after it in one packet."""
    everything = trips(4)
    everything[0]["note"] = "x" * rng.randint(1000, 3000)
    first, *others = map(to_line, everything)
    cut = len(first) - rng.randint(1, 100)
    when = f"{cut} bytes of a line of {len(first)} were sent, then its rest with 3 shorter lines"
    consumer.given(when)
    run = start(consumer, max_events=4)
    producer = connect(run, first[:cut])
    producer.wait_until_read(run.process.pid)
    producer.send(first[cut:] + b"".join(others))
    expect.all_events(run, everything, when)


@pytest.mark.check("02.socket-delivers")
def test_there_is_one_producer(consumer, start, connect, trips, port):
    """Another one that connects meanwhile is not read: it waits, or is refused."""
    *everything, others = trips(3)
    run = start(consumer, max_events=2)
    producer = connect(run, to_line(everything[0]))
    expect.next_event(run, everything[0], everything, "an event was sent")
    try:
        second = consumer.connect(port)
    except ConnectionRefusedError:
        return  # nobody listens any more
    with second:
        with contextlib.suppress(OSError):  # it may have been closed at once
            second.sendall(to_line(others))
        run.handled()
        when = "while event 1 was handled, a second producer connected and sent an event"
        consumer.given(when)
        # Who reads both has read the second one when it reads the first one again.
        for byte in to_line(everything[1])[:LOOKS]:
            producer.send(bytes([byte]))
            producer.wait_until_read(run.process.pid)
            if not run.waiting(0):
                raise AssertionError(
                    f"{when}: it should handle what the first producer sends, and wait for that; "
                    f"{in_words(run.next(), 'it')}"
                )
        producer.send(to_line(everything[1])[LOOKS:])
        expect.next_event(
            run, everything[1], everything, f"{when}, then the first one sent event 2"
        )
        run.handled()
        run.returned()


@pytest.mark.check("02.socket-delivers")
def test_whatever_handle_returns_the_event_is_handled(
    consumer, start, connect, trips, whatever_it_returns
):
    """False and 0 are no failure, True is no wish to end."""
    everything = trips(len(content.RETURNED))
    run = start(consumer, max_events=len(everything))
    connect(run, b"".join(map(to_line, everything)))
    whatever_it_returns(run, everything)


@pytest.mark.check("02.socket-utf8")
def test_a_character_cut_at_every_byte_arrives(consumer, start, connect, trips):
    """The packet ends inside a character of two, three or four bytes."""
    first, *others = trips(9)
    zone = "Ø台🚕"
    run = start(consumer, max_events=9)
    rest, cut_events = to_line(first), [first]
    producer = connect(run)
    for number, event in enumerate([*others, None]):
        data = b""
        if event is not None:
            event["pickup_zone"] = zone
            data = to_line(event)
        cut = data.find("Ø".encode()) + 1 + number
        producer.send(rest + data[:cut])
        rest = data[cut:]
        seen = run.next_event()
        assert seen == cut_events[-1], (
            f"the zone {zone} was cut between two packets: it should handle {cut_events[-1]!r}, "
            f"it handled {seen!r}"
        )
        cut_events.append(event)
        run.handled()


def splits_at_returns(process) -> bool:
    """Tell whether split_lines is wrong about a carriage return, which 02.framing tells."""
    with contextlib.suppress(Failed):  # a consumer may do without split_lines
        step = process.start("tcp_socket.split_lines", b"", b"1\r2\n").next()
        return isinstance(step, Returned) and step.value not in RETURN_KEPT
    return False


@pytest.mark.check("02.socket-utf8")
def test_unusual_text_arrives(consumer, start, connect, unusual_text, trips):
    """What splitlines() and readers of text take for the end of a line; characters of every length."""
    everything = unusual_text + trips(1)
    lines = [(to_line(event), f"with the zone {event['pickup_zone']!r}") for event in unusual_text]
    between = b", " if splits_at_returns(consumer.process()) else b",\r "
    line = to_line(everything[-1]).replace(b", ", between, 1)
    lines.append((line, "with \\r between two of its fields"))
    run = start(consumer, max_events=len(everything))
    producer = connect(run)
    for event, (line, what) in zip(everything, lines, strict=True):
        # One at a time: several lines in a packet are the business of other checks.
        producer.send(line)
        expect.next_event(run, event, everything, f"an event {what} was sent")
        run.handled()


@pytest.mark.check("02.socket-large")
def test_an_event_of_half_a_megabyte_arrives(consumer, start, connect, trips, rng):
    """Far more than one recv returns; who reads byte by byte has the time that it takes."""
    everything = large, *_ = trips(3)
    large["note"] = "x" * rng.randint(500_000, 600_000)
    size = f"{len(large['note']) // 1000} KB"
    consumer.given(f"an event of {size} was sent, then two small ones")
    run = start(consumer, max_events=3)
    producer = connect(run)
    consumer.progress = lambda: producer.unread_by(run.process.pid)
    # Of three lines of which two end so close to each other no recv can end after each.
    producer.send_slowly(b"".join(map(to_line, everything)))
    seen = run.drain()
    ids = [event.get("event_id") if isinstance(event, dict) else None for event in seen]
    assert ids == [event["event_id"] for event in everything], (
        f"an event of {size} and two small ones were sent: it should handle 3 events, "
        f"it handled {len(seen)}"
    )
    assert seen == everything, "the large event arrived changed"


@pytest.mark.check("02.socket-stops")
def test_it_stops_in_the_middle_of_a_packet_and_starts_anew(
    consumer, start, connect, trips, rng, unused
):
    """One packet holds more than max_events; the next call in the process knows nothing of it.

    The first producer goes on sending: whether it closes is not waited for.
    """
    process = consumer.process()
    before = ""
    for count, port in ((8, unused()), (9, unused())):
        everything = trips(count)
        wanted = rng.randint(2, 5)
        data = b"".join(map(to_line, everything))
        when = f"{before}one packet held {count} events, and max_events is {wanted}"
        consumer.given(when)
        run = start(process, max_events=wanted, port=port)
        # An unfinished line is left over, too.
        producer = connect(run, data + data[:20], port=port)
        for event in everything[: wanted - 1]:
            expect.next_event(run, event, everything, when)
            run.handled()
        expect.next_event(run, everything[wanted - 1], everything, when)
        enough = None if before else producer.go_on_sending(data)
        run.handled()
        if enough is not None:
            late = run.waiting(LATE)
            enough.set()
            assert not late, (
                f"max_events is {wanted}, it handled {wanted}, and the producer went on sending: it should "
                f"return, whatever is still to come; {LATE:.0f} s later it had not"
            )
        consumer.given(f"max_events is {wanted}, and it handled {wanted}")
        returned = run.returned()
        assert returned == wanted, (
            f"it handled {wanted} events: it should return {wanted}, it returned {returned!r}"
        )
        before = "a call before, in the same process, left events of its packet unhandled; now "


@pytest.mark.check("02.socket-eof")
def test_an_early_end_returns_what_was_handled(consumer, start, connect, trips, rng, unused):
    """The producer closes in mid-line, after no event and after two; after a line; at once.

    All in one process: what a producer left unfinished is no part of what the next one sends.
    """
    ends = [(0, True), (2, True), (2, False), (0, False)]
    process, before = consumer.process(), ""
    for whole, unfinished in (*rng.sample(ends, len(ends)), (2, True), (2, False)):
        everything, port = trips(whole + 1), unused()
        sent = [f"{whole} whole events"] * (whole > 0) + ["an unfinished line"] * unfinished
        when = f"{before}the producer sent {' and '.join(sent) or 'nothing'}, then it closed"
        consumer.given(when)
        run = start(process, max_events=5, port=port)
        lines = [to_line(event) for event in everything]
        pieces = [*lines[:whole], *([lines[whole][:-1]] if unfinished else [])]
        producer = connect(run, *pieces, port=port)
        producer.close()
        seen = run.drain()
        if (
            before
            and seen != everything[:whole]
            and leaves_a_rest(consumer.process(), start, connect, trips, unused)
        ):
            leave_to(
                "02.socket-stops",
                f"{when}, after a call that had stopped at max_events: what that call left should reach no other one; it "
                f"handled {len(seen)} events",
            )
            return
        assert seen == everything[:whole], (
            f"{when}: it should handle {whole or 'no'} events, it handled {len(seen)}"
        )
        assert run.value == whole, f"{when}: it should return {whole}, it returned {run.value!r}"
        before = "in the same process as a call before, "


def leaves_a_rest(process, start, connect, trips, unused) -> bool:
    """Tell whether a call that stops in mid-packet leaves something for the next one."""
    left, event = trips(2)
    for sent, wanted in ((to_line(left) + to_line(left)[:20], left), (to_line(event), event)):
        port = unused()
        run = start(process, max_events=1, port=port)
        connect(run, sent, port=port).close()
        step = run.next()
        if not isinstance(step, Handle) or step.event != wanted:
            return True
        run.handled()
        run.returned()
    return False


@pytest.mark.check("02.socket-bad-line")
def test_bad_lines_are_skipped(consumer, start, connect, trips, rng):
    """Every kind of bad line, between events; blank lines too, and events with white space around."""
    bad = rng.sample(BAD, len(BAD))
    everything = trips(len(bad) + 1)
    data = b"\n" + to_line(everything[0])
    for junk, event in zip(bad, everything[1:], strict=True):
        data += junk + b"\n" + rng.choice((b"\n", b" \t\n", b"\r\n")) + to_line(event)
    (spaced,) = trips(1)
    data += b" \t" + to_line(spaced)[:-1] + b" \r\n"
    everything.append(spaced)
    when = f"{len(everything)} events were sent, with {len(bad)} bad lines and some blank ones between them"
    consumer.given(when)
    run = start(consumer, max_events=len(everything))
    connect(run, data)
    expect.all_events(run, everything, when)
