"""Time that a service or the machine took is nobody's: given back, or else undecided."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from grader.course import Limits, load_course
from grader.host.usage import cpu_seconds_below, seconds_in_queue
from grader.report import Outcome
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.services.base import Service
from grader.suite import Failed
from grader.suite.consumer import Consumer
from grader.suite.crowded import Crowd
from grader.suite.judgement import blame
from grader.suite.outcomes import Hangs, OutOfTime
from grader.suite.plugin import SuitePlugin
from grader.suite.session import Session

REPO = Path(__file__).resolve().parents[2]


class Unwell(Service):
    """A service that does not serve for a while."""

    def __init__(self, times: int) -> None:
        self.times = times

    def serves(self) -> bool:
        """Not the first times."""
        self.times -= 1
        return self.times < 0

    def attach(self, listener: Any, port: int) -> None:
        """Take no connection."""
        listener.close()

    def check(self) -> None:
        """It is well by now."""

    def close(self) -> None:
        """Nothing to give back."""


@pytest.fixture
def session() -> Iterator[Callable[[int], Session]]:
    """`session(times)`: one whose service does not serve so many times; a step may take 1 s."""
    made: list[Session] = []

    def make(times: int) -> Session:
        code = b"import time\n\ndef pause(seconds):\n    time.sleep(seconds)\n"
        setup = Setup(files={"sample.py": code}, ports=[4566], limits=Limits(seconds=1))
        exercise = load_course(REPO).exercise("04")
        made.append(
            Session(exercise, lambda: ProcessSandbox(setup), {"sqs": lambda: Unwell(times)}, {})
        )
        made[0].service("sqs")
        return made[0]

    yield make
    for each in made:
        each.close()


# Services --------------------------------------------------------------------------


def test_time_lost_to_a_service_is_nobodys_wait(session: Callable[[int], Session]) -> None:
    """It does not serve for two seconds of a step that may take one; then the step goes on."""
    lab = session(2)
    consumer = Consumer(lab)
    lab.begin()
    consumer.process().call("sample.pause", 2.2)
    assert lab.lost >= 2
    assert lab.disturbance().startswith("sqs did not serve for")
    lab.begin()
    assert not lab.disturbance()
    consumer.close()


def test_who_is_cut_off_is_not_waited_for(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service that serves a submission no more tells so long before the step's time is over."""
    lab = session(0)
    monkeypatch.setattr(Unwell, "exceeded", property(lambda _: True))
    consumer = Consumer(lab)
    consumer.seconds = 60
    begin = time.monotonic()
    with pytest.raises(Failed, match="sent more to sqs than any exercise needs, and was cut off"):
        consumer.process().call("sample.pause", 30)
    assert time.monotonic() - begin < 20
    consumer.close()


def test_time_in_which_a_service_begins_is_given_back(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The deadline of all checks moves while a broker starts, and stays where it moved."""
    lab = session(0)
    before = lab.lost
    seen: list[float] = []

    def slow() -> Unwell:
        time.sleep(0.2)
        seen.append(lab.lost)
        return Unwell(0)

    monkeypatch.setattr("grader.suite.session._BETWEEN", 0.1)
    lab._factories = {"redis": slow}  # type: ignore[dict-item]  # noqa: SLF001 - what a run has made
    lab._ports = {"redis": 4566}  # noqa: SLF001 - as course.toml would say
    lab.service("redis")
    assert seen[0] >= before + 0.2
    assert lab.lost >= before + 0.2
    lab._services["redis"].lost = 3.0  # noqa: SLF001 - as its suite would
    after = lab.lost
    assert after >= before + 3.2
    lab._end()  # noqa: SLF001 - as where the sandbox died
    assert lab.lost == after, "a sandbox that is started again takes nothing of it back"


def test_a_service_that_was_unwell_for_long_says_nothing_of_the_time_of_all_checks(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in a test before; a second of it changes nothing."""
    monkeypatch.setattr("grader.suite.session._LITTLE", 1)
    lab = session(3)
    consumer = Consumer(lab)
    lab.begin()
    consumer.process().call("sample.pause", 2.2)
    consumer.close()
    lab.begin()
    assert lab.lost_in_all().startswith("sqs did not serve for")
    monkeypatch.setattr("grader.suite.session._LITTLE", 100)
    assert not lab.lost_in_all()


def test_a_service_is_not_waited_for_without_end(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some time it counts as serving: the step's own limit ends the wait."""
    monkeypatch.setattr("grader.suite.session._MOST_LOST", 2)
    consumer = Consumer(session(10**9))
    with pytest.raises(Failed, match="for 1 s it did not"):
        consumer.process().call("sample.pause", 1000)
    consumer.close()


# A busy machine --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elapsed", "queued", "own", "load", "excused"),
    [
        (180, 40, 5, 20.0, True),
        (180, 30, 5, 20.0, False),
        (180, 40, 60, 20.0, False),
        (180, 40, 5, 15.0, False),
        (0, 0, 0, 20.0, False),
    ],
)
def test_who_had_no_processor_is_excused(
    monkeypatch: pytest.MonkeyPatch,
    elapsed: float,
    queued: float,
    own: float,
    load: float,
    *,
    excused: bool,
) -> None:
    """Where the test itself had to wait for one, the submission used little, and many wanted one."""
    monkeypatch.setattr("grader.suite.crowded.seconds_in_queue", lambda: 3.0)
    monkeypatch.setattr("grader.suite.crowded.cpu_seconds_below", lambda: 2.0)
    monkeypatch.setattr("grader.suite.crowded.time.monotonic", lambda: 100.0)
    monkeypatch.setattr("grader.suite.crowded.os.cpu_count", lambda: 2)
    monkeypatch.setattr("grader.suite.crowded.os.getloadavg", lambda: (90.0, load, 0.0))
    crowd = Crowd()
    monkeypatch.setattr("grader.suite.crowded.seconds_in_queue", lambda: 3.0 + queued)
    monkeypatch.setattr("grader.suite.crowded.cpu_seconds_below", lambda: 2.0 + own)
    monkeypatch.setattr("grader.suite.crowded.time.monotonic", lambda: 100.0 + elapsed)
    said = crowd.excuse()
    assert crowd.taken == (queued if excused else 0)
    if excused:
        assert said.startswith("the machine was busy with other work: for 40 of 180 s")
        assert said.endswith("grade it again when there is less to do")
    else:
        assert not said


def test_the_time_of_all_checks_is_no_failure_on_a_busy_machine(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Undecided, with what the test had said; the wait for one step is judged as ever."""
    lab = session(0)
    monkeypatch.setattr(Crowd, "excuse", lambda _: "the machine was busy")
    said = "all checks together took longer than 180 s"
    late, hung = OutOfTime(said), Hangs("polls() did nothing for 10 s")
    assert blame(lab, late, late.kind).outcome is Outcome.ERROR
    assert (
        blame(lab, late, late.kind).message == f"the machine was busy (the test had said: {said})"
    )
    assert blame(lab, hung, hung.kind).outcome is Outcome.FAILED


@pytest.mark.parametrize(("taken", "more"), [(0.0, 0.0), (40.0, 40.0), (999.0, 180.0)])
def test_what_a_crowd_took_comes_on_top(
    session: Callable[[int], Session], monkeypatch: pytest.MonkeyPatch, taken: float, more: float
) -> None:
    """As much as the test waited for a processor, and at most as much as all checks have."""
    plugin = SuitePlugin(load_course(REPO).exercise("01"))
    monkeypatch.setattr(Session, "taken", property(lambda _: taken))
    monkeypatch.setattr("grader.suite.plugin.time.monotonic", lambda: 1000.0)
    plugin.begin(session(0), 1, 180)
    assert plugin._deadline() == 1180.0, "nobody asks before it is over"  # noqa: SLF001
    monkeypatch.setattr("grader.suite.plugin.time.monotonic", lambda: 1181.0)
    assert plugin._deadline() == 1180.0 + more  # noqa: SLF001


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="only Linux counts the wait")
def test_a_wait_for_a_processor_is_counted() -> None:
    """Two on one processor: each waits while the other runs, and its time is seen from above."""
    allowed = os.sched_getaffinity(0)
    before, used = seconds_in_queue(), cpu_seconds_below()
    os.sched_setaffinity(0, {min(allowed)})
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if seconds_in_queue() >= before + 0.2 and cpu_seconds_below() > used:
                break
        assert seconds_in_queue() >= before + 0.2
        assert cpu_seconds_below() > used
    finally:
        os.sched_setaffinity(0, allowed)
        other.kill()
        other.wait()
    assert cpu_seconds_below() > used, "what has ended counts too"
