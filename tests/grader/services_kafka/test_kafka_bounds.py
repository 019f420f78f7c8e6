"""What may be asked of the cluster, and how much of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]
from kafka_lab import SECONDS, answered, cluster_of, member, needs_linux, new_service, request, take

from grader.errors import ServiceError
from grader.grading.sources import judging_sources
from grader.services.kafka.front import Bounds
from grader.services.kafka.kind import KafkaKind
from grader.services.kafka.protocol import (
    ALLOWED,
    KEYS,
    parse,
)
from grader.services.kafka.service import KafkaService
from grader.services.kafka.shapes import SHAPES

ROOT = Path(__file__).parents[3]


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
