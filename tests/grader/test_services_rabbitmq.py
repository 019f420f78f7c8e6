"""RabbitMQ itself: the private node, a place for each submission, what is left behind."""

from __future__ import annotations

import http.server
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pika
import pika.exceptions
import pytest

from grader.errors import ServiceError
from grader.host.holding import hold
from grader.host.identity import Identity
from grader.services.rabbitmq.api import ManagementApi
from grader.services.rabbitmq.choice import (
    ServerChoice,
    installed_server,
)
from grader.services.rabbitmq.lease import Broker
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.private import FOLDER_PREFIX, PrivateNode, sweep_nodes
from grader.services.rabbitmq.service import RabbitMQService
from grader.services.rabbitmq.started import StartedBroker

ROOT = Path(__file__).parents[2]
needs_server = pytest.mark.skipif(
    installed_server() is None, reason="rabbitmq-server is not installed"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


# The management API ------------------------------------------------------------------


def test_an_alarm_is_a_service_error() -> None:
    """A broker that blocks publishers for want of memory or disk is ours, not the student's."""

    class Alarmed(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503)
            self.end_headers()
            self.wfile.write(b'{"reason": "There are alarms in effect"}')

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Alarmed) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api = ManagementApi("127.0.0.1", server.server_port, Login.random())
        with pytest.raises(ServiceError, match="alarms in effect"):
            api.check_alarms()
        server.shutdown()


# A real node -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    """A private node, shared by this module's tests."""
    script = installed_server()
    assert script is not None
    made = StartedBroker(ServerChoice(script))
    yield made
    made.close()


@pytest.fixture
def attached(broker: Broker) -> Iterator[Callable[[], RabbitMQService]]:
    """Makes services as the grading of a submission does, each before a listener of its own."""
    made = []

    def attach() -> RabbitMQService:
        service = RabbitMQService(broker)
        listener = socket.create_server(("127.0.0.1", 0))
        service.attach(listener, listener.getsockname()[1])
        made.append(service)
        return service

    yield attach
    for service in made:
        service.close()


def parameters(service: RabbitMQService, **changed: object) -> pika.ConnectionParameters:
    """As a consumer is given them."""
    known = {
        "host": "127.0.0.1",
        "port": service.port,
        "virtual_host": service.virtual_host,
        "credentials": pika.PlainCredentials(service.username, service.password),
    }
    return pika.ConnectionParameters(**{**known, **changed})


Attach = Callable[[], RabbitMQService]


@needs_server
def test_a_consumer_reaches_the_broker_through_the_relay(attached: Attach) -> None:
    """What it publishes, the suite's own connection finds; the relay counts it and sees it go."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    channel = connection.channel()
    channel.queue_declare("trips", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "trips", b"a trip", mandatory=True)
    assert service.open_connections == 1
    trusted = service.connect()
    _, _, body = trusted.channel().basic_get("trips", auto_ack=True)
    assert body == b"a trip"
    assert service.open_connections == 1
    connection.close()
    assert service.wait_closed(5)
    trusted.close()
    service.check()


@needs_server
def test_a_dropped_consumer_notices(attached: Attach) -> None:
    """Its next call raises, and it can connect again."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    assert service.drop_connections() == 1
    with pytest.raises(pika.exceptions.AMQPError):
        connection.channel()
    pika.BlockingConnection(parameters(service)).close()
    service.check()


@needs_server
def test_a_consumer_is_told_of_a_shutdown(attached: Attach) -> None:
    """The connection is closed by the broker's word, and the broker forgets it."""
    service = attached()
    connection = pika.BlockingConnection(parameters(service))
    assert service.close_connections() == 1
    with pytest.raises(pika.exceptions.ConnectionClosedByBroker):
        connection.process_data_events(5)
    assert service.wait_closed(5)
    pika.BlockingConnection(parameters(service)).close()
    service.check()


@needs_server
def test_submissions_cannot_reach_each_other(attached: Attach) -> None:
    """One's login opens no other's virtual host, nor the default one; guest does not exist."""
    mine, theirs = attached(), attached()
    guest = pika.PlainCredentials("guest", "guest")
    for forbidden in (
        parameters(mine, virtual_host=theirs.virtual_host),
        parameters(mine, virtual_host="/"),
        parameters(mine, credentials=guest),
    ):
        with pytest.raises(pika.exceptions.AMQPError):
            pika.BlockingConnection(forbidden)


@needs_server
def test_a_submission_that_hoards_connections_is_alone_with_that(attached: Attach) -> None:
    """Its own limit refuses the next one; the suite and the others still get in."""
    service, other = attached(), attached()
    hoard = [pika.BlockingConnection(parameters(service)) for _ in range(64)]
    with pytest.raises(pika.exceptions.AMQPError):
        pika.BlockingConnection(parameters(service))
    assert service.open_connections >= len(hoard)
    service.connect().close()
    pika.BlockingConnection(parameters(other)).close()
    for connection in hoard:
        connection.close()


@needs_server
def test_a_closed_service_leaves_nothing_on_the_broker(broker: Broker) -> None:
    """Its user is gone, and with the virtual host its queues."""
    service = RabbitMQService(broker)
    connection = service.connect()
    connection.channel().queue_declare("left", durable=True)
    service.close()
    with pytest.raises(pika.exceptions.AMQPError):
        connection.process_data_events(5)
        connection.channel()
    with pytest.raises(ServiceError):
        service.connect()


def _lease_elsewhere(broker: Broker, answer: multiprocessing.connection.Connection) -> None:
    service = RabbitMQService(broker)
    service.connect().close()
    answer.send(service.username)
    broker.close()  # must not end the run's node
    service.close()
    os._exit(0)


@needs_server
def test_forked_processes_share_the_node(broker: Broker) -> None:
    """Each gets a place of its own, and none can end the run's broker."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    children = [context.Process(target=_lease_elsewhere, args=(broker, theirs)) for _ in range(3)]
    for child in children:
        child.start()
    names = {ours.recv() for _ in children}
    for child in children:
        child.join(20)
    assert len(names) == 3
    service = RabbitMQService(broker)
    service.check()
    service.close()


def processes_of(supervisor: int) -> dict[str, int]:
    """The live children of a supervisor: name and pid."""
    listed = subprocess.run(
        ["ps", "-o", "stat=,pid=,comm=", "--ppid", str(supervisor)],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split()[:3] for line in listed.stdout.splitlines()]
    return {name: int(pid) for state, pid, name in rows if not state.startswith("Z")}


@needs_server
@needs_linux
def test_everything_listens_on_loopback_alone(broker: StartedBroker) -> None:
    """AMQP, the management API, Erlang's distribution and epmd: none is on the network."""
    broker.release(broker.lease())
    addresses = set()
    sockets = {
        str(descriptor.readlink())
        for pid in (*processes_of(broker.supervisor_pid).values(), broker.supervisor_pid)
        for descriptor in Path(f"/proc/{pid}/fd").iterdir()
    }
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                addresses.add(fields[1].partition(":")[0])
    loopback = {"0100007F", "00000000000000000000000001000000"}
    assert addresses
    assert addresses <= loopback


@needs_server
@needs_linux
def test_a_node_that_dies_is_replaced_and_costs_nobody_points(
    broker: StartedBroker, attached: Attach
) -> None:
    """The check is an error once; then the same login works on the node that replaced it."""
    service = attached()
    service.check()
    os.kill(processes_of(broker.supervisor_pid)["beam.smp"], signal.SIGKILL)
    with pytest.raises(ServiceError, match="died"):
        service.check()
    service.check()
    connection = pika.BlockingConnection(parameters(service))
    connection.channel().queue_declare("again", durable=True)
    connection.close()


# What is left behind -----------------------------------------------------------------

KILLED_RUN = """\
import os, signal, sys
from pathlib import Path
from grader.services.rabbitmq.broker import StartedBroker
from grader.services.rabbitmq.choice import ServerChoice
broker = StartedBroker(ServerChoice(Path(sys.argv[1])))
if sys.argv[2] == "ready":
    broker.lease()
print(broker.supervisor_pid, flush=True)
sys.stdin.read()
"""


def killed_run(scratch: Path, when: str) -> tuple[subprocess.Popen[str], int]:
    """A run with a broker, in a process that waits to be killed; its supervisor."""
    run = subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, str(installed_server()), when],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(scratch)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert run.stdout is not None
    return run, int(run.stdout.readline())


@needs_server
@needs_linux
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_killed_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    """While the node starts: the supervisor ends, the node's processes and its folder with it."""
    run, supervisor = killed_run(tmp_path, "at once")
    keeper = Identity.of(supervisor)
    run.send_signal(number)
    run.communicate(timeout=20)
    assert keeper.wait(20)
    assert not list(tmp_path.iterdir())


@needs_server
@needs_linux
def test_a_killed_supervisor_takes_the_node_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends the node; the folder, for which nobody is left, goes at the next start."""
    run, supervisor = killed_run(tmp_path, "ready")
    children = [Identity.of(pid) for pid in processes_of(supervisor).values()]
    os.kill(supervisor, signal.SIGKILL)
    run.communicate(timeout=20)
    assert children
    assert all(child.wait(20) for child in children)
    assert [folder.name[: len(FOLDER_PREFIX)] for folder in tmp_path.iterdir()] == [FOLDER_PREFIX]
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    sweep_nodes()
    assert not list(tmp_path.iterdir())


def test_the_sweep_ends_what_a_dead_owner_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recorded process is ended; one with merely a recorded pid is not, nor a live owner's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, innocent = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    theirs = Identity.of(left.pid)
    dead = tmp_path / f"{FOLDER_PREFIX}{innocent.pid}-1-x"
    dead.mkdir()
    (dead / "processes").write_text(f"[{theirs.pid}, {theirs.started}]\n[{innocent.pid}, 1]\n")
    me = Identity.of(os.getpid())
    alive = tmp_path / f"{FOLDER_PREFIX}{me.pid}-{me.started}-x"
    elsewhere = tmp_path / f"{FOLDER_PREFIX}{innocent.pid}-2-x"
    for folder in (alive, elsewhere):
        folder.mkdir()
    in_another_container = hold(elsewhere)
    sweep_nodes()
    assert left.wait(5) == -signal.SIGKILL
    assert innocent.poll() is None
    assert sorted(tmp_path.iterdir()) == sorted([alive, elsewhere])
    os.close(in_another_container)
    innocent.kill()
    innocent.wait()


def test_a_server_that_cannot_start_is_a_service_error(tmp_path: Path) -> None:
    """The lease says what the server printed, and nothing is left."""
    script = executable(tmp_path / "rabbitmq-server", "#!/bin/sh\necho no Erlang here\nexit 1\n")
    broker = StartedBroker(ServerChoice(script))
    with pytest.raises(ServiceError, match=r"no Erlang here|epmd"):
        broker.lease()
    broker.close()
    broker.close()
    with pytest.raises(ServiceError):
        broker.lease()


def test_a_port_taken_meanwhile_is_tried_again(tmp_path: Path) -> None:
    """Also when the server prints pages after it said so."""
    tries = tmp_path / "tries"
    script = executable(
        tmp_path / "rabbitmq-server",
        f"#!/bin/sh\necho . >> {tries}\necho eaddrinuse\nseq 2000\nexit 1\n",
    )
    node = PrivateNode(script, Login("grader", "secret"))
    with pytest.raises(ServiceError, match="2000"):
        node.wait()
    node.stop()
    assert tries.read_text().count(".") == 3


def test_importing_the_services_starts_no_thread() -> None:
    """A grading process is forked from one that has imported them."""
    code = textwrap.dedent("""
        import threading
        import grader.services.rabbitmq.service, grader.services.rabbitmq.broker
        print(threading.active_count())
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
