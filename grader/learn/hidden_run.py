"""A run of the hidden suite on a learner's own files, told row by row."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Self

from grader.course import Course, Exercise
from grader.grading.many import begin, hear, stop
from grader.grading.one import Grading
from grader.host.interrupts import held
from grader.learn.own_work import your_files
from grader.report import CheckResult, Report
from grader.sandbox.choice import own_code
from grader.services.kind import ServiceFactory


class HiddenRun:
    """The hidden suite of an exercise while it runs; :meth:`step` when its descriptor is ready."""

    def __init__(
        self,
        course: Course,
        exercise: Exercise,
        seed: int,
        services: Mapping[str, ServiceFactory],
        only: frozenset[str] | None = None,
    ) -> None:
        self._submission = your_files(course, exercise)
        self._how = Grading(course, own_code(), seed, services, only=only, waits_once=True)
        self._over = False
        with held():
            self._connection, self._process = begin(self._submission, self._how, tells=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._connection.fileno()

    def step(self) -> tuple[CheckResult, bool] | Report:
        """Return the next row, and whether it is final; the report when the run is over."""
        heard = hear(self._connection, self._process, self._submission, self._how)
        self._over = isinstance(heard, Report)
        return heard

    def stop(self) -> None:
        """End it, with all that it started."""
        if not self._over:
            self._over = True
            stop([(self._connection, self._process)])
