"""The producer's side of a comparison: what it says of events that nobody took at first."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from event_sinks.base import Sink, SinkError
from grader.compare.place import Place
from grader.compare.processes import producer
from grader.compare.processes.producer import Plan
from grader.compare.techniques.rabbitmq import RabbitMQ
from grader.plugins import place_of

RESOURCES = Path(__file__).resolve().parents[2] / "resources"


class Kept(Sink):
    """Takes everything."""

    def send(self, lines: bytes) -> None:
        """Nothing to do."""

    def wait(self, seconds: float) -> None:
        """Nothing to do."""

    def close(self) -> None:
        """Nothing to do."""


class Told:
    """A line whose other end says begin, and stop once `stop` is set."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Any]] = []
        self.stop = threading.Event()
        self._heard = 0

    def say(self, word: str, *values: Any) -> None:
        """Keep the word and its first value."""
        self.said.append((word, *values[:1]))

    def hear(self) -> bool:
        """The next word; after stop nothing comes any more."""
        self._heard += 1
        if self._heard == 2:
            self.stop.wait()
        elif self._heard > 2:
            threading.Event().wait()
        return True

    def of(self, word: str) -> list[Any]:
        """The first value that went with each such word."""
        return [values[0] for said, *values in self.said if said == word]


@pytest.mark.parametrize(("insist", "lost", "sent"), [(True, [], [1]), (False, [1], [])])
def test_who_insists_gives_up_no_event_when_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, *, insist: bool, lost: list[int], sent: list[int]
) -> None:
    """The broker is still away when the producer is stopped: the event at hand is sent later.

    It would count as lost by the broker, which never saw it.
    """
    line = Told()
    tries = iter(range(4))

    def open_sink(_: RabbitMQ, __: Place) -> Sink:
        line.stop.set()
        if next(tries, None) is not None:
            raise SinkError("the broker is away")
        return Kept()

    monkeypatch.setattr(RabbitMQ, "sink", open_sink)
    plan = {"technique": place_of(RabbitMQ), "place": Place(), "resources": str(RESOURCES)}
    producer.work(Plan(count=9, rate=5.0, insist=insist, **plan), line)  # type: ignore[arg-type]
    assert line.of("lost")[:1] == lost
    assert line.of("sent")[:1] == sent
