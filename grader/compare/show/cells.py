"""The text of each cell of the comparison's table, from a column's numbers."""

from __future__ import annotations

from collections.abc import Callable

from grader.compare.result import Column

UNKNOWN = "\N{EN DASH}"


def milliseconds(value: float) -> str:
    """Return a time in milliseconds, in two digits that mean something."""
    if value >= 1000:  # noqa: PLR2004 - a second
        return f"{value / 1000:.1f} s"
    if value >= 10:  # noqa: PLR2004 - two digits
        return f"{value:.0f} ms"
    return f"{value:.2g} ms"


def rate(value: float) -> str:
    """Return events a second, rounded to two digits."""
    digits = len(str(int(value)))
    return f"{round(value, min(0, 2 - digits)):,.0f}"


def latency(name: str) -> Callable[[Column], str]:
    """Return the cell of a percentile of the latency: p50, p95 or p99."""
    return lambda c: milliseconds(getattr(c.latency, name)) if c.latency else UNKNOWN


def per_second(column: Column) -> str:
    """Return events a second at full speed."""
    return rate(column.throughput.per_second) if column.throughput else UNKNOWN


def ratio(column: Column) -> str:
    """Return the throughput as a part of the bare client's."""
    if column.throughput is None or column.throughput.ratio is None:
        return UNKNOWN
    return f"{column.throughput.ratio:.2f}"


def cpu(column: Column) -> str:
    """Return the CPU time of a thousand events."""
    return milliseconds(1000 * column.throughput.cpu_per_1000) if column.throughput else UNKNOWN


def idle_cpu(column: Column) -> str:
    """Return the CPU time of an idle minute."""
    return milliseconds(1000 * column.idle.cpu) if column.idle else UNKNOWN


def idle_requests(column: Column) -> str:
    """Return the requests of an idle minute."""
    return f"{column.idle.requests:.0f}" if column.idle else UNKNOWN


def away(column: Column) -> str:
    """Return how many of the events sent while the consumer was away arrived."""
    if column.away is None:
        return UNKNOWN
    return f"{column.away.arrived_later} of {column.away.sent_meanwhile}"


def away_order(column: Column) -> str:
    """Return whether they arrived in order."""
    if column.away is None or not column.away.arrived_later:
        return UNKNOWN
    return "yes" if column.away.in_order else "no"


def away_twice(column: Column) -> str:
    """Return how many events were handled twice after a consumer was away."""
    return str(column.away.twice) if column.away else UNKNOWN


def lost(name: str) -> Callable[[Column], str]:
    """Return the cell of the events lost in a kill: crash or between."""
    return lambda c: str(getattr(c, name).lost) if getattr(c, name) else UNKNOWN


def twice(name: str) -> Callable[[Column], str]:
    """Return the cell of the events handled twice in a kill: crash or between."""
    return lambda c: str(getattr(c, name).twice) if getattr(c, name) else UNKNOWN


def again(column: Column) -> str:
    """Return whether the event that was handled before the kill came again."""
    if column.between is None:
        return UNKNOWN
    return "yes" if column.between.again else "no"


def two(name: str) -> Callable[[Column], str]:
    """Return the cell of who gets what: pair or services."""

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


def replay(column: Column) -> str:
    """Return how many of the handled events a later service got."""
    return f"{column.replay.again} of {column.replay.handled}" if column.replay else UNKNOWN


def restart(name: str) -> Callable[[Column], str]:
    """Return the cell of a number of the broker's restart."""

    def cell(column: Column) -> str:
        if column.restart is None:
            return UNKNOWN
        value = getattr(column.restart, name)
        return f"{value:.1f} s" if isinstance(value, float) else str(value)

    return cell
