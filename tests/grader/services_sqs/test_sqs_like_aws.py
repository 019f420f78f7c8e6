"""Where SQS and moto differ, the service does as SQS does."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqs_answers import bodies

from grader.services.sqs.service import SqsService
from grader.services.sqs.strict import MAX_BYTES


def test_what_moto_is_too_kind_for(client: Any) -> None:
    """A space in a group is refused; a duplicate is dropped also after a delete."""
    fifo = client.create_queue(QueueName="f.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    ids = {"MessageGroupId": "g", "MessageDeduplicationId": "d"}
    with pytest.raises(ClientError, match="no spaces"):
        client.send_message(QueueUrl=fifo, MessageBody="x", **ids | {"MessageGroupId": "a b"})
    client.send_message(QueueUrl=fifo, MessageBody="x", **ids)
    handle = client.receive_message(QueueUrl=fifo)["Messages"][0]["ReceiptHandle"]
    client.delete_message(QueueUrl=fifo, ReceiptHandle=handle)
    client.send_message(QueueUrl=fifo, MessageBody="x", **ids)
    assert bodies(client.receive_message(QueueUrl=fifo)) == []


@pytest.mark.parametrize(
    ("name", "parameters", "why"),
    [
        ("strict", {"MessageDeduplicationId": "d"}, "not a FIFO queue"),
        ("strict", {"MessageBody": "\x0b"}, "characters"),
        ("strict.fifo", {"MessageGroupId": "g", "MessageDeduplicationId": "a b"}, "no spaces"),
    ],
)
def test_what_moto_takes_and_aws_refuses(
    client: Any, name: str, parameters: dict[str, str], why: str
) -> None:
    """Alone and in a batch."""
    fifo = {"FifoQueue": "true"} if name.endswith(".fifo") else {}
    url = client.create_queue(QueueName=name, Attributes=fifo)["QueueUrl"]
    message = {"MessageBody": "x"} | parameters
    with pytest.raises(ClientError, match=why):
        client.send_message(QueueUrl=url, **message)
    with pytest.raises(ClientError, match=why):
        client.send_message_batch(QueueUrl=url, Entries=[{"Id": "0"} | message])
    assert bodies(client.receive_message(QueueUrl=url)) == []


def test_what_becomes_visible_again_comes_in_the_order_of_its_group(
    service: SqsService, client: Any
) -> None:
    """Several of a group in one receive, none while one is in flight, and all of them again."""
    fifo = client.create_queue(QueueName="h.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    for body in ("a1", "b1", "a2", "a3", "b2"):
        group = {"MessageGroupId": body[0], "MessageDeduplicationId": body}
        client.send_message(QueueUrl=fifo, MessageBody=body, **group)

    def receive(count: int) -> list[str]:
        return bodies(client.receive_message(QueueUrl=fifo, MaxNumberOfMessages=count))

    assert receive(3) == ["a1", "b1", "a2"]
    assert receive(10) == []
    service.advance(31)
    assert receive(10) == ["a1", "b1", "a2", "a3", "b2"]


def test_sizes_are_counted_in_bytes(client: Any, url: str) -> None:
    """1 MiB for a message and for a batch, whatever the number of characters."""
    half = "é" * (MAX_BYTES // 4)
    client.send_message(QueueUrl=url, MessageBody=half + half)
    with pytest.raises(ClientError, match="1048576 bytes"):
        client.send_message(QueueUrl=url, MessageBody=half + half + "x")
    two = [{"Id": name, "MessageBody": half} for name in "ab"]
    client.send_message_batch(QueueUrl=url, Entries=two)
    with pytest.raises(ClientError, match="BatchRequestTooLong"):
        client.send_message_batch(QueueUrl=url, Entries=[*two, {"Id": "c", "MessageBody": "x"}])


def test_a_batch_that_is_too_long_stays_so(service: SqsService, client: Any, url: str) -> None:
    """Eleven entries are refused, also when one of them would have failed on purpose."""
    service.fail_batch_entries(lambda entry, _: entry["MessageBody"] == "0")
    entries = [{"Id": str(n), "MessageBody": str(n)} for n in range(11)]
    with pytest.raises(ClientError, match="TooManyEntries"):
        client.send_message_batch(QueueUrl=url, Entries=entries)
    assert service.depth(url) == (0, 0)
