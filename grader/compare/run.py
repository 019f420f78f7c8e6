"""A whole comparison, from the first server to the last number."""

from __future__ import annotations

import random
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from grader.compare.measure.bench import Bench, Subject
from grader.compare.measure.work import INTERVAL, Work
from grader.compare.places import Places
from grader.compare.processes.crew import Crew
from grader.compare.result import Comparison
from grader.compare.servers.catalog import servers
from grader.compare.show.machine import this_machine
from grader.compare.techniques.catalog import techniques_of
from grader.compare.techniques.technique import Technique
from grader.course import Course
from grader.errors import GraderError

EVENTS = 100
RATE = 40.0
"""The simulated SQS carries little more on a small machine, and what it cannot carry waits."""


@dataclass(frozen=True)
class Options:
    """The choices of the user."""

    own: bool = False
    events: int = EVENTS
    """Of a latency run."""
    rate: float = RATE
    """Events a second of a latency run."""
    real: bool = False
    only: tuple[str, ...] = ()
    """Techniques, by id; all where none is named."""
    seed: int | None = None

    def techniques(self, course: Course) -> tuple[Technique, ...]:
        """Return those of the course's to measure.

        Raises:
            CourseError: course.toml names a technique that there is not.
        """
        found = techniques_of(course)
        return tuple(each for each in found if each.id in self.only or not self.only)


def compare(course: Course, options: Options, advance: Callable[[str], None]) -> Comparison:
    """Measure everything; all that it starts has ended and is removed when it returns or raises.

    `advance` is told, in words, of each step that :func:`grader.compare.measure.work.steps` counts.

    Raises:
        GraderError: there is nothing to measure, or a real server does not answer.
    """
    began = time.monotonic()
    techniques = options.techniques(course)
    subjects = list(_subjects(course, techniques, own=options.own))
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    with (
        tempfile.TemporaryDirectory(prefix="stream-compare-") as folder,
        servers(techniques, real=options.real) as found,
        closing(Places(Path(folder), found.urls, INTERVAL, found.settings)) as places,
        Crew(techniques) as crew,
    ):
        bench = Bench(
            crew,
            places,
            resources=course.root / "resources",
            rate=options.rate,
            seed=seed,
        )
        work = Work(bench, subjects, options.events, advance)
        work.intervals()  # while RabbitMQ starts: who waits for a clock does not mind
        found.finish()
        work.without(found.missing)
        advance("servers")
        work.measure(found.restartable, random.Random(seed))  # noqa: S311 - no secret
    return Comparison(
        made=datetime.now(UTC).replace(microsecond=0),
        seconds=round(time.monotonic() - began, 1),
        machine=this_machine(),
        techniques=course.techniques,
        behind=found.behind,
        rate=options.rate,
        seed=seed,
        poll_interval=INTERVAL,
        by_interval=work.by_interval,
        short_poll=work.short_poll,
        columns=tuple(work.columns("own" if options.own else "solution")),
    )


def _subjects(course: Course, techniques: Sequence[Technique], *, own: bool) -> Iterator[Subject]:
    """Yield each technique's consumer, and the bare client's beside it."""
    for technique in techniques:
        exercise = course.exercise(technique.exercise)
        folder = course.folder(exercise) if own else course.solution(exercise)
        if not folder.parent.is_dir():
            raise GraderError("this copy has no solutions to measure", "Measure yours: add --own.")
        file = folder / technique.file
        if not file.is_file():
            raise GraderError(f"{file} does not exist", f"Put it back: grader reset {exercise.id}")
        yield Subject(technique, str(file))
        yield Subject(technique, "")
