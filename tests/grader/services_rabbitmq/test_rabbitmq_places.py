"""A place on the run's node for each submission: who reaches it, and what is left of it."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest
from rabbitmq_lab import needs_linux, needs_server, new_service, parameters, processes_of

from grader.errors import ServiceError
from grader.services.rabbitmq.lease import Broker
from grader.services.rabbitmq.service import RabbitMQService
from grader.services.rabbitmq.started import StartedBroker


@pytest.fixture
def attached(broker: Broker) -> Iterator[Callable[[], RabbitMQService]]:
    """Makes services as the grading of a submission does, each before a listener of its own."""
    made = []

    def attach() -> RabbitMQService:
        made.append(new_service(broker))
        return made[-1]

    yield attach
    for service in made:
        service.close()


Attach = Callable[[], RabbitMQService]


@needs_server
def test_a_consumer_reaches_the_broker_through_the_relay(attached: Attach) -> None:
    """What it publishes, the suite's own connection finds; the relay counts it and sees it go."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    channel = connection.channel()
    channel.queue_declare("trips", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "trips", b"a trip", mandatory=True)
    assert service.open_connections == 1
    trusted = service.connect()
    _, _, body = trusted.channel().basic_get("trips", auto_ack=True)
    assert body == b"a trip"
    assert service.open_connections == 1
    connection.close()
    assert service.wait_closed(5)
    trusted.close()
    service.check()


@needs_server
def test_a_dropped_consumer_notices(attached: Attach) -> None:
    """Its next call raises, and it can connect again."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    assert service.drop_connections() == 1
    with pytest.raises(pika.exceptions.AMQPError):
        connection.channel()
    pika.BlockingConnection(parameters(service)).close()
    service.check()


@needs_server
def test_a_consumer_is_told_of_a_shutdown(attached: Attach) -> None:
    """The connection is closed by the broker's word, and the broker forgets it."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    assert service.close_connections() == 1
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
        connection.process_data_events(5)
    assert service.wait_closed(5)
    pika.BlockingConnection(parameters(service)).close()
    service.check()


@needs_server
def test_submissions_cannot_reach_each_other(attached: Attach) -> None:
    """One's login opens no other's virtual host, nor the default one; guest does not exist."""
    mine, theirs = attached(), attached()
    guest = pika.PlainCredentials("guest", "guest")
    for forbidden in (
        parameters(mine, virtual_host=theirs.virtual_host),
        parameters(mine, virtual_host="/"),
        parameters(mine, credentials=guest),
    ):
        with pytest.raises(pika.exceptions.AMQPError):
            pika.BlockingConnection(forbidden)


@needs_server
def test_a_submission_that_hoards_connections_is_alone_with_that(attached: Attach) -> None:
    """Its own limit refuses the next one; the suite and the others still get in."""
    service, other = attached(), attached()
    hoard = [pika.BlockingConnection(parameters(service)) for _ in range(64)]
    with pytest.raises(pika.exceptions.AMQPError):
        pika.BlockingConnection(parameters(service))
    assert service.open_connections >= len(hoard)
    service.connect().close()
    pika.BlockingConnection(parameters(other)).close()
    for connection in hoard:
        connection.close()


@needs_server
def test_a_closed_service_leaves_nothing_on_the_broker(broker: Broker) -> None:
    """Its user is gone, and with the virtual host its queues."""
    service = RabbitMQService(broker)
    connection = service.connect()
    connection.channel().queue_declare("left", durable=True)
    service.close()
    with pytest.raises(pika.exceptions.AMQPError):
        connection.process_data_events(5)
        connection.channel()
    with pytest.raises(ServiceError):
        service.connect()


def _lease_elsewhere(broker: Broker, answer: multiprocessing.connection.Connection) -> None:
    service = RabbitMQService(broker)
    service.connect().close()
    answer.send(service.username)
    broker.close()  # must not end the run's node
    service.close()
    os._exit(0)


@needs_server
def test_forked_processes_share_the_node(broker: Broker) -> None:
    """Each gets a place of its own, and none can end the run's broker."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    children = [context.Process(target=_lease_elsewhere, args=(broker, theirs)) for _ in range(3)]
    for child in children:
        child.start()
    names = {ours.recv() for _ in children}
    for child in children:
        child.join(20)
    assert len(names) == 3
    service = RabbitMQService(broker)
    service.check()
    service.close()


@needs_server
@needs_linux
def test_everything_listens_on_loopback_alone(broker: StartedBroker) -> None:
    """AMQP, the management API, Erlang's distribution and epmd: none is on the network."""
    broker.release(broker.lease())
    addresses = set()
    sockets = {
        str(descriptor.readlink())
        for pid in (*processes_of(broker.supervisor_pid).values(), broker.supervisor_pid)
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
    }
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                addresses.add(fields[1].partition(":")[0])
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert addresses
    assert addresses <= loopback


@needs_server
@needs_linux
def test_a_node_that_dies_is_replaced_and_costs_nobody_points(
    broker: StartedBroker, attached: Attach
) -> None:
    """The check is an error once; then the same login works on the node that replaced it."""
    service = attached()
    service.check()
    os.kill(processes_of(broker.supervisor_pid)["beam.smp"], signal.SIGKILL)
    with pytest.raises(ServiceError, match="died"):
        service.check()
    service.check()
    connection = pika.BlockingConnection(parameters(service))
    connection.channel().queue_declare("again", durable=True)
    connection.close()
