"""What the judge's own process may use for one submission: over it, the submission has failed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from lab import verdicts

from grader.course import load_course
from grader.grading import many, repeat, watchdog
from grader.grading.many import grade_all
from grader.grading.one import Grading, failed_report
from grader.grading.watchdog import Pulse, Watchdog
from grader.host.usage import own_usage, usage_of
from grader.report import CheckResult, Outcome, Report
from grader.sandbox.process import ProcessSandbox
from grader.submission import Submission
from grader.suite import plugin
from grader.suite.budget import Budget

REPO = Path(__file__).resolve().parents[2]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process uses")
CHECK = "01.reads-appended"


def burn(seconds: float) -> None:
    """Use so much CPU time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


# The budget ---------------------------------------------------------------------------


def test_a_budget_counts_from_its_beginning() -> None:
    """What the process used before is not the submission's; each limit has its sentence."""
    burn(0.05)
    budget = Budget(10, 10_000)
    assert budget.cpu_seconds < 0.05
    assert not budget.over()
    few = Budget(0.02, 10_000)
    burn(0.04)
    assert few.over() == (
        "the program kept the test busy for more than 0.02 s of CPU time, "
        "far more than any exercise needs"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there the peak is not told")
def test_a_peak_of_memory_is_not_forgotten() -> None:
    """It was held for a moment between two looks."""
    budget = Budget(1000, 50)
    hoard = bytearray(int(own_usage().memory_mb + 80) << 20)
    hoard[::4096] = b"x" * len(hoard[::4096])
    del hoard
    assert budget.over().startswith("the program made the test hold more than 50 MB")


def test_a_budget_tells_that_the_process_goes_on() -> None:
    """Whoever watches hears the CPU time."""
    told: list[float] = []
    Budget(1, 1000, told.append).over()
    assert 0 < told[0] <= time.process_time()


@LINUX
def test_the_usage_of_a_process_is_read() -> None:
    """As the process itself sees it; of one that has ended nothing."""
    burn(0.1)
    usage = usage_of(os.getpid())
    assert usage is not None
    assert usage.cpu_seconds == pytest.approx(time.process_time(), abs=0.2)
    assert 1 < usage.memory_mb <= own_usage().memory_mb + 1
    assert usage_of(2**22 + 1) is None


@LINUX
def test_over_the_budget_is_a_failure_and_what_passed_before_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From the moment on, every check fails with the sentence; none is undecided."""
    monkeypatch.setattr(plugin.Budget, "over", lambda self: "the program took too much")
    code = (REPO / "solutions/01/polling.py").read_bytes()
    rows = verdicts("01", {"polling.py": code}, ProcessSandbox, {CHECK, "01.byte-offset"})
    assert {row.outcome for row in rows.values()} <= {Outcome.FAILED, Outcome.SKIPPED}
    assert rows[CHECK].message == "the program took too much"


@LINUX
def test_a_report_has_the_figures() -> None:
    """Of the judge's CPU time and memory; old reports, without them, are still read."""
    course = load_course(REPO)
    code = (REPO / "solutions/01/polling.py").read_bytes()
    how = Grading(course, ProcessSandbox, 1, {}, only=frozenset({CHECK}))
    ((_, report),) = grade_all(
        [Submission("student", course.exercise("01"), {"polling.py": code}, {})], how
    )
    assert 0 < report.judge_cpu_seconds < course.limits.judge_cpu_seconds
    assert report.judge_memory_mb < course.limits.judge_memory_mb
    old = report.model_dump(mode="json", exclude={"judge_cpu_seconds", "judge_memory_mb"})
    assert Report.model_validate(old).judge_cpu_seconds == 0


# The watchdog ---------------------------------------------------------------------------


def stuck(*_: object) -> NoReturn:
    """Use CPU time without end, and tell nobody."""
    while True:
        burn(1)


def hoarding(*_: object) -> NoReturn:
    """Hold much, and tell nobody."""
    hoard = b"x" * (150 << 20)
    time.sleep(60)
    raise AssertionError(len(hoard))


def broken(*_: object) -> NoReturn:
    """End without a report."""
    os._exit(3)


def graded(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., object]
) -> tuple[Report, list[int]]:
    """The report of a submission whose grading does that, and how often it was begun."""
    begun: list[int] = []
    begin = many.begin

    def counted(*args: object) -> object:
        begun.append(1)
        return begin(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(many, "begin", counted)
    monkeypatch.setattr(many, "grade_repeatedly", instead)
    monkeypatch.setattr(watchdog, "STUCK_CPU_SECONDS", 0.5)
    course = load_course(REPO)
    limits = course.limits.model_copy(update={"judge_memory_mb": 40})
    how = Grading(course.model_copy(update={"limits": limits}), ProcessSandbox, 1, {})
    submission = Submission("student", course.exercise("01"), {"polling.py": b""}, {})
    ((_, report),) = grade_all([submission], how)
    return report, begun


@LINUX
@pytest.mark.parametrize(
    ("instead", "said"),
    [(stuck, "kept the test busy for 0 s at a stretch"), (hoarding, "hold more than 80 MB")],
)
def test_grading_that_is_stuck_twice_is_the_submissions_failure(
    monkeypatch: pytest.MonkeyPatch, instead: Callable[..., object], said: str
) -> None:
    """The interpreter's lock may be held where no limit is looked at: it is ended from outside."""
    report, begun = graded(monkeypatch, instead)
    assert len(begun) == 2
    assert {check.outcome for check in report.checks} == {Outcome.FAILED}
    assert report.checks[0].message.startswith("grading was stopped 2 times: the program")
    assert said in report.checks[0].message


def test_grading_that_breaks_twice_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of why: it is begun once more, and then an error of ours."""
    report, begun = graded(monkeypatch, broken)
    assert len(begun) == 2
    assert {check.outcome for check in report.checks} == {Outcome.ERROR}
    assert report.provisional


class Never:
    """A process whose end is noted."""

    pid = os.getpid()
    killed = 0

    def is_alive(self) -> bool:
        """Tell that it runs."""
        return True

    def kill(self) -> None:
        """Take note."""
        self.killed += 1


def test_a_process_that_tells_how_far_it_is_is_left_alone() -> None:
    """However much it has used; one that runs for too long is ended, once."""
    process, pulse = Never(), Pulse()
    pulse.beat(time.process_time() + 1)
    limits = load_course(REPO).limits
    watching = Watchdog(process, pulse, limits, 60)  # type: ignore[arg-type]
    watching.look()
    assert not process.killed
    late = Watchdog(process, pulse, limits, -1)  # type: ignore[arg-type]
    late.look()
    late.look()
    assert process.killed == 1
    assert "was not over after" in late.problem


# A service of one's own -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own_service", "outcome"), [(True, Outcome.FAILED), (False, Outcome.ERROR)]
)
def test_a_service_of_its_own_that_breaks_each_time_is_the_submissions_doing(
    monkeypatch: pytest.MonkeyPatch, *, own_service: bool, outcome: Outcome
) -> None:
    """One that all share is not: that stays undecided."""
    course = load_course(REPO)
    exercise = course.exercise("04")
    runs = []

    def grade(submission: Submission, how: Grading) -> Report:
        runs.append(how.only)
        report = failed_report(submission, how, "")
        rows = [
            CheckResult.of(each, Outcome.ERROR, "no answer", again=True, own_service=own_service)
            for each in exercise.checks
        ]
        return report.model_copy(update={"checks": tuple(rows), "judge_cpu_seconds": 1.5})

    monkeypatch.setattr(repeat, "grade", grade)
    monkeypatch.setattr(repeat, "wait_for_memory", lambda _: None)
    submission = Submission("student", course.exercise("04"), {"sqs.py": b""}, {})
    report = repeat.grade_repeatedly(submission, Grading(course, ProcessSandbox, 1, {}))
    assert len(runs) == 3
    assert {check.outcome for check in report.checks} == {outcome}
    assert report.judge_cpu_seconds == 4.5
