"""Amazon SQS as one submission meets it: moto's server behind a layer that watches and disturbs."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

import boto3
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import Client

from grader.errors import ServiceError
from grader.services.base import Service
from grader.services.sqs.backend import ACCOUNT, REGION, backend, is_anything_visible
from grader.services.sqs.clock import Clock
from grader.services.sqs.faults import Pick
from grader.services.sqs.front import Front
from grader.services.sqs.recorded import Request
from grader.services.sqs.strict import OK

_MAX_CONNECTIONS = 64
_LOGIN = {
    "region_name": REGION,
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


class RefusedError(Exception):
    """A request of the suite's own that SQS refused, by its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class SqsService(Service):
    """An SQS of this submission's alone, since each is graded in a process of its own."""

    def __init__(self) -> None:
        """Build the application; nothing listens yet."""
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        self._clock = Clock()
        self._clock.install()
        self._front = Front(backend(), self._clock)
        self._front.observe = self.observe
        self._front.is_anything_visible = lambda queue: is_anything_visible(queue, self.region)
        self._servers: list[_Server] = []
        self._client: Any = None

    def attach(self, listener: socket.socket, port: int) -> None:
        """Serve every connection that `listener` accepts."""
        self.port = port
        if self.gate is not None:
            self._front.gate = self.gate
        self._front.base_url = f"http://{self.host}:{port}"
        self._serve(listener, self._front, self._front.admits)

    def _serve(
        self, listener: socket.socket, app: Any, admits: Callable[[], bool] = lambda: True
    ) -> None:
        server = _Server("127.0.0.1", 0, app, _Handler, fd=listener.fileno())
        server.admits = admits
        listener.close()  # the server has a descriptor of its own
        self._servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    # What the consumer needs -------------------------------------------------------

    @property
    def consumer_arguments(self) -> dict[str, str]:
        """Return what the student's process calls `boto3.client("sqs", ...)` with."""
        login = {**_LOGIN, "region_name": self.region}
        return {"endpoint_url": f"http://{self.host}:{self.port}", **login}

    @property
    def region(self) -> str:
        """Return the region of the queues: those of one are none of another's."""
        return self._front.region

    @region.setter
    def region(self, name: str) -> None:
        self._front.region = name

    def queue_url(self, name: str) -> str:
        """Return the URL of a queue, as the consumer's client sees it."""
        return f"http://{self.host}:{self.port}/{ACCOUNT}/{name}"

    # What the suite needs ----------------------------------------------------------

    def client(self) -> Any:
        """Return a trusted boto3 client on the same queues; its requests are not recorded."""
        if self._client is None:
            listener = socket.create_server(("127.0.0.1", 0), backlog=16)
            port = listener.getsockname()[1]
            self._serve(listener, self._front.trusted)
            self._client = _new_client(port)
        return self._client

    def ask(self, action: str, **parameters: Any) -> dict[str, Any]:
        """Make a request of the suite's own, as the API names it: no client, no connection.

        Raises:
            RefusedError: SQS said no.
        """
        answer = self._front.ask(action, parameters)
        if answer.status != OK:
            code = str(answer.body.get("__type", "")).rpartition("#")[2]
            raise RefusedError(code, str(answer.body.get("message", "")))
        return answer.body

    @property
    def impatient(self) -> bool:
        """Tell whether an empty long poll moves the clock instead of waiting."""
        return self._front.impatient

    @impatient.setter
    def impatient(self, value: bool) -> None:
        self._front.impatient = value

    @property
    def requests(self) -> list[Request]:
        """The consumer's requests, in the order in which they were answered."""
        return self._front.requests

    def requests_of(self, action: str) -> list[Request]:
        """Return the requests of one action, such as ReceiveMessage."""
        return [request for request in self._front.requests if request.action == action]

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._front.requests.clear()

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass at once, for visibility time-outs and delays."""
        self.observe(f"the queue's clock moves on by {seconds:g} s")
        self._clock.advance(seconds)

    def fail_batch_entries(self, pick: Pick | None, *, sender_fault: bool = False) -> None:
        """Report entries of SendMessageBatch as failed: `pick(entry, number_of_the_request)`.

        Requests are counted from now on, from 1. `sender_fault` is what the answer says of them.
        """
        self._front.faults.fail_entry = pick
        self._front.faults.sender_fault = sender_fault
        self._front.batches = 0

    def refuse_messages(self, pick: Pick | None) -> None:
        """Refuse what is sent alone, with SendMessage: `pick(parameters, number_of_the_request)`.

        Requests are counted from now on, from 1.
        """
        self._front.faults.refuse = pick
        self._front.messages = 0

    def fail_delete_entries(self, pick: Pick | None) -> None:
        """Report entries of DeleteMessageBatch as failed: `pick(entry, number_of_the_request)`.

        Requests are counted from now on, from 1. What is reported as failed is not deleted.
        """
        self._front.faults.fail_delete = pick
        self._front.delete_batches = 0

    def empty_receives(self, *numbers: int) -> None:
        """Answer these receives, counted from now on from 1, as if nothing were there."""
        self._front.faults.empty = frozenset(numbers)
        self._front.receives = 0

    def receive_at_most(self, count: int) -> None:
        """Bring no more messages than that in a receive, whatever it asks for: SQS may do so."""
        self._front.faults.most = count

    def duplicate_next_delivery(self, queue_url: str) -> None:
        """Deliver the next message of a queue a second time, whether or not it was deleted."""
        self._front.faults.duplicate.add(queue_url.rpartition("/")[2])

    def depth(self, queue_url: str) -> tuple[int, int]:
        """Return how many messages are visible, and how many in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.client().get_queue_attributes(QueueUrl=queue_url, AttributeNames=names)
        visible, hidden = (int(found["Attributes"][name]) for name in names)
        return visible, hidden

    # Life --------------------------------------------------------------------------

    @property
    def exceeded(self) -> bool:
        """Tell whether the submission sent or fetched more than it may and was cut off."""
        return self._front.exceeded

    def check(self) -> None:
        """Prove that the service still works.

        Raises:
            ServiceError: it does not.
        """
        try:
            self.client().list_queues()
        except Exception as error:  # noqa: BLE001 - whatever boto3 raises
            raise ServiceError(f"the embedded SQS does not answer: {error}") from None

    def close(self) -> None:
        """Stop serving, within a twentieth of a second."""
        servers, self._servers = self._servers, []
        for server in servers:
            server.shutdown()  # its thread would go round and round on a closed socket
            server.server_close()
        if self._client is not None:
            self._client.close()


class _Server(ThreadedWSGIServer):
    """Answers so many clients at a time, and cuts more off at once: each takes a thread."""

    daemon_threads = True
    admits: Callable[[], bool]
    """Whether one more request is to be read; asked before each."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._room = threading.Semaphore(_MAX_CONNECTIONS)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin to answer a client, in the server's thread."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a client, in a thread of its own."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()


class _Handler(WSGIRequestHandler):
    """Writes nothing about requests, and reads none that is too much."""

    def handle_one_request(self) -> None:
        """Read a request and answer it, or end the connection.

        What is no request, or too long a one, is answered before any application hears of it.
        """
        if self.server.admits():  # type: ignore[attr-defined]  # a _Server's
            super().handle_one_request()
        else:
            self.close_connection = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


def _new_client(port: int) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=_LOGIN["region_name"],
        aws_access_key_id=_LOGIN["aws_access_key_id"],
        aws_secret_access_key=_LOGIN["aws_secret_access_key"],
    )


def warm() -> None:
    """Do now what the first request would do, so that processes forked from this one need not."""
    _new_client(0).close()  # boto3 keeps the description of the service that it has read
    Client(backend()).post(
        "/",
        headers={
            "X-Amz-Target": "AmazonSQS.ListQueues",
            "Content-Type": "application/x-amz-json-1.0",
        },
        data=b"{}",
    )
