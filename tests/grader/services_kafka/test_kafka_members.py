"""Members of a group as the judge sees them come, ask and go."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException
from kafka_lab import SECONDS, answered, member, request, take

from grader.services.kafka.front import OF_A_SUBMISSION
from grader.services.kafka.protocol import Request
from grader.services.kafka.service import KafkaService
from grader.services.kafka.watch import Recording


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


def test_what_a_commit_is_answered_is_kept(kafka: KafkaService) -> None:
    """One that is refused, and one that is not."""
    with kafka.recording() as kept, member(kafka, client_id="ana") as consumer:
        kafka.produce("trips", [b"a", b"b"])
        take(consumer, 1)
        consumer.commit(asynchronous=False)
        take(consumer, 1)
        kafka.refuse("OffsetCommit", "ILLEGAL_GENERATION")
        with pytest.raises(KafkaException, match="ILLEGAL_GENERATION"):
            consumer.commit(asynchronous=False)
    told = kept.answers("OffsetCommit", group="fares")
    assert [(each.client, each.error) for each in told] == [
        ("ana", 0),
        ("ana", KafkaError.ILLEGAL_GENERATION),
    ]


def test_who_joins_is_kept_and_which_connection_asks(kafka: KafkaService) -> None:
    """Also what came before anybody recorded; an onlooker has joined nothing."""
    kafka.produce("trips", [b"a", b"b"])
    kafka.committed("trips", "looked at")
    assert kafka.joined == set()
    with member(kafka) as consumer:
        take(consumer, 1)
    assert kafka.joined == {"fares"}
    with kafka.recording() as kept, member(kafka, "x") as one, member(kafka, "y") as other:
        take(one, 1)
        take(other, 1)
        asking = {each.connection for each in kept.requests("Fetch")}
    assert len(asking) == 2
    assert kafka.joined == {"fares", "x", "y"}


def test_nothing_is_forgotten_of_a_submission() -> None:
    """A recording keeps more requests than one may send."""
    kept = Recording()
    for number in range(OF_A_SUBMISSION.requests):
        kept.see(Request(12, 3, number, b"", b"", "ana"))
    kept.see(Request(11, 5, 1, b"", b"", "ben"))
    assert kept.counts() == {"Heartbeat": OF_A_SUBMISSION.requests, "JoinGroup": 1}


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
