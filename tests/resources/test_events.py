"""The event: what counts as one, how it is written, and that chance keeps to it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

import events
from events import RandomTrips, TripEvent, decode, encode, random_trips

GOOD: dict[str, Any] = {
    "event_id": 418_230,
    "timestamp": "2026-11-23T08:15:02.104211Z",
    "pickup_zone": "Staten Island",
    "passengers": 2,
    "fare_estimate": 17.35,
}


def test_an_event_is_read_from_its_line() -> None:
    """The five fields come out with their types, the timestamp aware and in UTC."""
    trip = decode(json.dumps(GOOD) + "\n")
    assert trip == TripEvent(
        event_id=418_230,
        timestamp=datetime(2026, 11, 23, 8, 15, 2, 104_211, tzinfo=UTC),
        pickup_zone="Staten Island",
        passengers=2,
        fare_estimate=17.35,
    )
    assert trip.timestamp.utcoffset() == timedelta(0)


def test_an_event_is_written_as_one_line_of_json() -> None:
    """The line ends in its only newline, and its JSON is the event as consumers see it."""
    trip = decode(json.dumps(GOOD))
    line = encode(trip)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == trip.as_dict() == GOOD


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", 100_000),
        ("event_id", 999_999),
        ("passengers", 1),
        ("passengers", 6),
        ("fare_estimate", 5),
        ("fare_estimate", 5.0),
        ("fare_estimate", 85.0),
        ("timestamp", "2026-11-23T08:15:02Z"),
        ("timestamp", "2026-11-23T08:15:02+00:00"),
        *(("pickup_zone", zone) for zone in events.ZONES),
    ],
)
def test_the_limits_belong_to_the_range(field: str, value: object) -> None:
    """The first and last value of each range are events, read from JSON and from a dict."""
    changed = GOOD | {field: value}
    assert decode(json.dumps(changed)) == TripEvent.model_validate(changed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("event_id", 99_999),
        ("event_id", 1_000_000),
        ("event_id", "418230"),
        ("event_id", 418_230.5),
        ("event_id", None),
        ("passengers", 0),
        ("passengers", 7),
        ("passengers", True),
        ("fare_estimate", 4.99),
        ("fare_estimate", 85.01),
        ("fare_estimate", 17.355),
        ("fare_estimate", "17.35"),
        ("fare_estimate", float("nan")),
        ("pickup_zone", "queens"),
        ("pickup_zone", "Hoboken"),
        ("timestamp", "2026-11-23T08:15:02"),
        ("timestamp", "2026-11-23T08:15:02+01:00"),
        ("timestamp", "2026-11-23"),
        ("timestamp", "yesTerday"),
        ("timestamp", "1795421702"),
        ("timestamp", 1_795_421_702),
        ("tip", 1.5),
    ],
)
def test_what_is_not_an_event_is_refused(field: str, value: object) -> None:
    """A value out of range, of another type, or of a field that events do not have."""
    with pytest.raises(ValueError, match=field):
        decode(json.dumps(GOOD | {field: value}))


@pytest.mark.parametrize("field", GOOD)
def test_no_field_may_be_missing(field: str) -> None:
    """An event without one of its five fields is none."""
    rest = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(ValueError, match=field):
        decode(json.dumps(rest))


@pytest.mark.parametrize("line", [b"", b"\n", b"[]", b"7", b"{", b"\xff", b"{}\n{}\n"])
def test_a_line_that_is_no_object_is_a_value_error(line: bytes) -> None:
    """Whatever is on the line, the caller has one kind of exception to expect."""
    with pytest.raises(ValueError, match="TripEvent"):
        decode(line)


def test_an_event_cannot_be_changed() -> None:
    """It is frozen, so it may be a member of a set, and equal ones are the same member."""
    trip = decode(json.dumps(GOOD))
    with pytest.raises(ValueError, match="frozen"):
        trip.passengers = 3
    assert len({trip, decode(json.dumps(GOOD))}) == 1


@pytest.mark.parametrize("microsecond", [0, 1, 120_000, 999_999])
def test_the_fast_lines_are_those_of_the_model(microsecond: int) -> None:
    """RandomTrips.lines, which validates nothing, writes valid events byte for byte as encode."""
    now = datetime(2026, 11, 23, 8, 15, 2, microsecond, tzinfo=UTC)
    seed = random.randrange(2**32)
    slow = RandomTrips(random.Random(seed), clock=lambda: now)
    fast = RandomTrips(random.Random(seed), clock=lambda: now)
    lines = (fast.lines(1) + fast.lines(1_999)).splitlines(keepends=True)
    assert lines == [encode(trip) for trip in islice(slow, 2_000)], f"seed {seed}"
    assert [encode(decode(line)) for line in lines] == lines, f"seed {seed}"


def test_trips_are_stamped_with_the_time_they_are_made() -> None:
    """Without another clock, the timestamp is now."""
    before = datetime.now(UTC)
    (trip,) = random_trips(random.Random(), 1)
    assert before <= trip.timestamp <= datetime.now(UTC)


def test_the_same_seed_makes_the_same_trips() -> None:
    """All but the timestamps is decided by the seed, and another seed decides otherwise."""

    def made(seed: int) -> list[dict[str, Any]]:
        return [t.model_dump(exclude={"timestamp"}) for t in random_trips(random.Random(seed), 50)]

    assert made(7) == made(7)
    assert made(7) != made(8)


def test_every_value_can_come() -> None:
    """Ten thousand trips show all zones and passengers, and fares all over the range."""
    trips = random_trips(random.Random(1), 10_000)
    assert {trip.pickup_zone for trip in trips} == set(events.ZONES)
    assert {trip.passengers for trip in trips} == set(range(1, 7))
    assert min(trip.fare_estimate for trip in trips) < 5.5
    assert max(trip.fare_estimate for trip in trips) > 84.5


@pytest.mark.parametrize(
    ("chance", "zone", "passengers", "fare"),
    [(0.0, "Manhattan", 1, 5.0), (1 - 2**-53, "Staten Island", 6, 85.0)],
)
def test_the_ends_of_chance_stay_in_range(
    chance: float, zone: str, passengers: int, fare: float
) -> None:
    """The least and the greatest number that random() may give make the first and last values."""

    class Loaded(random.Random):
        fixed: float | None = None

        def random(self) -> float:
            return super().random() if self.fixed is None else self.fixed

    rng = Loaded(1)
    trips = RandomTrips(rng)
    next(trips)
    rng.fixed = chance
    trip = next(trips)
    assert (trip.pickup_zone, trip.passengers, trip.fare_estimate) == (zone, passengers, fare)


def test_no_id_repeats_before_all_have_been_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer that drops known ids would else take two trips for one."""
    few = range(100_000, 100_090)
    monkeypatch.setattr(events, "EVENT_IDS", few)
    for seed in range(20):
        ids = [trip.event_id for trip in random_trips(random.Random(seed), len(few))]
        assert sorted(ids) == list(few), f"seed {seed}"
        assert ids != list(few), f"seed {seed}"


def test_importing_it_loads_no_client() -> None:
    """Lessons and tests of any technique import it, whatever else is installed."""
    resources = Path(events.__file__).parent
    code = "import sys, events; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=resources, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "pydantic" in loaded
    assert not {"click", "redis", "pika", "boto3", "moto", "pytest"} & set(loaded)
