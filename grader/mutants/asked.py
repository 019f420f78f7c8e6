"""What a run over mutants or rewritten submissions was asked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """What `grader validate --mutants` or `--rewrites` was asked for."""

    exercise: str | None
    source: str | None
    seed: int
    jobs: int
    sample: int | None = None
    """This many of all, drawn by the seed."""
    matching: str | None = None
    """Only those whose id holds this."""
    listed: bool = False
    """Print them and grade none."""
