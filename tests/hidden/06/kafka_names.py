"""Names that say nothing of the test they are for: of topics, groups, clients and zones."""

from __future__ import annotations

import random
from collections.abc import Callable

from grader.suite import content

WORDS = ("trips", "fares", "taxi", "rides", "audit", "events", "pickups", "orders", "night")
ZONES = (*content.ZONES, "Harlem", "Upper East Side", "JFK", "SoHo", "Red Hook", "Q", "Inwood")
Namer = Callable[[], str]


def namer(rng: random.Random) -> Namer:
    """Return what gives another name at each call, of a topic, a group or a client."""

    def name() -> str:
        first, second = rng.sample(WORDS, 2)
        between = rng.choice(("-", "_", ".", ""))
        return f"{first}{between}{second}{rng.choice('-_.')}{rng.randrange(16**10):010x}"

    return name


def zones(rng: random.Random, count: int) -> list[str]:
    """Return names of so many zones: some of every taxi map, others of none."""
    found = rng.sample(ZONES, min(count, len(ZONES)) // 2)
    while len(found) < count:
        found.append(f"{rng.choice(ZONES)} {rng.randrange(16**4):04x}")
    rng.shuffle(found)
    return found
