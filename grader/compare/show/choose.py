"""What a reader may need of a transport, and what each technique has to offer, from the numbers."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from grader.compare.result import Column, Comparison
from grader.compare.show.cells import milliseconds, rate
from grader.compare.techniques.catalog import techniques_in
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
    """The worse of two kills: inside `handle`, and after it."""
    crash_twice: int | None
    consumers: tuple[str, ...]
    """all, share or one; more than one where services are told from consumers."""
    again: bool | None
    """Whether what was handled can be read again, from the first event on."""
    replay: str
    """Why it can, or empty: how the technique is built."""
    machines: str
    """How it crosses machines, or empty."""
    run: str
    """Who runs what: nothing, broker or provider."""


def offers(comparison: Comparison) -> list[Offer]:
    """Return what each technique offers, in the order of the course."""
    return [
        _offer(technique, comparison, comparison.column(technique.id, comparison.subject))
        for technique in techniques_in(comparison)
    ]


def _offer(technique: Technique, comparison: Comparison, column: Column | None) -> Offer:
    behind = comparison.behind.get(technique.id, "")
    measured: dict[str, Any] = dict.fromkeys(
        ("latency", "per_second", "keeps", "crash_lost", "crash_twice", "again")
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
    kills = [each for each in (column.crash, column.between) if each] if column else []
    if kills:
        measured["crash_lost"] = max(each.lost for each in kills)
        measured["crash_twice"] = max(each.twice for each in kills)
    if column and column.replay and column.replay.handled:
        measured["again"] = column.replay.again == column.replay.handled
    pairs = [each for each in (column.pair, column.services) if each] if column else []
    return Offer(
        title=technique.title,
        exercise=technique.exercise,
        simulated=behind.startswith("simulated"),
        behind=behind,
        consumers=tuple(dict.fromkeys(each.kind for each in pairs)),
        replay=technique.replay,
        machines=technique.machines,
        run=technique.run,
        **measured,
    )
