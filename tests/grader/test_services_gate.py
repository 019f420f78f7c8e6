"""The gate: what crosses RabbitMQ and SQS has one order, and all of it can be stopped before a packet."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from grader.services.gate import Gate, Packet, kinds
from grader.services.rabbitmq.relay import Relay
from grader.services.sqs.service import SqsService

PUBLISH = Packet("RabbitMQ", "basic.publish", up=True)
CONFIRM = Packet("RabbitMQ", "basic.ack", up=False)
SEND = Packet("SQS", "SendMessage", up=True)
ANSWER = Packet("SQS", "SendMessage", up=False)
SECONDS = 5.0


def frame(kind: int, payload: bytes) -> bytes:
    """An AMQP frame; see 2.3.5 of the specification."""
    return struct.pack(">BHI", kind, 1, len(payload)) + payload + b"\xce"


def method(class_id: int, number: int, rest: bytes = b"") -> bytes:
    """The frame of a method."""
    return frame(1, struct.pack(">HH", class_id, number) + rest)


def published(body: bytes) -> bytes:
    """A basic.publish, with its content."""
    header = struct.pack(">HHQH", 60, 0, len(body), 0)
    return method(60, 40, b"\0\0\0\1q\0") + frame(2, header) + frame(3, body)


def confirmed(tag: int) -> bytes:
    """A broker's basic.ack."""
    return method(60, 80, struct.pack(">QB", tag, 0))


class Wire:
    """A program's connection to RabbitMQ through a relay, and the broker's end of it."""

    def __init__(self, gate: Gate) -> None:
        self._open = contextlib.ExitStack()
        listener = self._open.enter_context(socket.create_server(("127.0.0.1", 0)))
        front = socket.create_server(("127.0.0.1", 0))
        address = front.getsockname()
        self.said: list[str] = []
        self.relay = Relay(front, listener.getsockname, 1 << 20, self.said.append, gate)
        self.program = self._open.enter_context(socket.create_connection(address, timeout=SECONDS))
        self.broker = self._open.enter_context(listener.accept()[0])
        self.broker.settimeout(SECONDS)

    def close(self) -> None:
        """Close everything."""
        self.relay.close()
        self._open.close()


@pytest.fixture
def gate() -> Gate:
    """The gate of a submission."""
    return Gate()


@pytest.fixture
def wire(gate: Gate) -> Iterator[Wire]:
    """A connection to RabbitMQ."""
    made = Wire(gate)
    yield made
    made.close()


@pytest.fixture
def sqs(gate: Gate) -> Iterator[SqsService]:
    """SQS behind the same gate."""
    service = SqsService()
    service.gate = gate
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])
    yield service
    service.close()


@pytest.fixture
def url(sqs: SqsService, request: pytest.FixtureRequest) -> str:
    """A queue."""
    name = f"q{abs(hash(request.node.nodeid))}"
    return str(sqs.ask("CreateQueue", QueueName=name)["QueueUrl"])


def read(connection: socket.socket, size: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        assert more, f"the connection ended after {len(data)} of {size} bytes"
        data += more
    return data


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side's orderly end."""
    with connection.makefile("rb") as stream:
        return stream.read()


def in_thread(sqs: SqsService, url: str, body: str) -> threading.Thread:
    """Send a message as a program does, in a thread; what the answer is does not matter."""
    config = Config(retries={"total_max_attempts": 1})
    client = boto3.client("sqs", config=config, **sqs.consumer_arguments)

    def send() -> None:
        with contextlib.suppress(Exception):
            client.send_message(QueueUrl=url, MessageBody=body)
        client.close()

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


def bodies(sqs: SqsService, url: str) -> list[str]:
    """What is in a queue."""
    found: list[dict[str, Any]] = sqs.ask("ReceiveMessage", QueueUrl=url).get("Messages", [])
    return [message["Body"] for message in found]


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_it_stops_before_a_packet_and_not_earlier(gate: Gate, wire: Wire, cut: int) -> None:
    """What came in one chunk with it has crossed; it has not, and nothing after it, until it opens."""
    first, second, third = published(b"one"), published(b"two"), published(b"three")
    everything = first + second + third
    with gate.stopped_before(PUBLISH, number=2) as halt:
        wire.program.sendall(everything[:cut])
        assert wire.relay.open_connections == 1  # the relay has read what had come
        wire.program.sendall(everything[cut:])
        assert halt.reached.wait(SECONDS)
        assert read(wire.broker, len(first)) == first
        wire.broker.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.broker.recv(1)
        wire.broker.settimeout(SECONDS)
    assert read(wire.broker, len(second + third)) == second + third
    assert wire.said == ["basic.publish"] * 3


def test_what_is_dropped_never_arrives_and_what_had_crossed_does(gate: Gate, wire: Wire) -> None:
    """The broker gets all that had crossed, and an orderly end, though the program was reset."""
    first, second = published(b"one"), published(b"two")
    with gate.stopped_before(PUBLISH, number=2) as halt:
        wire.program.sendall(first + second + published(b"three"))
        assert halt.reached.wait(SECONDS)
        wire.program.sendall(published(b"four"))
        wire.broker.sendall(confirmed(1))
        # As with a process that is killed: what it has not read makes its end an RST.
        wire.program.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.program.close()
        halt.drop()
    assert read_all(wire.broker) == first
    wire.broker.close()
    assert wire.relay.wait_closed(SECONDS)
    assert wire.said == ["basic.publish"]


def test_an_answer_is_held_too(gate: Gate, wire: Wire) -> None:
    """The broker has the message and has said so; the program has not heard of it yet."""
    with gate.stopped_before(CONFIRM) as halt:
        wire.program.sendall(published(b"one"))
        read(wire.broker, len(published(b"one")))
        wire.broker.sendall(confirmed(1))
        assert halt.reached.wait(SECONDS)
        wire.program.settimeout(0.05)
        with pytest.raises(TimeoutError):
            wire.program.recv(1)
        wire.program.settimeout(SECONDS)
    assert read(wire.program, len(confirmed(1))) == confirmed(1)
    assert wire.said == ["basic.publish", "confirms 1 (basic.ack)"]


def test_an_acknowledgement_up_is_no_confirm_down(gate: Gate, wire: Wire) -> None:
    """The same method means another thing each way, and is counted and named apart."""
    with gate.stopped_before(CONFIRM) as halt:
        wire.program.sendall(confirmed(7))
        assert read(wire.broker, len(confirmed(7))) == confirmed(7)
        assert not halt.reached.is_set()
    assert wire.said == ["basic.ack 7"]


def test_a_stop_in_one_service_stops_the_other(
    gate: Gate, wire: Wire, sqs: SqsService, url: str
) -> None:
    """A request to SQS waits while RabbitMQ is stopped; dropped, it is never executed."""
    with gate.stopped_before(PUBLISH) as halt:
        wire.program.sendall(published(b"one"))
        assert halt.reached.wait(SECONDS)
        thread = in_thread(sqs, url, "waits")
        thread.join(0.2)
        assert thread.is_alive(), "the request was answered while everything was stopped"
        halt.drop()
        thread.join(SECONDS)
    assert bodies(sqs, url) == []
    in_thread(sqs, url, "after").join(SECONDS)
    assert bodies(sqs, url) == ["after"]


def test_one_service_can_be_slow_alone(gate: Gate, wire: Wire, sqs: SqsService, url: str) -> None:
    """A request to SQS is held, and RabbitMQ goes on; the request dropped, it is never executed."""
    with gate.stopped_before(SEND, alone=True) as halt:
        thread = in_thread(sqs, url, "held")
        assert halt.reached.wait(SECONDS)
        wire.program.sendall(published(b"one"))
        assert read(wire.broker, len(published(b"one"))) == published(b"one")
        assert thread.is_alive()
        halt.drop()
        thread.join(SECONDS)
    assert bodies(sqs, url) == []


@pytest.mark.parametrize(("packet", "there"), [(SEND, []), (ANSWER, ["hello"])])
def test_a_request_and_its_answer_are_two_packets(
    gate: Gate, sqs: SqsService, url: str, packet: Packet, there: list[str]
) -> None:
    """Killed before the request arrives, or when SQS has the message and nobody has heard of it."""
    with gate.stopped_before(packet) as halt:
        thread = in_thread(sqs, url, "hello")
        assert halt.reached.wait(SECONDS)
        halt.drop()
        thread.join(SECONDS)
    assert bodies(sqs, url) == there


def test_what_crosses_is_recorded_in_one_order(
    gate: Gate, wire: Wire, sqs: SqsService, url: str
) -> None:
    """Of both services, each packet with its number among those of its kind."""
    with gate.recording() as crossed:
        wire.program.sendall(published(b"one"))
        read(wire.broker, len(published(b"one")))
        in_thread(sqs, url, "hello").join(SECONDS)
        wire.program.sendall(published(b"two"))
        read(wire.broker, len(published(b"two")))
    assert kinds(crossed) == [(PUBLISH, 1), (SEND, 1), (ANSWER, 1), (PUBLISH, 2)]
    wire.program.sendall(published(b"three"))
    read(wire.broker, len(published(b"three")))
    assert len(crossed) == 4, "it was recorded after the block"


def test_everything_can_be_stopped_at_once(gate: Gate, wire: Wire) -> None:
    """Whatever comes next; and a new connection works after what was held has been dropped."""
    with gate.stopped() as halt:
        assert halt.reached.is_set()
        wire.program.sendall(published(b"one"))
        assert wire.relay.open_connections == 1  # the relay has read it
        halt.drop()
        wire.program.close()
    assert read_all(wire.broker) == b""
