"""The cluster: topics, messages, what a suite tells it, and what it refuses then."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import time
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient  # type: ignore[attr-defined]
from kafka_lab import SECONDS, cluster_of, member, take

from grader.services.kafka import errors
from grader.services.kafka.answering import kafka_problem
from grader.services.kafka.service import KafkaService


def test_a_group_gets_what_a_producer_sends(kafka: KafkaService) -> None:
    """All through the front; the suite sees the messages, and how far the group has come."""
    producer = Producer(kafka.settings())
    for number in range(12):
        producer.produce("trips", b"event %d" % number, b"zone %d" % (number % 5))
    assert producer.flush(SECONDS) == 0
    stored = kafka.read("trips")
    assert {each.value for each in stored} == {b"event %d" % number for number in range(12)}
    assert len({(each.key, each.partition) for each in stored}) == 5
    assert sum(kafka.ends("trips").values()) == 12
    assert kafka.read("trips", 1) == [each for each in stored if each.partition == 1]
    assert kafka.committed("trips", "fares") == {}
    with member(kafka) as consumer:
        begin = time.monotonic()
        for message in take(consumer, 12):
            consumer.commit(message, asynchronous=False)
        assert time.monotonic() - begin < SECONDS / 2  # a first join is delayed by 3 s elsewhere
    ends = {number: end for number, end in kafka.ends("trips").items() if end}
    assert kafka.committed("trips", "fares") == ends


def test_the_brokers_address_is_the_submissions(kafka: KafkaService) -> None:
    """Inside a sandbox there is one place: the cluster's own port is never named to it."""
    (broker,) = AdminClient(kafka.settings()).list_topics(timeout=SECONDS).brokers.values()
    assert (broker.host, broker.port) == ("127.0.0.1", kafka.port)
    assert kafka.port != cluster_of(kafka).port


def test_an_onlooker_commits(kafka: KafkaService) -> None:
    """Where the group has no member; the next one begins there."""
    kafka.produce("trips", [b"a", b"b", b"c"], 1)
    kafka.commit("trips", "fares", {1: 2})
    assert kafka.committed("trips", "fares") == {1: 2}
    with member(kafka) as consumer:
        assert [each.value() for each in take(consumer, 1)] == [b"c"]


def test_the_suites_own_messages(kafka: KafkaService) -> None:
    """Bytes as they are, with and without a key, to a partition; an empty value, and none."""
    kafka.produce("trips", [b"{oops", (b"key", b"\xff\x00"), b"", (None, None)], 2)
    assert [(each.offset, each.key, each.value) for each in kafka.read("trips")] == [
        (0, None, b"{oops"),
        (1, b"key", b"\xff\x00"),
        (2, None, b""),
        (3, None, None),
    ]


def test_a_log_is_trimmed(kafka: KafkaService) -> None:
    """What was before the offset is gone; a new group begins at the first that is left."""
    for number in range(4):
        kafka.produce("trips", [b"%d" % number])
    kafka.trim("trips", 0, 2)
    assert kafka.begins("trips")[0] == 2
    assert kafka.ends("trips")[0] == 4
    with member(kafka) as consumer:
        assert [each.value() for each in take(consumer, 2)] == [b"2", b"3"]


def test_requests_are_refused_as_told(kafka: KafkaService) -> None:
    """So many of a kind, with the error that is named; then they are accepted again."""
    kafka.produce("trips", [b"a", b"b"])
    with member(kafka) as consumer:
        first, second = take(consumer, 2)
        kafka.refuse("OffsetCommit", "REBALANCE_IN_PROGRESS")
        with pytest.raises(KafkaException) as refused:
            consumer.commit(first, asynchronous=False)
        assert refused.value.args[0].code() == KafkaError.REBALANCE_IN_PROGRESS
        assert kafka.committed("trips", "fares") == {}
        kafka.refuse("OffsetCommit", "UNKNOWN_MEMBER_ID", 5)
        kafka.accept("OffsetCommit")
        consumer.commit(second, asynchronous=False)
    assert kafka.committed("trips", "fares") == {0: 2}


def test_a_refused_message_is_reported(kafka: KafkaService) -> None:
    """The delivery report has the error; nothing of it is in the log."""
    kafka.refuse("Produce", "MSG_SIZE_TOO_LARGE")
    told: list[Any] = []
    producer = Producer(kafka.settings())
    producer.produce("trips", b"x", on_delivery=lambda error, _: told.append(error))
    producer.flush(SECONDS)
    assert [each.code() for each in told] == [KafkaError.MSG_SIZE_TOO_LARGE]
    assert kafka.read("trips") == []


def test_every_error_has_the_clients_number() -> None:
    """A suite calls an error by the name that a student's code sees."""
    for name, number in errors.ERRORS.items():
        assert getattr(KafkaError, name) == number


def test_a_broker_that_is_down_comes_up(kafka: KafkaService) -> None:
    """The submission reaches nothing, the suite all; afterwards a member goes on where it was."""
    kafka.produce("trips", [b"a"])
    with member(kafka) as consumer:
        (message,) = take(consumer, 1)
        consumer.commit(message, asynchronous=False)
        with kafka.broker_down():
            assert kafka.wait_closed(SECONDS)
            assert kafka_problem(f"127.0.0.1:{kafka.port}") == "no Kafka answers"
            kafka.produce("trips", [b"b"])
            assert consumer.poll(0.3) is None
        assert [each.value() for each in take(consumer, 1)] == [b"b"]


def test_an_action_before_a_request(kafka: KafkaService) -> None:
    """The cluster has not seen the request when it runs."""
    kafka.produce("trips", [b"a", b"b"])
    seen: list[dict[int, int]] = []

    def look() -> None:
        seen.append(kafka.committed("trips", "fares"))

    with (
        member(kafka) as consumer,
        kafka.before("OffsetCommit", action=look, number=2, group="fares") as reached,
    ):
        for message in take(consumer, 2):
            consumer.commit(message, asynchronous=False)
        assert reached.is_set()
    assert seen == [{0: 1}]
    assert kafka.committed("trips", "fares") == {0: 2}


def test_what_an_action_raises_is_the_suites(kafka: KafkaService) -> None:
    """It does not end the front's thread unheard."""

    def fail() -> None:
        raise RuntimeError("of the suite's")

    kafka.produce("trips", [b"a"])
    with (
        member(kafka) as consumer,
        pytest.raises(RuntimeError, match="of the suite's"),
        kafka.before("OffsetCommit", action=fail),
    ):
        consumer.commit(take(consumer, 1)[0], asynchronous=False)


def test_a_request_is_stopped(kafka: KafkaService) -> None:
    """Whoever is killed meanwhile has not committed; what it sent before was answered."""
    kafka.produce("trips", [b"a", b"b"])
    code = """
        import sys, json
        from confluent_kafka import Consumer
        consumer = Consumer(json.loads(sys.argv[1]) | {
            "group.id": "fares", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        consumer.subscribe(["trips"])
        while True:
            message = consumer.poll(1)
            if message is not None and message.error() is None:
                consumer.commit(message, asynchronous=False)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), json.dumps(kafka.settings())]
    with (
        kafka.stopped_before(2, "OffsetCommit") as watch,
        subprocess.Popen(arguments) as consumer,
    ):
        assert watch.reached.wait(SECONDS)
        consumer.kill()
        consumer.wait()
    assert kafka.wait_closed(SECONDS)
    assert kafka.committed("trips", "fares") == {0: 1}
