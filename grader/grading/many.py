"""Grading many submissions: a process for each, some at a time."""

from __future__ import annotations

import contextlib
import gc
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from grader.grading.one import Grading, failed_report, warm
from grader.grading.repeat import grade_repeatedly
from grader.report import Report
from grader.sandbox.choice import sweep
from grader.submission import Submission

_PATIENCE = 5
"""Seconds that a grading process has to clean up after itself when the run is broken off."""
_GRACE = 60
"""Seconds beyond total_seconds after which a grading process is taken for stuck."""


def grade_all(
    submissions: Sequence[Submission], how: Grading, jobs: int = 1
) -> Iterator[tuple[Submission, Report]]:
    """Grade each submission, `jobs` at a time, and yield the reports as they come.

    Each has a process of its own, forked from this one, so that nothing of a submission's
    grading reaches the next. A grading process that breaks costs a report of errors, no more.
    """
    for exercise in sorted({submission.exercise for submission in submissions}):
        warm(how.course, how.course.exercise(exercise))
    gc.collect()
    gc.freeze()  # what is here stays; looking for garbage in it would copy it into each process
    waiting = list(reversed(submissions))
    running: dict[Connection, tuple[Submission, BaseProcess, float]] = {}
    limit = how.course.limits.total_seconds * (1 + how.repeat) + _GRACE
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                submission = waiting.pop()
                ours, process = begin(submission, how)
                running[ours] = (submission, process, time.monotonic() + limit)
            for ready in wait(list(running), timeout=1):
                assert isinstance(ready, Connection)
                submission, process, _ = running.pop(ready)
                yield submission, collect(ready, process, submission, how)
            for connection, (_, process, deadline) in running.items():
                if time.monotonic() > deadline and process.is_alive():
                    process.kill()  # the connection reports its end in the next round
                    running[connection] = (*running[connection][:2], float("inf"))
    finally:
        stop([(connection, process) for connection, (_, process, _) in running.items()])


def begin(submission: Submission, how: Grading) -> tuple[Connection, BaseProcess]:
    """Start a grading process; the connection has something to read when it is done."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(theirs, submission, how))
    process.start()
    theirs.close()
    return ours, process


def stop(running: list[tuple[Connection, BaseProcess]]) -> None:
    """End what still runs when it is broken off, and leave nothing of it."""
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


def _child(connection: Connection, submission: Submission, how: Grading) -> None:
    _raise_descriptors()
    try:
        report = grade_repeatedly(submission, how)
        connection.send_bytes(report.model_dump_json().encode())
    except KeyboardInterrupt:
        pass
    finally:
        connection.close()
        # Stopping the embedded servers takes half a second each; ending the process does it too.
        os._exit(0)


def _raise_descriptors() -> None:
    """So that what submissions of the same user have in flight is no limit here. See zygote.py."""
    import resource  # noqa: PLC0415 - Windows has none, and no fork either

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def collect(
    connection: Connection, process: BaseProcess, submission: Submission, how: Grading
) -> Report:
    """What a grading process found; a report of errors where it broke."""
    try:
        data = connection.recv_bytes()
        return Report.model_validate_json(data)
    except (EOFError, ValueError, OSError):
        return failed_report(submission, how, "the grading process broke off; grade it again")
    finally:
        connection.close()
        process.join()
