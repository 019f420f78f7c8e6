"""What a process of Celery's pool does for a task: ask the house, hand the report in."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from celery.exceptions import Reject
from pydantic import ValidationError

from grader.grading.workers.house import OTHER_SUITE, REFUSED
from grader.grading.workers.messages import MAX_BYTES, Done, Work
from grader.grading.workers.queues import (
    DELIVERIES,
    publish,
    publish_again,
    results_name,
    routing_key,
)
from grader.report import Report

_RETRY = {"max_retries": 60, "interval_start": 0.2, "interval_step": 0.5, "interval_max": 5}
"""Of handing in a report, while a broker starts again."""
_REFUSALS, _REFUSED_SECONDS = 25, 2.0
"""How often a refused report is handed in, and the pause; together within a task's grace."""
_LOST_SECONDS = 60
"""How long a process of the pool waits for its end when the house is gone."""


class Grader:
    """Grades tasks by asking the house; each process of the pool has a connection of its own."""

    def __init__(
        self, app: Any, door: socket.socket, suites: dict[str, str], name: str, course: str
    ) -> None:
        self._app = app
        self._door = door
        self._suites = suites
        self._name = name
        self._course = course
        self._house: Connection | None = None

    def grade(self, task: Any, work: Any) -> None:
        """Grade `work`, put the report into its run's queue; afterwards it is acknowledged."""
        try:
            asked = Work.model_validate(work)
        except ValidationError as error:
            self._say(f"a message was refused, as it is no submission: {error.errors()[0]['msg']}")
            raise Reject(reason="no submission", requeue=False) from None
        ended = int(getattr(task.request, "x-delivery-count", None) or 0)
        if asked.last_try and ended:
            self._hand_in(asked, problem=ended_sentence(DELIVERIES + ended))
            return
        if asked.course_hash != self._course:
            self._give_back(task, asked)
            self._say(
                f"a task for the suites {asked.course_hash[:12]} was given back: "
                f"this worker has {self._course[:12]}"
            )
            return
        answer = self._ask(asked)
        kind, text = answer[:1], answer[1:]
        if kind == OTHER_SUITE:
            self._give_back(task, asked)
            self._say(
                f"a task was given back: the suite of exercise {asked.exercise} here is not the "
                "one with which this worker began. The worker ends; start it again"
            )
            os.kill(os.getppid(), signal.SIGTERM)
        elif kind == REFUSED:
            self._hand_in(asked, problem=text.decode())
        else:
            self._hand_in(asked, report=Report.model_validate_json(text))

    def _ask(self, asked: Work) -> bytes:
        if self._house is None:
            ours, theirs = socket.socketpair()
            with theirs:
                socket.send_fds(self._door, [b"+"], [theirs.fileno()])
            self._house = Connection(ours.detach())
        try:
            self._house.send_bytes(asked.model_dump_json().encode())
            return self._house.recv_bytes(4 * MAX_BYTES)
        except (EOFError, OSError):
            # The main process sees it too and ends, and the broker gives this to another worker.
            time.sleep(_LOST_SECONDS)
            raise Reject(reason="the process that grades has ended", requeue=True) from None

    def _hand_in(self, asked: Work, report: Report | None = None, problem: str = "") -> None:
        done = Done(
            student=asked.student,
            exercise=asked.exercise,
            submission_hash=asked.submission_hash,
            suite_hash=asked.suite_hash,
            seed=asked.seed,
            worker=self._name,
            report=report,
            problem=problem[:2000],
        )
        body = done.model_dump_json()
        if len(body) > MAX_BYTES:
            problem = f"its report has {len(body)} bytes; {MAX_BYTES} may travel"
            self._hand_in(asked, problem=problem)
            return
        with self._app.producer_pool.acquire(block=True) as producer:
            for refused in range(_REFUSALS):
                if publish(
                    producer,
                    body,
                    exchange="",
                    routing_key=results_name(asked.run),
                    content_type="application/json",
                    content_encoding="utf-8",
                    delivery_mode=2,
                    retry=True,
                    retry_policy=_RETRY,
                ):
                    return
                if not refused:
                    self._say(
                        f"the broker refuses the report of {asked.student}; trying again. Look "
                        "whether a policy limits its queues"
                    )
                time.sleep(_REFUSED_SECONDS)
        raise Reject(reason="the broker refuses the report", requeue=True)

    def _give_back(self, task: Any, asked: Work) -> None:
        """Put the task into the queue of its suites, as one that nobody has had."""
        embed: dict[str, Any] = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
        headers = {"lang": "py", "task": task.name, "id": task.request.id}
        headers |= {"root_id": task.request.id, "timelimit": task.request.timelimit}
        with self._app.producer_pool.acquire(block=True) as producer:
            if publish_again(
                producer,
                json.dumps([[asked.model_dump(mode="json")], {}, embed]),
                {"correlation_id": task.request.id},
                headers,
                routing_key(asked.course_hash, asked.run),
            ):
                return
        raise Reject(reason="the broker refuses what is given back", requeue=True)

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            print(f"grader: {text}", file=sys.stderr, flush=True)  # noqa: T201 - of what it does


def ended_sentence(count: int) -> str:
    """Return what stands in the rows of a submission over which workers ended."""
    return (
        f"{count} workers ended while they graded it, so it was set aside; "
        "look at the code and at what the workers said, or grade it without --broker"
    )
