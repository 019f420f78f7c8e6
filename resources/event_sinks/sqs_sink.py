"""The sink for Amazon SQS, or a server that speaks its protocol."""

from __future__ import annotations

import contextlib
import json
import os
from typing import Any

from event_sinks.base import Sink, SinkError, host_of, reason, unreachable


class SqsSink(Sink):
    """Sends to a queue, which is created with its dead-letter queue if it does not exist."""

    done = "Sent"

    def __init__(self, endpoint_url: str, region: str, queue: str) -> None:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        self._server = f"SQS at {host_of(endpoint_url, '--endpoint-url')}"
        self.target = f"queue {queue} of {self._server}"
        self._fifo = queue.endswith(".fifo")
        self._errors = (BotoCoreError, ClientError)
        # Local servers take any credentials, but boto3 does not do without.
        key = None if "AWS_ACCESS_KEY_ID" in os.environ else "test"
        try:
            # Any: the stubs' literal types do not fit attributes that depend on the queue's kind.
            self._sqs: Any = boto3.client(
                "sqs",
                endpoint_url=endpoint_url,
                region_name=region,
                config=Config(
                    connect_timeout=5, read_timeout=30, retries={"total_max_attempts": 1}
                ),
                aws_access_key_id=key,
                aws_secret_access_key=key,
            )
            self._queue_url = self._find_or_create(queue)
        except ValueError as error:
            raise SinkError(f"--endpoint-url is not a URL: {reason(error)}.") from error
        except ClientError as error:
            raise SinkError(
                f"{self._server} refuses the queue {queue}: {reason(error)}."
            ) from error
        except self._errors as error:
            raise unreachable(self._server, error) from error

    def _find_or_create(self, queue: str) -> str:
        try:
            return str(self._sqs.get_queue_url(QueueName=queue)["QueueUrl"])
        except self._sqs.exceptions.QueueDoesNotExist:
            pass
        # As exercise 04's create_queue: SQS refuses to create a queue twice with other settings.
        kind = {"FifoQueue": "true"} if self._fifo else {}
        dead = f"{queue.removesuffix('.fifo')}-dead" + (".fifo" if self._fifo else "")
        dead_url = self._sqs.create_queue(QueueName=dead, Attributes=kind)["QueueUrl"]
        dead_arn = self._sqs.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])
        redrive = {
            "deadLetterTargetArn": dead_arn["Attributes"]["QueueArn"],
            "maxReceiveCount": 3,
        }
        attributes = {
            "VisibilityTimeout": "30",
            "MessageRetentionPeriod": "86400",
            "RedrivePolicy": json.dumps(redrive),
        }
        created = self._sqs.create_queue(QueueName=queue, Attributes=attributes | kind)
        return str(created["QueueUrl"])

    def send(self, lines: bytes) -> None:
        fifo = {}
        if self._fifo:
            event = json.loads(lines)
            # A group's name may hold no space.
            fifo["MessageGroupId"] = event["pickup_zone"].replace(" ", "-")
            fifo["MessageDeduplicationId"] = str(event["event_id"])
        try:
            self._sqs.send_message(
                QueueUrl=self._queue_url,
                MessageBody=lines.decode().rstrip("\n"),
                MessageAttributes={
                    "EventType": {"DataType": "String", "StringValue": "trip_start"}
                },
                **fifo,
            )
        except self._errors as error:
            raise unreachable(self._server, error) from error

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self._sqs.close()
