"""Grading many submissions: a process for each, some at a time."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from grader.course import Course, Exercise, Limits
from grader.grading.one import Grading, failed_report, warm
from grader.grading.repeat import ROOM_SECONDS, TRIES, grade_repeatedly
from grader.grading.slots import LOOK_SECONDS, Slot, Slots
from grader.grading.watchdog import Pulse, Watchdog
from grader.host.interrupts import held, release_in_child
from grader.report import CheckResult, Outcome, Report
from grader.sandbox.choice import sweep
from grader.submission import Submission

_PATIENCE = 5
"""Seconds that a grading process has to clean up after itself when the run is broken off."""
_GRACE = 60
"""Seconds beyond total_seconds after which a grading process is taken for stuck."""
ATTEMPTS = 2
"""Grading processes for one submission, where the first breaks or is stuck."""
_BROKE_OFF = "the grading process broke off; grade it again"

_ROW = b"+"
"""Begins a row on its way from a grading process."""


@dataclass(frozen=True)
class GradingJob:
    """A submission to grade, and how."""

    submission: Submission
    how: Grading
    attempt: int = 1


@dataclass
class _Running:
    job: GradingJob
    process: BaseProcess
    watchdog: Watchdog
    slot: Slot


class GradingProcesses:
    """The grading processes that run: one for each submission, each on a slot, each watched."""

    def __init__(self, jobs: int | None) -> None:
        self._slots = Slots(jobs)
        self._running: dict[Connection, _Running] = {}

    @property
    def connections(self) -> list[Connection]:
        """Return the connections to wait for: each can be read when its process is done."""
        return list(self._running)

    def begin(self, job: GradingJob) -> Connection | None:
        """Start a process for `job`, and return its connection; None while no slot is free."""
        slot = self._slots.take()
        if slot is None:
            return None
        pulse = Pulse()
        watched = replace(job.how, pulse=pulse.beat)
        limits = job.how.course.limits
        seconds = seconds_of_one(limits, job.how.repeat)
        with held():
            connection, process = begin(job.submission, watched, slot.core)
            watchdog = Watchdog(process, pulse, limits, seconds)
            self._running[connection] = _Running(job, process, watchdog, slot)
        return connection

    def collect(self, connection: Connection) -> tuple[GradingJob, Report | None]:
        """Return the job behind `connection` and its report; None: begin this job once more."""
        done = self._running.pop(connection)
        self._slots.give_back(done.slot)
        job = done.job
        report = _received(connection, done.process)
        if report is not None:
            return job, report
        if job.attempt < ATTEMPTS:
            return replace(job, attempt=job.attempt + 1), None
        if done.watchdog.problem:
            reason = f"grading was stopped {ATTEMPTS} times: {done.watchdog.problem}"
            return job, failed_report(job.submission, job.how, reason, Outcome.FAILED)
        return job, failed_report(job.submission, job.how, _BROKE_OFF)

    def look(self) -> None:
        """End each process that is stuck."""
        for each in self._running.values():
            each.watchdog.look()

    def stop(self, *connections: Connection) -> None:
        """End the processes behind `connections`, or without any all of them."""
        ended = [(each, self._running.pop(each)) for each in connections or self.connections]
        for _, running in ended:
            self._slots.give_back(running.slot)
        stop([(connection, running.process) for connection, running in ended])


def grade_all(
    submissions: Sequence[Submission], how: Grading, jobs: int | None = 1
) -> Generator[tuple[Submission, Report]]:
    """Grade each submission, and yield the reports as they come.

    `jobs` are graded at a time; with None one a core, and more while cores are idle. Each has a
    process of its own, forked from this one, so that nothing of a submission's grading reaches
    the next. One that breaks or is stuck is replaced once. Where the second breaks as well, it
    costs a report of errors, no more; where it is stuck, the submission has failed.
    """
    exercises = {submission.exercise.id: submission.exercise for submission in submissions}
    warm_all(how.course, [exercise for _, exercise in sorted(exercises.items())])
    waiting = [GradingJob(submission, how) for submission in reversed(submissions)]
    processes = GradingProcesses(jobs)
    try:
        while waiting or processes.connections:
            while waiting and processes.begin(waiting[-1]) is not None:
                waiting.pop()
            for ready in wait(processes.connections, timeout=LOOK_SECONDS):
                assert isinstance(ready, Connection)
                job, report = processes.collect(ready)
                if report is None:
                    waiting.append(job)
                else:
                    yield job.submission, report
            processes.look()
    finally:
        processes.stop()


def warm_all(course: Course, exercises: Iterable[Exercise]) -> None:
    """Collect the suites of `exercises`, so that processes forked from this one need not."""
    for exercise in exercises:
        warm(course, exercise)
    gc.collect()
    gc.freeze()  # what is here stays; looking for garbage in it would copy it into each process


def seconds_of_one(limits: Limits, repeat: int) -> float:
    """Return how long one grading process may take before it is taken for stuck."""
    rounds = 1 + TRIES + repeat + 1  # one more for a busy machine
    return limits.total_seconds * rounds + TRIES * ROOM_SECONDS + _GRACE


def begin(
    submission: Submission, how: Grading, core: int | None = None, *, tells: bool = False
) -> tuple[Connection, BaseProcess]:
    """Start a grading process; the connection has something to read when it is done.

    With `tells` it has for each row too, for :func:`hear`.

    Call it, and keep what it returns, in a block of :func:`grader.host.interrupts.held`. `core` is
    the one that it and all that it starts keep to.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_child, args=(ours, theirs, submission, how, core), kwargs={"tells": tells}
    )
    process.start()
    theirs.close()
    return ours, process


def hear(
    connection: Connection, process: BaseProcess, submission: Submission, how: Grading
) -> tuple[CheckResult, bool] | Report:
    """Return what a grading process that tells says next, waiting for it.

    A row, and whether it is the last word on that check; in the end the report, as `collect` does.
    """
    try:
        data = connection.recv_bytes()
        if data.startswith(_ROW):
            last = data[len(_ROW) : len(_ROW) + 1] == b"1"
            return CheckResult.model_validate_json(data[len(_ROW) + 1 :]), last
        report = Report.model_validate_json(data)
    except (EOFError, ValueError, OSError):
        report = failed_report(submission, how, _BROKE_OFF)
    connection.close()
    process.join()
    return report


def stop(running: list[tuple[Connection, BaseProcess]]) -> None:
    """End what still runs when it is broken off, and leave nothing of it.

    Who presses Ctrl-C again waits for it, a few seconds.
    """
    with held():
        for _, process in running:
            if process.pid is not None and process.is_alive():
                os.kill(process.pid, signal.SIGINT)  # it closes its sandbox
        for connection, process in running:
            process.join(_PATIENCE)
            process.kill()
            process.join()
            connection.close()
        if running:
            sweep()


def _child(
    reading_end: Connection,
    connection: Connection,
    submission: Submission,
    how: Grading,
    core: int | None,
    *,
    tells: bool,
) -> None:
    # A report may be longer than a pipe holds: while this process has the grader's end too, writing
    # it would wait for ever where the grader was killed.
    reading_end.close()
    try:
        release_in_child()
        _work(connection, submission, how, core, tells=tells)
    except KeyboardInterrupt:
        pass
    finally:
        connection.close()
        # Stopping the embedded servers takes half a second each; ending the process does it too.
        os._exit(0)


def _work(
    connection: Connection, submission: Submission, how: Grading, core: int | None, *, tells: bool
) -> None:
    if core is not None:
        with contextlib.suppress(OSError):  # it was taken from this process meanwhile
            os.sched_setaffinity(0, {core})
    _raise_descriptors()

    def tell(row: CheckResult, last: bool) -> None:  # noqa: FBT001 - as Tell says
        if not row.again:  # it is going to be decided in another round
            data = _ROW + (b"1" if last else b"0") + row.model_dump_json().encode()
            connection.send_bytes(data)

    report = grade_repeatedly(submission, how, *([tell] if tells else []))
    connection.send_bytes(report.model_dump_json().encode())


def _raise_descriptors() -> None:
    """So that what submissions of the same user have in flight is no limit here. See zygote.py."""
    import resource  # noqa: PLC0415 - Windows has none, and no fork either

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect(
    connection: Connection, process: BaseProcess, submission: Submission, how: Grading
) -> Report:
    """Return what a grading process found; a report of errors where it broke."""
    return _received(connection, process) or failed_report(submission, how, _BROKE_OFF)


def _received(connection: Connection, process: BaseProcess) -> Report | None:
    """Return the report that a grading process sent; None where it ended without one."""
    try:
        while (data := connection.recv_bytes()).startswith(_ROW):
            pass
        return Report.model_validate_json(data)
    except (EOFError, ValueError, OSError):
        return None
    finally:
        connection.close()
        process.join()
