"""Public tests of exercise 02, first half: real files and a real `tail`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tail_pipe import tail_consumer

pytestmark = pytest.mark.skipif(
    shutil.which("tail") is None, reason="there is no `tail` command here; on Windows, use WSL2"
)


def line(number: int) -> bytes:
    """Return a trip with that number, as the producer writes it."""
    return json.dumps({"event_id": 100_000 + number, "pickup_zone": "Bronx"}).encode() + b"\n"


def ids(events: list[dict[str, Any]]) -> list[int]:
    """Return the trips' numbers."""
    return [event["event_id"] - 100_000 for event in events]


@pytest.mark.check("02.tail-from-start")
def test_the_whole_file_is_read_not_its_last_ten_lines(tmp_path: Path) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_bytes(b"".join(line(number) for number in range(12)))
    handled: list[dict[str, Any]] = []
    count = tail_consumer(path, handled.append, max_events=12)
    assert ids(handled) == list(range(12)), f"expected trips 0 to 11, got {ids(handled)}"
    assert count == 12, f"12 events were handled, so return 12, not {count!r}"


@pytest.mark.check("02.tail-follows")
def test_a_line_that_is_written_later_arrives(tmp_path: Path) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_bytes(line(1))
    handled: list[dict[str, Any]] = []

    def handle(event: dict[str, Any]) -> None:
        handled.append(event)
        with path.open("ab") as file:  # the producer goes on while you are at work
            file.write(line(len(handled) + 1))

    tail_consumer(path, handle, max_events=3)
    assert ids(handled) == [1, 2, 3], f"expected each trip as it was written, got {ids(handled)}"


@pytest.mark.check("02.tail-stops")
def test_it_stops_in_time(tmp_path: Path) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_bytes(line(1) + line(2) + line(3))
    handled: list[dict[str, Any]] = []
    tail_consumer(path, handled.append, max_events=2)
    assert ids(handled) == [1, 2], f"max_events is 2, so only two are handled; got {ids(handled)}"


@pytest.mark.check("02.tail-bad-line")
def test_a_bad_line_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "trips.jsonl"
    path.write_bytes(line(1) + b"{oops\n" + b"\n" + b"17\n" + line(2))
    handled: list[dict[str, Any]] = []
    tail_consumer(path, handled.append, max_events=2)
    assert handled == [json.loads(line(1)), json.loads(line(2))], (
        "events 1 and 2 have a broken line, a blank one and the number 17 between them, which are "
        f"no events; it handled {handled}"
    )
