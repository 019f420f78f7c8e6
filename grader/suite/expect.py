"""What suites ask of a run's events; the sentence of a failure says the scene first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grader.report import Kind
from grader.suite.content import numbers
from grader.suite.outcomes import Failed
from grader.suite.run import Run
from grader.suite.steps import cut


def next_event(run: Run, event: Any, everything: Sequence[Any], scene: str) -> None:
    """Require that the next step handles `event`, which a sentence calls by its place.

    Raises:
        Failed: another step came, or another event.
    """
    run.process.case.given(scene)
    seen = run.next_event()
    if seen != event:
        raise Failed(
            f"{scene}: it should handle event {numbers([event], everything)} next, "
            f"it handled event {numbers([seen], everything)}"
        )


def all_events(run: Run, everything: Sequence[Any], scene: str) -> None:
    """Require that it handles all of these, in order, and returns how many they are.

    Raises:
        Failed: it did anything else.
    """
    run.process.case.given(scene)
    seen: list[Any] = []
    try:
        seen = run.drain(into=seen)
    except Failed as failure:
        # Who left one out waits for another in the end, and the sentence is to name the one.
        if failure.kind is Kind.HUNG:
            _in_order(seen, everything, scene, Kind.HUNG)
        raise
    _in_order(seen, everything, scene)
    if len(seen) != len(everything):
        raise Failed(f"{scene}: it should handle {len(everything)} events, it handled {len(seen)}")
    if run.value != len(everything):
        raise Failed(
            f"{scene}, and it handled them all: it should return {len(everything)}, "
            f"it returned {run.value!r}"
        )


def _in_order(
    seen: Sequence[Any], everything: Sequence[Any], scene: str, kind: Kind = Kind.UNMET
) -> None:
    for number, (got, wanted) in enumerate(zip(seen, everything, strict=False), 1):
        if got != wanted:
            which = f"number {everything.index(got) + 1}, " if got in everything else ""
            raise Failed(
                f"{scene}: as number {number} it should handle {cut(wanted, 120)}, "
                f"it handled {which}{cut(got, 120)}",
                kind,
            )
