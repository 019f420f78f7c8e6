"""Sentences and values that the tests of exercise 07 share."""

from __future__ import annotations

import random
from typing import Any

from grader.suite.steps import shorten


def is_are(things: list[Any]) -> str:
    """The verb for so many."""
    return "is" if len(things) == 1 else "are"


def was_were(things: list[Any]) -> str:
    """The verb for so many, in the past."""
    return "was" if len(things) == 1 else "were"


DEFAULT = 10
"""Messages of a batch where nobody says how many."""


def batch(rng: random.Random, least: int, most: int) -> tuple[int, dict[str, int]]:
    """Draw how many messages a batch may have, and the keywords that say so: every other time none."""
    if rng.random() < 0.5:
        return DEFAULT, {}
    size = rng.randint(least, most)
    return size, {"batch_size": size}


def check_count(value: Any, number: int, scene: str) -> None:
    """Hold what a call returned against the number of events that it moved."""
    assert value == number, f"{scene}: it should return {number}; it returned {shorten(value)}"
