"""Another program has a server's port: a web server, one that speaks first, one that says nothing."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from grader.errors import ServiceError
from grader.host.ports import is_free
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.rabbitmq.broker import rabbitmq_url
from grader.services.redis.answering import redis_problem
from grader.services.sqs.answering import sqs_problem

REPO = Path(__file__).resolve().parents[2]
GREETING = b"SSH-2.0-OpenSSH_9.2\r\n"
USE_THE_BROKER = """\
import contextlib, os
from grader.services.rabbitmq import broker

@contextlib.contextmanager
def the_broker():
    yield os.environ["THE_BROKER"]

broker.rabbitmq_url = the_broker
"""


@pytest.fixture(params=["web server", "speaks first", "silent"])
def rival(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of another program."""
    if request.param == "web server":
        handler = http.server.SimpleHTTPRequestHandler
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server.server_port
            server.shutdown()
        return
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as kept:

        def serve() -> None:
            while True:
                try:
                    client = kept.enter_context(listener.accept()[0])
                except OSError:
                    return
                if request.param == "speaks first":
                    client.sendall(GREETING)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """A real RabbitMQ."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(rabbitmq_url())
        except ServiceError as error:
            pytest.skip(str(error))
        yield url


def run(command: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    """A program that may take as long as three answers that do not come."""
    return subprocess.run(
        [sys.executable, *command],
        env=os.environ | env,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def test_it_is_not_taken_for_a_server(rival: int) -> None:
    """By none of the looks, and each comes to its end."""
    assert rabbitmq_problem("localhost", rival) == "no RabbitMQ answers"
    assert redis_problem(f"redis://localhost:{rival}") == "no Redis answers"
    assert sqs_problem(f"http://localhost:{rival}") == "no SQS answers"


def test_the_public_tests_take_a_broker_of_their_own(
    rival: int, broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With another program on 5672 all of exercise 03 passes, and the look is made once."""
    folder = tmp_path / "03"
    shutil.copytree(REPO / "solutions" / "03", folder)
    for name in ("conftest.py", "test_rabbitmq.py"):
        text = (REPO / "exercises" / "03" / name).read_text(encoding="utf-8")
        (folder / name).write_text(text.replace("5672", str(rival)), encoding="utf-8")
    (tmp_path / "use_the_broker.py").write_text(USE_THE_BROKER)
    command = ["-m", "pytest", "-q", "-p", "use_the_broker", "-p", "no:cacheprovider", str(folder)]
    env = {"THE_BROKER": broker, "PYTHONPATH": f"{REPO}{os.pathsep}{tmp_path}"}
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    done = run([*command, "-c", os.devnull, "--rootdir", str(tmp_path)], **env)
    assert "7 passed" in done.stdout, done.stdout[-3000:]


@pytest.mark.parametrize(
    ("exercise", "way", "name"),
    [
        ("03", "redis", "Redis"),
        ("03", "rabbitmq", "RabbitMQ"),
        ("04", "create", "SQS"),
        ("05", "lag", "Redis"),
        ("06", "lag", "Kafka"),
    ],
)
def test_a_demo_says_it_in_a_line(
    rival: int, exercise: str, way: str, name: str, tmp_path: Path
) -> None:
    """What does not answer, where, and how to start it."""
    folder = tmp_path / exercise
    shutil.copytree(REPO / "solutions" / exercise, folder)
    shutil.copy(REPO / "exercises" / exercise / "demo.py", folder)
    there = f"localhost:{rival}"
    done = run(
        [str(folder / "demo.py"), way],
        REDIS_URL=f"redis://{there}",
        RABBITMQ_URL=f"amqp://{there}",
        SQS_ENDPOINT_URL=f"http://{there}",
        KAFKA_BOOTSTRAP_SERVERS=there,
    )
    start = "Start the servers with: grader services up"
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"no {name} answers at {there}. {start}\n"


def test_the_generator_says_it_in_a_line(rival: int) -> None:
    """Of RabbitMQ, whose client has an exception of its own for it."""
    generator = str(REPO / "resources" / "event_generator.py")
    done = run([generator, "rabbitmq", "--url", f"amqp://localhost:{rival}"])
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"[rabbitmq] Cannot reach RabbitMQ at localhost:{rival}: ")
    assert len(done.stderr.splitlines()) == 1


def test_a_port_is_taken_where_localhost_leads_to_another_program() -> None:
    """Also over IPv6 alone: clients of `localhost` try that first."""
    try:
        listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with listener:
        assert not is_free(listener.getsockname()[1])
