"""The Python that the lessons show: it runs, prints what its comments say, keeps what is promised."""

from __future__ import annotations

import ast
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pika
import pytest
import redis

from grader.services.kafka.private import PrivateCluster

REPO = Path(__file__).resolve().parents[2]


def blocks(exercise: str) -> list[str]:
    """The blocks of Python in a lesson."""
    lesson = (REPO / "exercises" / exercise / "README.md").read_text(encoding="utf-8")
    return re.findall(r"^```python\n(.*?)^```$", lesson, re.MULTILINE | re.DOTALL)


def comments(block: str) -> list[str]:
    """What a block says that it prints."""
    return re.findall(r"print\(.*\)  # (.*)$", block, re.MULTILINE)


DYING = """\
import os, signal, sqlite3, sys

class Dying(sqlite3.Connection):
    left = 100

    def execute(self, *args):
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().execute(*args)
"""
"""A database whose process is killed before its n-th statement."""


@pytest.mark.parametrize("statement", range(4))
def test_a_transaction_holds_event_and_offset_together(tmp_path: Path, statement: int) -> None:
    """Lesson 01: killed before any statement, the database has both of one event, or neither."""
    (block,) = blocks("01")
    source = block.replace('connect("trips.db")', 'connect("trips.db", factory=Dying)')
    assert source != block
    call = 'handle_and_store({"event_id": 7, "fare_estimate": 8.5}, 120)'
    program = f"{DYING}\n{source}\ndatabase.left = {statement}\n{call}\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=False, timeout=60)
    killed = statement < 3  # it has three
    assert done.returncode == (-signal.SIGKILL if killed else 0)
    with closing(sqlite3.connect(tmp_path / "trips.db")) as after:
        trips = [row[0] for row in after.execute("SELECT event_id FROM trips")]
        stored = [row[0] for row in after.execute("SELECT bytes FROM progress")]
    assert (trips, stored) == (([], []) if killed else ([7], [120]))


def test_the_calls_of_redis_py_work(redis_url: str, capsys) -> None:
    """Lesson 03: subscribe, publish, read."""
    block = next(each for each in blocks("03") if "import redis" in each)
    place = urlsplit(redis_url)
    exec(block.replace("port=6379", f"port={place.port}"), {})  # noqa: S102 - our own lesson
    assert capsys.readouterr().out.splitlines() == comments(block)
    with redis.Redis.from_url(redis_url) as client:
        assert client.pubsub_numsub("night-shift") == [(b"night-shift", 0)]


def test_the_calls_of_pika_work(rabbitmq_url: str, capsys) -> None:
    """Lesson 03: declare, publish, consume, acknowledge; then what a topic exchange delivers."""
    there = pika.URLParameters(rabbitmq_url)
    first = next(each for each in blocks("03") if "import pika" in each)
    exec(at(first), {"there": there})  # noqa: S102 - our own lesson
    assert capsys.readouterr().out.splitlines() == comments(first)
    topic = next(each for each in blocks("03") if "exchange_declare" in each)
    with pika.BlockingConnection(there) as connection:
        exec(topic, {"channel": connection.channel()})  # noqa: S102 - our own lesson
    assert capsys.readouterr().out.splitlines() == comments(topic)[0].split(", ")


def at(block: str) -> str:
    """Give a block that makes pika's parameters `there` for them: this test's broker."""
    source = re.sub(r"pika\.ConnectionParameters\(.*\)", "there", block)
    assert source != block, "a block that is typed first has to say where the broker is"
    return source


@pytest.fixture
def heartbeat() -> Any:
    """Lesson 04's context manager."""
    block = next(each for each in blocks("04") if "kept_hidden" in each)
    names: dict[str, Any] = {}
    exec(block, names)  # noqa: S102 - our own lesson
    return names["kept_hidden"]


def renewing() -> list[str]:
    """The heartbeats that go on: a thread's name holds that of its function."""
    return [thread.name for thread in threading.enumerate() if "renew" in thread.name]


def test_a_heartbeat_keeps_a_message_hidden(heartbeat, sqs: Any, name: str) -> None:
    """Lesson 04: past its timeout it is hidden while the block runs, and visible again after it."""
    url = sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "2"})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    with heartbeat(sqs, url, message, seconds=2):
        assert renewing()
        # A long poll past the timeout: it would return with the message as soon as it is visible.
        assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=4)
    assert not renewing()
    assert sqs.receive_message(QueueUrl=url, WaitTimeSeconds=10)["Messages"]


def test_a_heartbeat_ends_with_an_exception(heartbeat, sqs: Any, name: str) -> None:
    """What handle raises leaves the block, and no thread goes on."""
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    with pytest.raises(ConnectionError), heartbeat(sqs, url, message):
        raise ConnectionError
    assert not renewing()


def test_the_calls_of_boto3_work(sqs: Any, sqs_url: str, capsys) -> None:
    """Lesson 04: the block that creates a queue prints what its comments say, SQS takes the entry."""
    create, _, entry, receive = blocks("04")
    exec(create.replace("http://localhost:4566", sqs_url), {})  # noqa: S102 - our own lesson
    said = capsys.readouterr().out.replace(sqs_url, "http://localhost:4566")
    assert said.splitlines() == comments(create)
    url = sqs.get_queue_url(QueueName="night-shift")["QueueUrl"]
    assert not sqs.send_message_batch(QueueUrl=url, Entries=[ast.literal_eval(entry)]).get("Failed")
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = sqs.create_queue(QueueName="trips.fifo", Attributes=attributes)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}", MessageGroupId="Queens")
    exec(receive, {"sqs": sqs, "url": url})  # noqa: S102 - our own lesson
    assert capsys.readouterr().out.splitlines() == comments(receive)


def test_the_calls_of_streams_work(redis_url: str, capsys) -> None:
    """Lesson 05: append, read as a group, acknowledge, a transaction, pages; one after the other."""
    port = urlsplit(redis_url).port
    shown = [block for block in blocks("05") if "pika" not in block]
    assert len(shown) == 6
    names: dict[str, Any] = {}
    for block in shown:
        exec(block.replace("port=6379", f"port={port}"), names)  # noqa: S102 - our own lesson
        printed = capsys.readouterr().out.splitlines()
        after = re.findall(r"^# (.*)$", block, re.MULTILINE)  # what a print in a loop says
        assert sorted(printed) == sorted([*comments(block), *after])


def test_a_stream_of_rabbitmq_is_read_again(rabbitmq_url: str, capsys) -> None:
    """Lesson 05: twice from the first message, then from an offset."""
    (block,) = (block for block in blocks("05") if "x-stream-offset" in block)
    exec(at(block), {"there": pika.URLParameters(rabbitmq_url)})  # noqa: S102 - our own lesson
    assert capsys.readouterr().out.splitlines() == re.findall(r"^# (.*)$", block, re.MULTILINE)


def test_the_calls_of_confluent_kafka_work(kafka: PrivateCluster, capsys) -> None:
    """Lesson 06: produce by key, commit a position, read a partition to its end."""
    kafka.tell("create", "night-shift", 4)
    names: dict[str, Any] = {}
    for block in blocks("06"):
        there = block.replace("localhost:9092", f"127.0.0.1:{kafka.port}")
        exec(there, names)  # noqa: S102 - our own lesson
        after = re.findall(r"^# (.*)$", block, re.MULTILINE)  # what a long print says
        printed = capsys.readouterr().out.splitlines()
        assert sorted(printed) == sorted([*comments(block), *after])


def test_the_calls_of_the_bridge_work(rabbitmq_url: str, capsys) -> None:
    """Lesson 07: what is confirmed, an answer of SQS, and silence."""
    shown = [block for block in blocks("07") if "signal" not in block]
    assert len(shown) == 3
    names: dict[str, Any] = {"there": pika.URLParameters(rabbitmq_url)}
    for number, block in enumerate(shown):
        exec(block if number else at(block), names)  # noqa: S102 - our own lesson
        after = re.findall(r"^# (.*)$", block, re.MULTILINE)  # what a loop prints
        assert capsys.readouterr().out.splitlines() == (after or comments(block))


def test_a_signal_sets_the_flag_of_the_bridge() -> None:
    """Lesson 07: after SIGTERM the process goes on, and stop() would be true."""
    (block,) = (block for block in blocks("07") if "signal" in block)
    program = f"{block}\nsignal.raise_signal(signal.SIGTERM)\nprint(stopping)\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout == "True\n"
