"""Kafka as a submission meets it: the cluster, its front, and what may be asked of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from grader.errors import ServiceError
from grader.grading.sources import judging_sources
from grader.host.identity import Identity
from grader.services.kafka import errors, library
from grader.services.kafka.answering import SERVERS_VARIABLE, kafka_problem
from grader.services.kafka.front import Bounds
from grader.services.kafka.kind import KafkaKind
from grader.services.kafka.library import PINNED, client_version, find_library
from grader.services.kafka.private import PrivateCluster
from grader.services.kafka.protocol import (
    ALLOWED,
    KEYS,
    MAX_REQUEST,
    ProtocolError,
    RequestReader,
    parse,
)
from grader.services.kafka.service import KafkaService
from grader.services.kafka.shapes import SHAPES
from grader.services.kafka.watch import Recording

ROOT = Path(__file__).parents[2]
SECONDS = 10.0
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def new_service(**options: Any) -> KafkaService:
    """Start a submission's cluster, attached to a listener."""
    made = KafkaService(PrivateCluster(find_library()), **options)
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    made.attach(listener, listener.getsockname()[1])
    return made


@pytest.fixture
def kafka() -> Iterator[KafkaService]:
    """A submission's cluster with the topic `trips`, of three partitions."""
    made = new_service()
    made.create_topic("trips", 3)
    yield made
    made.close()


def cluster_of(kafka: KafkaService) -> PrivateCluster:
    """Its process."""
    return kafka._cluster  # noqa: SLF001 - to look at its process


@contextlib.contextmanager
def member(kafka: KafkaService, group: str = "fares", **more: Any) -> Iterator[Consumer]:
    """A consumer of the submission's, which commits when it is told to."""
    own = {"group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    consumer = Consumer(kafka.settings(**more) | own)
    consumer.subscribe(["trips"])
    try:
        yield consumer
    finally:
        consumer.close()


def take(consumer: Consumer, count: int) -> list[Any]:
    """That many messages, or what came of them until SECONDS have passed."""
    found: list[Any] = []
    deadline = time.monotonic() + SECONDS
    while len(found) < count and time.monotonic() < deadline:
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            found.append(message)
    return found


def request(key: int, body: bytes = b"", version: int = 0, client: bytes = b"x") -> bytes:
    """One as it goes over the wire."""
    head = struct.pack(">hhih", key, version, 7, len(client)) + client
    return struct.pack(">i", len(head + body)) + head + body


def answered(kafka: KafkaService, data: bytes) -> bytes:
    """What a raw connection gets for these bytes; b"" where it is cut."""
    with socket.create_connection(("127.0.0.1", kafka.port), SECONDS) as raw:
        raw.settimeout(SECONDS)
        with contextlib.suppress(OSError):
            raw.sendall(data)
            return raw.recv(4096)
    return b""


# What a client says ------------------------------------------------------------------


def test_requests_are_cut_at_any_byte() -> None:
    """However the bytes arrive, the same requests come out, with the bytes that they came in."""
    wanted = [
        request(3, b"topics"),
        request(18, client=b""),
        request(8, b"\x00\x05fares" + b"x" * 30),
    ]
    data = b"".join(wanted)
    for size in range(1, len(data) + 1):
        reader = RequestReader()
        pieces = [data[at : at + size] for at in range(0, len(data), size)]
        found = [each for piece in pieces for each in reader.feed(piece)]
        assert [each.raw for each in found] == wanted
        assert [each.name for each in found] == ["Metadata", "ApiVersions", "OffsetCommit"]
        assert [each.group for each in found] == ["", "", "fares"]


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">i", 0x7FFFFFFF),
        struct.pack(">i", MAX_REQUEST + 1),
        struct.pack(">i", -1),
        struct.pack(">i", 3) + b"abc",
        b"GET / HTTP/1.1\r\n\r\n",
        struct.pack(">ihhih", 10, -1, 0, 7, 0),
        struct.pack(">ihhih", 10, 3, -1, 7, 0),
        struct.pack(">ihhih", 10, 3, 0, 7, 500),
        struct.pack(">ihhih", 10, 3, 0, 7, -2),
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    """Lengths that would cost the grader its memory, another protocol, a client's id too long."""
    with pytest.raises(ProtocolError):
        list(RequestReader().feed(data))


@pytest.mark.parametrize("key", [8, 9, 11, 12, 13, 14])
def test_a_groups_name_may_be_cut_off(key: int) -> None:
    """Whatever follows the header, there is an answer: a text, or none."""
    for version in range(12):
        for body in (b"", b"\x00", b"\xff\xff", b"\x00\x7fx", b"\x00\x00\x05a", b"\x80\x80"):
            (found,) = RequestReader().feed(request(key, body, version))
            assert isinstance(found.group, str)


# The cluster -------------------------------------------------------------------------


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


def test_members_are_seen_to_come_and_go(kafka: KafkaService) -> None:
    """Requests are kept with their group and time; an onlooker is no member."""
    kafka.produce("trips", [b"a"])
    with kafka.recording() as kept:
        assert isinstance(kept, Recording)
        begin = time.monotonic()
        with member(kafka) as consumer, member(kafka, "other") as other:
            take(consumer, 1)
            take(other, 1)
            kafka.committed("trips", "fares")
            assert not kept.requests("LeaveGroup")
        joins = kept.requests("JoinGroup", group="fares")
        assert kept.requests("LeaveGroup", group="fares")
        assert kept.requests("OffsetCommit") == []
        assert {each.group for each in kept.requests("JoinGroup")} == {"fares", "other"}
        assert all(begin < each.at < time.monotonic() for each in joins)
        assert kept.counts()["LeaveGroup"] == 2
        kept.clear()
        assert kept.counts() == {}


def test_what_members_are_answered_is_kept(kafka: KafkaService) -> None:
    """By who asked, with the generation that it spoke of: who is told that it is no member, too."""
    with kafka.recording() as kept, member(kafka, client_id="ana") as consumer:
        kafka.produce("trips", [b"a"])
        take(consumer, 1)
        (given,) = kept.answers("SyncGroup", group="fares")
        assert (given.client, given.error) == ("ana", 0)
        assert given.generation > 0
        joined = [each.error for each in kept.answers("JoinGroup", group="fares")]
        assert joined
        assert joined[-1] == 0
        text = [struct.pack(">h", len(word)) + word for word in (b"fares", b"nobody")]
        body = text[0] + struct.pack(">i", 77) + text[1] + struct.pack(">h", -1)
        answered(kafka, request(12, body, version=3, client=b"ben"))
        told = [each for each in kept.answers("Heartbeat") if each.client == "ben"]
        assert [(each.group, each.generation) for each in told] == [("fares", 77)]
        assert told[0].error in (KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION)
        assert kept.answers("Heartbeat", group="other") == []
        kept.clear()
        assert kept.answers("SyncGroup") == []


def test_an_action_before_a_clients_request(kafka: KafkaService) -> None:
    """Of two clients the one that was named is meant."""
    came: list[str] = []
    hold = kafka.before("JoinGroup", action=lambda: came.append("join"), client="ben")
    with hold as reached, kafka.recording() as kept:
        with member(kafka, client_id="ana") as consumer:
            take_until(consumer, lambda: bool(kept.answers("SyncGroup")))
        assert [each.client for each in kept.answers("SyncGroup")] == ["ana"]
        assert not reached.is_set()
        with member(kafka, client_id="ben") as consumer:
            take_until(consumer, reached.is_set)
    assert came == ["join"]


def take_until(consumer: Consumer, there: Callable[[], bool]) -> None:
    """Poll until it holds, or SECONDS have passed."""
    deadline = time.monotonic() + SECONDS
    while not there() and time.monotonic() < deadline:
        consumer.poll(0.05)


def test_a_killed_members_partitions_are_taken_over(kafka: KafkaService) -> None:
    """After the session that the settings name: the shortest that is reliable."""
    for partition in range(3):
        kafka.produce("trips", [b"%d" % partition], partition)
    code = """
        import sys, json
        from confluent_kafka import Consumer
        consumer = Consumer(json.loads(sys.argv[1]) | {
            "group.id": "fares", "enable.auto.commit": False, "auto.offset.reset": "earliest"})
        consumer.subscribe(["trips"])
        while (message := consumer.poll(1)) is None or message.error():
            pass
        print("has", flush=True)
        consumer.poll(60)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code), json.dumps(kafka.settings())]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"has\n"
        first.kill()
    with member(kafka) as consumer:
        assert len(take(consumer, 3)) == 3


# What may be asked of it ---------------------------------------------------------------


def test_a_client_is_told_at_once_what_is_not_offered(kafka: KafkaService) -> None:
    """Nobody waits for a controller that is none: the student reads what happened."""
    begin = time.monotonic()
    admin = AdminClient(kafka.settings())
    made = admin.create_topics([NewTopic("mine", 3, 1)])
    with pytest.raises(KafkaException) as refused:
        made["mine"].result(SECONDS)
    assert refused.value.args[0].code() == KafkaError._UNSUPPORTED_FEATURE  # noqa: SLF001
    assert time.monotonic() - begin < SECONDS / 2


@pytest.mark.parametrize("name", sorted(KEYS.keys() - set(ALLOWED.values())))
def test_what_administers_the_cluster_never_reaches_it(kafka: KafkaService, name: str) -> None:
    """The connection ends, and a clause says what the program asked for."""
    assert answered(kafka, request(KEYS[name])) == b""
    (clause,) = kafka.refusals
    assert clause.startswith(f"asked for {name}, which this exercise's cluster does not offer")
    assert clause.endswith("the topic exists already") == (
        name in ("CreateTopics", "CreatePartitions")
    )
    assert not kafka.exceeded
    kafka.check()


def test_a_kind_that_nobody_knows(kafka: KafkaService) -> None:
    """It has no name, and does not reach the cluster either."""
    assert answered(kafka, request(999)) == b""
    assert kafka.refusals == ["asked for request 999, which this exercise's cluster does not offer"]


def test_the_cluster_knows_each_kind_that_is_allowed(kafka: KafkaService) -> None:
    """What the front lets through, it answers: it would hang at others."""
    said = answered(kafka, request(KEYS["ApiVersions"]))
    (count,) = struct.unpack_from(">i", said, 10)
    known = {}
    for number in range(count):
        key, _, last = struct.unpack_from(">hhh", said, 14 + 6 * number)
        known[key] = last
    assert known.keys() == set(ALLOWED)
    assert all(version <= known[key] for key, version in SHAPES if key != KEYS["ApiVersions"])


@pytest.mark.parametrize(
    "data", [struct.pack(">i", 1 << 30) + b"x" * 100, b"\xff" * 64, b"hello\r\n" * 9]
)
def test_what_is_no_request_ends_its_connection(kafka: KafkaService, data: bytes) -> None:
    """Only this one, and the cluster lives."""
    assert answered(kafka, data) == b""
    assert kafka.refusals[0].startswith("sent Kafka what is no request")
    assert answered(kafka, request(KEYS["ApiVersions"]))
    kafka.check()


def test_a_body_that_is_none_never_reaches_the_cluster(kafka: KafkaService) -> None:
    """Every kind that is allowed, in every version, with nonsense behind it: some would end it."""
    for key in ALLOWED:
        for version in range(17):
            for body in (b"\x00" * 40, b"\xff" * 40, os.urandom(60)):
                assert not parse(request(key, body, version)).is_whole
    assert answered(kafka, request(KEYS["JoinGroup"], b"\x00" * 40, 4)) == b""
    assert kafka.refusals == ["sent Kafka what is no request (JoinGroup 4)"]
    kafka.check()


def test_a_member_that_lost_its_id_is_answered(kafka: KafkaService) -> None:
    """A client whose session is over knows no id until it has joined again, and asks meanwhile."""
    group, nobody, no_instance = b"\x00\x05fares", b"\x00\x00", b"\xff\xff"
    for name, version, body in (
        ("Heartbeat", 3, group + struct.pack(">i", 1) + nobody + no_instance),
        ("SyncGroup", 3, group + struct.pack(">i", 1) + nobody + no_instance + bytes(4)),
        ("LeaveGroup", 1, group + nobody),
    ):
        assert answered(kafka, request(KEYS[name], body, version)), name
    assert kafka.refusals == []


def test_what_the_client_sends_is_whole(kafka: KafkaService) -> None:
    """Consumers, idempotent and transactional producers, questions about offsets; nothing is cut."""
    settings = kafka.settings()
    producer = Producer(settings | {"enable.idempotence": True, "compression.type": "gzip"})
    for number in range(50):
        producer.produce("trips", b"x" * number, b"key", headers={"EventType": b"trip_start"})
    assert producer.flush(SECONDS) == 0
    with member(kafka, group_instance_id="mia") as consumer:
        consumer.commit(take(consumer, 50)[-1], asynchronous=False)
        writer = Producer(settings | {"transactional.id": "fares"})
        writer.init_transactions(SECONDS)
        writer.begin_transaction()
        writer.produce("trips", b"y")
        position = consumer.position(consumer.assignment())
        writer.send_offsets_to_transaction(position, consumer.consumer_group_metadata(), SECONDS)
        writer.commit_transaction(SECONDS)
        consumer.offsets_for_times([TopicPartition("trips", 0, 1)], timeout=SECONDS)
        consumer.list_topics(timeout=SECONDS)
        consumer.committed([TopicPartition("trips", 0)], timeout=SECONDS)
    with member(kafka, "all", partition_assignment_strategy="cooperative-sticky") as consumer:
        assert len(take(consumer, 51)) == 51
        kafka.delay(20)
        consumer.seek(TopicPartition("trips", 0, 0))
        consumer.poll(0.1)
        kafka.delay(0)
    pattern = Consumer(settings | {"group.id": "pattern", "topic.metadata.refresh.interval.ms": 50})
    pattern.subscribe(["^tri.*"])
    pattern.poll(0.5)
    pattern.close()
    assert kafka.refusals == []


def test_a_batch_that_is_none_never_reaches_the_cluster() -> None:
    """A count that is not that of its records, another magic, a length beyond its end, nothing."""
    records = b"\x0c\x00\x00\x00\x01\x00\x00"
    head = struct.pack(">iBIhiqqqhii", 0, 2, 0, 0, 0, 0, 0, -1, -1, -1, 1)
    whole = struct.pack(">qi", 0, len(head + records)) + head + records
    for batch, fits in (
        (whole, True),
        (whole[:-7], False),
        (whole + b"x", False),
        (whole[:57] + struct.pack(">i", 5) + whole[61:], False),
        (whole[:57] + struct.pack(">i", -1) + whole[61:], False),
        (whole[:16] + b"\x01" + whole[17:], False),
        (b"", False),
    ):
        topic = b"\x06trips\x02" + struct.pack(">i", 0) + bytes([len(batch) + 1]) + batch + b"\0\0"
        body = b"\x00\x00" + struct.pack(">hi", 1, 1000) + b"\x02" + topic + b"\x00"
        assert parse(request(KEYS["Produce"], body, 10)).is_whole is fits


def test_a_request_has_so_many_parts_in_all() -> None:
    """A million of them fit into four megabytes, and take seconds to look at."""
    for topics, fits in ((19, True), (1000, False)):
        partitions = b"\xe9\x07" + struct.pack(">i", 1) * 1000 + b"\0"
        count = bytes([(topics + 1) & 0x7F | 0x80, (topics + 1) >> 7])
        body = b"\0\x02g" + count + (b"\x02a" + partitions) * topics + b"\0"
        assert parse(request(KEYS["OffsetFetch"], body, 6)).is_whole is fits


@pytest.mark.parametrize(
    ("bounds", "why"),
    [
        (Bounds(up=200_000, down=1 << 30, requests=1 << 30, connections=64), ""),
        (Bounds(up=1 << 30, down=20_000, requests=1 << 30, connections=64), "asked Kafka for more"),
        (Bounds(up=1 << 30, down=1 << 30, requests=50, connections=64), "asked Kafka for more"),
    ],
)
def test_what_is_sent_and_asked_for_is_counted(bounds: Bounds, why: str) -> None:
    """Whoever goes beyond it is cut off, and what it did is said; the suite still looks."""
    kafka = new_service(bounds=bounds)
    try:
        kafka.create_topic("trips")
        ask = request(KEYS["ApiVersions"], client=b"x" * 1000)
        with (
            socket.create_connection(("127.0.0.1", kafka.port), SECONDS) as raw,
            contextlib.suppress(OSError),
        ):
            for _ in range(2000):
                raw.sendall(ask)
                if not raw.recv(4096):
                    break
        assert kafka.exceeded
        assert kafka.why_exceeded.startswith(why)
        assert answered(kafka, request(KEYS["ApiVersions"])) == b""
        kafka.check()
        assert sum(kafka.ends("trips").values()) == 0
    finally:
        kafka.close()


def test_a_topic_is_read_to_a_size(kafka: KafkaService) -> None:
    """Few bytes may be many once they are unpacked: the submission did that, and reads so."""
    producer = Producer(
        kafka.settings() | {"compression.type": "gzip", "message.max.bytes": 20_000_000}
    )
    for _ in range(9):
        producer.produce("trips", b"\0" * 8_000_000, b"key")
        assert producer.flush(SECONDS) == 0
    assert not kafka.exceeded
    with pytest.raises(ServiceError, match="holds more than 64 MB"):
        kafka.read("trips")
    assert kafka.exceeded
    assert "keep more" in kafka.why_exceeded
    kafka.check()


@pytest.mark.parametrize("compression", [1, 2, 3, 4])
def test_what_nobody_can_unpack_is_the_submissions_failure(
    kafka: KafkaService, compression: int
) -> None:
    """It is told at once, and not after the time that the suite would wait for it."""
    head = struct.pack(">iBIhiqqqhii", 0, 2, 0, compression, 0, 0, 0, -1, -1, -1, 1) + b"\xff" * 40
    batch = struct.pack(">qi", 0, len(head)) + head
    topic = b"\x06trips\x02" + struct.pack(">i", 0) + bytes([len(batch) + 1]) + batch + b"\0\0"
    body = b"\x00\x00" + struct.pack(">hi", 1, 1000) + b"\x02" + topic + b"\x00"
    assert answered(kafka, request(KEYS["Produce"], body, 10))
    assert not kafka.exceeded
    with pytest.raises(ServiceError, match="cannot be unpacked"):
        kafka.read("trips")
    assert kafka.exceeded
    assert kafka.why_exceeded == "published to Kafka what no client can unpack"
    kafka.check()


def test_connections_at_a_time(kafka: KafkaService) -> None:
    """Silent ones beyond 64 are cut; when they are gone, others are served."""
    with contextlib.ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", kafka.port), SECONDS))
        deadline = time.monotonic() + SECONDS
        while kafka.open_connections < 64 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert kafka.open_connections == 64
    assert kafka.wait_closed(SECONDS)
    assert answered(kafka, request(KEYS["ApiVersions"]))


def test_a_cluster_computes_for_so_long(
    monkeypatch: pytest.MonkeyPatch, kafka: KafkaService
) -> None:
    """The kernel ends it, and the submission reads that it did that."""
    pid = cluster_of(kafka).pid
    assert not kafka.exceeded
    os.kill(pid, signal.SIGXCPU)  # as at its limit for CPU time
    assert cluster_of(kafka).ended(SECONDS)
    assert kafka.exceeded
    assert "compute" in kafka.why_exceeded
    with pytest.raises(ServiceError, match="Kafka ended"):
        kafka.check()


@needs_linux
def test_the_kernel_bounds_it(kafka: KafkaService) -> None:
    """CPU time, memory, open files, no core dump; and for root, a user that owns nothing."""
    kafka.check()
    pid = cluster_of(kafka).pid
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    soft = {line[:25].strip(): line[25:46].strip() for line in lines[1:]}
    assert soft["Max cpu time"] == "30"
    assert soft["Max address space"] == str(1 << 30)
    assert soft["Max core file size"] == "0"
    assert soft["Max open files"] == "512"
    status = Path(f"/proc/{pid}/status").read_text()
    uids = set(status.partition("\nUid:\t")[2].partition("\n")[0].split("\t"))
    (uid,) = uids
    if os.geteuid() == 0:
        assert int(uid) >= 65534
        assert status.partition("\nGroups:\t")[2].partition("\n")[0].split() == []


@needs_linux
def test_it_can_open_and_start_nothing(kafka: KafkaService) -> None:
    """Code that somebody gets to run in it has its sockets, and no way to more; it serves so."""
    kafka.check()
    looked_at = 0
    for task in Path(f"/proc/{cluster_of(kafka).pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # a thread of a client that has gone
            status = (task / "status").read_text()
            assert "\nNoNewPrivs:\t1\n" in status
            assert "\nSeccomp:\t2\n" in status
            looked_at += 1
    assert looked_at
    code = """
        import os, pathlib
        from grader.services.kafka.confined import confine
        assert confine()
        for act in (
            lambda: open("/etc/passwd"),
            lambda: os.open("/tmp", os.O_RDONLY),
            lambda: os.execv("/bin/true", ["true"]),
            lambda: os.kill(1, 0),
            lambda: os.unlink("/tmp/nothing"),
            lambda: os.mkdir("/tmp/nothing/x"),
            lambda: os.rename("/tmp/nothing", "/tmp/x"),
        ):
            try:
                act()
            except PermissionError:
                continue
            raise SystemExit("it could")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_verdict_depends_on_the_clusters_own_modules() -> None:
    """They are started by a name, and no import leads there but one that is never run."""
    found = {path.name for path in judging_sources([], [KafkaKind()])}
    assert {"process.py", "mock.py", "orders.py", "onlooker.py", "shapes.py"} <= found


# Its life ----------------------------------------------------------------------------


def test_submissions_have_nothing_in_common(kafka: KafkaService) -> None:
    """One's topics and groups are on no other's cluster."""
    other = new_service()
    try:
        other.create_topic("trips", 1)
        kafka.produce("trips", [b"mine"])
        assert other.read("trips") == []
    finally:
        other.close()


def test_nothing_of_it_is_left() -> None:
    """A second close does nothing."""
    kafka = new_service()
    kafka.check()
    process = Identity.of(cluster_of(kafka).pid)
    kafka.close()
    kafka.close()
    assert not process.alive


@needs_linux
def test_a_killed_graders_cluster_ends() -> None:
    """It reads that its orders have ended; nothing is left to sweep."""
    code = """
        import os, signal
        from grader.services.kafka.library import find_library
        from grader.services.kafka.private import PrivateCluster

        cluster = PrivateCluster(find_library())
        cluster.start()
        cluster.connect().close()
        print(cluster.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert said.returncode == -signal.SIGKILL, said.stderr
    pid = int(said.stdout)
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}/exe").exists()


def test_it_outlives_the_thread_that_started_it() -> None:
    """A suite may start one beside its tests."""
    made: list[KafkaService] = []
    starter = threading.Thread(target=lambda: made.append(new_service()))
    starter.start()
    starter.join()
    (kafka,) = made
    kafka.check()
    kafka.check()
    kafka.close()


def test_a_cluster_that_dies_is_no_failure_of_a_students(kafka: KafkaService) -> None:
    """`check` says so, also when it is asked again, and it was not shared."""
    kafka.check()
    os.kill(cluster_of(kafka).pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(ServiceError, match="Kafka ended"):
            kafka.check()
    assert not kafka.exceeded
    assert not kafka.shared
    with pytest.raises(ServiceError):
        kafka.create_topic("more")


def test_a_fork_after_the_import_works() -> None:
    """The first process of a sandbox imports the client, and the students' are forked from it."""
    code = """
        import os, threading
        import confluent_kafka
        print(len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 1)
        if os.fork() == 0:
            producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:%d" % PORT})
            producer.produce("trips", b"from the fork")
            os._exit(producer.flush(10))
        raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    kafka = new_service()
    kafka.create_topic("trips", 1)
    text = textwrap.dedent(code).replace("PORT", str(kafka.port))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"  # thread: the library has started none
    assert [each.value for each in kafka.read("trips")] == [b"from the fork"]
    kafka.close()


def test_the_preload_names_the_client() -> None:
    """So that no student's process waits for its import."""
    assert KafkaKind.clients == ("confluent_kafka",)


# The machine -------------------------------------------------------------------------


def test_doctor_names_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that is installed; and the pinned one where it is another."""
    monkeypatch.delenv(SERVERS_VARIABLE, raising=False)
    assert KafkaKind().look() == f"a run uses the mock cluster of confluent-kafka {PINNED}"
    monkeypatch.setattr(library, "PINNED", "2.99.0")
    assert KafkaKind().look().endswith(f"confluent-kafka {PINNED}; pinned is 2.99.0")


def test_the_pinned_version_is_the_locked_one() -> None:
    """The mock's interface is called experimental: doctor, lock and installation say one version."""
    locked = f"\nconfluent-kafka=={PINNED} "
    for lock in ("requirements.lock", "requirements-instructor.lock"):
        assert locked in (ROOT / lock).read_text()
    assert client_version() == PINNED


def test_without_the_mock_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on; whoever asks for a cluster is told what is missing and how to get it."""
    monkeypatch.setitem(library.PROTOTYPES, "rd_kafka_mock_of_another_version", (None, ()))
    with pytest.raises(ServiceError, match="lacks rd_kafka_mock_of_another_version") as missing:
        KafkaKind().look()
    assert "pip install" in missing.value.help
    with KafkaKind().prepare() as factory, pytest.raises(ServiceError, match="no mock cluster"):
        factory()


def test_without_the_client_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says so."""
    monkeypatch.setattr(library, "PACKAGE", "confluent-kafka-of-nobody")
    with pytest.raises(ServiceError, match="is not installed"):
        find_library()


@pytest.mark.parametrize(
    "place",
    [
        "confluent_kafka.libs/librdkafka-0cb94173.so.1",
        "confluent_kafka/.dylibs/librdkafka.1.dylib",
        "confluent_kafka.libs/librdkafka-7ab3.dll",
        "confluent_kafka/cimpl.cpython-313-darwin.so",
        "confluent_kafka/cimpl.cp312-win_amd64.pyd",
    ],
)
def test_the_library_is_found_where_a_wheel_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """On Linux and Windows beside the package, on macOS in it, else behind the extension."""
    package = tmp_path / "confluent_kafka"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).symlink_to(find_library())
    monkeypatch.setattr(
        library, "find_spec", lambda _: type("Spec", (), {"origin": str(package / "__init__.py")})
    )
    assert find_library() == tmp_path / place


def test_a_cluster_of_the_users_is_for_demos(
    monkeypatch: pytest.MonkeyPatch, kafka: KafkaService
) -> None:
    """KAFKA_BOOTSTRAP_SERVERS is looked at and told; a run does not go there."""
    monkeypatch.setenv(SERVERS_VARIABLE, f"127.0.0.1:{kafka.port}")
    assert (
        KafkaKind()
        .look()
        .endswith(f"demos go to 127.0.0.1:{kafka.port}, which {SERVERS_VARIABLE} names")
    )
    with KafkaKind().prepare() as factory:
        own = factory()
        own.check()
        own.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv(SERVERS_VARIABLE, where)
        with pytest.raises(ServiceError, match=f"no Kafka answers at {where}"):
            KafkaKind().look()
