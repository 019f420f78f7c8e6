"""Where moto 5.2 does not do what Amazon SQS does: mended in this process, before it serves."""

from __future__ import annotations

from functools import cache
from typing import Any

from moto.core.utils import unix_time
from moto.moto_server.werkzeug_app import create_backend_app
from moto.sqs.models import Message, SQSBackend, sqs_backends

ACCOUNT = "123456789012"
REGION = "us-east-1"

_receive = SQSBackend.receive_message


@cache
def backend() -> Any:
    """Return moto's application for SQS alone, mended."""
    SQSBackend.is_message_valid_based_on_retention_period = _is_retained  # type: ignore[method-assign]
    SQSBackend.receive_message = _receive_in_order  # type: ignore[method-assign]
    return create_backend_app("sqs")


def is_anything_visible(queue: str, region: str = REGION) -> bool:
    """Tell whether a receive has to look: a message of that queue is neither hidden nor delayed."""
    found = sqs_backends[ACCOUNT][region].queues.get(queue)
    return found is None or bool(found.messages)


def _is_retained(self: SQSBackend, queue_name: str, message: Message) -> bool:
    """Tell whether a queue still has to keep a message.

    moto counts the queue's messages four times over to learn one setting of the queue, and that
    for each message that it delivers.
    """
    keep: int = self.get_queue(queue_name).message_retention_period  # type: ignore[attr-defined]
    sent: int = message.sent_timestamp  # type: ignore[assignment]  # milliseconds, once it was sent
    return keep + sent / 1000 > unix_time()


def _receive_in_order(
    self: SQSBackend, queue_name: str, *args: Any, **kwargs: Any
) -> list[Message]:
    """Receive, when what became visible again no longer holds its group back.

    moto finds that out message by message while it delivers. Of several messages of a group that
    became visible again together it would then deliver the last one first, and alone.
    """
    queue = self.get_queue(queue_name)
    for message in [each for each in queue.pending_messages if each.visible]:
        queue.pending_messages.discard(message)
    return _receive(self, queue_name, *args, **kwargs)
