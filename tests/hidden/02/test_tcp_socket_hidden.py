"""Hidden suite of exercise 02: split_lines and socket_consumer, over real connections."""

from __future__ import annotations

import json
from itertools import zip_longest

import pytest

from grader.suite import Handle, Raised, Ready, Returned, settled
from grader.suite.steps import in_words

JUNK = (b"{broken", b'{"zone": "\xe9"}', b"42", b'["a"]', b'"text"', b"null", b"")
SPLIT = "tcp_socket.split_lines"


def line(event: dict) -> bytes:
    """An event as the producer sends it."""
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def numbers(events: list, everything: list) -> str:
    """Events by their place in the stream, for a sentence."""
    return (
        ", ".join(str(everything.index(e) + 1) if e in everything else "unknown" for e in events)
        or "none"
    )


# split_lines ----------------------------------------------------------------------


@pytest.fixture
def split(consumer):
    """`split(buffer, chunk)` in one process, with a look at what it returns."""
    process = consumer.process()

    def call(buffer: bytes, chunk: bytes):
        value = process.call(SPLIT, buffer, chunk)
        fits = isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], list)
        fits = fits and all(isinstance(part, bytes) for part in [*value[0], value[1]])
        assert fits, (
            f"split_lines should return a list of bytes and the rest as bytes, it returned {value!r}"
        )
        return value[0], value[1]

    return call


@pytest.mark.check("02.framing")
def test_any_chunks_of_a_stream_give_its_lines(split, rng):
    """Random bytes, cut at random: the lines joined are the stream, and the rest is its end."""
    for _ in range(10):
        alphabet = (
            b"ab\r\x0b\x0c\x1c\x85\x00\xff \n\n"  # what other functions take for line ends too
        )
        data = bytes(rng.choice(alphabet) for _ in range(rng.randint(30, 80)))
        lines, rest, position = [], b"", 0
        while position < len(data):
            size = rng.choice((0, 1, 2, 3, 10, 30))
            chunk = data[position : position + size]
            position += size
            complete, rest = split(rest, chunk)
            lines += complete
        *expected, end = data.split(b"\n")
        wanted, got = [*expected, end], [*lines, rest]
        both = enumerate(zip_longest(wanted, got), 1)
        number, pair = next(((n, pair) for n, pair in both if pair[0] != pair[1]), (0, ()))
        assert (lines, rest) == (expected, end), (
            f"a stream in chunks holds {len(expected)} lines and a rest, got {len(lines)} lines; line {number}, "
            f"the first that differs, should be {pair[0]!r}, it is {pair[1]!r}"
        )


@pytest.mark.check("02.framing")
def test_a_line_cut_at_every_byte(split, trips):
    """Two chunks, cut at every place."""
    (event,) = trips(1, accented=True)
    data = line(event)
    for cut in range(len(data) + 1):
        first, rest = split(b"", data[:cut])
        second, rest = split(rest, data[cut:])
        assert (first + second, rest) == ([data[:-1]], b""), (
            f"a line of {len(data)} bytes cut at byte {cut}: expected it whole and no rest, "
            f"got {first + second!r} and the rest {rest!r}"
        )


# Delivery -------------------------------------------------------------------------


@pytest.mark.check("02.socket-delivers")
@pytest.mark.parametrize("pieces", ["at once", "one by one", "byte by byte"])
def test_events_arrive_in_order(consumer, start, connect, trips, pieces):
    """The same events in one packet, in one each, and in one a byte."""
    everything = trips(4)
    data = b"".join(map(line, everything))
    sent = {
        "at once": [data],
        "one by one": [line(event) for event in everything],
        "byte by byte": [data[i : i + 1] for i in range(len(data))],
    }[pieces]
    consumer.given(f"4 events were sent {pieces}")
    run = start(consumer, max_events=4)
    connect(run, *sent)
    seen = run.drain()
    assert seen == everything, f"4 events were sent {pieces}; handled: {numbers(seen, everything)}"
    assert run.value == 4, f"4 events were handled, so 4 should be returned, not {run.value!r}"


@pytest.mark.check("02.socket-delivers")
def test_each_event_arrives_before_the_next_is_sent(consumer, start, connect, trips):
    """Nothing is held back until more comes."""
    everything = trips(3)
    run = start(consumer, max_events=3)
    producer = connect(run)
    for number, event in enumerate(everything, 1):
        producer.send(line(event))
        consumer.given(f"event {number} was sent, and nothing after it")
        seen = run.next_event()
        assert seen == event, f"event {numbers([event], everything)} was sent, {seen!r} was handled"
        run.handled()
    run.returned()


@pytest.mark.check("02.socket-delivers")
def test_an_event_cut_at_every_byte_arrives(consumer, start, connect, trips):
    """While event n is handled, the rest of event n + 1 is still to come, cut one byte further."""
    (event,) = trips(1)
    data = line(event)
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


@pytest.mark.check("02.socket-utf8")
def test_a_character_cut_at_every_byte_arrives(consumer, start, connect, trips):
    """The packet ends inside a character of two, three or four bytes."""
    first, event = trips(2)
    event["pickup_zone"] = "Ø台🚕"
    data = line(event)
    begin = data.index("Ø".encode())
    cuts = range(begin + 1, begin + 9)
    consumer.given("events were cut inside a character, between two packets")
    run = start(consumer, max_events=1 + len(cuts))
    producer = connect(run, line(first) + data[: cuts[0]])
    for cut, following in zip(cuts, [*cuts[1:], 0], strict=True):
        run.next_event()
        producer.send(data[cut:] + data[:following])
        run.handled()
    seen = run.next_event()
    assert seen == event, (
        f"the zone {event['pickup_zone']} was cut between packets; handled was "
        f"{seen.get('pickup_zone') if isinstance(seen, dict) else seen!r}"
    )


@pytest.mark.check("02.socket-large")
def test_an_event_of_half_a_megabyte_arrives(consumer, start, connect, trips, rng):
    """Far more than one recv returns; who reads byte by byte has the time that it takes."""
    everything = large, *_ = trips(3)
    large["note"] = "x" * rng.randint(450_000, 550_000)
    size = f"{len(large['note']) // 1000} KB"
    consumer.given(f"an event of {size} was sent, then two small ones")
    run = start(consumer, max_events=3)
    producer = connect(run)
    consumer.progress = lambda: producer.unread_by(run.process.pid)
    # Of three lines that end so close to each other no recv can end after each.
    producer.send_slowly(b"".join(map(line, everything)))
    seen = run.drain()
    ids = [event.get("event_id") for event in seen]
    assert ids == [event["event_id"] for event in everything], (
        f"an event of {size} and two small ones were sent; {len(seen)} were handled"
    )
    assert seen == everything, "the large event arrived changed"


@pytest.mark.check("02.socket-stops")
def test_it_stops_in_the_middle_of_a_packet(consumer, start, connect, trips, rng):
    """One packet holds more than max_events."""
    everything = trips(8)
    wanted = rng.randint(2, 5)
    consumer.given(f"one packet held {len(everything)} events, and max_events is {wanted}")
    run = start(consumer, max_events=wanted)
    connect(run, b"".join(map(line, everything)))
    for event in everything[:wanted]:
        seen = run.next_event()
        assert seen == event, (
            f"events should be handled in the order in which they were sent: expected {numbers([event], everything)}, "
            f"got {numbers([seen], everything)}"
        )
        run.handled()
    consumer.given(f"max_events is {wanted}, and so many were handled")
    count = run.returned()
    assert count == wanted, f"max_events is {wanted}, and that should be returned, not {count!r}"


@pytest.mark.check("02.socket-eof")
@pytest.mark.parametrize("whole", [0, 2])
def test_an_early_end_returns_what_was_handled(consumer, start, connect, trips, whole):
    """The producer closes, in the middle of a line, after no event and after two."""
    everything = trips(whole + 1)
    consumer.given(
        f"{whole} whole events and an unfinished line were sent, then the producer closed"
    )
    run = start(consumer, max_events=5)
    producer = connect(run, *map(line, everything[:whole]), line(everything[whole])[:-1])
    producer.close()
    seen = run.drain()
    assert seen == everything[:whole], (
        f"{whole} whole events and an unfinished line were sent, then the producer closed; handled: {len(seen)}"
    )
    assert run.value == whole, (
        f"{whole} events were handled, and that should be returned, not {run.value!r}"
    )


@pytest.mark.check("02.socket-bad-line")
def test_bad_lines_are_skipped(consumer, start, connect, trips, rng):
    """Every kind of bad line, between events."""
    everything = trips(len(JUNK) + 1)
    data = line(everything[0])
    for junk, event in zip(rng.sample(JUNK, len(JUNK)), everything[1:], strict=True):
        data += junk + b"\n" + line(event)
    consumer.given(f"{len(everything)} events stand between {len(JUNK)} bad lines")
    run = start(consumer, max_events=len(everything))
    connect(run, data)
    seen = run.drain()
    assert seen == everything, (
        f"{len(everything)} events stand between bad lines; handled: {numbers(seen, everything)}"
    )


# Time-outs and life ---------------------------------------------------------------


def expect_timeout(run, why: str) -> None:
    """The next step is a TimeoutError."""
    run.process.consumer.given(f"{why}, and a TimeoutError is due")
    step = run.next("raise TimeoutError")
    if isinstance(step, Ready):
        run.go_on()
        step = run.next("raise TimeoutError")
    timed_out = isinstance(step, Raised) and step.is_a("TimeoutError")
    assert timed_out, f"{why}: expected a TimeoutError; {in_words(step, repr(run))}"


@pytest.mark.check("02.socket-timeout")
def test_no_producer_is_a_timeout(consumer, start):
    """Nobody connects."""
    expect_timeout(start(consumer, max_events=1, timeout=0.1), "no producer for 0.1 s")


@pytest.mark.check("02.socket-timeout")
@pytest.mark.parametrize("sent", [0, 1])
def test_a_silent_producer_is_a_timeout(consumer, start, connect, trips, sent):
    """Connected, and silent from the start or after an event."""
    run = start(consumer, max_events=2, timeout=0.2)
    connect(run, *map(line, trips(sent)), only_in_ready=True)
    for _ in range(sent):
        run.next_event()
        run.handled()
    expect_timeout(run, f"a producer silent for 0.2 s after {sent} events")


@pytest.mark.check("02.socket-timeout")
def test_the_timeout_bounds_each_wait_and_not_the_whole(consumer, start, connect, trips):
    """handle takes longer than the time-out, and the next event has come meanwhile."""
    first, second = trips(2)
    consumer.given("the time-out is 0.2 s, and events come in time")
    run = start(consumer, max_events=2, timeout=0.2)
    producer = connect(run, line(first), only_in_ready=True)
    run.next_event()
    producer.send(line(second))
    run.waiting(0.25)  # the suite holds handle: the only way to let the consumer's time pass
    run.handled()
    step = run.next()
    assert isinstance(step, Handle), (
        "the second event was there before the consumer waited for it, so no time-out was due; "
        f"{in_words(step, 'it')}"
    )


@pytest.mark.check("02.socket-timeout")
def test_it_does_not_give_up_before(consumer, start, connect, trips):
    """With a long time-out it still waits after a short while."""
    run = start(consumer, max_events=1, timeout=60.0)
    producer = connect(run)
    assert run.waiting(0.1), "the time-out is 60 s, and it did not wait 0.1 s"
    (event,) = trips(1)
    producer.send(line(event))
    seen = run.next_event()
    assert seen == event, f"an event that came within the time-out should be handled, got {seen!r}"


@pytest.mark.check("02.socket-ready")
def test_ready_means_that_a_connection_is_accepted(consumer, start, port, trips):
    """ready() is called once, and a producer that connects inside it is served."""
    (event,) = trips(1)
    consumer.given("nobody has connected yet, and ready() is due")
    run = start(consumer, max_events=1)
    step = run.next()
    assert isinstance(step, Ready), f"expected ready() to be called first; {in_words(step, 'it')}"
    consumer.given("a producer connected inside ready() and sent an event")
    try:
        connection = consumer.connect(port)
    except ConnectionRefusedError:
        raise AssertionError(
            "ready() says that a connection would be accepted; a producer connected inside it and was refused"
        ) from None
    with connection:
        run.go_on()
        connection.sendall(line(event))
        step = run.next()
        assert isinstance(step, Handle), (
            f"expected the event to be handled after one call of ready(); {in_words(step, 'it')}"
        )
        run.handled()
        run.returned()


def refused(consumer, port: int) -> bool:
    """Whether nothing listens, soon."""

    def listening() -> list[int]:
        try:
            consumer.connect(port).close()
        except ConnectionRefusedError:
            return []
        return [port]

    return not settled(listening)


@pytest.mark.check("02.socket-reuse")
def test_the_port_can_be_used_again_at_once(consumer, start, connect, trips, port):
    """The connection of the first run is still known to the kernel when the second begins."""
    process = consumer.process()
    for number, event in enumerate(trips(3), 1):
        run = start(process, max_events=1)
        producer = connect(run, line(event))
        step = run.next()
        assert isinstance(step, Handle), (
            f"run {number} on one port should handle an event; {in_words(step, 'it')}"
        )
        run.handled()
        step = run.next()
        assert isinstance(step, Returned), (
            f"max_events is 1, and 1 was handled: expected it to return; {in_words(step, 'it')}"
        )
        assert refused(consumer, port), (
            "socket_consumer() has returned, and something still listens on its port"
        )
        assert producer.closed_by_consumer(), (
            "socket_consumer() has returned, and its producer's connection is still open"
        )
        producer.close()


@pytest.mark.check("02.socket-reuse")
@pytest.mark.parametrize("exception", ["HandlerError", "KeyboardInterrupt"])
def test_nothing_listens_after_an_exception(consumer, start, connect, trips, port, exception):
    """handle raises; the process lives on."""
    first, second = trips(2)
    process = consumer.process()
    run = start(process, max_events=2)
    producer = connect(run, line(first))
    run.next_event()
    run.fails(exception)
    raised = run.raised()
    assert raised.is_a(exception), (
        f"handle() raised {exception}, which should leave socket_consumer unchanged; {raised.type} left it"
    )
    assert refused(consumer, port), (
        f"{exception} has left socket_consumer(), and something still listens on its port"
    )
    assert producer.closed_by_consumer(), (
        f"{exception} has left socket_consumer(), and its producer's connection is still open"
    )
    run = start(process, max_events=1)
    connect(run, line(second))
    seen = run.next_event()
    assert seen == second, f"after an exception the next run on the port should work, got {seen!r}"
