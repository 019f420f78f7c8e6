"""The grand comparison with numbers in its cells: the rows, for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from grader.compare.result import Column, Comparison, Whose
from grader.compare.techniques.catalog import TECHNIQUES

UNKNOWN = "\N{EN DASH}"
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


def milliseconds(value: float) -> str:
    """Return a time in milliseconds, in two digits that mean something."""
    if value >= 1000:  # noqa: PLR2004 - a second
        return f"{value / 1000:.1f} s"
    if value >= 10:  # noqa: PLR2004 - two digits
        return f"{value:.0f} ms"
    return f"{value:.2g} ms"


def rate(value: float) -> str:
    """Events a second, rounded to two digits."""
    digits = len(str(int(value)))
    return f"{round(value, min(0, 2 - digits)):,.0f}"


def _latency(name: str) -> Callable[[Column], str]:
    return lambda c: milliseconds(getattr(c.latency, name)) if c.latency else UNKNOWN


def _per_second(column: Column) -> str:
    return rate(column.throughput.per_second) if column.throughput else UNKNOWN


def _ratio(column: Column) -> str:
    if column.throughput is None or column.throughput.ratio is None:
        return UNKNOWN
    return f"{column.throughput.ratio:.2f}"


def _cpu(column: Column) -> str:
    return milliseconds(1000 * column.throughput.cpu_per_1000) if column.throughput else UNKNOWN


def _idle_cpu(column: Column) -> str:
    return milliseconds(1000 * column.idle.cpu) if column.idle else UNKNOWN


def _idle_requests(column: Column) -> str:
    return f"{column.idle.requests:.0f}" if column.idle else UNKNOWN


def _away(column: Column) -> str:
    if column.away is None:
        return UNKNOWN
    return f"{column.away.arrived_later} of {column.away.sent_meanwhile}"


def _away_order(column: Column) -> str:
    if column.away is None or not column.away.arrived_later:
        return UNKNOWN
    return "yes" if column.away.in_order else "no"


def _away_twice(column: Column) -> str:
    return str(column.away.twice) if column.away else UNKNOWN


def _lost(name: str) -> Callable[[Column], str]:
    return lambda c: str(getattr(c, name).lost) if getattr(c, name) else UNKNOWN


def _twice(name: str) -> Callable[[Column], str]:
    return lambda c: str(getattr(c, name).twice) if getattr(c, name) else UNKNOWN


def _again(column: Column) -> str:
    if column.between is None:
        return UNKNOWN
    return "yes" if column.between.again else "no"


def _two(name: str) -> Callable[[Column], str]:
    def cell(column: Column) -> str:
        found = getattr(column, name)
        if found is None:
            return UNKNOWN
        one, other = found.handled
        return {
            "all": "each all",
            "share": f"{one} + {other}",
            "one": "only one",
            "neither": f"{one}, {other}",
        }[found.kind]

    return cell


def _replay(column: Column) -> str:
    return f"{column.replay.again} of {column.replay.handled}" if column.replay else UNKNOWN


def _restart(name: str) -> Callable[[Column], str]:
    def cell(column: Column) -> str:
        if column.restart is None:
            return UNKNOWN
        value = getattr(column.restart, name)
        return f"{value:.1f} s" if isinstance(value, float) else str(value)

    return cell


_GROUPS = (
    _Group(
        "Latency",
        "latency",
        "From the producer's clock to handle(), at {rate:g} events a second that come a little "
        "irregularly. Polling looks every {poll_interval:g} s.",
        (
            _Line("median", _latency("p50"), bare=True),
            _Line("95 %", _latency("p95")),
            _Line("99 %", _latency("p99"), bare=True),
        ),
    ),
    _Group(
        "Full speed",
        "throughput",
        "What waits is taken out, or is sent as fast as it goes; the median of some rounds, in "
        "turns with the bare client's loop. CPU of the consumer and its children, for 1,000 "
        "events.",
        (
            _Line("events a second", _per_second, bare=True),
            _Line("of the bare client", _ratio),
            _Line("CPU for 1,000", _cpu, bare=True),
        ),
    ),
    _Group(
        "Nothing to do",
        "idle",
        "Looking on for ten seconds; per minute. Requests: looks at the file, calls of SQS, "
        "writes to a socket. SQS is asked with long polls of 5 s.",
        (
            _Line("CPU a minute", _idle_cpu, bare=True),
            _Line("requests a minute", _idle_requests, bare=True),
        ),
    ),
    _Group(
        "Away for a second",
        "away",
        "The consumer returns, and another begins a second later: how many of the events sent "
        "meanwhile arrive, in order, and how many events of the whole run are handled twice.",
        (
            _Line("arrive later", _away, bare=True),
            _Line("in order", _away_order),
            _Line("handled twice", _away_twice, bare=True),
        ),
    ),
    _Group(
        "Crash",
        "crash",
        "SIGKILL while an event is in handle(), and another consumer at once; of {crashed} events. "
        "Twice is what was handled to the end and came again.",
        (
            _Line("lost", _lost("crash"), bare=True),
            _Line("handled twice", _twice("crash"), bare=True),
        ),
    ),
    _Group(
        "Killed after handle",
        "between",
        "SIGKILL when handle() returns, before the consumer can acknowledge the event or note its "
        "place, and another consumer at once; of {crashed} events. Whether that event is handled "
        "again, and how many are lost and handled twice in the whole run.",
        (
            _Line("that event again", _again, bare=True),
            _Line("lost", _lost("between"), bare=True),
            _Line("handled twice", _twice("between"), bare=True),
        ),
    ),
    _Group(
        "Two consumers",
        "pair",
        "Of {paired} events: each gets all, or they share, or there can be only one.",
        (_Line("who gets what", _two("pair")),),
    ),
    _Group(
        "Two services",
        "services",
        "Two that each want all of {paired} events: two offsets of a file, two groups of a stream, "
        "and elsewhere the same channel, queue or port. (Queues need one for each service, and "
        "somebody who fills both.)",
        (_Line("who gets what", _two("services")),),
    ),
    _Group(
        "Read again",
        "replay",
        "One service has handled {replayed} events; another one begins, and how many of them does "
        "it get?",
        (_Line("from the first event", _replay, bare=True),),
    ),
    _Group(
        "Broker restarted",
        "restart",
        "SIGKILL of the broker, where it is a private node, under a producer that sends again what "
        "was not confirmed and a consumer that is called again when it raises; the broker is "
        "started again at once.",
        (
            _Line("lost", _restart("lost"), bare=True),
            _Line("handled twice", _restart("twice"), bare=True),
            _Line("back after", _restart("down")),
            _Line("first event after", _restart("recovered")),
        ),
    ),
)


def rows(comparison: Comparison) -> Iterator[Row]:
    """Every line of the table, group by group."""
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
    """Each group's title, and how it was measured."""
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


def headings() -> tuple[str, ...]:
    """Return the techniques, one for each cell of a row."""
    return tuple(each.title for each in TECHNIQUES)


def simulated(comparison: Comparison) -> tuple[bool, ...]:
    """Whether a simulation stands behind each technique."""
    return tuple(comparison.behind.get(t.id, "").startswith("simulated") for t in TECHNIQUES)


def _cells(comparison: Comparison, group: _Group, line: _Line, whose: Whose) -> tuple[str, ...]:
    return tuple(
        _cell(comparison, group, line, comparison.column(technique.id, whose))
        for technique in TECHNIQUES
    )


def _cell(comparison: Comparison, group: _Group, line: _Line, column: Column | None) -> str:
    if column is None or column.technique not in comparison.behind:
        return UNKNOWN
    failed = {group.measurement, "all"} & column.problems.keys()
    return FAILS if failed else line.cell(column)
