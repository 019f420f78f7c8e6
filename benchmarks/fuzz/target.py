"""One thing to fuzz, and one round of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, settings
from hypothesis.database import DirectoryBasedExampleDatabase
from hypothesis.strategies import SearchStrategy

SECONDS = 5.0
"""CPU time that one input may take: more is a way to keep a grader busy."""


@dataclass(frozen=True)
class Target:
    """A reader of strangers' input."""

    name: str
    inputs: SearchStrategy[Any]
    check: Callable[[Any], None]
    """Takes an input; raises where a promise is broken."""
    examples: int = 200
    """In a round."""


@dataclass(frozen=True)
class Finding:
    """The smallest input that breaks a promise, as hypothesis shrank it."""

    target: str
    seed: int
    example: str
    error: Exception


def run_round(target: Target, seed: int, examples: Path) -> Finding | None:
    """Try `target.examples` inputs, drawn from `seed`; those that failed before come first.

    `examples` is the folder in which hypothesis keeps them.
    """
    last: list[Any] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=target.examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(examples / target.name),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(target.inputs)
    def attempt(example: Any) -> None:
        last[:] = [example]
        begin = time.process_time()
        target.check(example)
        took = time.process_time() - begin
        assert took < SECONDS, f"it took {took:.1f} s"

    try:
        attempt()
    except Exception as error:  # noqa: BLE001 - whatever an input brought about
        return Finding(target.name, seed, repr(last[0]) if last else "", error)
    return None
