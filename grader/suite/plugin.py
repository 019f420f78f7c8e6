"""The pytest plugin that runs a hidden suite: marker, fixtures, and the verdict of each test."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.course import Exercise
from grader.errors import ServiceError
from grader.report import UNDECIDED, CheckResult, Outcome
from grader.sandbox.base import SandboxDied
from grader.services.base import Service
from grader.suite.beside import Beside
from grader.suite.budget import Budget
from grader.suite.consumer import Consumer
from grader.suite.deadline import until
from grader.suite.outcomes import Failed, NotGraded, OutOfTime, OverBudget, Unusable
from grader.suite.session import Session

_CONSUMER = pytest.StashKey[Consumer]()


@dataclass(frozen=True)
class Verdict:
    """What became of one test."""

    outcome: Outcome
    message: str
    seconds: float
    log: tuple[dict[str, Any], ...]
    hint: bool
    again: bool = False
    own_service: bool = False


class _Decided(Exception):  # noqa: N818 - not an error
    """The check's outcome is known without this test."""


class SuitePlugin:
    """Runs a suite's tests in the order of their checks and records a verdict for each."""

    def __init__(
        self,
        exercise: Exercise,
        session: Session,
        seed: int,
        total_seconds: int,
        *,
        only: frozenset[str] | None = None,
        first_failure: bool = False,
        budget: Budget | None = None,
    ) -> None:
        self._budget = budget
        self._exercise = exercise
        self._session = session
        self._seed = seed
        self._only = only
        self._end = time.monotonic() + total_seconds
        self._first_failure = first_failure
        self._enough = False
        self._total_seconds = total_seconds
        self._verdicts: dict[str, list[Verdict]] = {}
        self._problem = ""
        self._broke = False
        """Whether a service was found broken when the test at hand was judged."""

    def _deadline(self) -> float:
        """When the submission's time is over; what a service lost of it comes on top."""
        return self._end + self._session.lost

    # Results -----------------------------------------------------------------

    def results(self) -> tuple[CheckResult, ...]:
        """One row for each check of the exercise, in order."""
        return tuple(self._result(check.id) for check in self._exercise.checks)

    def _result(self, check_id: str) -> CheckResult:
        check = self._exercise.check(check_id)
        assert check is not None
        verdicts = self._verdicts.get(check_id, [])
        seconds = sum(verdict.seconds for verdict in verdicts)
        for outcome in _GRAVEST_FIRST:
            for verdict in verdicts:
                if verdict.outcome is outcome:
                    return CheckResult.of(
                        check,
                        outcome,
                        verdict.message,
                        seconds=seconds,
                        log=verdict.log,
                        hint=verdict.hint,
                        again=verdict.again,
                        own_service=verdict.own_service,
                    )
        if self._enough and not self._problem:
            return CheckResult.of(check, Outcome.SKIPPED, "another check had failed")
        message = self._problem or "no test of the suite proves this check"
        return CheckResult.of(check, Outcome.ERROR, message, seconds=seconds)

    # Hooks -------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known."""
        config.addinivalue_line("markers", "check(id): the check that the test proves")
        config.addinivalue_line("markers", "last: run after all tests without this mark")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put tests into the order of the checks, so that `requires` is decided before.

        Those marked `last` come after all others.
        """
        order = {check.id: number for number, check in enumerate(self._exercise.checks)}
        for item in items:
            if _check_of(item) not in order:
                self._problem = f"{item.name} names no check of course.toml"
        items[:] = [item for item in items if _check_of(item) in order]
        items.sort(key=lambda item: (bool(item.get_closest_marker("last")), order[_check_of(item)]))
        if self._only is not None:
            items[:] = [item for item in items if _check_of(item) in self._only]

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A suite that cannot be read is an error of every check."""
        if report.failed:
            self._problem = f"the suite cannot be read: {str(report.longrepr)[-500:]}"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Skip what a failed check makes meaningless; end what takes too long."""
        self._require(item)
        with until(self._deadline, self._too_long, self._over_budget):
            yield

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Iterator[None]:
        """End what takes too long."""
        with until(self._deadline, self._too_long, self._over_budget):
            yield

    def _require(self, item: pytest.Item) -> None:
        check = self._exercise.check(_check_of(item))
        assert check is not None
        if self._enough or any(
            v.outcome is Outcome.FAILED for v in self._verdicts.get(check.id, ())
        ):
            raise _Decided  # another test of this check failed: no need to wait for more
        for required in check.requires:
            if self._result(required).outcome is not Outcome.PASSED:
                pytest.skip(f"it needs {required}, which did not pass")
        if over := self._over_budget():
            raise OverBudget(over)
        if time.monotonic() > self._deadline():
            raise OutOfTime(self._too_long())
        for name in self._exercise.services:
            if name in getattr(item, "fixturenames", ()) and (why := self._session.missing(name)):
                raise NotGraded(str(why))

    def _over_budget(self) -> str:
        return self._budget.over() if self._budget is not None else ""

    def _too_long(self) -> str:
        """Say that the time is over, and that imports took it where they did."""
        said = f"all checks together took longer than {self._total_seconds} s"
        slow = self._session.imports.slow(self._total_seconds / 2)
        return f"{said}; {slow}" if slow else said

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Record the verdict: of the call, or of a phase around it that went wrong."""
        if call.excinfo is None and call.when != "call":
            return
        if call.excinfo is not None and call.excinfo.type is _Decided:
            return
        self._broke = False
        outcome, message = self._judge(item, call)
        broken = self._session.broken_services() if outcome in UNDECIDED else []
        if outcome in UNDECIDED and (excess := self._session.exceeded()):
            outcome, message = Outcome.FAILED, _cut_off(excess)
        consumer = item.stash.get(_CONSUMER, None)
        log = tuple(consumer.log.entries) if consumer is not None else ()
        hint = call.excinfo is None or not isinstance(call.excinfo.value, Unusable)
        passes = bool(broken) or self._broke or bool(self._session.disturbance())
        again = outcome in UNDECIDED and passes
        own_service = bool(broken) and not any(each.shared for each in broken)
        verdict = Verdict(outcome, message, call.duration, log, hint, again, own_service)
        self._verdicts.setdefault(_check_of(item), []).append(verdict)
        self._enough |= self._first_failure and outcome is Outcome.FAILED

    def _judge(self, item: pytest.Item, call: pytest.CallInfo[None]) -> tuple[Outcome, str]:
        if call.excinfo is None:
            return Outcome.PASSED, ""
        error = call.excinfo.value
        match error:
            case pytest.skip.Exception():
                return Outcome.SKIPPED, str(error.msg)
            case NotGraded():
                return Outcome.NOT_GRADED, str(error)
            case Failed():
                return self._blame(error)
            case AssertionError() if not _of_suite(item, call):
                pass  # a library's own, in our process
            case AssertionError() if str(error):
                return self._blame(error)
            case AssertionError():
                return Outcome.ERROR, f"the suite failed without a sentence ({_place(call)})"
            case SandboxDied():
                return self._blame(
                    Failed(f"the program ended the sandbox that it ran in ({error})")
                )
            case ServiceError():
                return Outcome.NOT_GRADED, str(error)
        return Outcome.ERROR, f"{type(error).__name__}: {error} ({_place(call)})"

    def _blame(self, error: AssertionError) -> tuple[Outcome, str]:
        """The student's failure, unless a service or the sandbox's folder broke meanwhile."""
        message = str(error)
        if isinstance(error, OverBudget):
            return Outcome.FAILED, message  # whatever else did not work meanwhile
        if not self._session.whole:
            return Outcome.ERROR, f"somebody removed the sandbox's files; the test said: {message}"
        try:
            self._session.check_services()
        except ServiceError as broken:
            self._broke = True
            return Outcome.ERROR, f"{broken} (the test had said: {message})"
        if isinstance(error, OutOfTime) and (lost := self._session.lost_in_all()):
            return Outcome.ERROR, f"{lost} (the test had said: {message})"
        if disturbance := self._session.disturbance():
            self._session.forget()
            return Outcome.ERROR, f"{disturbance} (the test had said: {message})"
        if self._session.over_memory:
            limit = self._session.memory_mb
            message = f"the program used more than {limit} MB of memory and was stopped; {message}"
        if excess := self._session.exceeded():
            message = _cut_off(excess)
        return Outcome.FAILED, message

    # Fixtures ----------------------------------------------------------------

    @pytest.fixture
    def consumer(self, request: pytest.FixtureRequest) -> Iterator[Consumer]:
        """The student's code."""
        consumer = Consumer(self._session)
        self._session.begin()
        request.node.stash[_CONSUMER] = consumer
        self._session.observe = consumer.log.add
        yield consumer
        consumer.close()
        self._session.clear()

    @pytest.fixture(scope="session")
    def beside(self) -> Iterator[Beside]:
        """What runs beside the tests."""
        beside = Beside(self._session)
        yield beside
        beside.close()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> random.Random:
        """Random numbers of this test's own, from the run's seed."""
        return random.Random(f"{self._seed}:{request.node.nodeid}")  # noqa: S311 - not a secret

    @pytest.fixture
    def service(self) -> Any:
        """`service(name)`: the service of that name, attached to the sandbox."""

        def get(name: str) -> Service:
            return self._session.service(name)

        return get


_GRAVEST_FIRST = (
    Outcome.FAILED,
    Outcome.ERROR,
    Outcome.NOT_GRADED,
    Outcome.SKIPPED,
    Outcome.PASSED,
)


def _cut_off(why: str) -> str:
    return f"the program {why}, and was cut off"


def _check_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("check")
    return str(marker.args[0]) if marker is not None and marker.args else ""


def _of_suite(item: pytest.Item, call: pytest.CallInfo[None]) -> bool:
    """Tell whether the innermost frame of the error lies in the suite, or in what suites share."""
    assert call.excinfo is not None
    return item.path.parents[1] in Path(str(call.excinfo.traceback[-1].path)).parents


def _place(call: pytest.CallInfo[None]) -> str:
    assert call.excinfo is not None
    entry = call.excinfo.traceback[-1]
    return f"{entry.path.name if hasattr(entry.path, 'name') else entry.path}:{entry.lineno + 1}"
