"""`grader worker`: takes submissions from a broker and grades them here.

Celery's main process talks to the broker, its pool has a process for each submission at a time,
and each of these asks the house, a process of its own, for the report.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import subprocess
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.course import Course
from grader.errors import GraderError
from grader.grading.workers.broker import URL_VARIABLE, BrokerAddress, celery_app, require_celery
from grader.grading.workers.messages import TASK, course_hash
from grader.grading.workers.queues import work_queue
from grader.host.child import start_module

ANNOUNCEMENT = "worker-grading"
"""The event that tells what a worker has and does."""
ANNOUNCE_SECONDS = 2
Say = Callable[[str], None]


@dataclass(frozen=True)
class Opened:
    """A house that is ready: suites are warm, walls are proved."""

    process: subprocess.Popen[bytes]
    door: socket.socket
    suites: dict[str, str]
    sandbox: str


def work(course: Course, address: BrokerAddress, jobs: int | None, say: Say) -> int:
    """Take work until it is stopped; return the exit code.

    Raises:
        GraderError: the walls do not hold here, something is not installed, no broker answers.
    """
    require_celery()
    os.environ.pop(URL_VARIABLE, None)  # nothing that is started from here has it
    jobs = jobs or _cores()
    _require_broker(address)
    opened = open_house(course, jobs)
    try:
        return _take_work(opened, address, jobs, say)
    finally:
        opened.door.close()
        try:
            opened.process.wait(10)
        except subprocess.TimeoutExpired:
            opened.process.kill()
            opened.process.wait()


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _without_traceback(record: logging.LogRecord) -> bool:
    """Leave of what Celery says of a lost or late process the line alone."""
    record.exc_info = None
    return True


def _require_broker(address: BrokerAddress, course: str = "") -> None:
    """Connect once; with `course`, make the queue of its work.

    Raises:
        GraderError: the broker does not let us.
    """
    with celery_app(address).connection_for_read() as connection:
        try:
            connection.connect()
            if course:
                work_queue(course)(connection.channel()).declare()
        except (OSError, *connection.connection_errors, *connection.channel_errors) as error:
            raise unreachable(address, error) from None


def unreachable(address: BrokerAddress, error: Exception) -> GraderError:
    """Return what to say of a broker that does not let us in."""
    reason = getattr(error, "reply_text", "") or getattr(error, "strerror", "") or str(error)
    reason = reason or type(error).__name__
    return GraderError(
        f"the broker at {address.shown} does not let the grader in: {reason}",
        "Look at its address, user, password, virtual host, rights and certificate.",
    )


def open_house(course: Course, jobs: int) -> Opened:
    """Start the house and wait until it is ready.

    Raises:
        GraderError: nothing can be graded here; the message says why.
    """
    door, theirs = socket.socketpair()
    with theirs:
        process = start_module(
            "grader.grading.workers.house",
            str(course.root),
            str(jobs),
            str(theirs.fileno()),
            pass_fds=(theirs.fileno(),),
        )
    with door.makefile("rb") as stream:
        line = stream.readline()
    try:
        said = json.loads(line)
    except ValueError:
        process.kill()
        process.wait()
        raise GraderError("the process that grades ended while it started") from None
    if "error" in said:
        process.wait()
        raise GraderError(said["error"], said["help"])
    return Opened(process, door, said["suites"], said["sandbox"])


def _take_work(opened: Opened, address: BrokerAddress, jobs: int, say: Say) -> int:
    """Have Celery take work until it is stopped; return its exit code.

    Raises:
        GraderError: the broker does not let us in, or the house has ended.
    """
    from celery.platforms import SecurityWarning  # noqa: PLC0415 - an extra

    from grader.grading.workers.task import Grader  # noqa: PLC0415 - as above

    course = course_hash(opened.suites)
    _require_broker(address, course)
    name = f"{socket.gethostname()}-{os.getpid()}"
    app = celery_app(address)
    app.conf.task_queues = [work_queue(course)]
    app.conf.task_default_queue = app.conf.task_queues[0].name
    app.conf.worker_consumer = "grader.grading.workers.consumer:GradingConsumer"
    app.grading_door = opened.door
    grader = Grader(app, opened.door, opened.suites, name, course)

    @app.task(name=TASK, bind=True, shared=False)  # type: ignore[untyped-decorator]
    def grade(task: Any, work: Any) -> None:
        grader.grade(task, work)

    exercises = ", ".join(sorted(opened.suites))
    greeting = (
        f"{name} takes work from {address.shown}: {jobs} at a time, sandbox {opened.sandbox}, "
        f"exercises {exercises}, suites and limits {course[:12]}"
    )
    _connect_signals(opened, {"name": name, "course": course, "jobs": jobs}, greeting, say)
    logging.getLogger("celery.worker.request").addFilter(_without_traceback)
    # As root, each submission is a user of its own; what root could do to Celery is JSON.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    worker = app.Worker(
        hostname=name,
        pool="prefork",
        concurrency=jobs,
        loglevel="WARNING",
        quiet=True,
        without_gossip=True,
        without_mingle=True,
        heartbeat_interval=ANNOUNCE_SECONDS,
        task_events=False,
    )
    worker.start()
    code = int(worker.exitcode or 0)
    if opened.process.poll() is not None:
        raise GraderError("the process that grades has ended", "Start the worker again.")
    return code


def _connect_signals(opened: Opened, about: dict[str, Any], greeting: str, say: Say) -> None:
    """Have Celery say what this worker does, and end it when grading does not end.

    Args:
        opened: the house.
        about: what each announcement says, besides what is being graded.
        greeting: said once it takes work.
        say: where it is said.
    """
    from celery.exceptions import TimeLimitExceeded  # noqa: PLC0415 - an extra
    from celery.signals import heartbeat_sent, task_failure, worker_ready  # noqa: PLC0415 - as above
    from celery.worker import state  # noqa: PLC0415 - as above

    def announce(sender: Any, **_: Any) -> None:
        tasks = sorted(request.id for request in state.active_requests)
        sender.eventer.send(ANNOUNCEMENT, **about, tasks=tasks)

    def ready(**_: Any) -> None:
        # Celery would start the program again, which has no address any more.
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        say(greeting)

    def failed(exception: BaseException | None = None, **_: Any) -> None:
        if isinstance(exception, TimeLimitExceeded):
            say("grading did not end in time: the worker ends, and its work goes back")
            opened.process.kill()  # which the consumer sees, and ends

    heartbeat_sent.connect(announce, weak=False)
    worker_ready.connect(ready, weak=False)
    task_failure.connect(failed, weak=False)
