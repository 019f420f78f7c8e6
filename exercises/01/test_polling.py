"""Public tests of exercise 01. Read them: each shows one promise of the two functions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from polling import poll, read_new_events

FIRST = {"event_id": 100001, "pickup_zone": "Queens"}
SECOND = {"event_id": 100002, "pickup_zone": "São Paulo Plaza"}
THIRD = {"event_id": 100003, "pickup_zone": "Bronx"}


def line(event: dict[str, Any]) -> bytes:
    """Return the event as the producer writes it: JSON, UTF-8, and a newline."""
    return json.dumps(event, ensure_ascii=False).encode() + b"\n"


def append(path: Path, data: bytes) -> None:
    """Append bytes, as the producer does."""
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    """Return the path of the file of events; it does not exist yet."""
    return tmp_path / "trips.ndjson"


@pytest.mark.check("01.reads-appended")
def test_each_call_returns_what_was_appended_since_the_last(stream: Path) -> None:
    append(stream, line(FIRST) + line(SECOND))
    events, offset = read_new_events(stream, 0)
    assert events == [FIRST, SECOND], "the first call should return both events of the file"

    append(stream, line(THIRD))
    events, offset = read_new_events(stream, offset)
    assert events == [THIRD], "the second call should return only the event appended since"

    events, _ = read_new_events(stream, offset)
    assert events == [], "nothing was appended, so there is nothing to return"


@pytest.mark.check("01.byte-offset")
def test_the_offset_counts_bytes(stream: Path) -> None:
    append(stream, line(SECOND))
    _, offset = read_new_events(stream, 0)
    size = stream.stat().st_size
    assert offset == size, (
        f"the file has {size} bytes, so the offset should be {size}, not {offset}: "
        "'ã' is one character and two bytes"
    )


@pytest.mark.check("01.partial-line")
def test_a_line_that_is_still_being_written_waits(stream: Path) -> None:
    whole = line(SECOND)
    append(stream, line(FIRST) + whole[:20])
    events, offset = read_new_events(stream, 0)
    assert events == [FIRST], "the second line has no newline yet: leave it for later"

    append(stream, whole[20:])
    events, _ = read_new_events(stream, offset)
    assert events == [SECOND], "now the line is complete and should come whole"


@pytest.mark.check("01.missing-file")
def test_a_file_that_does_not_exist_has_no_events(stream: Path) -> None:
    result = read_new_events(stream, 500)
    assert result == ([], 0), f"expected no events and offset 0, got {result}"


@pytest.mark.check("01.truncated-file")
def test_a_file_shorter_than_the_offset_is_read_from_its_start(stream: Path) -> None:
    append(stream, line(FIRST) + line(SECOND))
    _, offset = read_new_events(stream, 0)
    stream.write_bytes(line(THIRD))  # rotated: a new, shorter file under the same name
    events, _ = read_new_events(stream, offset)
    assert events == [THIRD], f"offset {offset} lies beyond the new file: start again at 0"


@pytest.mark.check("01.bad-line")
def test_a_bad_line_is_skipped(stream: Path) -> None:
    append(stream, line(FIRST) + b"{not json}\n" + b"42\n" + line(SECOND))
    events, offset = read_new_events(stream, 0)
    assert events == [FIRST, SECOND], "the lines around the bad ones should arrive"
    assert offset == stream.stat().st_size, "a bad line is passed over for good"


@pytest.mark.check("01.poll-interval")
def test_poll_sleeps_between_polls_and_not_after_the_last(stream: Path) -> None:
    append(stream, line(FIRST))
    handled: list[dict[str, Any]] = []
    slept: list[float] = []
    count = poll(stream, handled.append, poll_interval=2.0, max_polls=3, sleep=slept.append)
    assert handled == [FIRST], "one event is in the file, so one should be handled, once"
    assert count == 1, f"poll should return how many events it handled: 1, not {count!r}"
    assert slept == [2.0, 2.0], f"3 polls have 2 pauses between them; sleep was called with {slept}"


@pytest.mark.check("01.reads-appended", leans_on="01.poll-interval")
def test_poll_sees_what_the_producer_writes_meanwhile(stream: Path) -> None:
    handled: list[dict[str, Any]] = []
    to_come = [line(FIRST), line(SECOND)]

    def sleep(_: float) -> None:
        if to_come:  # how often to sleep is the business of the test before this one
            append(stream, to_come.pop(0))  # the producer writes while the consumer sleeps

    poll(stream, handled.append, max_polls=3, sleep=sleep)
    assert handled == [FIRST, SECOND], "each event should be handled in the poll after its write"


@pytest.mark.check("01.resumes")
def test_a_second_poll_goes_on_where_the_first_stopped(stream: Path, tmp_path: Path) -> None:
    offset_path = tmp_path / "offset"
    handled: list[dict[str, Any]] = []
    append(stream, line(FIRST))
    poll(stream, handled.append, max_polls=1, offset_path=offset_path)
    append(stream, line(SECOND))
    poll(stream, handled.append, max_polls=1, offset_path=offset_path)
    assert handled == [FIRST, SECOND], "the second poll should handle the new event only"


@pytest.mark.check("01.handler-error")
def test_an_event_whose_handling_failed_comes_again(stream: Path, tmp_path: Path) -> None:
    offset_path = tmp_path / "offset"
    append(stream, line(FIRST) + line(SECOND))
    handled: list[dict[str, Any]] = []

    def fail_on_second(event: dict[str, Any]) -> None:
        if event == SECOND:
            raise ConnectionError("the database is down")
        handled.append(event)

    raised = None
    try:
        poll(stream, fail_on_second, max_polls=1, offset_path=offset_path)
    except ConnectionError as error:
        raised = error
    assert str(raised) == "the database is down", (
        "handle raised ConnectionError('the database is down'), which should leave poll unchanged; "
        f"{repr(raised) if raised else 'nothing'} did"
    )
    poll(stream, handled.append, max_polls=1, offset_path=offset_path)
    assert handled == [FIRST, SECOND], "first once, and second again after its failure"
