"""What a suite has SQS refuse, fail and give twice."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqs_answers import bodies

from grader.services.sqs.service import SqsService


def test_chosen_entries_of_a_batch_fail(service: SqsService, client: Any, url: str) -> None:
    """They are reported, and are not in the queue."""
    service.fail_batch_entries(lambda entry, number: entry["MessageBody"] == "b" and number == 1)
    entries = [{"Id": body, "MessageBody": body} for body in "abc"]
    first = client.send_message_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in first["Failed"]] == ["b"]
    assert sorted(each["Id"] for each in first["Successful"]) == ["a", "c"]
    second = client.send_message_batch(QueueUrl=url, Entries=entries[1:2])
    assert not second.get("Failed")
    assert service.depth(url) == (3, 0)


def test_what_fails_may_be_the_senders_fault(service: SqsService, client: Any, url: str) -> None:
    """The answer says so, until the next call; real SQS has both kinds."""
    entries = [{"Id": body, "MessageBody": body} for body in "ab"]
    for fault in (True, False):
        service.fail_batch_entries(
            lambda entry, _: entry["MessageBody"] == "b",
            **({"sender_fault": True} if fault else {}),
        )
        answer = client.send_message_batch(QueueUrl=url, Entries=entries)
        assert [(each["Id"], each["SenderFault"]) for each in answer["Failed"]] == [("b", fault)]


def test_a_message_that_is_sent_alone_is_refused(
    service: SqsService, client: Any, url: str
) -> None:
    """As long as `pick` says so; it is an exception of the client's, and is not in the queue."""
    service.refuse_messages(lambda message, number: message["MessageBody"] == "b" and number <= 2)
    client.send_message(QueueUrl=url, MessageBody="a")
    with pytest.raises(client.exceptions.InvalidMessageContents):
        client.send_message(QueueUrl=url, MessageBody="b")
    assert service.depth(url) == (1, 0)
    client.send_message(QueueUrl=url, MessageBody="b")
    assert service.depth(url) == (2, 0)


@pytest.mark.parametrize("action", ["DeleteMessage", "DeleteMessageBatch"])
def test_the_receipt_handle_of_an_earlier_receive_deletes_nothing(
    service: SqsService, client: Any, url: str, action: str
) -> None:
    """The request succeeds, as on AWS; that of the latest receive deletes."""

    def delete(handle: str) -> None:
        if action == "DeleteMessageBatch":
            entries = [{"Id": "1", "ReceiptHandle": handle}]
            assert client.delete_message_batch(QueueUrl=url, Entries=entries)["Successful"]
        else:
            client.delete_message(QueueUrl=url, ReceiptHandle=handle)

    client.send_message(QueueUrl=url, MessageBody="x")
    (first,) = client.receive_message(QueueUrl=url, VisibilityTimeout=10)["Messages"]
    service.advance(11)
    (second,) = client.receive_message(QueueUrl=url, VisibilityTimeout=10)["Messages"]
    delete(first["ReceiptHandle"])
    assert service.depth(url) == (0, 1)
    delete(second["ReceiptHandle"])
    assert service.depth(url) == (0, 0)


def test_a_duplicate_comes_although_the_message_was_deleted(
    service: SqsService, client: Any, url: str
) -> None:
    """Once, with the same id and another receipt handle, which can be deleted."""
    service.duplicate_next_delivery(url)
    client.send_message(QueueUrl=url, MessageBody="x")
    first = client.receive_message(QueueUrl=url)["Messages"][0]
    client.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    second = client.receive_message(QueueUrl=url)["Messages"][0]
    assert second["MessageId"] == first["MessageId"]
    client.delete_message(QueueUrl=url, ReceiptHandle=second["ReceiptHandle"])
    assert bodies(client.receive_message(QueueUrl=url)) == []


def test_chosen_entries_of_a_batch_of_deletes_fail(
    service: SqsService, client: Any, url: str
) -> None:
    """They are reported, and stay in the queue."""
    for body in "ab":
        client.send_message(QueueUrl=url, MessageBody=body)
    got = client.receive_message(QueueUrl=url, MaxNumberOfMessages=2)["Messages"]
    entries = [{"Id": m["Body"], "ReceiptHandle": m["ReceiptHandle"]} for m in got]
    service.fail_delete_entries(lambda entry, number: entry["Id"] == "a" and number == 1)
    first = client.delete_message_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in first["Failed"]] == ["a"]
    assert [each["Id"] for each in first["Successful"]] == ["b"]
    assert service.depth(url) == (0, 1)
    assert not client.delete_message_batch(QueueUrl=url, Entries=entries[:1]).get("Failed")
    assert service.depth(url) == (0, 0)


def test_what_is_refused_is_not_remembered(client: Any) -> None:
    """A message that lacked its group was not taken, so the second attempt is no duplicate."""
    fifo = client.create_queue(QueueName="g.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    with pytest.raises(ClientError, match="MessageGroupId"):
        client.send_message(QueueUrl=fifo, MessageBody="x", MessageDeduplicationId="d")
    client.send_message(
        QueueUrl=fifo, MessageBody="x", MessageDeduplicationId="d", MessageGroupId="g"
    )
    assert bodies(client.receive_message(QueueUrl=fifo)) == ["x"]


def test_chosen_receives_find_nothing(service: SqsService, client: Any, url: str) -> None:
    """The first and the third, though a message is there; the clock moves on as in any other."""
    client.send_message(QueueUrl=url, MessageBody="x")
    service.empty_receives(1, 3)
    found = [
        bodies(client.receive_message(QueueUrl=url, WaitTimeSeconds=10, VisibilityTimeout=5))
        for _ in range(4)
    ]
    assert found == [[], ["x"], [], ["x"]]


def test_a_receive_may_bring_fewer_than_there_are(
    service: SqsService, client: Any, url: str
) -> None:
    """One at a time, though ten were asked for and two are there."""
    for body in "ab":
        client.send_message(QueueUrl=url, MessageBody=body)
    service.receive_at_most(1)
    found = [bodies(client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)) for _ in "ab"]
    assert found == [["a"], ["b"]]
