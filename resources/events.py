"""The event that every exercise of the course consumes: one taxi trip that has just begun.

An event travels as one JSON object on one line (NDJSON, https://github.com/ndjson/ndjson-spec):

    {"event_id":418230,"timestamp":"2026-11-23T08:15:02.104211Z","pickup_zone":"Queens",...}

`TripEvent` is the only definition of what an event is. Use it where events are made and checked;
the consumers of the exercises take any JSON object, as a plain dict.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

Zone = Literal["Manhattan", "Brooklyn", "Queens", "Bronx", "Staten Island"]

ZONES: tuple[Zone, ...] = get_args(Zone)
EVENT_IDS = range(100_000, 1_000_000)
PASSENGERS = range(1, 7)
FARE_CENTS = range(500, 8_501)


def _written_as_iso_8601(value: object) -> object:
    # Pydantic would also take a Unix timestamp, and a date.
    if isinstance(value, datetime) or (isinstance(value, str) and "T" in value):
        return value
    raise ValueError("a timestamp is written as ISO 8601, like 2026-11-23T08:15:02Z")


def _in_utc(value: datetime) -> datetime:
    if value.utcoffset() != timedelta(0):
        raise ValueError("a timestamp is in UTC")
    return value


def _whole_cents(value: float) -> float:
    if round(value, 2) != value:
        raise ValueError("a fare has at most two decimals")
    return value


class TripEvent(BaseModel):
    """One trip. Strict: no other type is converted, no field may be added. Frozen: hashable.

    Raises pydantic's `ValidationError`, a `ValueError`, for anything that is not a trip.
    """

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", allow_inf_nan=False)

    event_id: Annotated[int, Field(ge=EVENT_IDS[0], le=EVENT_IDS[-1])]
    timestamp: Annotated[
        AwareDatetime,
        # Behind a validator, strict takes no text, not even JSON's; so that validator is strict.
        Field(strict=False),
        BeforeValidator(_written_as_iso_8601),
        AfterValidator(_in_utc),
    ]
    """When the trip began, in UTC: a datetime, or its ISO 8601 text."""
    pickup_zone: Zone
    passengers: Annotated[int, Field(ge=PASSENGERS[0], le=PASSENGERS[-1])]
    fare_estimate: Annotated[
        float,
        Field(ge=FARE_CENTS[0] / 100, le=FARE_CENTS[-1] / 100),
        AfterValidator(_whole_cents),
    ]
    """US dollars, to the cent."""

    def as_dict(self) -> dict[str, Any]:
        """Return the event as the consumers of the exercises see it: a dict that JSON can hold."""
        return self.model_dump(mode="json")


def encode(trip: TripEvent) -> bytes:
    """Return the event's NDJSON line: UTF-8, with its newline."""
    return trip.model_dump_json().encode() + b"\n"


def decode(line: bytes | str) -> TripEvent:
    """Return the event of a line, with or without newline. ValueError if it is not a trip."""
    return TripEvent.model_validate_json(line)


def utc_now() -> datetime:
    """Return the time of day, in UTC."""
    return datetime.now(UTC)


class RandomTrips(Iterator[TripEvent]):
    """Trips without end. No `event_id` comes twice among the first 900,000.

    The same `rng` state gives the same trips, but for their timestamps, which `clock` gives.
    """

    def __init__(
        self, rng: random.Random | None = None, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._draws = _draws(rng or random.Random())
        self._clock = clock

    def __next__(self) -> TripEvent:
        event_id, zone, passengers, fare = next(self._draws)
        return TripEvent(
            event_id=event_id,
            timestamp=self._clock(),
            pickup_zone=zone,
            passengers=passengers,
            fare_estimate=fare,
        )

    def lines(self, count: int) -> bytes:
        """Return the next `count` trips as NDJSON, all of the same moment.

        Byte for byte what `encode` makes of the same trips, some ten times as fast, because
        nothing is validated: the tests hold the two against each other.
        """
        # isoformat() leaves out microseconds that are 0, and so does pydantic.
        when = self._clock().isoformat().replace("+00:00", "Z")
        return "".join(
            [
                f'{{"event_id":{event_id},"timestamp":"{when}","pickup_zone":"{zone}",'
                f'"passengers":{passengers},"fare_estimate":{fare}}}\n'
                for event_id, zone, passengers, fare in islice(self._draws, count)
            ]
        ).encode()


def random_trips(rng: random.Random, count: int) -> list[TripEvent]:
    """`count` random trips; those of the same `rng` state differ in nothing but the timestamps."""
    return list(islice(RandomTrips(rng), count))


def _draws(rng: random.Random) -> Iterator[tuple[int, Zone, int, float]]:
    """Yield the fields that chance decides: event_id, pickup_zone, passengers, fare_estimate."""
    # A step that shares no factor with the number of ids visits all of them before one repeats:
    # a consumer that drops known ids must not take two trips for one.
    ids = len(EVENT_IDS)
    step = rng.randrange(ids)
    while math.gcd(step, ids) != 1:
        step = rng.randrange(ids)
    place = rng.randrange(ids)

    # random() times a length is several times as fast as choice() and randrange().
    chance = rng.random
    first_id, fewest, lowest = EVENT_IDS[0], PASSENGERS[0], FARE_CENTS[0]
    zones, seats, fares = len(ZONES), len(PASSENGERS), len(FARE_CENTS)
    while True:
        place = (place + step) % ids
        yield (
            first_id + place,
            ZONES[int(chance() * zones)],
            fewest + int(chance() * seats),
            (lowest + int(chance() * fares)) / 100,
        )
