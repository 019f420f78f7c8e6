"""What a run over mutants or rewritten submissions was asked for."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Asked:
    """The request of a `grader validate --mutants` or `--rewrites`."""

    seed: int
    jobs: int | None = None
    exercise: str | None = None
    source: str | None = None
    sample: int | None = None
    """This many of all, drawn by the seed."""
    matching: str | None = None
    """Only those whose id holds this."""
    listed: bool = False
    """Print them and grade none."""

    def choose(self, items: Sequence[_Item], name: Callable[[_Item], str]) -> list[_Item]:
        """Return the items that were asked for: those that match, and of these the sample."""
        chosen = [item for item in items if self.matching is None or self.matching in name(item)]
        if self.sample is None or self.sample >= len(chosen):
            return chosen
        return random.Random(self.seed).sample(chosen, self.sample)  # noqa: S311 - not a secret
