"""Hidden suite of exercise 02: split_lines, over streams that are cut anywhere."""

from __future__ import annotations

import pytest

from grader.suite import Failed, Kept, New, Returned, properties
from grader.suite.properties import for_all

properties.prepare()

SPLIT = "tcp_socket.split_lines"
# What other functions take for the end of a line too, and what is no UTF-8.
ALPHABET = b"ab\r\x0b\x0c\x1c\x85\x00\xff \n\n"


@pytest.fixture
def split(consumer):
    """`split(buffer, chunk)` in one process, with a look at what it returns."""
    process = consumer.process()

    def call(buffer: bytes, chunk: bytes):
        value = process.call(SPLIT, buffer, chunk)
        fits = isinstance(value, (tuple, list)) and len(value) == 2 and isinstance(value[0], list)
        fits = fits and all(isinstance(part, bytes) for part in [*value[0], value[1]])
        assert fits, (
            f"split_lines({buffer!r}, {chunk!r}) should return a list of bytes and the rest as bytes, "
            f"it returned {value!r}"
        )
        return value[0], value[1]

    return call


def two_streams(st):
    """Two streams, each as its chunks."""
    chunks = st.lists(st.lists(st.sampled_from(ALPHABET), max_size=8).map(bytes), max_size=6)
    return st.tuples(chunks, chunks)


@pytest.mark.check("02.framing")
def test_any_chunks_of_a_stream_give_its_lines(split, rng):
    """Two streams in turn, cut anywhere: each call completes lines and keeps the rest."""

    def gives_the_lines(streams) -> None:
        rests = [b"", b""]
        for turn in range(max(map(len, streams))):
            for which in (0, 1):
                if turn < len(streams[which]):
                    buffer, chunk = rests[which], streams[which][turn]
                    *lines, rest = (buffer + chunk).split(b"\n")
                    seen = split(buffer, chunk)
                    kept = sum(map(len, [*seen[0], seen[1]])) > len(buffer + chunk)
                    more = ", more than this call was given: some is kept from one before"
                    assert seen == (lines, rest), (
                        f"split_lines({buffer!r}, {chunk!r}) should return {(lines, rest)!r}, "
                        f"it returned {seen!r}{more if kept else ''}"
                    )
                    rests[which] = rest

    for_all(rng, two_streams, gives_the_lines)


@pytest.mark.check("02.framing")
def test_a_line_cut_at_every_byte(split, trips):
    """Two chunks, cut at every place."""
    (event,) = trips(1, accented=True)
    data = repr(event).encode() + b"\n"
    for cut in range(len(data) + 1):
        first, rest = split(b"", data[:cut])
        second, rest = split(rest, data[cut:])
        if (first + second, rest) != ([data[:-1]], b""):
            raise Failed(
                f"a line of {len(data)} bytes came in two chunks, cut at byte {cut}: split_lines should "
                f"give it whole and no rest; the lines were {first + second!r}, the rest {rest!r}"
            )


@pytest.mark.check("02.framing")
def test_what_the_caller_does_with_the_lines_stays_with_the_caller(consumer, split):
    """The list of one call is changed; the next call with equal arguments gives the lines."""
    process = consumer.process()
    process.keep("value", New(SPLIT, b"o", b"ne\ntwo\nthr"))
    process.keep("lines", New("operator.getitem", Kept("value"), 0))
    step = process.start("operator.setitem", Kept("lines"), 0, b"changed").next("return")
    if not isinstance(step, Returned):
        return  # no list of lines: the business of the tests before
    seen = process.call(SPLIT, b"o", b"ne\ntwo\nthr")
    assert list(seen) == [[b"one", b"two"], b"thr"], (
        "split_lines(b'o', b'ne\\ntwo\\nthr') was called, and the caller changed the list that it got; an "
        f"equal call then returned {seen!r}. Return a new list from each call"
    )


@pytest.mark.check("02.framing")
def test_many_lines_in_one_chunk(split, rng):
    """A megabyte-sized read gives thousands of lines, in order, and an empty one is a line."""
    lines = [bytes(rng.choices(b"xyz", k=rng.randint(0, 40))) for _ in range(3000)]
    complete, rest = split(b"be", b"gin\n" + b"\n".join(lines))
    assert complete == [b"begin", *lines[:-1]], (
        f"a chunk completed a line and held {len(lines) - 1} more, some of them empty: split_lines should "
        f"return {len(lines)} lines, it returned {len(complete)}"
    )
    assert rest == lines[-1], f"the rest should be {lines[-1]!r}, it is {rest!r}"
