"""The event generator before real sockets and servers: what arrives, and what a refusal says."""

from __future__ import annotations

import json
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pika
import pytest
import redis

from events import decode
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.protocol import KEYS

MSG_SIZE_TOO_LARGE = 10

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT to send")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A consumer's listening socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        yield server


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port on which nothing listens: it is taken, and nobody else can."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def one_line(done: Any) -> str:
    """The one line on stderr of a run that failed before it began."""
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1, done.stderr
    return str(done.stderr.rstrip("\n"))


# Socket -----------------------------------------------------------------------------


def test_the_socket_gets_whole_lines(generator, listener: socket.socket) -> None:
    """A consumer that reads to the end has every event, in lines."""
    host, port = listener.getsockname()
    options = ("--host", host, "--port", port, "--interval", 0, "--count", 15)
    done = generator.run("socket", *options)
    with listener.accept()[0] as producer, producer.makefile("rb") as stream:
        trips = [decode(line) for line in stream]
    assert len(trips) == 15
    lines = done.stdout.splitlines()
    assert lines[0] == f"[socket] Sending 15 events to {host}:{port}, as fast as possible."
    assert lines[1:-1] == [f"[socket] Sent event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[socket] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")


def test_no_consumer_listens(generator, closed_port: int) -> None:
    """The consumer has to be started first, and the line says so."""
    done = generator.run("socket", "--host", "127.0.0.1", "--port", closed_port)
    assert one_line(done) == (
        f"[socket] Nobody listens on 127.0.0.1:{closed_port}. "
        "Start the consumer first, then run this again."
    )


def test_a_host_that_does_not_exist(generator) -> None:
    """A name that does not resolve is told apart from a consumer that is not there."""
    line = one_line(generator.run("socket", "--host", "nowhere.invalid"))
    assert line.startswith("[socket] Cannot connect to nowhere.invalid:9999: ")
    assert line.endswith("Check --host and --port.")


def test_the_consumer_hangs_up(generator, listener: socket.socket) -> None:
    """A consumer that stops early ends the generator: one line, exit 1, no traceback."""
    port = listener.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", port, "--interval", 0, "--quiet")
    with generator.start("socket", *options) as process:
        with listener.accept()[0] as producer:
            assert producer.recv(1)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert err.startswith(f"[socket] The consumer on 127.0.0.1:{port} hung up. ")
    assert err.count("\n") == 1
    assert "Stopped after " in err


@posix
def test_ctrl_c_breaks_into_a_consumer_that_does_not_read(
    generator, listener: socket.socket
) -> None:
    """Nobody reads, the buffers fill up, sending blocks: Ctrl-C ends it all the same."""
    port = listener.getsockname()[1]
    options = ("--host", "127.0.0.1", "--port", port, "--interval", 0, "--quiet")
    with generator.start("socket", *options) as process, listener.accept()[0]:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert out.startswith("[socket] Stopped by Ctrl-C after ")
    assert (process.returncode, err) == (130, "")


# Redis ------------------------------------------------------------------------------


def test_redis_subscribers_get_the_events(generator, redis_url: str, name: str) -> None:
    """What is published arrives as one message an event, and nothing is said to be lost."""
    with closing(redis.Redis.from_url(redis_url)) as client, client.pubsub() as subscriber:
        subscriber.subscribe(name)
        assert subscriber.get_message(timeout=10)["type"] == "subscribe"
        options = ("--url", redis_url, "--channel", name, "--interval", 0, "--count", 15)
        done = generator.run("redis", *options)
        messages = [subscriber.get_message(timeout=10) for _ in range(15)]
    trips = [decode(message["data"]) for message in messages]
    assert len({trip.event_id for trip in trips}) == 15
    assert not any(message["data"].endswith(b"\n") for message in messages)
    server = redis_url.removeprefix("redis://").removesuffix("/0")
    lines = done.stdout.splitlines()
    assert lines[0] == (
        f"[redis] Sending 15 events to channel {name} of Redis at {server}, as fast as possible."
    )
    assert lines[1:-1] == [f"[redis] Published event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[redis] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")


def test_redis_tells_what_nobody_received(generator, redis_url: str, name: str) -> None:
    """Without a subscriber all is lost, and the last line counts it; REDIS_URL names the server."""
    options = ("--channel", name, "--interval", 0, "--count", 5)
    done = generator.run("redis", *options, REDIS_URL=redis_url)
    assert done.stdout.splitlines()[-1] == (
        "[redis] Done: 5 events sent. Nobody received 5 events: without a subscriber they are lost."
    )
    assert done.returncode == 0


@posix
def test_ctrl_c_counts_what_nobody_received(generator, redis_url: str, name: str) -> None:
    """A run that is stopped says as well what was lost."""
    with generator.start("redis", "--url", redis_url, "--channel", name, "--interval", 600) as run:
        assert run.stdout is not None
        run.stdout.readline()
        assert run.stdout.readline() == "[redis] Published event 1\n"
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
    assert out == (
        "[redis] Stopped by Ctrl-C after 1 event. "
        "Nobody received 1 event: without a subscriber they are lost.\n"
    )
    assert (run.returncode, err) == (130, "")


def test_a_stream_keeps_the_events(generator, redis_url: str, name: str) -> None:
    """Each event is an entry, its JSON in the field `event`; nobody has to be there."""
    done = generator.run(
        "streams", "--stream", name, "--interval", 0, "--count", 15, REDIS_URL=redis_url
    )
    with closing(redis.Redis.from_url(redis_url)) as client:
        fields = [fields for _, fields in client.xrange(name)]
    assert [set(each) for each in fields] == [{b"event"}] * 15
    assert len({decode(each[b"event"]).event_id for each in fields}) == 15
    assert not any(each[b"event"].endswith(b"\n") for each in fields)
    server = redis_url.removeprefix("redis://").removesuffix("/0")
    assert done.stdout.splitlines() == [
        f"[streams] Sending 15 events to stream {name} of Redis at {server}, as fast as possible.",
        *(f"[streams] Appended event {k}/15" for k in range(1, 16)),
        "[streams] Done: 15 events sent.",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_is_no_stream_is_refused(generator, redis_url: str, name: str) -> None:
    """One line says what is in the way, and what to change; the value is left as it is."""
    with closing(redis.Redis.from_url(redis_url)) as client:
        client.set(name, "a plain value")
        done = generator.run("streams", "--url", redis_url, "--stream", name)
        assert client.get(name) == b"a plain value"
    (line,) = done.stderr.splitlines()
    assert f"refuses to append to {name}: " in line
    assert line.endswith("Choose another --stream. Stopped after 0 events.")
    assert done.returncode == 1


def test_the_password_is_not_shown(generator, closed_port: int) -> None:
    """A server's address is told without the login that stood in its URL."""
    for sink, scheme in (("redis", "redis"), ("streams", "redis"), ("rabbitmq", "amqp")):
        url = f"{scheme}://someone:s3cret@127.0.0.1:{closed_port}/"
        line = one_line(generator.run(sink, "--url", url))
        assert f" at 127.0.0.1:{closed_port}: Connection refused." in line
        assert "s3cret" not in line


@pytest.mark.parametrize(
    ("sink", "option", "url"),
    [
        ("redis", "--url", "redis://127.0.0.1:{port}/0"),
        ("streams", "--url", "redis://127.0.0.1:{port}/0"),
        ("rabbitmq", "--url", "amqp://guest:guest@127.0.0.1:{port}/"),
        ("sqs", "--endpoint-url", "http://127.0.0.1:{port}"),
        ("kafka", "--bootstrap-servers", "127.0.0.1:{port}"),
        ("redis", "--url", "redis://nowhere.invalid"),
        ("rabbitmq", "--url", "amqp://nowhere.invalid"),
        ("sqs", "--endpoint-url", "http://nowhere.invalid"),
        ("kafka", "--bootstrap-servers", "nowhere.invalid"),
    ],
)
def test_a_server_that_does_not_run(
    generator, closed_port: int, sink: str, option: str, url: str
) -> None:
    """One line that says how to start it."""
    line = one_line(generator.run(sink, option, url.format(port=closed_port)))
    assert line.startswith(f"[{sink}] Cannot reach ")
    assert line.endswith("Is it running? Start it with: grader services up")


@pytest.mark.parametrize(
    ("sink", "option", "url"),
    [
        ("redis", "--url", "localhost:6379"),
        ("streams", "--url", "localhost:6379"),
        ("redis", "--url", "redis://localhost:port"),
        ("rabbitmq", "--url", "http://localhost"),
        ("rabbitmq", "--url", "amqp://localhost:99999"),
        ("rabbitmq", "--url", "amqp://localhost/%2F?heartbeat=often"),
        ("sqs", "--endpoint-url", "localhost"),
        ("sqs", "--endpoint-url", "http://[::1"),
        ("kafka", "--bootstrap-servers", "kafka://localhost:9092"),
        ("kafka", "--bootstrap-servers", "localhost:port"),
    ],
)
def test_a_url_that_is_none(generator, sink: str, option: str, url: str) -> None:
    """The line names the option to correct."""
    assert one_line(generator.run(sink, option, url)).startswith(f"[{sink}] {option} ")


# RabbitMQ ---------------------------------------------------------------------------


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


# SQS --------------------------------------------------------------------------------


def received(sqs: Any, url: str, count: int) -> list[dict[str, Any]]:
    """So many messages of a queue, each deleted; fewer if it runs dry."""
    messages: list[dict[str, Any]] = []
    while len(messages) < count:
        answer = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        if not (batch := answer.get("Messages", [])):
            break
        for message in batch:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        messages += batch
    return messages


def test_sqs_gets_the_events(generator, sqs: Any, sqs_url: str, name: str) -> None:
    """The queue is made with the lesson's settings; a message is an event with its attribute."""
    options = ("--endpoint-url", sqs_url, "--queue", name, "--interval", 0, "--count", 15)
    done = generator.run("sqs", *options)
    lines = done.stdout.splitlines()
    server = sqs_url.removeprefix("http://")
    assert lines[0] == (
        f"[sqs] Sending 15 events to queue {name} of SQS at {server}, as fast as possible."
    )
    assert lines[1:-1] == [f"[sqs] Sent event {k}/15" for k in range(1, 16)]
    assert lines[-1] == "[sqs] Done: 15 events sent."
    assert (done.returncode, done.stderr) == (0, "")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    settings = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert settings["VisibilityTimeout"] == "30"
    assert settings["MessageRetentionPeriod"] == "86400"
    policy = json.loads(settings["RedrivePolicy"])
    assert policy["deadLetterTargetArn"].endswith(f":{name}-dead")
    assert int(policy["maxReceiveCount"]) == 3
    messages = received(sqs, url, 15)
    assert len({decode(message["Body"]).event_id for message in messages}) == 15
    for message in messages:
        assert message["MessageAttributes"]["EventType"]["StringValue"] == "trip_start"


def test_sqs_leaves_a_queue_that_exists_as_it_is(
    generator, sqs: Any, sqs_url: str, name: str
) -> None:
    """The consumer may have created it, with settings of its own; SQS_ENDPOINT_URL works too."""
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})["QueueUrl"]
    options = ("--queue", name, "--interval", 0, "--count", 2)
    done = generator.run("sqs", *options, SQS_ENDPOINT_URL=sqs_url)
    assert (done.returncode, done.stderr) == (0, "")
    settings = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert settings["VisibilityTimeout"] == "7"
    assert "RedrivePolicy" not in settings
    assert len(received(sqs, url, 2)) == 2


def test_sqs_fifo(generator, sqs: Any, sqs_url: str, name: str) -> None:
    """In a FIFO queue a zone is a group, without spaces, and the id tells duplicates."""
    queue = f"{name}.fifo"
    options = ("--endpoint-url", sqs_url, "--queue", queue, "--interval", 0, "--count", 20)
    done = generator.run("sqs", *options, "--seed", 1)
    assert (done.returncode, done.stderr) == (0, "")
    messages = received(sqs, sqs.get_queue_url(QueueName=queue)["QueueUrl"], 20)
    assert len(messages) == 20
    assert sqs.get_queue_url(QueueName=f"{name}-dead.fifo")["QueueUrl"]
    groups = set()
    for message in messages:
        trip = decode(message["Body"])
        groups.add(message["Attributes"]["MessageGroupId"])
        assert message["Attributes"]["MessageGroupId"] == trip.pickup_zone.replace(" ", "-")
        assert message["Attributes"]["MessageDeduplicationId"] == str(trip.event_id)
    assert "Staten-Island" in groups


def test_sqs_refuses_a_name(generator, sqs_url: str) -> None:
    """A queue's name with a space in it: one line with the server's reason."""
    done = generator.run("sqs", "--endpoint-url", sqs_url, "--queue", "taxi events")
    assert "refuses the queue taxi events: " in one_line(done)


# Kafka ------------------------------------------------------------------------------


def test_a_topic_keeps_the_events_of_a_zone_in_one_partition(
    generator, kafka, onlooker, name: str
) -> None:
    """The key is the zone; a topic that was there keeps its partitions; nobody has to be there."""
    kafka.tell("create", name, 5)
    servers = f"127.0.0.1:{kafka.port}"
    options = ("--topic", name, "--interval", 0, "--count", 40)
    done = generator.run("kafka", *options, KAFKA_BOOTSTRAP_SERVERS=servers)
    messages = onlooker.read(name, 5)
    trips = [decode(message.value) for message in messages]
    assert len({trip.event_id for trip in trips}) == 40
    assert [trip.pickup_zone.encode() for trip in trips] == [each.key for each in messages]
    homes = {(message.key, message.partition) for message in messages}
    assert len(homes) == len({key for key, _ in homes}) > 1
    assert len({partition for _, partition in homes}) > 1
    assert not any(message.value.endswith(b"\n") for message in messages)
    assert done.stdout.splitlines() == [
        f"[kafka] Sending 40 events to topic {name} of Kafka at {servers}, as fast as possible.",
        *(f"[kafka] Published event {k}/40" for k in range(1, 41)),
        "[kafka] Done: 40 events sent.",
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_topic_that_is_not_there_comes_to_be(generator, kafka, onlooker, name: str) -> None:
    """With --quiet events go in blocks, and all of them are there when it says so."""
    servers = f"127.0.0.1:{kafka.port}"
    options = ("--topic", name, "--interval", 0, "--count", 1200, "--quiet")
    done = generator.run("kafka", "--bootstrap-servers", servers, *options)
    assert done.stdout.splitlines()[-1] == "[kafka] Done: 1200 events sent."
    assert len(onlooker.read(name, 4)) == 1200


def test_a_refused_event_ends_it(generator, kafka, name: str) -> None:
    """The broker's words, and how many it had taken; what it refused is not counted."""
    kafka.tell("create", name, 3)
    kafka.tell("refuse", KEYS["Produce"], MSG_SIZE_TOO_LARGE, 1)
    servers = f"127.0.0.1:{kafka.port}"
    done = generator.run("kafka", "--bootstrap-servers", servers, "--topic", name, "--count", 3)
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"[kafka] Kafka at {servers} refused an event: ")
    assert "Message size too large" in line
    assert line.endswith("Stopped after 0 of 3 events.")
    assert done.returncode == 1


def test_a_cluster_that_ends_meanwhile(generator, name: str) -> None:
    """The line says that it cannot be reached, why, and how far it got."""
    cluster = PrivateCluster(find_library(), bounded=False)
    cluster.start()
    servers = f"127.0.0.1:{cluster.port}"
    options = ("--bootstrap-servers", servers, "--topic", name, "--interval", 0.1)
    with generator.start("kafka", *options) as run:
        assert "Sending" in run.stdout.readline()
        assert "Published event 1" in run.stdout.readline()
        cluster.stop()
        _, err = run.communicate(timeout=40)
    assert err.startswith(f"[kafka] Cannot reach Kafka at {servers}: Connection refused. ")
    assert "Stopped after " in err
    assert (run.returncode, err.count("\n")) == (1, 1)
