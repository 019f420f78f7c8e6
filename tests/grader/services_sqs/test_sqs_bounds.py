"""What may be asked of the service, and how much of it."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
import tracemalloc
import urllib.error
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from grader.services.sqs import front, strict
from grader.services.sqs.clock import Clock
from grader.services.sqs.service import SqsService


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
