"""RabbitMQ: what is chosen, the private node, one place for each submission, the relay."""

from __future__ import annotations

import contextlib
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
from grader.services import rabbitmq_choice, rabbitmq_docker
from grader.services.identity import Identity
from grader.services.rabbitmq import RabbitMQService
from grader.services.rabbitmq_api import ManagementApi
from grader.services.rabbitmq_broker import (
    Broker,
    NoBroker,
    StartedBroker,
    UsersBroker,
    rabbitmq_url,
    start_broker,
)
from grader.services.rabbitmq_choice import (
    DockerChoice,
    OwnBroker,
    ServerChoice,
    find_rabbitmq,
    installed_server,
    parse_url,
)
from grader.services.rabbitmq_docker import IMAGE, DockerNode, sweep_containers
from grader.services.rabbitmq_node import FOLDER_PREFIX, Login, sweep_nodes
from grader.services.rabbitmq_relay import Relay

ROOT = Path(__file__).parents[2]
needs_server = pytest.mark.skipif(
    installed_server() is None, reason="rabbitmq-server is not installed"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

FAKE_DOCKER = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  version) exit {engine} ;;
  port) case "$3" in 5672/tcp) echo 127.0.0.1:49153 ;; *) echo 127.0.0.1:49154 ;; esac ;;
  ps) echo "left 1-1" ;;
  run) echo "$RABBITMQ_DEFAULT_USER:$RABBITMQ_DEFAULT_PASS" >> "{log}"; exec sleep 30 ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder, with nothing in it but `sleep`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setattr(rabbitmq_choice, "_ELSEWHERE", ())
    return folder


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def docker(folder: Path, *, engine: bool) -> Path:
    """A docker command that writes down how it is called; the file it writes to."""
    log = folder.parent / "docker.log"
    text = FAKE_DOCKER.format(log=log, engine=0 if engine else 1)
    executable(folder / "docker", text)
    return log


# The choice ------------------------------------------------------------------------


def test_the_users_own_broker_comes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RABBITMQ_URL wins over Docker and an installed server; escapes in it are undone."""
    docker(path, engine=True)
    executable(path / "rabbitmq-server")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://ann:s%2Fcret@broker:5673/my%2Fhost")
    assert find_rabbitmq() == OwnBroker("broker", 5673, "ann", "s/cret", "my/host")
    assert isinstance(start_broker(), UsersBroker)


def test_docker_comes_before_an_installed_server(path: Path) -> None:
    """With an engine that answers, the official image is used."""
    docker(path, engine=True)
    executable(path / "rabbitmq-server")
    assert find_rabbitmq() == DockerChoice()


def test_a_docker_command_without_an_engine_is_no_docker(path: Path) -> None:
    """The command alone, as on a machine where Docker is stopped, does not count."""
    docker(path, engine=False)
    script = executable(path / "rabbitmq-server")
    assert find_rabbitmq() == ServerChoice(script)


def test_the_packages_wrapper_is_passed_by(path: Path, tmp_path: Path) -> None:
    """Debian's command insists on root or rabbitmq; the server's own script does not."""
    wrapper = executable(tmp_path / "lib" / "rabbitmq" / "bin" / "rabbitmq-script-wrapper")
    server = executable(wrapper.with_name("rabbitmq-server"))
    (path / "rabbitmq-server").symlink_to(wrapper)
    assert installed_server() == server


def test_without_any_the_message_says_what_to_install(path: Path) -> None:
    """One sentence that names every way; the broker of the run says it when it is needed."""
    with pytest.raises(ServiceError) as caught:
        find_rabbitmq()
    for way in ("apt-get install rabbitmq-server", "brew install", "Docker", "RABBITMQ_URL"):
        assert way in str(caught.value)
    broker = start_broker()
    assert isinstance(broker, NoBroker)
    with pytest.raises(ServiceError, match="no RabbitMQ on this machine"):
        RabbitMQService(broker)


def test_a_server_outside_path_is_pointed_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Debian a plain user's PATH lacks /usr/sbin: the message says so."""
    executable(tmp_path / "sbin" / "rabbitmq-server")
    monkeypatch.setattr(rabbitmq_choice, "_ELSEWHERE", (str(tmp_path / "sbin"),))
    with pytest.raises(ServiceError, match="not in PATH"):
        find_rabbitmq()


@pytest.mark.parametrize(
    "url", ["localhost:5672", "amqps://a:secret@h/", "amqp://h:port/", "http://h"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    """One sentence that names the variable, and never shows a password."""
    with pytest.raises(ServiceError, match="RABBITMQ_URL") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_a_url_without_parts_has_the_defaults() -> None:
    """As amqp's URL specification and the server have them: guest, 5672, virtual host /."""
    assert parse_url("amqp://h") == OwnBroker("h", 5672, "guest", "guest", "/")


def test_nobody_at_the_users_url_is_a_service_error() -> None:
    """A broker that does not run costs nobody points."""
    broker = UsersBroker(OwnBroker("127.0.0.1", closed_port(), "guest", "guest", "/"))
    with pytest.raises(ServiceError, match="which RABBITMQ_URL names"):
        broker.lease()


# Docker ----------------------------------------------------------------------------


def test_the_container_is_on_loopback_and_its_password_in_no_process_list(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker run` publishes on 127.0.0.1, passes the login by environment, and is removed."""
    log = docker(path, engine=True)
    monkeypatch.setattr(DockerNode, "answers", lambda self: True)
    login = Login.random()
    node = DockerNode(login)
    node.wait()
    assert (node.port, node.management_port) == (49153, 49154)
    assert "127.0.0.1::5672 " in " ".join(node.command)
    assert "127.0.0.1::15672 " in " ".join(node.command)
    assert node.command[-1] == IMAGE
    assert login.password not in " ".join(node.command)
    assert f"{login.username}:{login.password}" in log.read_text()
    node.stop()
    assert not node.alive
    assert "rm --force --volumes stream-rabbitmq-" in log.read_text()


def test_containers_of_a_killed_run_are_removed(path: Path) -> None:
    """A container whose label names a process that has ended is removed, by its name."""
    log = docker(path, engine=True)
    sweep_containers()
    assert "rm --force --volumes left" in log.read_text()


def test_an_image_that_cannot_be_pulled_is_a_service_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback, and not a verdict."""
    executable(path / "docker", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(rabbitmq_choice, "engine_answers", lambda: True)
    broker = start_broker()
    with pytest.raises(ServiceError, match="could not pull"):
        broker.lease()
    assert rabbitmq_docker.engine_answers() is False


# The relay ---------------------------------------------------------------------------


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


class Upstream:
    """What a relay leads to: a listener that a test accepts on."""

    def __init__(self, max_bytes: int = 1 << 30) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(5)
        front = socket.create_server(("127.0.0.1", 0))
        self.address = front.getsockname()
        self.relay = Relay(front, self.listener.getsockname, max_bytes)

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client's connection and the server's end of it."""
        client = socket.create_connection(self.address, timeout=5)
        server, _ = self.listener.accept()
        server.settimeout(5)
        return client, server


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A relay before a listener."""
    made = Upstream()
    yield made
    made.relay.close()
    made.listener.close()


def read_all(connection: socket.socket) -> bytes:
    """Everything until the other side's end."""
    with connection.makefile("rb") as stream:
        return stream.read()


def test_bytes_go_both_ways_at_once(upstream: Upstream) -> None:
    """Megabytes in both directions at the same time arrive whole, and are counted."""
    client, server = upstream.connect()
    up, down = os.urandom(3 << 20), os.urandom(2 << 20)
    senders = [
        threading.Thread(target=lambda: (client.sendall(up), client.shutdown(socket.SHUT_WR))),
        threading.Thread(target=lambda: (server.sendall(down), server.shutdown(socket.SHUT_WR))),
    ]
    got: dict[str, bytes] = {}
    readers = [
        threading.Thread(target=lambda: got.update(up=read_all(server))),
        threading.Thread(target=lambda: got.update(down=read_all(client))),
    ]
    for thread in senders + readers:
        thread.start()
    for thread in senders + readers:
        thread.join(20)
    assert (got["up"], got["down"]) == (up, down)
    assert (upstream.relay.bytes_up, upstream.relay.bytes_down) == (len(up), len(down))


def test_a_side_that_does_not_read_holds_the_other_back(upstream: Upstream) -> None:
    """Back pressure: the relay does not take what it cannot pass on."""
    client, server = upstream.connect()
    client.setblocking(False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        for _ in range(2000):
            sent += client.send(b"x" * 65536)
            upstream.relay.open_connections  # noqa: B018 - lets the relay take what it will
    assert sent < 64 << 20
    assert upstream.relay.bytes_up < 32 << 20
    client.close()
    assert len(read_all(server)) == sent


def test_an_end_in_one_direction_leaves_the_other_open(upstream: Upstream) -> None:
    """Half-close: a client that has sent everything still gets the answer."""
    client, server = upstream.connect()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert read_all(server) == b"question"
    server.sendall(b"answer")
    server.close()
    assert read_all(client) == b"answer"
    assert upstream.relay.wait_closed(5)


def test_open_connections_are_those_open_now(upstream: Upstream) -> None:
    """Counted at once, also before the relay's thread came to accept them."""
    clients = [socket.create_connection(upstream.address) for _ in range(5)]
    assert upstream.relay.open_connections == 5
    assert not upstream.relay.wait_closed(0)
    servers = [upstream.listener.accept()[0] for _ in clients]
    for each in (*clients, *servers):
        each.close()
    assert upstream.relay.wait_closed(5)
    assert upstream.relay.open_connections == 0


def test_dropped_connections_are_reset_on_both_sides(upstream: Upstream) -> None:
    """As a broker's crash looks: an error, not an orderly end; new connections are served."""
    client, server = upstream.connect()
    assert upstream.relay.drop_connections() == 1
    for side in (client, server):
        with pytest.raises(ConnectionResetError):
            side.recv(1)
    again, server = upstream.connect()
    again.sendall(b"x")
    assert server.recv(1) == b"x"


def test_nobody_upstream_is_a_cut_connection() -> None:
    """The consumer sees a broker that goes away, and nothing stays open."""
    front = socket.create_server(("127.0.0.1", 0))
    port = closed_port()
    relay = Relay(front, lambda: ("127.0.0.1", port), 1 << 20)
    with socket.create_connection(front.getsockname(), timeout=5) as client:
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert relay.open_connections == 0
    relay.close()


def test_a_flood_is_cut_off() -> None:
    """One submission cannot fill the broker that all share: beyond the limit it is cut off."""
    upstream = Upstream(max_bytes=1 << 20)
    client, server = upstream.connect()
    with pytest.raises(OSError):  # noqa: PT011 - reset or broken pipe, as it happens
        while True:
            client.sendall(b"x" * 65536)
            server.recv(65536)
    assert upstream.relay.exceeded
    with socket.create_connection(upstream.address, timeout=5) as late:
        with pytest.raises(ConnectionResetError):
            late.recv(1)
    upstream.relay.close()


def test_a_closed_relay_neither_listens_nor_holds(upstream: Upstream) -> None:
    """After close, twice, connections are cut and new ones refused."""
    client, _ = upstream.connect()
    upstream.relay.close()
    upstream.relay.close()
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(upstream.address)


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
    hoard = []
    with pytest.raises(pika.exceptions.AMQPError):
        for _ in range(100):
            hoard.append(pika.BlockingConnection(parameters(service)))
    assert len(hoard) == 64
    service.connect().close()
    pika.BlockingConnection(parameters(other)).close()
    service.drop_connections()


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
        os.readlink(descriptor)
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
from grader.services.rabbitmq_broker import StartedBroker
from grader.services.rabbitmq_choice import ServerChoice
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
    """The kernel ends the node; the folder, which nobody can remove then, goes at the next start."""
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
    """A recorded process is ended; one that merely has a recorded pid is not; nor a live owner's."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left, innocent = (subprocess.Popen(["sleep", "60"]) for _ in range(2))
    theirs = Identity.of(left.pid)
    dead = tmp_path / f"{FOLDER_PREFIX}{innocent.pid}-1-x"
    dead.mkdir()
    (dead / "processes").write_text(f"[{theirs.pid}, {theirs.started}]\n[{innocent.pid}, 1]\n")
    me = Identity.of(os.getpid())
    alive = tmp_path / f"{FOLDER_PREFIX}{me.pid}-{me.started}-x"
    alive.mkdir()
    sweep_nodes()
    assert left.wait(5) == -signal.SIGKILL
    assert innocent.poll() is None
    assert list(tmp_path.iterdir()) == [alive]
    innocent.kill()
    innocent.wait()


def test_a_server_that_cannot_start_is_a_service_error(tmp_path: Path) -> None:
    """The lease says what the server printed, and nothing is left."""
    script = executable(tmp_path / "rabbitmq-server", "#!/bin/sh\necho no Erlang here\nexit 1\n")
    broker = StartedBroker(ServerChoice(script))
    with pytest.raises(ServiceError, match="no Erlang here|epmd"):
        broker.lease()
    broker.close()
    broker.close()
    with pytest.raises(ServiceError):
        broker.lease()


def test_public_tests_get_a_url(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """`rabbitmq_url` says what to install where there is none, for a test to be skipped with."""
    with pytest.raises(ServiceError, match="Install"), rabbitmq_url():
        raise AssertionError("there is none")


def test_importing_the_services_starts_no_thread() -> None:
    """A grading process is forked from one that has imported them."""
    code = textwrap.dedent("""
        import threading
        import grader.services.rabbitmq, grader.services.rabbitmq_broker
        print(threading.active_count())
    """)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"
