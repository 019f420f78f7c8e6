"""The sink for RabbitMQ: what its queue holds, and what it says when the broker refuses."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pika
import pytest
from generator_lab import one_line, posix

from events import decode


@pytest.fixture
def channel(rabbitmq_url: str, name: str) -> Iterator[Any]:
    """A channel of a client; the test's queues are gone afterwards."""
    connection = pika.BlockingConnection(pika.URLParameters(rabbitmq_url))
    yield connection.channel()
    cleaner = connection.channel()
    cleaner.queue_delete(name)
    cleaner.queue_delete(f"{name}.dead")
    connection.close()


def declare(channel: Any, queue: str) -> int:
    """Declare the queues as exercise 03 does; the number of messages that wait."""
    dead = f"{queue}.dead"
    channel.queue_declare(dead, durable=True)
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead}
    declared = channel.queue_declare(queue, durable=True, arguments=arguments)
    return int(declared.method.message_count)


def test_rabbitmq_keeps_the_events(generator, channel: Any, rabbitmq_url: str, name: str) -> None:
    """They wait as persistent messages in the queue that the exercise itself declares."""
    options = ("--url", rabbitmq_url, "--queue", name, "--interval", 0.01, "--count", 15)
    done = generator.run("rabbitmq", *options)
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"[rabbitmq] Sending 15 events to queue {name} of RabbitMQ at ")
    assert lines[1:-1] == [f"[rabbitmq] Published event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[rabbitmq] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")
    assert declare(channel, name) == 15
    for _ in range(15):
        _, properties, body = channel.basic_get(name, auto_ack=True)
        assert properties.delivery_mode == 2
        assert not body.endswith(b"\n")
        assert decode(body)


def test_rabbitmq_takes_a_queue_that_exists(
    generator, channel: Any, rabbitmq_url: str, name: str
) -> None:
    """The consumer may have declared it first; RABBITMQ_URL names the broker."""
    declare(channel, name)
    options = ("--queue", name, "--interval", 0, "--count", 2)
    done = generator.run("rabbitmq", *options, RABBITMQ_URL=rabbitmq_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert declare(channel, name) == 2


def test_what_a_consumer_rejects_is_in_the_dead_letter_queue(
    generator, channel: Any, rabbitmq_url: str, name: str
) -> None:
    """The queue that the generator declared hands rejected messages on."""
    generator.run("rabbitmq", "--url", rabbitmq_url, "--queue", name, "--count", 1)
    method, _, body = channel.basic_get(name)
    channel.basic_reject(method.delivery_tag, requeue=False)
    *_, dead = next(channel.consume(f"{name}.dead", inactivity_timeout=10))
    channel.cancel()
    assert dead == body


def test_rabbitmq_refuses_a_queue_of_other_settings(
    generator, channel: Any, rabbitmq_url: str, name: str
) -> None:
    """A queue of that name without a dead-letter queue: one line that says what to do."""
    channel.queue_declare(name, durable=True)
    line = one_line(generator.run("rabbitmq", "--url", rabbitmq_url, "--queue", name))
    assert f"The queue {name} exists with other settings" in line
    assert f"rabbitmqctl delete_queue {name}" in line


def test_rabbitmq_notices_that_the_queue_is_gone(
    generator, channel: Any, rabbitmq_url: str, name: str
) -> None:
    """An event that no queue takes is not called published."""
    options = ("--url", rabbitmq_url, "--queue", name, "--interval", 0.2)
    with generator.start("rabbitmq", *options) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert process.stdout.readline() == "[rabbitmq] Published event 1\n"
        channel.queue_delete(name)
        _, err = process.communicate(timeout=30)
    assert err.startswith(
        f"[rabbitmq] The queue {name} was deleted. Run this again. Stopped after "
    )
    assert (process.returncode, err.count("\n")) == (1, 1)


def test_rabbitmq_refuses_a_login(generator, rabbitmq_url: str) -> None:
    """A wrong password is told apart from a broker that does not run."""
    place = rabbitmq_url.rpartition("@")[2]
    line = one_line(generator.run("rabbitmq", "--url", f"amqp://nobody:wrong@{place}"))
    assert line.endswith("refuses the user or password: check --url.")


@posix
def test_ctrl_c_ends_a_wait_for_rabbitmq(
    generator, channel: Any, rabbitmq_url: str, name: str
) -> None:
    """The wait that answers the broker's heartbeats is as interruptible as any."""
    options = ("--url", rabbitmq_url, "--queue", name, "--interval", 600)
    with generator.start("rabbitmq", *options) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out == "[rabbitmq] Stopped by Ctrl-C after 1 event.\n"
    assert (process.returncode, err) == (130, "")
    assert declare(channel, name) == 1
