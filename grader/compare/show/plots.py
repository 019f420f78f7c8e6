"""The comparison as pictures, by matplotlib: latency, and time lines."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from grader.compare.result import Column, Comparison, Moment
from grader.compare.show.cells import milliseconds
from grader.compare.techniques.catalog import techniques_in
from grader.errors import GraderError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "latency": "Latency of each event, by technique",
    "away": "Away for a second",
    "crash": "Killed while handling an event",
    "between": "Killed after handling an event",
}
"""Each picture by its name."""

_STORIES = {
    "away": "The consumer is away for a second (grey)",
    "crash": "Killed inside handle() (line), and another consumer at once",
    "between": "Killed when handle() returns (line), and another consumer at once",
}
"""The heading of each time line."""

# Okabe and Ito's colours, which colour-blind readers can tell apart.
_BLUE, _ORANGE, _RED, _GREY = "#0072b2", "#e69f00", "#d55e00", "#8a8f98"
_INK = "#59606b"
"""Reads on white and on the page's dark ground."""


def require() -> None:
    """Say at once, and not after minutes, that the pictures cannot be drawn.

    Raises:
        GraderError: matplotlib is missing.
    """
    try:
        import matplotlib  # noqa: F401, ICN001, PLC0415 - an extra of the package
    except ImportError:
        raise GraderError(
            "the plots need matplotlib", "Run `pip install matplotlib`, or leave the option out."
        ) from None


def png(comparison: Comparison) -> bytes:
    """Return all pictures, one above the other."""
    figure = _figure(11, 19.5)
    top, *others = figure.subplots(1 + len(_STORIES), 1, height_ratios=[0.9, 1.2, 1.2, 1.2])
    _draw_latency(top, comparison)
    for axes, name in zip(others, _STORIES, strict=True):
        _draw_story(axes, comparison, name)
    return _save(figure, "png")


def svgs(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield each picture for a page: what it shows, and its SVG element."""
    for name, title in TITLES.items():
        text = _save(_picture(comparison, name), "svg").decode()
        yield title, text[text.index("<svg") :]


def one(comparison: Comparison, name: str) -> bytes:
    """Return one picture as PNG, by its name."""
    return _save(_picture(comparison, name), "png")


def _picture(comparison: Comparison, name: str) -> Figure:
    figure = _figure(10, 4.2)
    if name == "latency":
        _draw_latency(figure.subplots(), comparison)
    else:
        _draw_story(figure.subplots(), comparison, name)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415 - an extra of the package

    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, form: str) -> bytes:
    from matplotlib import rc_context  # noqa: PLC0415 - as above

    buffer = io.BytesIO()
    ground: dict[str, Any] = {"transparent": True} if form == "svg" else {"facecolor": "white"}
    # Without a date and with fixed names the same numbers give the same file.
    with rc_context(
        {"svg.fonttype": "none", "svg.hashsalt": "compare", "font.family": "sans-serif"}
    ):
        metadata = {"Date": None} if form == "svg" else {}
        figure.savefig(buffer, format=form, dpi=110, metadata=metadata, **ground)
    return buffer.getvalue()


def _dress(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=_INK, fontsize=12)
    axes.tick_params(colors=_INK, length=0)
    axes.xaxis.label.set_color(_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_GREY)
    axes.grid(axis="x", color=_GREY, alpha=0.25, linewidth=0.6)


def _columns(comparison: Comparison) -> list[Column | None]:
    return [comparison.column(t.id, comparison.subject) for t in techniques_in(comparison)]


def _lanes(axes: Axes, comparison: Comparison) -> None:
    names = [
        f"{t.title}{'*' if comparison.behind.get(t.id, '').startswith('simulated') else ''}"
        for t in techniques_in(comparison)
    ]
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _draw_latency(axes: Axes, comparison: Comparison) -> None:
    for lane, column in enumerate(_columns(comparison)):
        if column is None or column.latency is None:
            continue
        found = column.latency
        # Spread by their place in time: chance would draw another picture each time.
        spread = [lane + 0.32 * (((7 * n) % 11) / 5 - 1) for n in range(len(found.samples))]
        axes.scatter(found.samples, spread, s=9, color=_BLUE, alpha=0.35, linewidths=0)
        for value, name in ((found.p50, "50"), (found.p95, "95"), (found.p99, "99")):
            axes.plot([value, value], [lane - 0.4, lane + 0.4], color=_RED, linewidth=1.6)
            if name == "50":
                axes.annotate(
                    milliseconds(value),
                    (value, lane - 0.4),
                    xytext=(0, 1),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=8,
                    color=_INK,
                )
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds from the producer to handle(); lines: median, 95 %, 99 %")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    _lanes(axes, comparison)
    _dress(axes, "Latency of each event")


def _draw_story(axes: Axes, comparison: Comparison, name: str) -> None:
    for lane, column in enumerate(_columns(comparison)):
        found = getattr(column, name) if column else None
        if found is None:
            continue
        _draw_lane(axes, lane, found.events)
        if name == "away":
            axes.fill_between(
                [found.left, found.back],
                lane - 0.45,
                lane + 0.45,
                color=_GREY,
                alpha=0.18,
                linewidth=0,
            )
        else:
            axes.plot([found.killed] * 2, [lane - 0.45, lane + 0.45], color=_INK, linewidth=2.2)
    for label, colour in (("handled", _BLUE), ("handled again", _ORANGE), ("lost", _RED)):
        axes.plot([], [], "|", color=colour, markersize=9, markeredgewidth=1.6, label=label)
    legend = axes.legend(
        loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=9
    )
    for text in legend.get_texts():
        text.set_color(_INK)
    axes.set_xlabel("seconds; above: when an event was sent, below: when it was handled")
    _lanes(axes, comparison)
    _dress(
        axes,
        _STORIES[name],
    )


def _draw_lane(axes: Axes, lane: int, events: tuple[Moment, ...]) -> None:
    lost = [each.sent for each in events if not each.handled]
    sent = [each.sent for each in events if each.handled]
    first = [each.handled[0] for each in events if each.handled]
    again = [moment for each in events for moment in each.handled[1:]]
    up, down = (lane - 0.38, lane - 0.04), (lane + 0.04, lane + 0.38)
    for moments, (low, high), colour, width in (
        (sent, up, _GREY, 0.6),
        (lost, up, _RED, 1.3),
        (first, down, _BLUE, 0.8),
        (again, down, _ORANGE, 1.0),
    ):
        axes.vlines(moments, low, high, color=colour, linewidth=width)
