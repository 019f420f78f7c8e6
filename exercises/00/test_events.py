"""Public tests of exercise 00. Read them: each shows one promise of the two functions."""

from __future__ import annotations

import json

import pytest

from events import encode, parse

TRIP = {"event_id": 100001, "pickup_zone": "Queens", "passengers": 2, "fare_estimate": 17.4}
ACCENTED = {"event_id": 100002, "pickup_zone": "São Paulo Plaza"}


@pytest.mark.check("00.parse-event")
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""], ids=["newline", "cr-newline", "no-newline"])
def test_a_json_object_on_a_line_is_an_event(end: bytes) -> None:
    line = json.dumps(TRIP).encode() + end
    assert parse(line) == TRIP, f"the line {line!r} holds a JSON object: return it as a dict"


@pytest.mark.check("00.parse-event")
def test_an_object_without_fields_is_an_event_too() -> None:
    event = parse(b"{}\n")
    assert event == {}, f"{{}} is a JSON object, so return an empty dict, not {event!r}"


@pytest.mark.check("00.parse-bad")
@pytest.mark.parametrize(
    "line", [b"{not json}\n", b"42\n", b'["a", "list"]\n', b'{"zone": "\xe3"}\n']
)
def test_everything_else_is_none(line: bytes) -> None:
    event = parse(line)
    assert event is None, (
        f"the line {line!r} is no JSON object in UTF-8: return None, not {event!r}"
    )


@pytest.mark.check("00.encode-line")
def test_an_event_is_one_line() -> None:
    line = encode(TRIP | {"note": "first line\nsecond line"})
    assert isinstance(line, bytes), f"encode should return bytes, not {type(line).__name__}"
    assert line.endswith(b"\n"), f"a line ends with a newline, this one does not: {line!r}"
    assert line.count(b"\n") == 1, (
        f"one event is one line, so one newline; there are more: {line!r}"
    )


@pytest.mark.check("00.round-trip")
@pytest.mark.parametrize("event", [TRIP, ACCENTED], ids=["trip", "accented"])
def test_what_was_written_can_be_read(event: dict) -> None:
    line = encode(event)
    assert parse(line) == event, f"encode wrote {line!r}: parse should make the same event of it"
