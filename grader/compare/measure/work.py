"""The measurements one after another, and what they have found so far."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from grader.compare.measure.bench import Bench, Subject
from grader.compare.measure.failures import CRASH_EVENTS, away, between, crash, restart
from grader.compare.measure.idle import idle
from grader.compare.measure.latency import latency
from grader.compare.measure.pair import pair, replay, services
from grader.compare.measure.throughput import Burst, affordable, burst, throughput
from grader.compare.processes.crew import LossError, RunError
from grader.compare.result import Column, Idle, Latency, Whose
from grader.compare.techniques.technique import Technique
from grader.services.rabbitmq.private import PrivateNode

INTERVAL = 0.1
"""Seconds between two polls, where a technique that polls stands beside the others."""
ROUNDS = 4
IDLE_SECONDS = 10.0
SHORT_POLL_SECONDS = 2.0

_COUNTED = ("idle", "away", "crash", "between", "pair", "services", "replay")
"""What is measured of all techniques at a time."""


def steps(techniques: Sequence[Technique]) -> int:
    """Return how many times a comparison of these techniques calls `advance`."""
    intervals = next((each.intervals for each in techniques if each.intervals), ())
    return len(intervals) + 1 + 2 * len(techniques) * (1 + ROUNDS + len(_COUNTED)) + 1 + 1


class Work:
    """Measures all subjects; one that fails has a sentence where its numbers would be."""

    def __init__(
        self,
        bench: Bench,
        subjects: list[Subject],
        events: int,
        advance: Callable[[str], None],
    ) -> None:
        self._bench = bench
        self._all = subjects
        self._living = list(subjects)
        self._events = events
        self._advance = advance
        self._found: dict[Subject, dict[str, Any]] = {subject: {} for subject in subjects}
        self._problems: dict[Subject, dict[str, str]] = {subject: {} for subject in subjects}
        self.by_interval: dict[str, Latency] = {}
        self.short_poll: Idle | None = None

    def without(self, missing: dict[str, str]) -> None:
        """Leave out the techniques of these services, and say why."""
        for subject in self._all:
            if subject.technique.service in missing:
                self._problems[subject]["all"] = missing[subject.technique.service]
        self._living = [s for s in self._all if s.technique.service not in missing]

    def measure(self, nodes: Mapping[str, PrivateNode], rng: random.Random) -> None:
        """Measure everything but the intervals.

        Args:
            nodes: brokers that may be killed, by service.
            rng: chooses where consumers are killed.
        """
        self._latency()
        self._throughput()
        self._together("idle", lambda s: idle(self._bench, s, IDLE_SECONDS))
        self._short_poll()
        at = rng.randrange(CRASH_EVENTS // 5, CRASH_EVENTS * 3 // 5)
        self._together("away", lambda s: away(self._bench, s))
        self._together("crash", lambda s: crash(self._bench, s, at))
        self._together("between", lambda s: between(self._bench, s, at))
        self._together("pair", lambda s: pair(self._bench, s))
        self._together("services", lambda s: services(self._bench, s))
        self._together("replay", lambda s: replay(self._bench, s))
        self._restart(nodes)

    def columns(self, whose: Whose) -> Iterator[Column]:
        """Measure and yield a column for each technique and consumer."""
        for subject in self._all:
            yield Column(
                technique=subject.technique.id,
                whose=whose if subject.file else "bare",
                problems=self._problems[subject],
                **self._found[subject],
            )

    def intervals(self) -> None:
        """Measure the latency of who polls at longer intervals, all at a time."""
        subject = next((s for s in self._all if s.technique.intervals), None)
        if subject is None:
            return

        def one(interval: float) -> Latency:
            # Whole intervals, so that every wait from nothing to all of it comes as often.
            least = 2 * interval * self._bench.rate
            return latency(self._bench, subject, round(max(self._events, least)), interval)

        for interval, result in self._bench.together(
            list(subject.technique.intervals),
            one,
            lambda i: self._advance(f"{subject.technique.title} every {i:g} s"),
        ).items():
            if isinstance(result, RunError):
                self._problems[subject][f"every {interval:g} s"] = str(result)
            else:
                self.by_interval[f"{interval:g}"] = result

    def _latency(self) -> None:
        for subject in list(self._living):
            try:
                self._found[subject]["latency"] = latency(self._bench, subject, self._events)
            except LossError as error:
                self._problems[subject]["latency"] = str(error)
            except RunError as error:
                # It does not work at all: the other measurements would only wait for it.
                self._problems[subject]["all"] = str(error)
                self._living.remove(subject)
            self._advance(_words(subject, "latency"))

    def _throughput(self) -> None:
        for technique in dict.fromkeys(subject.technique for subject in self._living):
            both = [each for each in self._living if each.technique == technique]
            runs: dict[Subject, list[Burst]] = {subject: [] for subject in both}
            counts = self._counts(both)
            for number in range(ROUNDS):
                # In turns, so that a machine that slows down slows both.
                for subject in both[:: 1 if number % 2 else -1]:
                    if "throughput" not in self._problems[subject]:
                        try:
                            runs[subject].append(burst(self._bench, subject, counts[subject]))
                        except RunError as error:
                            self._problems[subject]["throughput"] = str(error)
                    self._advance(_words(subject, "throughput"))
            bare = next((runs[subject] for subject in both if not subject.file), [])
            for subject, mine in runs.items():
                if "throughput" not in self._problems[subject]:
                    self._found[subject]["throughput"] = throughput(
                        mine, bare if subject.file else []
                    )

    def _counts(self, subjects: list[Subject]) -> dict[Subject, int]:
        """Return how many events a burst of each has; for the bare client the technique says it."""
        counts = {subject: subject.technique.burst for subject in subjects}
        for subject in subjects:
            if subject.file:
                try:
                    counts[subject] = affordable(self._bench, subject)
                except RunError as error:
                    self._problems[subject]["throughput"] = str(error)
        return counts

    def _short_poll(self) -> None:
        subject = next((s for s in self._living if s.technique.short_poll and s.file), None)
        if subject is not None:
            changes = subject.technique.short_poll
            try:
                self.short_poll = idle(self._bench, subject, SHORT_POLL_SECONDS, changes)
            except RunError as error:
                self._problems[subject]["short polls"] = str(error)
        self._advance("idle: without long polling")

    def _restart(self, nodes: Mapping[str, PrivateNode]) -> None:
        for service, node in nodes.items():
            some = [s for s in self._living if s.technique.service == service]
            if not some:
                continue
            try:
                for subject, found in restart(self._bench, some, node).items():
                    self._found[subject]["restart"] = found
            except RunError as error:
                for subject in some:
                    self._problems[subject]["restart"] = str(error)
        self._advance("broker restarted")

    def _together(self, name: str, act: Callable[[Subject], object]) -> None:
        found = self._bench.together(
            self._living, act, lambda each: self._advance(_words(each, name))
        )
        for subject, result in found.items():
            if isinstance(result, RunError):
                self._problems[subject][name] = str(result)
            else:
                self._found[subject][name] = result


def _words(subject: Subject, name: str) -> str:
    return f"{name}: {subject.technique.title}{'' if subject.file else ', bare client'}"
