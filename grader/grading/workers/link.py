"""The controller's connection to the broker: it sends work, hears workers, and gets reports."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from grader.grading.workers.board import Board
from grader.grading.workers.messages import TASK, Work
from grader.grading.workers.queues import (
    WORK,
    publish,
    results_queue,
    routing_key,
    take_back,
    work_queue,
)
from grader.grading.workers.worker import ANNOUNCEMENT


class Link:
    """A connection, with the queues and consumers that are used of it.

    Args:
        app: the Celery application; it names the broker.
        board: hears what workers say of themselves.
        course: the hash that names the queue of work.
        run: names the queue of reports.
        take: is called with each message of that queue, once `listen` was.
    """

    def __init__(
        self, app: Any, board: Board, course: str, run: str, take: Callable[[Any], None]
    ) -> None:
        from kombu import Consumer  # noqa: PLC0415 - an extra

        with ExitStack() as stack:
            self._app = app
            self.connection = stack.enter_context(app.connection_for_write())
            self.connection.connect()
            self._channel = self.connection.channel()
            self._producer = self.connection.Producer(self._channel, auto_declare=False)
            self._work = work_queue(course)(self._channel)
            self._work.declare()
            self.results = results_queue(run)(self._channel)
            self.results.declare()
            self.waiting = int(self.results.queue_declare(passive=True).message_count)
            """Reports that were in the queue when it was connected."""
            self._course, self._run = course, run
            self._consumer = Consumer(
                self._channel,
                [self.results],
                on_message=take,
                prefetch_count=20,
                auto_declare=False,
            )
            events = app.events.Receiver(
                self._channel, {ANNOUNCEMENT: board.hear}, ANNOUNCEMENT.replace("-", ".")
            )
            channel = self.connection.channel()
            for each in events.get_consumers(partial(Consumer, channel), channel):
                stack.enter_context(each)
            self._stack = stack.pop_all()

    def listen(self) -> None:
        """Have reports delivered from now on."""
        self._stack.enter_context(self._consumer)

    def publish(self, work: Work, seconds: float) -> bool:
        """Send work to whichever worker takes it, and tell whether the broker took it.

        Args:
            work: the submission, and how it is graded.
            seconds: how long the worker may take for it.
        """
        message = self._app.amqp.create_task_message(
            work.key,
            TASK,
            args=[work.model_dump(mode="json")],
            kwargs={},
            time_limit=seconds,
            argsrepr="",
            kwargsrepr="",
            ignore_result=True,
        )
        return publish(
            self._producer,
            message.body,
            exchange=WORK,
            routing_key=routing_key(self._course, self._run),
            serializer="json",
            headers=message.headers,
            delivery_mode=2,
            **message.properties,
        )

    def ready(self) -> int:
        """Return how many messages wait for a worker."""
        return int(self._work.queue_declare(passive=True).message_count)

    def take_back(self) -> int:
        """Take back what no worker has begun."""
        return take_back(self._channel, self._course, self._run)

    def close(self) -> None:
        """End the connection; what was not acknowledged stays with the broker."""
        with suppress(Exception):
            self._stack.close()
