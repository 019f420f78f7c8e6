"""What a reader may need of a transport, and what each technique has to offer, from the numbers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from grader.compare.result import Column, Comparison
from grader.compare.show.rows import milliseconds, rate
from grader.compare.techniques.catalog import TECHNIQUES
from grader.compare.techniques.technique import Technique


class Offer(BaseModel):
    """One technique, as the page's form compares it with needs. None: was not measured."""

    model_config = ConfigDict(frozen=True)

    title: str
    exercise: str
    simulated: bool
    behind: str
    latency: float | None
    """95th percentile, in milliseconds."""
    latency_text: str
    per_second: float | None
    per_second_text: str
    keeps: bool | None
    """Whether all that was sent while the consumer was away came later."""
    crash_lost: int | None
    crash_twice: int | None
    consumers: str
    """all, share or one."""
    replay: str
    """Why what was handled can be read again, or empty. Not measured: it is how they are built."""
    machines: str
    """How it crosses machines, or empty."""
    run: str
    """Who runs what: nothing, broker or provider."""


def offers(comparison: Comparison) -> list[Offer]:
    """One for each technique, in the order of the course."""
    return [
        _offer(technique, comparison, comparison.column(technique.id, comparison.subject))
        for technique in TECHNIQUES
    ]


def _offer(technique: Technique, comparison: Comparison, column: Column | None) -> Offer:
    behind = comparison.behind.get(technique.id, "")
    measured: dict[str, Any] = dict.fromkeys(
        ("latency", "per_second", "keeps", "crash_lost", "crash_twice")
    )
    measured |= {"latency_text": "not measured", "per_second_text": "not measured"}
    if column and column.latency:
        measured["latency"] = column.latency.p95
        measured["latency_text"] = milliseconds(column.latency.p95)
    if column and column.throughput:
        measured["per_second"] = column.throughput.per_second
        measured["per_second_text"] = rate(column.throughput.per_second)
    if column and column.away and column.away.sent_meanwhile:
        measured["keeps"] = column.away.arrived_later == column.away.sent_meanwhile
    if column and column.crash:
        measured |= {"crash_lost": column.crash.lost, "crash_twice": column.crash.twice}
    return Offer(
        title=technique.title,
        exercise=technique.exercise,
        simulated=behind.startswith("simulated"),
        behind=behind,
        consumers=column.pair.kind if column and column.pair else "",
        replay=technique.replay,
        machines=technique.machines,
        run=technique.run,
        **measured,
    )
