"""Celery's consumer, with a cap on what it takes, and an eye on the process that grades."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from celery.worker import state
from celery.worker.consumer.consumer import Consumer

from grader.grading.workers.messages import MAX_BYTES


class GradingConsumer(Consumer):  # type: ignore[misc]  # Celery has no types
    """Takes tasks; is ordered about by nobody, and declares no queues but that of its work."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]  # as above
        """Without remote control, gossip and the 28 queues for delayed delivery."""

        default_steps = (
            "celery.worker.consumer.connection:Connection",
            "celery.worker.consumer.events:Events",
            "celery.worker.consumer.heart:Heart",
            "celery.worker.consumer.tasks:Tasks",
            "celery.worker.consumer.consumer:Evloop",
        )

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], Any]:
        """Return what takes a message: Celery's, for one of a size that a submission can have."""
        take = super().create_task_handler(*args, **kwargs)

        def handle(message: Any) -> Any:
            if len(message.body) > MAX_BYTES:
                print(  # noqa: T201 - of what it takes
                    f"grader: a message of {len(message.body)} bytes was refused; "
                    f"at most {MAX_BYTES} are taken",
                    file=sys.stderr,
                )
                return message.reject_log_error(None, (OSError,))
            return take(message)

        return handle

    def register_with_event_loop(self, hub: Any) -> None:
        """Watch the process that grades besides: without it, all work goes back at once."""
        super().register_with_event_loop(hub)

        def lost() -> None:
            state.should_terminate = 1

        hub.add_reader(self.app.grading_door, lost)
