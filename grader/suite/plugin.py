"""The pytest plugin that runs a hidden suite: marker, fixtures, and the verdict of each test."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from grader.course import Exercise
from grader.report import UNDECIDED, CheckResult, Outcome
from grader.services.base import Service
from grader.services.catalog import service_kinds
from grader.services.gate import Gate
from grader.suite.beside import Beside
from grader.suite.budget import Budget
from grader.suite.consumer import Consumer
from grader.suite.deadline import until
from grader.suite.judgement import Judgement, cut_off, judge
from grader.suite.outcomes import NotGraded, OutOfTime, OverBudget, take_left
from grader.suite.session import Session
from grader.suite.verdict import Verdict, Verdicts

_Skipped = pytest.skip.Exception
_CONSUMER = pytest.StashKey[Consumer]()


class _Decided(Exception):  # noqa: N818 - not an error
    """The check's outcome is known without this test."""


_PLUGIN = pytest.StashKey["SuitePlugin"]()


@pytest.fixture(scope="session")
def beside(request: pytest.FixtureRequest) -> Iterator[Beside]:
    """Give what runs beside the tests. A method could be the fixture of one test alone."""
    running = Beside(request.config.stash[_PLUGIN].session)
    yield running
    running.close()


class SuitePlugin:
    """Runs a suite's tests in the order of their checks and records a verdict for each."""

    def __init__(self, exercise: Exercise) -> None:
        self._exercise = exercise
        self._problem = ""
        self._problem_log: tuple[dict[str, Any], ...] = ()
        self._ids: dict[str, str] = {}
        """The check of each test, by its node id."""

    def begin(
        self,
        session: Session,
        seed: int,
        total_seconds: int,
        *,
        only: frozenset[str] | None = None,
        first_failure: bool = False,
        tell: Callable[[CheckResult, bool], None] = lambda _row, _last: None,
        budget: Budget | None = None,
    ) -> None:
        """Make ready for one submission: what was found out about another is forgotten."""
        self.session = session
        """Of the submission at hand."""
        self._budget = budget
        self._seed = seed
        self._only = only
        self._end = time.monotonic() + total_seconds
        self._first_failure = first_failure
        self._enough = False
        self._total_seconds = total_seconds
        self._verdicts = Verdicts()
        self._tell = tell
        """Called with a check's row when it failed, and, with True, when its last test has run."""
        self._left = Counter(check for check in self._ids.values())
        """Tests that have not run yet, by check."""

    def wants(self, item: pytest.Item) -> bool:
        """Tell whether the test proves a check that is asked for."""
        return self._only is None or _check_of(item) in self._only

    def _deadline(self) -> float:
        """Return when the submission's time is over; what others took of it comes on top.

        That is what a service lost, and, up to as much again, what a busy machine did.
        """
        end = self._end + self.session.lost
        if time.monotonic() <= end:
            return end  # how busy it is need not be known yet
        return end + min(self.session.taken, self._total_seconds)

    # Results -----------------------------------------------------------------

    def results(self) -> tuple[CheckResult, ...]:
        """Return one row for each check of the exercise, in order."""
        return tuple(self._result(check.id) for check in self._exercise.checks)

    def _result(self, check_id: str) -> CheckResult:
        check = self._exercise.check(check_id)
        assert check is not None
        seconds = self._verdicts.seconds(check_id)
        if (verdict := self._verdicts.gravest(check_id)) is not None:
            return CheckResult.of(
                check,
                verdict.outcome,
                verdict.message,
                kind=verdict.kind,
                because=verdict.leans_on if self._verdicts.follows(verdict) else "",
                printed=verdict.printed,
                seconds=seconds,
                log=verdict.log,
                again=verdict.again,
                own_service=verdict.own_service,
                unfounded=self._verdicts.unfounded(check_id),
            )
        if self._enough and not self._problem:
            return CheckResult.of(check, Outcome.SKIPPED, "another check had failed")
        message = self._problem or "no test of the suite proves this check"
        log = self._problem_log if self._problem else ()
        return CheckResult.of(check, Outcome.ERROR, message, seconds=seconds, log=log)

    # Hooks -------------------------------------------------------------------

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the markers and the fixtures known."""
        config.stash[_PLUGIN] = self
        config.pluginmanager.register(sys.modules[__name__])
        config.addinivalue_line(
            "markers",
            "check(id, leans_on=id): the check that the test proves; one that it takes for granted",
        )
        config.addinivalue_line("markers", "last: run after all tests without this mark")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Put tests into the order of the checks, so that `requires` is decided before.

        Those marked `last` come after all others.
        """
        order = _order(self._exercise, {_leans_on(item) for item in items})
        for item in items:
            if _check_of(item) not in order:
                self._problem = f"{item.name} names no check of course.toml"
        items[:] = [item for item in items if _check_of(item) in order]
        items.sort(key=lambda item: (bool(item.get_closest_marker("last")), order[_check_of(item)]))
        self._ids = {item.nodeid: _check_of(item) for item in items}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Make a suite that cannot be read an error of every check."""
        if report.failed:
            self._problem = "the suite cannot be read"
            self._problem_log = (_for_authors(str(report.longrepr)[-500:]),)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Iterator[None]:
        """Skip what a failed check makes meaningless; end what takes too long."""
        self._require(item)
        take_left()  # of a test that failed
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
        if self._enough or self._verdicts.decided(check.id):
            raise _Decided  # no need to wait for more
        for required in check.requires:
            if self._result(required).outcome is not Outcome.PASSED:
                pytest.skip(f"it needs {required}, which did not pass")
        if over := self._over_budget():
            raise OverBudget(over)
        if time.monotonic() > self._deadline():
            raise OutOfTime(self._too_long())
        for name in (kind.name for kind in service_kinds(self._exercise.services)):
            if name in getattr(item, "fixturenames", ()) and (why := self.session.missing(name)):
                raise NotGraded(str(why))

    def _over_budget(self) -> str:
        return self._budget.over() if self._budget is not None else ""

    def _too_long(self) -> str:
        """Say that the time is over, and that imports took it where they did."""
        said = f"all checks together took longer than {self._total_seconds} s"
        slow = self.session.imports.slow(self._total_seconds / 2)
        return f"{said}; {slow}" if slow else said

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> pytest.TestReport:
        """Record the verdict, and say no more than whether the phase passed.

        pytest's own report has the source of every frame, for which it parses whole files.
        """
        self._record(item, call)
        assert call.when != "collect"
        passed, error = call.excinfo is None, call.excinfo and call.excinfo.value
        return pytest.TestReport(
            item.nodeid,
            item.location,
            {},
            "passed" if passed else "skipped" if isinstance(error, _Skipped) else "failed",
            None,
            call.when,
            duration=call.duration,
        )

    def _record(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """Record the verdict of the call, or of a phase around it that went wrong."""
        if call.excinfo is None and call.when != "call":
            return
        if call.excinfo is not None and call.excinfo.type is _Decided:
            return
        judgement, left = judge(item, call, self.session), take_left()
        if unknown := [each.check for each in left if self._exercise.check(each.check) is None]:
            judgement = Judgement(Outcome.ERROR, f"{item.name} leaves to {unknown[0]}, no check")
        broke = judgement.broke
        broken = self.session.broken_services() if judgement.outcome in UNDECIDED else []
        if judgement.outcome in UNDECIDED and (excess := self.session.exceeded()):
            judgement = cut_off(excess)
        outcome = judgement.outcome
        consumer = item.stash.get(_CONSUMER, None)
        log = tuple(consumer.log.entries) if consumer is not None else ()
        failed = outcome is Outcome.FAILED
        if outcome is Outcome.ERROR and call.excinfo is not None:
            log += (_for_authors(f"the suite stood at {_place(call)}"),)
        passes = bool(broken) or broke or bool(self.session.disturbance())
        verdict = Verdict(
            outcome,
            judgement.message,
            call.duration,
            log,
            kind=judgement.kind,
            line=getattr(call.excinfo.value, "line", 0) if call.excinfo is not None else 0,
            leans_on=_leans_on(item),
            printed=self.session.printed() if failed else "",
            again=outcome in UNDECIDED and passes,
            own_service=bool(broken) and not any(each.shared for each in broken),
            left_to=left,
        )
        self._verdicts.add(_check_of(item), verdict)
        self._enough |= self._first_failure and failed
        if failed:
            self._tell(self._result(_check_of(item)), False)  # noqa: FBT003 - not the last word

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell a check's row when its last test has run."""
        check_id = self._ids.get(nodeid, "")
        self._left[check_id] -= 1
        if check_id and not self._left[check_id]:
            self._tell(self._result(check_id), True)  # noqa: FBT003 - the last word

    # Fixtures ----------------------------------------------------------------

    @pytest.fixture
    def consumer(self, request: pytest.FixtureRequest) -> Iterator[Consumer]:
        """Give the student's code."""
        consumer = Consumer(self.session)
        self.session.begin()
        request.node.stash[_CONSUMER] = consumer
        self.session.observe = consumer.log.add
        yield consumer
        consumer.close()
        self.session.clear()

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> random.Random:
        """Random numbers of this test's own, from the run's seed."""
        return random.Random(f"{self._seed}:{request.node.nodeid}")  # noqa: S311 - not a secret

    @pytest.fixture
    def gate(self) -> Gate:
        """Give the gate that everything crosses in one order; a test can stop it."""
        return self.session.gate

    @pytest.fixture
    def service(self) -> Any:
        """`service(name)`: the service of that name, attached to the sandbox."""

        def get(name: str) -> Service:
            return self.session.service(name)

        return get


def _check_of(item: pytest.Item) -> str:
    marker = item.get_closest_marker("check")
    return str(marker.args[0]) if marker is not None and marker.args else ""


def _leans_on(item: pytest.Item) -> str:
    marker = item.get_closest_marker("check")
    return str(marker.kwargs.get("leans_on", "")) if marker is not None else ""


def _order(exercise: Exercise, leaned_on: set[str]) -> dict[str, int]:
    """Order the checks as they run: what tests lean on, with what that requires, goes first."""
    first = set(leaned_on)
    for check in reversed(exercise.checks):  # what a check requires stands before it
        if check.id in first:
            first.update(check.requires)
    ordered = sorted(exercise.checks, key=lambda check: check.id not in first)
    return {check.id: number for number, check in enumerate(ordered)}


def _for_authors(what: str) -> dict[str, Any]:
    """Return what an author must know of an error: a student's page shows messages, and no log."""
    return {"at": 0, "who": "suite", "what": what}


def _place(call: pytest.CallInfo[None]) -> str:
    assert call.excinfo is not None
    entry = call.excinfo.traceback[-1]
    return f"{entry.path.name if hasattr(entry.path, 'name') else entry.path}:{entry.lineno + 1}"
