"""Hidden suite of exercise 02: split_lines, with streams and cuts that hypothesis draws."""

from __future__ import annotations

import pytest

from grader.suite import Failed, not_graded

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


@pytest.fixture
def smallest(rng):
    """`smallest(strategy, proves)`: call `proves` with what hypothesis draws, and let the smallest case fail."""
    try:
        import hypothesis as h  # noqa: PLC0415 - half of a suite does without it
    except ImportError:
        not_graded("this check needs hypothesis: pip install hypothesis")

    def run(strategy, proves, examples: int = 40) -> None:
        settings = h.settings(
            max_examples=examples,
            database=None,
            deadline=None,
            report_multiple_bugs=False,
            print_blob=False,
            phases=[h.Phase.generate, h.Phase.shrink],
            suppress_health_check=list(h.HealthCheck),
        )
        h.seed(rng.getrandbits(32))(settings(h.given(strategy)(proves)))()

    return run


@pytest.mark.check("02.framing")
def test_any_chunks_of_a_stream_give_its_lines(split, smallest):
    """Two streams in turn, cut anywhere: the lines joined are the stream, and the rest is its end."""
    st = pytest.importorskip("hypothesis.strategies")
    text = st.lists(st.sampled_from(ALPHABET), max_size=8).map(bytes)
    chunks = st.lists(text, max_size=6)

    def proves(streams) -> None:
        lines: tuple[list, list] = [], []
        rests = [b"", b""]
        for turn in range(max(map(len, streams))):
            for which in (0, 1):
                if turn < len(streams[which]):
                    buffer, chunk = rests[which], streams[which][turn]
                    complete, rests[which] = split(buffer, chunk)
                    *expected, rest = (buffer + chunk).split(b"\n")
                    # In the words of one call: what the learner can type.
                    assert (complete, rests[which]) == (expected, rest), (
                        f"split_lines({buffer!r}, {chunk!r}) should return {(expected, rest)!r}, "
                        f"it returned {(complete, rests[which])!r}"
                    )
                    lines[which].extend(complete)

    smallest(st.tuples(chunks, chunks), proves)


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
def test_many_lines_in_one_chunk(split, rng):
    """A megabyte-sized read gives thousands of lines, in order, and an empty one is a line."""
    lines = [bytes(rng.choices(b"xyz", k=rng.randint(0, 40))) for _ in range(3000)]
    complete, rest = split(b"be", b"gin\n" + b"\n".join(lines))
    assert complete == [b"begin", *lines[:-1]], (
        f"a chunk completed a line and held {len(lines) - 1} more, some of them empty: split_lines should "
        f"return {len(lines)} lines, it returned {len(complete)}"
    )
    assert rest == lines[-1], f"the rest should be {lines[-1]!r}, it is {rest!r}"
