"""The demos from exercise 02 on with the solutions as a learner's own functions."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pika
import pytest
import redis

from grader.services.kafka.private import PrivateCluster

REPO = Path(__file__).resolve().parents[2]
EXISTS = "the queue exists with other settings"


@pytest.fixture
def demo(tmp_path: Path) -> Any:
    """Starts a demo, whose functions are filled in."""

    def start(exercise: str, *arguments: str, **servers: str) -> subprocess.Popen[str]:
        folder = tmp_path / exercise
        shutil.copytree(REPO / "solutions" / exercise, folder, dirs_exist_ok=True)
        shutil.copy(REPO / "exercises" / exercise / "demo.py", folder)
        return subprocess.Popen(
            [sys.executable, str(folder / "demo.py"), *arguments],
            env={**os.environ, **servers},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def test_a_taken_port_is_two_lines(demo) -> None:
    """Who listens there is named, and how to choose another port; nothing else is printed."""
    with socket.socket() as taken:
        taken.bind(("localhost", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with demo("02", "socket", "--port", str(port)) as process:
            printed, said = process.communicate(timeout=60)
    assert (process.returncode, printed) == (1, "")
    what, remedy = said.splitlines()
    assert what.startswith(f"port {port} is taken by ")
    assert what.endswith(f"(pid {os.getpid()})")
    assert remedy == "End that, or choose another port here and for the producer: --port 9998"


def test_what_was_not_done_in_a_crash_comes_again(
    demo, generator, rabbitmq_url: str, name: str
) -> None:
    """With --work a kill falls inside handle: that event comes to the next consumer, no done one."""
    generator.run(
        "rabbitmq", "--queue", name, "--interval", "0", "--count", "3", RABBITMQ_URL=rabbitmq_url
    )
    way = ("03", "rabbitmq", "--name", name)
    with demo(*way, "--work", "2", RABBITMQ_URL=rabbitmq_url) as first:
        lines = [first.stdout.readline() for _ in range(3)]
        first.kill()
    assert lines[1] == "[rabbitmq] event  1: done\n"
    with demo(*way, "--count", "2", RABBITMQ_URL=rabbitmq_url) as second:
        again, _ = second.communicate(timeout=60)
    assert again.splitlines()[0].partition(": ")[2] == lines[2].strip().partition(": ")[2]
    assert len(again.splitlines()) == 2


def test_a_queue_of_other_settings_is_one_line(
    demo, rabbitmq_url: str, sqs: Any, sqs_url: str, name: str
) -> None:
    """Left by an earlier try at declaring it: the demo says how to get rid of it."""
    with pika.BlockingConnection(pika.URLParameters(rabbitmq_url)) as connection:
        connection.channel().queue_declare(name, durable=True)
    sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "7"})
    rabbitmq = demo("03", "rabbitmq", "--name", name, RABBITMQ_URL=rabbitmq_url)
    create = demo("04", "create", "--queue", name, SQS_ENDPOINT_URL=sqs_url)
    for process in (rabbitmq, create):
        with process:
            _, said = process.communicate(timeout=60)
        assert process.returncode == 1
        assert said.startswith(EXISTS)
        assert said.strip().endswith("grader services down, then grader services up")
        assert len(said.splitlines()) == 1


def test_a_kill_after_handle_repeats_that_event(
    demo, generator, rabbitmq_url: str, name: str
) -> None:
    """With --kill-after the event was handled and not acknowledged: the next consumer gets it."""
    generator.run(
        "rabbitmq", "--queue", name, "--interval", "0", "--count", "3", RABBITMQ_URL=rabbitmq_url
    )
    way = ("03", "rabbitmq", "--name", name)
    with demo(*way, "--kill-after", "2", RABBITMQ_URL=rabbitmq_url) as first:
        handled, _ = first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    assert len(handled.splitlines()) == 2
    with demo(*way, "--count", "2", RABBITMQ_URL=rabbitmq_url) as second:
        again, _ = second.communicate(timeout=60)
    assert again.splitlines()[0].partition(": ")[2] == handled.splitlines()[1].partition(": ")[2]
    assert len(again.splitlines()) == 2


def test_what_a_killed_consumer_held_is_claimed(demo, generator, redis_url: str, name: str) -> None:
    """With --work a kill falls inside handle: the next consumer claims that entry, and no done one."""
    generator.run("streams", "--stream", name, "--interval", 0, "--count", 3, REDIS_URL=redis_url)
    way = ("05", "consume", "--stream", name)
    with demo(*way, "--work", "2", REDIS_URL=redis_url) as first:
        lines = [first.stdout.readline() for _ in range(3)]
        first.kill()
    assert lines[1] == "[fares ana] event  1: done\n"
    again = ("--consumer", "ben", "--count", "2", "--idle", "0")
    with demo(*way, *again, REDIS_URL=redis_url) as second:
        said, _ = second.communicate(timeout=60)
    assert said.splitlines()[0].partition(": ")[2] == lines[2].strip().partition(": ")[2]
    assert said.splitlines()[-1] == "[fares ben] 2 events handled"


def test_a_poisoned_entry_is_tried_three_times(demo, generator, redis_url: str, name: str) -> None:
    """With --fail it comes again and again, the others do not; then it lies in .dead."""
    generator.run("streams", "--stream", name, "--interval", 0, "--count", 3, REDIS_URL=redis_url)
    options = ("--stream", name, "--fail", "2", "--idle", "0", "--count", "3")
    with demo("05", "consume", *options, REDIS_URL=redis_url) as process:
        said, _ = process.communicate(timeout=60)
    numbers = [line.partition(":")[0] for line in said.splitlines()[:-1]]
    assert sorted(numbers) == [f"[fares ana] event  {number}" for number in (1, 2, 2, 2, 3)]
    with redis.Redis.from_url(redis_url) as client:
        assert client.xlen(f"{name}.dead") == 1


def test_a_stream_is_replayed_and_its_lag_is_told(
    demo, generator, redis_url: str, name: str
) -> None:
    """A group that has taken two of five is three behind; a replay shows all five and leaves the lag as it was."""
    generator.run("streams", "--stream", name, "--interval", 0, "--count", 5, REDIS_URL=redis_url)
    printed = []
    for way in (("consume", "--count", "2"), ("replay",), ("lag",)):
        with demo("05", *way, "--stream", name, REDIS_URL=redis_url) as process:
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        printed.append(said.splitlines())
    consumed, replayed, lag = printed
    assert len(consumed) == 3
    assert replayed[:2] == [line.replace("[fares ana]", "[replay]") for line in consumed[:2]]
    assert replayed[-1] == "[replay] 5 events handled"
    assert lag == ["fares: 3"]


def test_a_name_that_is_no_stream_is_one_line(demo, redis_url: str, name: str) -> None:
    """The demo says what to change; of a stream that does not exist, that it does not."""
    with redis.Redis.from_url(redis_url) as client:
        client.set(name, "a plain value")
    for way in ("consume", "replay"):
        with demo("05", way, "--stream", name, REDIS_URL=redis_url) as process:
            _, said = process.communicate(timeout=60)
        assert (process.returncode, said) == (
            1,
            f"{name} is no stream: choose another --stream\n",
        )
    with demo("05", "lag", "--stream", f"{name}-2", REDIS_URL=redis_url) as process:
        said, _ = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, f"the stream {name}-2 does not exist yet\n")


def of_kafka(cluster: PrivateCluster) -> dict[str, str]:
    """Where a demo finds that cluster."""
    return {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{cluster.port}"}


def test_another_member_takes_over_from_a_killed_one(
    demo, kafka: PrivateCluster, name: str
) -> None:
    """The event that was in handle comes to the next member, once the session is over; no done one does."""
    kafka.tell("create", name, 1)
    servers = of_kafka(kafka)
    with demo("06", "publish", "--topic", name, "--count", "3", **servers) as process:
        said, _ = process.communicate(timeout=60)
    assert said == "the broker has all 3 events\n"
    way = ("06", "consume", "--topic", name, "--session", "1.5")
    with demo(*way, "--work", "2", **servers) as first:
        lines = [first.stdout.readline() for _ in range(4)]
        first.kill()
    assert lines[0] == "[fares ana] was given its partitions\n"
    assert lines[2] == "[fares ana] event  1: done\n"
    with demo(*way, "--member", "ben", "--count", "2", **servers) as second:
        said, _ = second.communicate(timeout=60)
    events = said.splitlines()[1:]
    assert events[0].partition(": ")[2] == lines[3].strip().partition(": ")[2]
    assert events[-1] == "[fares ben] 2 events handled"


def test_an_event_that_fails_is_the_first_of_the_next_start(
    demo, kafka: PrivateCluster, name: str
) -> None:
    """With --fail the exception leaves, and the lag counts that event; a replay changes nothing."""
    kafka.tell("create", name, 1)
    servers = of_kafka(kafka)
    printed = []
    for options in (
        ("publish", "--count", "3"),
        ("consume", "--fail", "2"),
        ("lag",),
        ("replay",),
        ("consume", "--count", "2"),
        ("lag",),
    ):
        with demo("06", *options, "--topic", name, **servers) as process:
            said, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (
            (1, "handle failed for event 2\n") if "--fail" in options else (0, "")
        )
        printed.append(said.splitlines())
    _, failed, behind, replayed, again, done = printed
    assert behind == ["fares: 2 (partition 0: 2)"]
    assert replayed[-1] == "[replay] 3 events handled"
    assert again[1].partition(": ")[2] == failed[2].partition(": ")[2]
    assert done == ["fares: 0 (partition 0: 0)"]


def test_a_bridge_that_was_killed_twice_has_lost_nothing(
    demo, generator, rabbitmq_url: str, sqs: Any, sqs_url: str, name: str, tmp_path: Path
) -> None:
    """Killed before the offset and before the acknowledgement: each event arrives, once."""
    sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})
    trips = tmp_path / "trips.jsonl"
    generator.run("file", "--path", trips, "--interval", 0, "--count", 5)
    servers = {"RABBITMQ_URL": rabbitmq_url, "SQS_ENDPOINT_URL": sqs_url}
    queues = ("--queue", name, "--to", f"{name}.fifo")
    collect, forward = ("07", "collect", str(trips), *queues), ("07", "forward", *queues)
    for way, options in ((collect, ()), (forward, ("--batch", "3"))):
        with demo(*way, "--slow", "2", *options, **servers) as process:
            while "event  3" not in process.stdout.readline():
                assert process.poll() is None, process.stderr.read()
            process.kill()
        with demo(*way, **servers) as process:
            said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
    assert said.splitlines()[-1] == "[forward] 6 messages moved"  # the third was published twice
    with demo("07", "where", str(trips), *queues, **servers) as process:
        counted, _ = process.communicate(timeout=60)
    assert [int(line.split()[1]) for line in counted.splitlines()] == [5, 0, 5]
    with demo("07", "arrived", str(trips), *queues, **servers) as process:
        compared, _ = process.communicate(timeout=60)
    assert compared.splitlines()[1:] == ["missing: none", "twice:   none"]


def test_a_bridge_is_stopped_by_sigterm(
    demo, generator, rabbitmq_url: str, sqs: Any, sqs_url: str, name: str, tmp_path: Path
) -> None:
    """The signal comes while SQS has a batch that is not acknowledged: it is, and no other begins."""
    sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})
    trips = tmp_path / "trips.jsonl"
    generator.run("file", "--path", trips, "--interval", 0, "--count", 6)
    servers = {"RABBITMQ_URL": rabbitmq_url, "SQS_ENDPOINT_URL": sqs_url}
    queues = ("--queue", name, "--to", f"{name}.fifo")
    with demo("07", "collect", str(trips), *queues, **servers) as process:
        process.communicate(timeout=60)
    with demo("07", "forward", *queues, "--slow", "2", "--batch", "3", **servers) as process:
        while "event  3" not in process.stdout.readline():
            assert process.poll() is None, process.stderr.read()
        process.terminate()
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert said.splitlines()[-1] == "[forward] 3 messages moved"
    with demo("07", "where", str(trips), *queues, **servers) as process:
        counted, _ = process.communicate(timeout=60)
    assert [int(line.split()[1]) for line in counted.splitlines()] == [6, 3, 3]
