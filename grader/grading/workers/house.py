"""The process of a worker that grades: warm suites, services, and a grading process for each task.

It is started without the broker's address, and so is everything that it forks: no process that is
near a student's code has had it. The pool's processes reach it through one socket, the door, by
which each passes one end of a socket pair of its own.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.grading.many import GradingJob, GradingProcesses, warm_all
from grader.grading.one import Grading, suite_hash, suite_hashes
from grader.grading.services import prepare_services
from grader.grading.slots import LOOK_SECONDS
from grader.grading.workers.messages import MAX_BYTES, Work
from grader.report import Report
from grader.sandbox.base import Sandbox
from grader.sandbox.choice import choose, sweep

REPORT, OTHER_SUITE, REFUSED = b"R", b"O", b"X"
"""How an answer begins: a report follows; the suite on disk changed; why it cannot be graded."""


@dataclass
class _Asked:
    """A task that waits, or is being graded."""

    client: Connection
    job: GradingJob


class House:
    """Grades what its clients ask for; see the module."""

    def __init__(self, course: Course, how: Grading, suites: dict[str, str], jobs: int) -> None:
        self._course = course
        self._how = how
        self._suites = suites
        self._processes = GradingProcesses(jobs)
        self._clients: list[Connection] = []
        self._waiting: list[_Asked] = []
        self._grading: dict[Connection, _Asked] = {}

    def serve(self, door: socket.socket) -> None:
        """Answer until all others have closed the door."""

        def close_all() -> None:
            # Of a grading process these are no business; and their end shall be seen at once.
            for descriptor in (door.fileno(), *(each.fileno() for each in self._clients)):
                os.close(descriptor)

        os.register_at_fork(after_in_child=close_all)
        try:
            while True:
                asked: list[Any] = [door, *self._clients, *self._processes.connections]
                for ready in wait(asked, timeout=LOOK_SECONDS):
                    if ready is door:
                        if not self._admit(door):
                            return
                    elif ready in self._grading:
                        self._collect(ready)
                    elif ready in self._clients:
                        assert isinstance(ready, Connection)
                        self._hear(ready)
                self._begin()
                self._processes.look()
        finally:
            self._processes.stop()

    def _admit(self, door: socket.socket) -> bool:
        data, descriptors, _, _ = socket.recv_fds(door, 1, 4)
        self._clients += [Connection(descriptor) for descriptor in descriptors]
        return bool(data)

    def _hear(self, client: Connection) -> None:
        try:
            data = client.recv_bytes(MAX_BYTES)
        except (EOFError, OSError):
            self._forget(client)
            return
        try:
            work = Work.model_validate_json(data)
            submission = work.submission(self._course)
        except (ValidationError, GraderError) as error:
            self._answer(client, REFUSED + str(error).encode())
            return
        exercise = submission.exercise
        if (
            self._suites.get(exercise.id) != work.suite_hash
            or suite_hash(self._course, exercise) != work.suite_hash
        ):
            self._answer(client, OTHER_SUITE)
            return
        how = Grading(
            self._how.course, self._how.sandbox, work.seed, self._how.services, work.repeat
        )
        self._waiting.append(_Asked(client, GradingJob(submission, how)))

    def _begin(self) -> None:
        while self._waiting:
            begun = self._processes.begin(self._waiting[0].job)
            if begun is None:
                return
            self._grading[begun] = self._waiting.pop(0)

    def _collect(self, ready: Any) -> None:
        asked = self._grading.pop(ready)
        job, report = self._processes.collect(ready)
        if report is None:
            self._waiting.insert(0, _Asked(asked.client, job))
        else:
            self._answer(asked.client, REPORT + _written(report))

    def _answer(self, client: Connection, data: bytes) -> None:
        try:
            client.send_bytes(data)
        except OSError:
            self._forget(client)

    def _forget(self, client: Connection) -> None:
        """End what is graded for a process of the pool that was ended."""
        self._waiting = [each for each in self._waiting if each.client is not client]
        begun = [ready for ready, each in self._grading.items() if each.client is client]
        for ready in begun:
            del self._grading[ready]
            self._processes.stop(ready)
        if client in self._clients:
            self._clients.remove(client)
            client.close()


def _written(report: Report) -> bytes:
    return report.model_dump_json().encode()


def _prove(root: Path) -> tuple[Course, type[Sandbox], dict[str, str]]:
    """Return the course, the walls, and the hashes of the suites.

    Raises:
        GraderError: nothing can be graded here.
    """
    course = load_course(root)
    suites = suite_hashes(course)
    if not suites:
        raise GraderError("there is no hidden suite here", "Use the copy of whoever grades.")
    sandbox = choose()
    sweep()
    return course, sandbox, suites


def main() -> None:
    """Prove the walls, say what is here, and grade: `house ROOT JOBS DESCRIPTOR`."""
    root, jobs, descriptor = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the worker ends it, when its tasks are done
    with socket.socket(fileno=int(descriptor)) as door:
        os.set_inheritable(door.fileno(), False)  # noqa: FBT003 - os takes no keyword
        try:
            course, sandbox, suites = _prove(Path(root))
        except GraderError as error:
            door.sendall(json.dumps({"error": error.message, "help": error.help}).encode() + b"\n")
            return
        exercises = [each for each in course.exercises if each.id in suites]
        with prepare_services({name for each in exercises for name in each.services}) as services:
            warm_all(course, exercises)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            said = {"suites": suites, "sandbox": sandbox.kind}
            door.sendall(json.dumps(said).encode() + b"\n")
            House(course, Grading(course, sandbox, 0, services), suites, int(jobs)).serve(door)


if __name__ == "__main__":
    main()
