"""The SQS service: what it records, disturbs, refuses, and how its clock moves."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import tracemalloc
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from grader.services.sqs import front, strict
from grader.services.sqs.clock import Clock
from grader.services.sqs.service import RefusedError, SqsService, warm
from grader.services.sqs.strict import MAX_BYTES


@pytest.fixture
def service() -> Iterator[SqsService]:
    """The service on a port of its own."""
    found = SqsService()
    listener = socket.create_server(("127.0.0.1", 0))
    found.attach(listener, listener.getsockname()[1])
    yield found
    found.close()


@pytest.fixture
def client(service: SqsService) -> Iterator[Any]:
    """What a student's process would build."""
    built = boto3.client("sqs", **service.consumer_arguments)
    yield built
    built.close()


@pytest.fixture
def url(client: Any, request: pytest.FixtureRequest) -> str:
    """A queue with a visibility timeout of 30 s."""
    name = f"q{abs(hash(request.node.nodeid))}"
    created: str = client.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "30"})[
        "QueueUrl"
    ]
    return created


def bodies(answer: dict[str, Any]) -> list[str]:
    """The bodies that a receive returned."""
    return [message["Body"] for message in answer.get("Messages", [])]


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


@pytest.mark.parametrize(
    ("action", "body"),
    [
        ("ReceiveMessage", b"{broken"),
        ("ReceiveMessage", b"[]"),
        ("ReceiveMessage", b'{"QueueUrl": "q", "WaitTimeSeconds": "soon"}'),
        ("SendMessageBatch", b'{"QueueUrl": "q", "Entries": [17]}'),
        ("NoSuchAction", b"{}"),
        ("x.ReceiveMessage", b"{}"),
        ("ReceiveMessage.x", b"{}"),
        ("AddPermission", b"{}"),
        ("ListQueues", b'{"QueueNamePrefix": "(a*)*b"}'),
        ("ListQueues", b'{"QueueNamePrefix": 7}'),
        ("ListQueues", b'{"x": [' + b"[]," * 30_000 + b"[]]}"),
    ],
)
def test_nonsense_is_refused(service: SqsService, action: str, body: bytes) -> None:
    """What no client of SQS sends is an error of the sender's, and the service goes on."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/",
        data=body,
        headers={"X-Amz-Target": f"AmazonSQS.{action}"},
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):  # noqa: S310
        pass
    with caught.value as error:
        assert error.code == 400
    service.check()


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


def test_what_is_sent_and_fetched_has_an_end(
    service: SqsService, client: Any, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A message fetched again and again is refused in the end; the suite's own client is not."""
    monkeypatch.setattr(front, "MAX_BYTES", 100_000)
    client.send_message(QueueUrl=url, MessageBody="x" * 10_000)
    assert not service.exceeded
    with pytest.raises(ClientError, match="RequestThrottled"):
        for _ in range(20):
            client.receive_message(QueueUrl=url, VisibilityTimeout=0)
    assert service.exceeded
    assert service.depth(url) == (1, 0)


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", id="of no action"),
        pytest.param(b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * 70_000), id="too long"),
        pytest.param(b"no request\r\n", id="no HTTP"),
    ],
)
def test_requests_have_an_end_whatever_they_are(
    service: SqsService, url: str, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """Those count too that are refused before anybody looks at what they ask for."""
    monkeypatch.setattr(front, "MOST_REQUESTS", 30)

    def answer(data: bytes) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", service.port), 5) as connection,
            contextlib.suppress(ConnectionError),  # where it was not read to its end
        ):
            connection.sendall(data)
            return connection.recv(1000)
        return b""

    little = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    assert answer(little).startswith(b"HTTP/1.1 403")
    assert not service.exceeded
    for _ in range(30):
        answer(said)
    assert answer(little) == b""
    assert service.exceeded
    assert service.depth(url) == (0, 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + rb"\\" * 3_990_000,
        b'{"a":"' + rb"\"" * 3_990_000,
        b'{"' + b'","' * 2_600_000,
        b"[" * 7_900_000,
        b'{"a":' + b'"x",' * 1_900_000,
    ],
    ids=["escapes", "escaped quotes", "strings", "brackets", "values"],
)
def test_a_body_takes_memory_and_time_of_its_length(body: bytes) -> None:
    """Whatever it holds: a few times its eight megabytes, and less than a second or two."""
    tracemalloc.start()
    begin = time.process_time()
    with pytest.raises(ValueError, match=r"values|Unterminated"):
        strict.parsed(body)
    took, (_, peak) = time.process_time() - begin, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert took < 5
    assert peak < 10 * len(body)


def test_values_are_counted_outside_of_strings() -> None:
    """Commas and brackets in a message are its text, however its quotes are escaped."""
    text = '[,{\\"' * 30_000
    body = json.dumps({"MessageBody": text, "more": ["\\", '"', "x"]}).encode()
    assert strict.parsed(body)["MessageBody"] == text
    with pytest.raises(ValueError, match="values"):
        strict.parsed(json.dumps({"a": ["\\"] * 30_000}).encode())


@pytest.mark.parametrize("length", ["9" * 5000, "1e9", "-1", "12345678901"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    """Python refuses to read a number of thousands of digits."""
    tried = front.Front(lambda *_: [b"{}"], Clock())
    began: list[str] = []
    environ = {"HTTP_X_AMZ_TARGET": "AmazonSQS.ListQueues", "CONTENT_LENGTH": length}
    tried(environ, lambda status, _: began.append(status))
    assert began == ["413 Error"]


def test_what_headers_hold_counts_too(service: SqsService) -> None:
    """A request is kept with all that it took to send it."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/",
        data=b"{}",
        headers={"X-Amz-Target": "AmazonSQS.ListQueues", "X-Filler": "x" * 50_000},
    )
    before = service._front.bytes  # noqa: SLF001 - the figure has no other sign
    urllib.request.urlopen(request).close()  # noqa: S310
    assert service._front.bytes - before > 50_000  # noqa: SLF001 - as above


def test_only_what_was_understood_reaches_moto(service: SqsService, url: str) -> None:
    """A path, a query, another account or region in the headers: nothing of it goes on."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}/999999999999/other?Action=DeleteQueue",
        data=json.dumps({"QueueUrl": url, "AttributeNames": ["QueueArn"]}).encode(),
        headers={
            "X-Amz-Target": "AmazonSQS.GetQueueAttributes",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/eu-west-3/s3/aws4_request",
            "Host": "sns.eu-west-3.amazonaws.com",
        },
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        found = json.loads(answer.read())["Attributes"]["QueueArn"]
    assert found.startswith("arn:aws:sqs:us-east-1:123456789012:")


def test_connections_that_say_nothing_take_no_thread_each(service: SqsService) -> None:
    """Beyond a number they are cut off; the first ones are kept."""
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", service.port), 5) for _ in range(100)]
    assert silent[-1].recv(1) == b""
    assert threading.active_count() - before <= 64
    for each in silent:
        each.close()


@pytest.mark.parametrize("path", ["/moto-api/reset", "/moto-api/", "/bucket/key"])
@pytest.mark.parametrize("target", ["", "AmazonSNS.Subscribe", "DynamoDB_20120810.ListTables"])
def test_nothing_but_sqs_is_served(service: SqsService, path: str, target: str) -> None:
    """No other service, and not moto's own controls."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{service.port}{path}",
        data=b"{}",
        headers={"X-Amz-Target": target},
    )
    with pytest.raises(urllib.error.HTTPError) as caught, urllib.request.urlopen(request):  # noqa: S310
        pass
    with caught.value as error:
        assert error.code == 403
        assert "only Amazon SQS is served here" in json.loads(error.read())["message"]


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
