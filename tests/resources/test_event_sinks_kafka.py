"""The sink for Kafka: keys and partitions of its topic, and a broker that refuses or ends."""

from __future__ import annotations

from events import decode
from grader.services.kafka.library import find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.protocol import KEYS

MSG_SIZE_TOO_LARGE = 10


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
