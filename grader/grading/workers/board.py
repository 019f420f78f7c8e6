"""What is known of the workers: who they are, which suites they have, and what each grades."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

_SILENT_SECONDS = 8.0
"""A worker that was not heard of for so long counts no more; it says something every 2 s."""
_LINES = 8
"""Workers that are shown each; of more there is only the number."""


@dataclass(frozen=True)
class WorkerState:
    """The last word of a worker."""

    name: str
    course: str
    jobs: int
    tasks: tuple[str, ...]
    heard: float
    """When, on the monotonic clock."""


class Board:
    """The workers that are there now, for work on the suites with the hash `course`."""

    def __init__(self, course: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._course = course
        self._clock = clock
        self._workers: dict[str, WorkerState] = {}

    def hear(self, event: Mapping[str, Any]) -> None:
        """Note what a worker announced; what is no announcement is passed over."""
        match event:
            case {"name": str(name), "course": str(course), "jobs": int(jobs), "tasks": list(ids)}:
                tasks = tuple(each for each in ids if isinstance(each, str))
                self._workers[name] = WorkerState(name, course, jobs, tasks, self._clock())

    def _there(self) -> list[WorkerState]:
        now = self._clock()
        self._workers = {
            name: each for name, each in self._workers.items() if now - each.heard < _SILENT_SECONDS
        }
        return sorted(self._workers.values(), key=lambda each: each.name)

    @property
    def ours(self) -> list[WorkerState]:
        """Those that take this course's work."""
        return [each for each in self._there() if each.course == self._course]

    @property
    def others(self) -> list[WorkerState]:
        """Those with other suites or limits."""
        return [each for each in self._there() if each.course != self._course]

    @property
    def slots(self) -> int:
        """Return how many submissions are graded at a time, by all together."""
        return sum(each.jobs for each in self.ours)

    @property
    def busy_with(self) -> Collection[str]:
        """The ids of the tasks that somebody has begun."""
        return {task for each in self.ours for task in each.tasks}

    def lines(self, names: Mapping[str, str]) -> list[str]:
        """Return a line for each worker: what it grades, by the tasks' `names`."""
        ours = self.ours
        lines = [f"{len(ours)} worker{'' if len(ours) == 1 else 's'}"]
        for each in ours[:_LINES]:
            grades = ", ".join(names[task] for task in each.tasks if task in names)
            lines.append(f"  {each.name}: {grades or 'waits'}")
        if len(ours) > _LINES:
            lines.append(f"  and {len(ours) - _LINES} more")
        return lines

    def missing(self) -> str:
        """Return why nobody takes this course's work; an empty string where somebody does."""
        if self.ours:
            return ""
        if others := self.others:
            names = ", ".join(each.name for each in others[:_LINES])
            theirs = ", ".join(sorted({each.course[:12] for each in others}))
            return (
                f"no worker has these suites and limits ({self._course[:12]}): {names} "
                f"{'has' if len(others) == 1 else 'have'} others ({theirs}). Bring the course "
                "there to the same state, then start the worker again."
            )
        return (
            "no worker takes work: start one with `grader worker --broker URL` on a machine that "
            "has this course."
        )
