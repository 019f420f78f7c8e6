"""Exercise 07: events from a file over RabbitMQ to Amazon SQS."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pika
from botocore.exceptions import ClientError, HTTPClientError
from pika.adapters.blocking_connection import BlockingChannel
from pika.exceptions import ConsumerCancelled

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

Entry = dict[str, str]
PathLike = str | os.PathLike[str]

_PERSISTENT = pika.BasicProperties(
    content_type="application/json", delivery_mode=pika.DeliveryMode.Persistent
)
_LIMIT = 1_048_576
"""Bytes of a message, and of a batch in all, that SQS takes."""
_LOOK = 0.05
"""Seconds between two questions to `stop`, and without a message until what is in hand is sent."""
_LONGEST_PAUSE = 5.0
_SERVER_ERROR = 500
_NO_TEXT = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""A character that SQS refuses, and the whole batch with it."""
_NAME = re.compile("[!-~]{1,128}")
"""A message group, or a deduplication id."""


def collect(
    path: PathLike,
    offset_path: PathLike,
    parameters: pika.ConnectionParameters,
    queue: str,
    *,
    max_polls: int = 1,
    poll_interval: float = 2.0,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Publish the file's new events, store the offset after each, and return how many they were."""
    moved = 0
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        _declare(channel, queue)
        channel.confirm_delivery()
        for number in range(max_polls):
            if number:
                sleep(poll_interval)
                connection.process_data_events(0)  # answers heartbeats, also where no line came
            for line, end in _new_lines(path, offset_path):
                if moved > 10:
                    _store_offset(offset_path, end)
                if _event(line) is not None:
                    # It returns when the broker has confirmed the message, and raises otherwise.
                    channel.basic_publish("", queue, line, _PERSISTENT, mandatory=True)
                    moved += 1
                _store_offset(offset_path, end)
    return moved


def forward(
    parameters: pika.ConnectionParameters,
    queue: str,
    sqs: SQSClient,
    queue_url: str,
    *,
    max_idle: float = 5.0,
    batch_size: int = 10,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Send the queue's messages to SQS in batches, and return how many it took."""
    # Closing gives back what was not acknowledged, after a stop and after an exception.
    with pika.BlockingConnection(parameters) as connection:
        channel = connection.channel()
        _declare(channel, queue)
        channel.basic_qos(prefetch_count=batch_size)
        outbox = _Outbox(channel, sqs, queue_url, stop)
        came = time.monotonic()
        for delivery, _, body in channel.consume(queue, inactivity_timeout=min(_LOOK, max_idle)):
            if stop():
                return outbox.sent
            if delivery is not None:
                outbox.put(delivery.delivery_tag, body)
                came = time.monotonic()
            elif time.monotonic() - came >= max_idle and not outbox.entries:
                return outbox.sent
            # Where nothing more comes just now, do not wait for a full batch.
            if outbox.entries and (delivery is None or len(outbox.entries) == batch_size):
                outbox.send()
                came = time.monotonic()  # it may have taken long, and made room for more
    raise ConsumerCancelled  # the queue was deleted


class _Outbox:
    """The batch in hand: messages that are neither sent nor acknowledged."""

    def __init__(
        self, channel: BlockingChannel, sqs: SQSClient, queue_url: str, stop: Callable[[], bool]
    ) -> None:
        self._channel = channel
        self._sqs = sqs
        self._url = queue_url
        self._stop = stop
        self.entries: dict[int, Entry] = {}
        """By delivery tag, which is the entry's id too."""
        self.sent = 0

    def put(self, tag: int, body: bytes) -> None:
        """Add a message, or reject it where SQS can never take it."""
        entry = _entry(body, fifo=self._url.endswith(".fifo"))
        if entry is None:
            self._channel.basic_reject(tag, requeue=False)
            return
        if sum(map(_size, self.entries.values())) + len(body) > _LIMIT:
            self.send()
        self.entries[tag] = entry

    def send(self) -> None:
        """Send until SQS has everything or `stop` says so; acknowledge what it has."""
        pause = _LOOK
        while self.entries and not self._stop():
            failed = self._try()
            for tag in [tag for tag in self.entries if tag not in failed]:
                self._channel.basic_ack(tag)
                del self.entries[tag]
                self.sent += 1
            if self.entries:
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _try(self) -> set[int]:
        """Send all entries once, and return the tags of those that SQS does not have."""
        asked = [{"Id": str(tag), **entry} for tag, entry in self.entries.items()]
        try:
            answer = self._sqs.send_message_batch(QueueUrl=self._url, Entries=asked)  # type: ignore[arg-type]
        except HTTPClientError:  # no connection, or no answer in time
            return set(self.entries)
        except ClientError as error:
            if not _may_pass(error):
                raise
            return set(self.entries)
        # What is not said to be there is sent again.
        return set(self.entries) - {int(taken["Id"]) for taken in answer.get("Successful", [])}

    def _wait(self, seconds: float) -> None:
        """Wait, answer heartbeats meanwhile, and go on asking `stop`."""
        over = time.monotonic() + seconds
        while (left := over - time.monotonic()) > 0 and not self._stop():
            self._channel.connection.sleep(min(left, _LOOK))


def _declare(channel: BlockingChannel, queue: str) -> None:
    """Declare the queue and its dead-letter queue, as exercise 03 does."""
    dead = f"{queue}.dead"
    channel.queue_declare(dead, durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    channel.queue_declare(queue, durable=True, arguments=arguments)


def _new_lines(path: PathLike, offset_path: PathLike) -> Iterator[tuple[bytes, int]]:
    """Each complete line after the stored offset, and the offset after it."""
    try:
        file = open(path, "rb")  # noqa: SIM115 - closed by the `with` below
    except FileNotFoundError:
        return
    with file:
        end = _load_offset(offset_path)
        if os.fstat(file.fileno()).st_size < end:  # a new file: the old offset would skip its start
            end = 0
            _store_offset(offset_path, end)
        file.seek(end)
        for line in file:
            if not line.endswith(b"\n"):
                return
            end += len(line)
            yield line[:-1], end


def _entry(body: bytes, *, fifo: bool) -> Entry | None:
    """Return the entry of a batch for a message, or None where SQS can never take it."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    if not body or len(body) > _LIMIT or _NO_TEXT.search(text):
        return None
    entry = {"MessageBody": text}
    if fifo:
        event = _event(body) or {}
        group = str(event.get("pickup_zone", "")).replace(" ", "-")
        identity = str(event.get("event_id", ""))
        if not (_NAME.fullmatch(group) and _NAME.fullmatch(identity)):
            return None
        entry |= {"MessageGroupId": group, "MessageDeduplicationId": identity}
    return entry


def _size(entry: Entry) -> int:
    return len(entry["MessageBody"].encode())


def _may_pass(error: ClientError) -> bool:
    """Tell whether SQS may take the same request later: it is busy, or broken for a while."""
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return status >= _SERVER_ERROR or "Throttl" in error.response["Error"]["Code"]


def _event(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:  # broken JSON, and bytes that are not UTF-8
        return None
    return event if isinstance(event, dict) else None


def _load_offset(offset_path: PathLike) -> int:
    try:
        return int(Path(offset_path).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _store_offset(offset_path: PathLike, offset: int) -> None:
    """Write aside, then replace: whoever reads the file finds the old offset or the new one."""
    aside = Path(f"{os.fspath(offset_path)}.new")
    aside.write_text(str(offset))
    aside.replace(offset_path)
