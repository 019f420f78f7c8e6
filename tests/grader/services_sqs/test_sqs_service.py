"""The SQS service: what it records, how its clock moves, and what it leaves."""

from __future__ import annotations

import os
import socket
import threading
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError
from sqs_answers import bodies

from grader.services.sqs.service import RefusedError, SqsService, warm


def test_requests_are_recorded_in_order(service: SqsService, client: Any, url: str) -> None:
    """Action, parameters and answer of each; the suite's own requests are not among them."""
    service.clear_requests()
    client.send_message(QueueUrl=url, MessageBody="x")
    handle = client.receive_message(QueueUrl=url)["Messages"][0]["ReceiptHandle"]
    assert service.depth(url) == (0, 1)
    client.delete_message(QueueUrl=url, ReceiptHandle=handle)
    assert [r.action for r in service.requests] == [
        "SendMessage",
        "ReceiveMessage",
        "DeleteMessage",
    ]
    assert service.requests[0].parameters["MessageBody"] == "x"
    assert service.requests_of("ReceiveMessage")[0].response["Messages"][0]["Body"] == "x"
    assert service.depth(url) == (0, 0)


def test_the_clock_brings_a_hidden_message_back(service: SqsService, client: Any, url: str) -> None:
    """30 s of visibility timeout, and no waiting."""
    client.send_message(QueueUrl=url, MessageBody="x")
    assert bodies(client.receive_message(QueueUrl=url)) == ["x"]
    service.advance(29)
    assert bodies(client.receive_message(QueueUrl=url)) == []
    service.advance(2)
    assert bodies(client.receive_message(QueueUrl=url)) == ["x"]


def test_a_message_is_kept_for_the_queues_retention_period(
    service: SqsService, client: Any, url: str
) -> None:
    """It comes until then, and no longer."""
    client.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "100"})
    client.send_message(QueueUrl=url, MessageBody="x")
    service.advance(90)
    assert bodies(client.receive_message(QueueUrl=url)) == ["x"]
    service.advance(31)  # visible again, but for the retention
    assert bodies(client.receive_message(QueueUrl=url)) == []


def test_an_impatient_long_poll_moves_the_clock(service: SqsService, client: Any, url: str) -> None:
    """Twenty seconds pass for the queue: a message that is hidden for ten comes within them."""
    client.send_message(QueueUrl=url, MessageBody="x")
    client.receive_message(QueueUrl=url, VisibilityTimeout=10)
    assert bodies(client.receive_message(QueueUrl=url, WaitTimeSeconds=5)) == []
    assert bodies(client.receive_message(QueueUrl=url, WaitTimeSeconds=20)) == ["x"]
    asked = [r.parameters.get("WaitTimeSeconds") for r in service.requests_of("ReceiveMessage")]
    assert asked[-2:] == [5, 20]


def test_a_patient_long_poll_is_woken_by_a_message(
    service: SqsService, client: Any, url: str
) -> None:
    """It waits for real, and does not keep the sender out."""
    service.impatient = False
    found: list[str] = []
    poll = threading.Thread(
        target=lambda: found.extend(
            bodies(client.receive_message(QueueUrl=url, WaitTimeSeconds=20))
        )
    )
    poll.start()
    service.client().send_message(QueueUrl=url, MessageBody="x")
    poll.join(10)
    assert found == ["x"]


def test_a_long_poll_has_a_limit(client: Any, url: str) -> None:
    """Twenty seconds, as on AWS."""
    with pytest.raises(ClientError, match="WaitTimeSeconds"):
        client.receive_message(QueueUrl=url, WaitTimeSeconds=21)


def test_the_suites_own_client_never_waits(service: SqsService, client: Any) -> None:
    """A queue may have a waiting time of its own; to wait it out would keep everybody out."""
    url = client.create_queue(QueueName="slow", Attributes={"ReceiveMessageWaitTimeSeconds": "20"})[
        "QueueUrl"
    ]
    service.impatient = False
    before = time.monotonic()
    service.client().receive_message(QueueUrl=url)
    assert time.monotonic() - before < 10


def test_the_suite_asks_without_a_client(service: SqsService, client: Any, url: str) -> None:
    """On the same queues, not recorded; what is refused has its code."""
    client.send_message(QueueUrl=url, MessageBody="x")
    service.clear_requests()
    assert bodies(service.ask("ReceiveMessage", QueueUrl=url, WaitTimeSeconds=20)) == ["x"]
    with pytest.raises(RefusedError, match="does not exist") as caught:
        service.ask("GetQueueUrl", QueueName="nowhere")
    assert caught.value.code == "QueueDoesNotExist"
    assert service.requests == []


def test_errors_have_the_codes_of_aws(client: Any) -> None:
    """The code that programs compare with, and the exception of boto3's."""
    with pytest.raises(client.exceptions.QueueDoesNotExist) as caught:
        client.get_queue_url(QueueName="nowhere")
    code = caught.value.response["Error"]["Code"]
    assert code == "AWS.SimpleQueueService.NonExistentQueue"


def test_nothing_is_left_after_close() -> None:
    """No thread, and nobody listens; closing twice is fine."""
    service = SqsService()
    before = set(threading.enumerate())
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    service.attach(listener, port)
    service.check()
    service.close()
    service.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
    servers = set(threading.enumerate()) - before
    for thread in servers:
        thread.join(5)
    assert not [thread.name for thread in servers if thread.is_alive()]


def test_parallel_receivers_share_the_messages(service: SqsService, client: Any, url: str) -> None:
    """Eight threads, two hundred messages: each is received once."""
    for start in range(0, 200, 10):
        entries = [{"Id": str(n), "MessageBody": str(start + n)} for n in range(10)]
        client.send_message_batch(QueueUrl=url, Entries=entries)
    found: list[str] = []

    def receive() -> None:
        while got := bodies(client.receive_message(QueueUrl=url, MaxNumberOfMessages=3)):
            found.extend(got)

    threads = [threading.Thread(target=receive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(map(int, found)) == list(range(200))
    service.check()


def test_a_fork_after_warm_serves() -> None:
    """What the parent has warmed works in a child."""
    warm()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            service = SqsService()
            listener = socket.create_server(("127.0.0.1", 0))
            service.attach(listener, listener.getsockname()[1])
            service.check()
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
