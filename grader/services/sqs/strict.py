"""Where moto is more lenient than Amazon SQS: texts, sizes, receipts, what FIFO remembers."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

MAX_ENTRIES = 10
MAX_BYTES = 1_048_576
"""Of a message, and of a batch in all: body and attributes. moto counts characters of bodies.

Source: "Amazon SQS message quotas" in the developer guide.
"""
DEDUPLICATION_SECONDS = 300
"""How long a FIFO queue remembers a deduplication id, also after a delete, where moto forgets."""

ACTIONS = frozenset(
    (
        "CreateQueue",
        "DeleteQueue",
        "PurgeQueue",
        "GetQueueUrl",
        "ListQueues",
        "GetQueueAttributes",
        "SetQueueAttributes",
        "ListDeadLetterSourceQueues",
        "TagQueue",
        "UntagQueue",
        "ListQueueTags",
        "SendMessage",
        "SendMessageBatch",
        "ReceiveMessage",
        "DeleteMessage",
        "DeleteMessageBatch",
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
    )
)
"""What is served, by the API's names. Permissions and the moving of messages are nobody's need."""
_MAX_VALUES = 20_000
"""In a request's JSON. Each takes some hundred bytes of memory, and a few in the request."""
_PREFIX = re.compile(r"[A-Za-z0-9_.-]{0,80}")
"""Of queues' names. moto takes it for a regular expression."""

_NAME = re.compile(r"[!-~]{1,128}")
"""Of a group and of a deduplication id: alphanumerics and punctuation, no spaces.

Source: SendMessage in the API reference, as for the characters of a body.
"""
_NO_TEXT = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TOO_LONG = f"must be shorter than {MAX_BYTES} bytes"

OK = 200


class Answer(NamedTuple):
    """An answer to a request."""

    status: int
    body: dict[str, Any]
    query_error: str = ""
    """The header from which boto3 takes an error's code, as `CODE;Sender`."""


def refusal(code: str, message: str, status: int = 400) -> Answer:
    """Return an error in the shape of AWS's JSON protocol."""
    body = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
    return Answer(status, body, f"{code};Sender")


def parsed(body: bytes) -> dict[str, Any]:
    """Return a request's parameters.

    Raises:
        ValueError: they are no JSON object, hold more values than any exercise needs, or a pattern.
    """
    if _values(body) > _MAX_VALUES:
        raise ValueError(f"more than {_MAX_VALUES} values")
    parameters = json.loads(body)
    if not isinstance(parameters, dict):
        raise ValueError("the parameters are no JSON object")  # noqa: TRY004 - as the rest of it
    prefix = parameters.get("QueueNamePrefix")
    if prefix is not None and not (isinstance(prefix, str) and _PREFIX.fullmatch(prefix)):
        raise ValueError("QueueNamePrefix is no beginning of a queue's name")
    return parameters


def _values(body: bytes) -> int:
    """Return how many values a JSON text has, about, in time and memory of its length.

    A regular expression keeps a place to go back to for each escape of a string.
    """
    text = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    quotes = text.count(b'"')
    if quotes > 4 * _MAX_VALUES:  # of a key and of its value
        return quotes
    outside = b"".join(text.split(b'"')[::2])
    return sum(map(outside.count, (b",", b"[", b"{")))


def refuse_message(queue: str, parameters: dict[str, Any]) -> Answer | None:
    """Return why AWS would not take this SendMessage into the queue of that name, or None."""
    if size(parameters) > MAX_BYTES:
        return refusal("InvalidParameterValue", f"Reason: Message {_TOO_LONG}.")
    if _NO_TEXT.search(str(parameters.get("MessageBody", ""))):
        return refusal("InvalidMessageContents", "The body has characters that are not allowed.")
    for name in ("MessageGroupId", "MessageDeduplicationId"):
        value = parameters.get(name)
        if value is not None and not _NAME.fullmatch(str(value)):
            said = f"Value {value} for parameter {name} is invalid"
            return refusal("InvalidParameterValue", f"{said}: no spaces, 1 to 128 characters.")
    identity = parameters.get("MessageDeduplicationId")
    if identity is not None and not queue.endswith(".fifo"):
        said = f"Value {identity} for parameter MessageDeduplicationId is invalid. Reason: The"
        return refusal("InvalidParameterValue", f"{said} queue is not a FIFO queue.")
    return None


def refuse_batch(queue: str, entries: list[dict[str, Any]]) -> Answer | None:
    """Return why AWS would not take any entry of this SendMessageBatch, or None."""
    if sum(map(size, entries)) > MAX_BYTES:
        return refusal("BatchRequestTooLong", f"Batch requests {_TOO_LONG}.")
    return next(filter(None, (refuse_message(queue, entry) for entry in entries)), None)


def size(entry: dict[str, Any]) -> int:
    """Bytes of a message: its body, and the names, types and values of its attributes."""
    total = len(str(entry.get("MessageBody", "")).encode(errors="replace"))
    attributes = entry.get("MessageAttributes")
    for name, value in attributes.items() if isinstance(attributes, dict) else ():
        parts = [name, *value.values()] if isinstance(value, dict) else [name]
        total += sum(len(str(part).encode(errors="replace")) for part in parts)
    return total


class Receipts:
    """The latest receipt handle of each message: moto deletes by any that it ever gave.

    With an older one the request succeeds, and the message is not deleted. Source: DeleteMessage
    in the API reference.
    """

    def __init__(self) -> None:
        self._message: dict[str, str] = {}
        self._latest: dict[str, str] = {}

    def remember(self, messages: list[dict[str, Any]]) -> None:
        """Remember what a receive gave."""
        for message in messages:
            handle, identity = message["ReceiptHandle"], message["MessageId"]
            self._message[handle] = identity
            self._latest[identity] = handle

    def is_old(self, entry: dict[str, Any]) -> bool:
        """Tell whether a delete has the receipt handle of an earlier receive of its message."""
        handle = str(entry.get("ReceiptHandle", ""))
        identity = self._message.get(handle)
        return identity is not None and self._latest[identity] != handle


class Deduplication:
    """The messages that FIFO queues took, by queue and deduplication id."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._taken: dict[tuple[str, str], tuple[float, dict[str, Any]]] = {}

    def known(self, queue: str, entry: dict[str, Any]) -> dict[str, Any] | None:
        """Return what was answered for a message that the queue had in the last five minutes."""
        taken = self._taken.get(_identity(queue, entry))
        if taken is None or self._now() - taken[0] >= DEDUPLICATION_SECONDS:
            return None
        return taken[1]

    def remember(self, queue: str, entry: dict[str, Any]) -> None:
        """Remember that the queue has taken this message."""
        if queue.endswith(".fifo"):
            text = str(entry.get("MessageBody", "")).encode(errors="replace")
            digest = hashlib.md5(text, usedforsecurity=False).hexdigest()
            answer = {"MessageId": str(uuid.uuid4()), "MD5OfMessageBody": digest}
            self._taken[_identity(queue, entry)] = self._now(), answer


def _identity(queue: str, entry: dict[str, Any]) -> tuple[str, str]:
    """Return a message's deduplication id; without one its body's digest, as with AWS."""
    identity = entry.get("MessageDeduplicationId")
    if identity is None:
        text = str(entry.get("MessageBody", "")).encode(errors="replace")
        identity = hashlib.sha256(text).hexdigest()
    return queue, str(identity)
