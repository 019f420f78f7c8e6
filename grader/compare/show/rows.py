"""The grand comparison with numbers in its cells: the rows, for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.compare.result import Column, Comparison, Whose
from grader.compare.show import cells
from grader.compare.show.cells import UNKNOWN
from grader.compare.techniques.catalog import techniques_in

FAILS = "fails"
"""Of a consumer that did not get through a measurement."""


@dataclass(frozen=True)
class Row:
    """A line of the table: a cell for each technique."""

    group: str
    label: str
    cells: tuple[str, ...]
    bare: bool = False
    """Whether they are the bare clients'."""


@dataclass(frozen=True)
class _Line:
    label: str
    cell: Callable[[Column], str]
    bare: bool = False
    """Whether the bare client's loop has such a line as well."""


@dataclass(frozen=True)
class _Group:
    title: str
    measurement: str
    """The column's field."""
    how: str
    lines: tuple[_Line, ...]


_GROUPS = (
    _Group(
        "Latency",
        "latency",
        "From the producer's clock to handle(), at {rate:g} events a second that come a little "
        "irregularly. Polling looks every {poll_interval:g} s.",
        (
            _Line("median", cells.latency("p50"), bare=True),
            _Line("95 %", cells.latency("p95")),
            _Line("99 %", cells.latency("p99"), bare=True),
        ),
    ),
    _Group(
        "Full speed",
        "throughput",
        "What waits is taken out, or is sent as fast as it goes; the median of some rounds, in "
        "turns with the bare client's loop. CPU of the consumer and its children, for 1,000 "
        "events.",
        (
            _Line("events a second", cells.per_second, bare=True),
            _Line("of the bare client", cells.ratio),
            _Line("CPU for 1,000", cells.cpu, bare=True),
        ),
    ),
    _Group(
        "Nothing to do",
        "idle",
        "Looking on for ten seconds; per minute. Requests: looks at the file, calls of SQS, "
        "writes to a socket. SQS is asked with long polls of 5 s, a stream with reads that wait "
        "1 s.",
        (
            _Line("CPU a minute", cells.idle_cpu, bare=True),
            _Line("requests a minute", cells.idle_requests, bare=True),
        ),
    ),
    _Group(
        "Away for a second",
        "away",
        "The consumer returns, and another begins a second later: how many of the events sent "
        "meanwhile arrive, in order, and how many events of the whole run are handled twice.",
        (
            _Line("arrive later", cells.away, bare=True),
            _Line("in order", cells.away_order),
            _Line("handled twice", cells.away_twice, bare=True),
        ),
    ),
    _Group(
        "Crash",
        "crash",
        "SIGKILL while an event is in handle(), and another consumer at once; of {crashed} events. "
        "Twice is what was handled to the end and came again.",
        (
            _Line("lost", cells.lost("crash"), bare=True),
            _Line("handled twice", cells.twice("crash"), bare=True),
        ),
    ),
    _Group(
        "Killed after handle",
        "between",
        "SIGKILL when handle() returns, before the consumer can acknowledge the event or note its "
        "place, and another consumer at once; of {crashed} events. Whether that event is handled "
        "again, and how many are lost and handled twice in the whole run.",
        (
            _Line("that event again", cells.again, bare=True),
            _Line("lost", cells.lost("between"), bare=True),
            _Line("handled twice", cells.twice("between"), bare=True),
        ),
    ),
    _Group(
        "Two consumers",
        "pair",
        "Of {paired} events: each gets all, or they share, or there can be only one.",
        (_Line("who gets what", cells.two("pair")),),
    ),
    _Group(
        "Two services",
        "services",
        "Two that each want all of {paired} events: two offsets of a file, two groups of a stream, "
        "and elsewhere the same channel, queue or port. (Queues need one for each service, and "
        "somebody who fills both.)",
        (_Line("who gets what", cells.two("services")),),
    ),
    _Group(
        "Read again",
        "replay",
        "One service has handled {replayed} events; another one begins, and how many of them does "
        "it get?",
        (_Line("from the first event", cells.replay, bare=True),),
    ),
    _Group(
        "Broker restarted",
        "restart",
        "SIGKILL of the broker, where it is a private node, under a producer that sends again what "
        "was not confirmed and a consumer that is called again when it raises; the broker is "
        "started again at once.",
        (
            _Line("lost", cells.restart("lost"), bare=True),
            _Line("handled twice", cells.restart("twice"), bare=True),
            _Line("back after", cells.restart("down")),
            _Line("first event after", cells.restart("recovered")),
        ),
    ),
)


def rows(comparison: Comparison) -> Iterator[Row]:
    """Yield every line of the table, group by group."""
    subject = comparison.subject
    for group in _GROUPS:
        for line in group.lines:
            yield Row(group.title, line.label, _cells(comparison, group, line, subject))
            if line.bare and subject != "bare":
                yield Row(
                    group.title,
                    f"{line.label}, bare client",
                    _cells(comparison, group, line, "bare"),
                    bare=True,
                )


def how(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield each group's title, and how it was measured."""
    crash = next((c.crash for c in comparison.columns if c.crash), None)
    pair = next((c.pair for c in comparison.columns if c.pair), None)
    replay = next((c.replay for c in comparison.columns if c.replay), None)
    words = {
        "rate": comparison.rate,
        "poll_interval": comparison.poll_interval,
        "crashed": crash.sent if crash else 0,
        "paired": pair.sent if pair else 0,
        "replayed": replay.handled if replay else 0,
    }
    for group in _GROUPS:
        yield group.title, group.how.format(**words)


def headings(comparison: Comparison) -> tuple[str, ...]:
    """Return the techniques, one for each cell of a row."""
    return tuple(each.title for each in techniques_in(comparison))


def simulated(comparison: Comparison) -> tuple[bool, ...]:
    """Tell whether a simulation stands behind each technique."""
    words = [comparison.behind.get(each.id, "") for each in techniques_in(comparison)]
    return tuple(each.startswith("simulated") for each in words)


def _cells(comparison: Comparison, group: _Group, line: _Line, whose: Whose) -> tuple[str, ...]:
    return tuple(
        _cell(comparison, group, line, comparison.column(technique.id, whose))
        for technique in techniques_in(comparison)
    )


def _cell(comparison: Comparison, group: _Group, line: _Line, column: Column | None) -> str:
    if column is None or column.is_stub or column.technique not in comparison.behind:
        return UNKNOWN
    failed = {group.measurement, "all"} & column.problems.keys()
    return FAILS if failed else line.cell(column)
