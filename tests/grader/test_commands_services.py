"""`grader services`: up, down and status, as a learner meets them."""

from __future__ import annotations

import http.server
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import click
import pika
import pika.exceptions
import pytest
import redis
from click.testing import CliRunner, Result
from confluent_kafka import Consumer, Producer, TopicPartition

from grader.commands.services import DEMO_FILES, services
from grader.errors import GraderError
from grader.host import programs
from grader.host.identity import Identity
from grader.host.ports import holder, is_free
from grader.services.catalog import OWN_KINDS, service_kind
from grader.services.demo import servers
from grader.services.rabbitmq.broker import rabbitmq_url
from grader.services.rabbitmq.choice import installed_server

Run = Callable[..., Result]


class _OneLine(click.Group):
    """Shows errors as the whole command line does."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except GraderError as error:
            click.echo(f"grader: {error}", err=True)
            ctx.exit(2)


@pytest.fixture
def ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Free ports instead of the lessons' own, which the machine may be using."""
    # Below the ports that the system gives to outgoing connections, so that none takes one.
    candidates = random.sample(range(20000, 32000), 100)
    free = dict(zip(OWN_KINDS, filter(is_free, candidates), strict=False))
    for name, port in free.items():
        monkeypatch.setattr(type(service_kind(name)), "port", port)
    return free


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ports: dict[str, int]) -> Iterator[Run]:
    """Runs `grader services ...` in an empty folder, with a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    group = _OneLine(name="grader", commands={"services": services})

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(group, ["services", *arguments])

    yield invoke
    for name in OWN_KINDS:
        servers.stop(name)


def test_up_status_down(run: Run, ports: dict[str, int]) -> None:
    """Redis and SQS answer when `up` returns, status shows them, and after `down` they are gone."""
    started = run("up", "redis", "sqs")
    assert started.exit_code == 0, started.output
    assert f"redis runs: redis://localhost:{ports['redis']}" in started.stdout
    assert redis.Redis(port=ports["redis"]).ping()
    sqs = boto3.client(
        "sqs",
        endpoint_url=f"http://localhost:{ports['sqs']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    assert str(ports["sqs"]) in sqs.create_queue(QueueName="taxi-events")["QueueUrl"]
    shown = run("status")
    assert shown.exit_code == 1  # rabbitmq does not run
    process = servers.status("redis").process
    assert process is not None
    row = next(line.split() for line in shown.stdout.splitlines() if line.startswith("redis"))
    assert row == ["redis", "running", f"redis://localhost:{ports['redis']}", str(process.pid)]
    stopped = run("down")
    assert stopped.exit_code == 0
    assert stopped.stdout.splitlines() == [
        "redis stopped",
        "rabbitmq was not running",
        "sqs stopped",
        "kafka was not running",
    ]
    assert not process.alive


def test_kafka_serves_a_consumer_of_anybodys(run: Run, ports: dict[str, int]) -> None:
    """With the topic of the lessons, on its port alone; killed and started again it is empty."""
    started = run("up", "kafka")
    assert started.exit_code == 0, started.output
    where = f"localhost:{ports['kafka']}"
    assert f"kafka runs: kafka://{where}" in started.stdout
    assert "taxi_events has 3 partitions" in started.stdout
    common = {"bootstrap.servers": where, "log_level": 0}
    producer = Producer(common)
    assert set(producer.list_topics(timeout=10).topics["taxi_events"].partitions) == {0, 1, 2}
    (broker,) = producer.list_topics(timeout=10).brokers.values()
    assert (broker.host, broker.port) == ("127.0.0.1", ports["kafka"])
    producer.produce("taxi_events", b"{}", b"Queens")
    assert producer.flush(10) == 0
    group = {"group.id": "console", "auto.offset.reset": "earliest"}
    consumer = Consumer(common | group)
    consumer.subscribe(["taxi_events"])
    message = consumer.poll(20)
    assert message is not None
    assert (message.key(), message.value()) == (b"Queens", b"{}")
    consumer.close()
    process = servers.status("kafka").process
    assert process is not None
    process.kill()
    assert process.wait(5)
    assert run("up", "kafka").exit_code == 0
    seeing = Consumer(common | group)
    assert seeing.get_watermark_offsets(TopicPartition("taxi_events", 0), timeout=10) == (0, 0)
    seeing.close()
    assert run("down", "kafka").stdout == "kafka stopped\n"


def test_a_second_up_says_what_already_runs(run: Run) -> None:
    """It starts nothing, and is no error."""
    run("up", "redis")
    first = servers.status("redis").process
    again = run("up", "redis")
    assert again.exit_code == 0
    assert "redis runs already" in again.stdout
    assert servers.status("redis").process == first


@pytest.mark.skipif(sys.platform != "linux", reason="who holds a port is read from /proc")
def test_a_taken_port_is_one_line_that_names_its_holder(run: Run, ports: dict[str, int]) -> None:
    """The others start; the exit code says that not all was done; status knows the holder too."""
    with socket.create_server(("127.0.0.1", ports["redis"])):
        done = run("up", "redis", "sqs")
        assert done.exit_code == 2
        me = f"(pid {os.getpid()})"
        (line,) = done.stderr.splitlines()
        assert f"port {ports['redis']} is taken by" in line
        assert me in line
        assert "sqs runs" in done.stdout
        assert me in run("status").stdout


def test_a_killed_server_is_started_again(run: Run, ports: dict[str, int]) -> None:
    """After SIGKILL its record is stale: status says stopped, and `up` starts a new one."""
    run("up", "redis")
    process = servers.status("redis").process
    assert process is not None
    process.kill()
    assert process.wait(5)
    assert servers.status("redis").process is None
    again = run("up", "redis")
    assert again.exit_code == 0, again.output
    assert redis.Redis(port=ports["redis"]).ping()


def test_a_record_of_another_process_is_not_believed(run: Run) -> None:
    """A pid that was used again is not killed: its start time differs from the record's."""
    bystander = subprocess.Popen(["sleep", "60"])
    record = servers.state_folder() / "redis.json"
    record.write_text(f'{{"pid": {bystander.pid}, "started": 1, "note": ""}}')
    assert "redis was not running" in run("down", "redis").stdout
    assert bystander.poll() is None
    bystander.kill()
    bystander.wait()


def test_down_removes_the_demos_files_and_nothing_else(run: Run) -> None:
    """With a word for each; a link of that name is somebody's own; with names, none is removed."""
    here = Path.cwd()
    for name in DEMO_FILES:
        (here / name).write_text("{}\n")
    (here / "notes.txt").write_text("mine")
    run("down", "redis")
    assert (here / DEMO_FILES[0]).exists()
    said = run("down").stdout
    assert all(f"{name} removed" in said for name in DEMO_FILES)
    assert [file.name for file in here.iterdir()] == ["notes.txt"]
    (here / DEMO_FILES[0]).symlink_to("notes.txt")
    run("down")
    assert (here / DEMO_FILES[0]).is_symlink()


def test_an_unknown_service_is_a_usage_error(run: Run) -> None:
    """Exit code 2, and the names that there are."""
    done = run("up", "kinesis")
    assert done.exit_code == 2
    assert "rabbitmq" in done.stderr


def test_without_rabbitmq_it_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line on standard error; nothing is left running."""
    monkeypatch.setenv("PATH", str(Path.cwd()))
    monkeypatch.setattr(programs, "ELSEWHERE", ())
    done = run("up", "rabbitmq")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "rabbitmq-server" in line
    assert servers.status("rabbitmq").process is None


def test_a_state_folder_that_cannot_be_made_is_one_line(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    done = run("up", "redis")
    assert done.exit_code == 2
    assert "XDG_STATE_HOME" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_a_server_that_breaks_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that ends without an answer: where its words are, exit code 2."""
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    done = run("up", "redis")
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "redis did not start" in line
    assert "redis.log" in line


@pytest.mark.skipif(installed_server() is None, reason="rabbitmq-server is not installed")
def test_rabbitmq_for_the_demos(run: Run, ports: dict[str, int], tmp_path: Path) -> None:
    """guest/guest as in the lessons; the public tests get their own place; nothing is left."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(scratch))
        patch.setattr("tempfile.tempdir", str(scratch))
        assert run("up", "rabbitmq").exit_code == 0
        pika.BlockingConnection(pika.ConnectionParameters("localhost", ports["rabbitmq"])).close()
        keeper = servers.status("rabbitmq").process
        assert keeper is not None
        assert list(scratch.iterdir())
        with rabbitmq_url() as url:
            connection = pika.BlockingConnection(pika.URLParameters(url))
            connection.channel().queue_declare("trips", durable=True)
            connection.close()
            assert f":{ports['rabbitmq']}/" in url
        with pytest.raises(pika.exceptions.AMQPError):
            pika.BlockingConnection(pika.URLParameters(url))
        keeper.kill()
        assert keeper.wait(10)
        run("down", "rabbitmq")
        assert not list(scratch.iterdir())
    assert is_free(ports["rabbitmq"])


def in_foreground(ports: dict[str, int], *names: str) -> subprocess.Popen[str]:
    """A running `grader services up NAMES --foreground`."""
    code = (
        "from grader.services.catalog import service_kind\n"
        f"for name, port in {ports!r}.items(): type(service_kind(name)).port = port\n"
        "from grader.commands.services import services\n"
        f"services(['up', *{names!r}, '--foreground'])\n"
    )
    return subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.usefixtures("run")
def test_foreground_stays_until_it_is_told_to_end(ports: dict[str, int]) -> None:
    """Ctrl-C stops what it started, with a word for each."""
    process = in_foreground(ports, "redis")
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(3)]
    assert "Ctrl-C stops redis" in said[2]
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert rest == "redis stopped\n"
    assert process.returncode == 0
    assert servers.status("redis").process is None


@pytest.mark.usefixtures("run")
def test_foreground_is_ended_while_a_server_starts(ports: dict[str, int]) -> None:
    """Neither the one that runs nor the one that was about to is left behind."""
    process = in_foreground(ports, "redis", "sqs")
    assert process.stdout is not None
    assert "redis runs" in process.stdout.readline()
    assert process.stdout.readline().startswith("  "), "what it is, on a line of its own"
    process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=20)
    assert "redis stopped" in rest
    assert servers.status("redis").process is None
    assert servers.status("sqs").process is None


@pytest.mark.skipif(sys.platform != "linux", reason="who holds a port is read from /proc")
def test_the_holder_of_a_port_is_named() -> None:
    """By name and pid; over IPv6 too; a free port has none."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        assert holder(server.server_port).endswith(f"(pid {os.getpid()})")
        assert not is_free(server.server_port)
        port = server.server_port
    assert is_free(port)
    assert holder(port) == "another process"


@pytest.mark.skipif(shutil.which("sleep") is None, reason="needs sleep")
def test_an_identity_is_of_one_process_only() -> None:
    """It lives as long as the process does; a zombie has ended; the same pid later is another."""
    process = subprocess.Popen(["sleep", "60"])
    identity = Identity.of(process.pid)
    assert identity.alive
    assert not Identity(process.pid, identity.started - 1).alive
    assert not identity.wait(0)
    identity.kill()
    process.wait()
    with pytest.raises(ProcessLookupError):
        Identity.of(process.pid)
