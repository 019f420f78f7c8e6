"""On an alarm the virtual host that takes the most goes, and its submission hears why."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator

import pika
import pika.exceptions
import pytest
from rabbitmq_lab import needs_server, new_service, parameters

from grader.errors import ServiceError
from grader.services.rabbitmq import relief
from grader.services.rabbitmq.api import ManagementApi
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.relief import LEAST_BYTES, Relief, relieve
from grader.services.rabbitmq.started import StartedBroker


class Administration(ManagementApi):
    """One that knows some virtual hosts, and whether an alarm is on."""

    def __init__(self, sizes: dict[str, int], *, alarmed: bool = True) -> None:
        self.sizes = sizes
        self.alarmed = alarmed
        self.removed: list[str] = []
        self.was_removed = threading.Event()

    def is_alarmed(self) -> bool:
        """As it was told."""
        return self.alarmed

    def tenant_sizes(self) -> dict[str, int]:
        """As it was told."""
        return self.sizes

    def remove_tenant(self, name: str) -> None:
        """Take note."""
        self.removed.append(name)
        self.was_removed.set()


@pytest.mark.parametrize(
    ("sizes", "alarmed", "gone"),
    [
        ({"small": 100, "large": LEAST_BYTES + 1, "larger": LEAST_BYTES * 9}, True, "larger"),
        ({"small": 100, "large": LEAST_BYTES - 1}, True, ""),
        ({"larger": LEAST_BYTES * 9}, False, ""),
        ({}, True, ""),
    ],
)
def test_the_largest_goes_on_an_alarm(
    sizes: dict[str, int],
    alarmed: bool,  # noqa: FBT001 - a case
    gone: str,
) -> None:
    """None without an alarm, and none of a size that right submissions have."""
    api = Administration(sizes, alarmed=alarmed)
    assert relieve(api) == gone
    assert api.removed == ([gone] if gone else [])


def test_a_node_is_looked_at_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while none serves, and where its administration does not answer."""
    monkeypatch.setattr(relief, "_EVERY_SECONDS", 0.01)
    api = Administration({"large": LEAST_BYTES + 1})
    answers: Iterator[object] = iter([None, ServiceError("busy"), api])

    def current() -> ManagementApi | None:
        found = next(answers, api)
        if isinstance(found, ServiceError):
            raise found
        assert found is None or isinstance(found, ManagementApi)
        return found

    looking = Relief(current)
    assert api.was_removed.wait(10)
    looking.close()


def test_an_alarm_is_a_service_error() -> None:
    """A broker that blocks publishers for want of memory or disk is ours, not the student's."""

    class Alarmed(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"reason": "There are alarms in effect"}')

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Alarmed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = ManagementApi("127.0.0.1", server.server_port, Login.random())
        with pytest.raises(ServiceError, match="alarms in effect"):
            api.check_alarms()
        server.shutdown()


# A real node -------------------------------------------------------------------------


@needs_server
def test_a_submission_whose_virtual_host_went_is_cut_off(broker: StartedBroker) -> None:
    """It is that submission's failure, not an error of the broker's; the next one is served."""
    service, neighbour = new_service(broker), new_service(broker)
    api = broker._api(broker._place())  # noqa: SLF001 - what the supervisor uses
    connection = pika.BlockingConnection(parameters(service))
    assert service.serves()
    assert not service.exceeded
    assert api.has_tenant(service.virtual_host)
    api.remove_tenant(service.virtual_host)
    assert not api.has_tenant(service.virtual_host)
    service.check()
    assert service.exceeded
    assert service.why_exceeded == (
        "made RabbitMQ keep so much that it ran short of memory or disk"
    )
    with pytest.raises(pika.exceptions.AMQPError):
        connection.process_data_events(5)
    with pytest.raises(pika.exceptions.AMQPConnectionError):
        pika.BlockingConnection(parameters(service))
    with pytest.raises(ServiceError):
        service.connect()
    neighbour.check()
    neighbour.connect().close()
    assert not neighbour.exceeded
    for each in (service, neighbour):
        each.close()


@needs_server
def test_what_a_virtual_host_takes_is_told(broker: StartedBroker) -> None:
    """Bodies of messages and their number; nothing of virtual hosts that are nobody's."""
    service = new_service(broker)
    api = broker._api(broker._place())  # noqa: SLF001 - what the supervisor uses
    with service.connect() as connection:
        channel = connection.channel()
        channel.queue_declare("full", durable=True)
        for _ in range(30):
            channel.basic_publish("", "full", b"x" * 100_000)
    deadline = time.monotonic() + 30
    while True:  # the broker counts every five seconds
        size = api.tenant_sizes().get(service.virtual_host, 0)
        if size >= 3_000_000 or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    assert 3_000_000 <= size < 10_000_000
    assert not api.is_alarmed()
    assert "/" not in api.tenant_sizes()
    service.close()


@needs_server
@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_a_message_that_names_more_queues_is_not_passed_on(
    broker: StartedBroker, header: str
) -> None:
    """The connection is cut before the broker has it, and the reason is kept."""
    service = new_service(broker)
    connection = pika.BlockingConnection(parameters(service))
    channel = connection.channel()
    channel.queue_declare("a", durable=True)
    with pytest.raises(pika.exceptions.AMQPError):
        channel.basic_publish("", "a", b"x", pika.BasicProperties(headers={header: ["a"]}))
        connection.process_data_events(10)
    assert service.why_exceeded.startswith("published a message with a CC or BCC header")
    with service.connect() as trusted:
        assert trusted.channel().queue_declare("a", passive=True).method.message_count == 0
    service.close()


@needs_server
def test_another_protocol_is_not_spoken(broker: StartedBroker) -> None:
    """Nothing would be counted in it: later brokers speak AMQP 1.0 on the same port."""
    service = new_service(broker)
    for version in (b"\0\1\0\0", b"\3\1\0\0", b"\1\1\x08\0"):
        with (
            pytest.raises(ConnectionResetError),
            socket.create_connection(("127.0.0.1", service.port), timeout=10) as client,
        ):
            client.sendall(b"AMQP")
            client.sendall(version)
            client.recv(1)
    pika.BlockingConnection(parameters(service)).close()
    assert not service.exceeded
    service.close()
