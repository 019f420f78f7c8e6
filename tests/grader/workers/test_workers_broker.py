"""The broker that workers are told of: its address, who it lets in, and by which certificate."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from worker_machines import (
    TestBroker,
    hand_in,
    needs_server,
)

from grader.errors import GraderError
from grader.grading.workers.broker import celery_app, parse_address
from grader.services.rabbitmq.api import ManagementApi


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost",
        "redis://u:secret@h/",
        "memory://",
        "filesystem://",
        "amqp://",
        "amqp://h:secret",
    ],
)
def test_what_is_no_amqp_url_is_refused_without_its_password(url: str) -> None:
    """One line that shows the form and not the value."""
    with pytest.raises(GraderError, match="not a URL such as amqps://") as said:
        parse_address(url)
    assert "secret" not in str(said.value)


def test_an_address_is_shown_without_its_password() -> None:
    """Neither in what people read nor in a traceback's repr."""
    address = parse_address("amqps://ann:secret@example.org/class")
    assert address.shown == "example.org"
    assert "secret" not in repr(address)
    assert address.encrypted
    assert not address.in_the_clear
    assert parse_address("amqp://u:p@10.0.0.1/").in_the_clear
    assert not parse_address("amqp://u:p@127.0.0.1/").in_the_clear


def test_celery_takes_json_alone() -> None:
    """No message makes it unpickle, and nobody orders a worker about."""
    conf = celery_app(parse_address("amqp://h/")).conf
    assert conf.accept_content == ["json"]
    assert conf.task_serializer == conf.event_serializer == "json"
    assert not conf.worker_enable_remote_control


def test_without_celery_one_line_says_what_to_install(root: Path) -> None:
    """Both commands say it, and end with exit code 2."""
    hand_in(root, 1)
    code = "import sys; sys.modules['celery'] = None; from grader.cli import main; main()"
    for words in (["worker"], ["grade", "subs"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *words, "--broker", "amqp://127.0.0.1:1/"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert done.stderr.count("\n") == 1
        assert "needs Celery, which is not installed. Run `make setup-instructor`" in done.stderr


def not_let_in(root: Path, port: int, path: str = "", login: str = "u:secret") -> None:
    """Both commands name the address and end with exit code 2; the password is not shown."""
    hand_in(root, 1)
    for words in (["worker"], ["grade", "subs"]):
        done = subprocess.run(
            [sys.executable, "-m", "grader", *words],
            cwd=root,
            env=os.environ | {"GRADER_BROKER": f"amqp://{login}@127.0.0.1:{port}/{path}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2
        assert f"the broker at 127.0.0.1:{port} does not let the grader in" in done.stderr
        assert "Traceback" not in done.stderr
        assert login.partition(":")[2] not in done.stderr


def test_a_broker_that_does_not_answer_is_one_line(root: Path) -> None:
    """Where nobody listens, a line names the address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    not_let_in(root, port)


@needs_server
def test_a_wrong_password_is_one_line(broker: TestBroker, root: Path) -> None:
    """Where the broker closes the connection as it answers, a line names the address."""
    not_let_in(root, broker.node.port)


@needs_server
def test_a_virtual_host_that_is_not_there_is_one_line(broker: TestBroker, root: Path) -> None:
    """Where user and password are right, a line names the address all the same."""
    login = f"{broker.login.username}:{broker.login.password}"
    not_let_in(root, broker.node.port, "nowhere", login)


@needs_server
def test_a_user_without_rights_is_one_line(broker: TestBroker, root: Path) -> None:
    """Who may come in and make no queue reads it before anything is graded."""
    api = ManagementApi("127.0.0.1", broker.node.management_port, broker.login)
    rights = {"configure": "^$", "write": "^$", "read": "^$"}
    api._call(  # noqa: SLF001 - the grader itself gives every right or none
        ("PUT", "/api/users/nobody", {"password": "secret", "tags": ""}),
        ("PUT", "/api/permissions/%2F/nobody", rights),
    )
    not_let_in(root, broker.node.port, "%2F", "nobody:secret")


# TLS -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of `localhost` that nobody but itself vouches for, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-out", str(certificate), "-keyout", str(key)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key


def pump(source: socket.socket, target: socket.socket) -> None:
    """Hand on what comes from `source`, and its end."""
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def tls_port(broker: TestBroker, certificate: tuple[Path, Path]) -> Iterator[int]:
    """A port on which the broker is spoken to by TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    opened, threads = [listener], list[threading.Thread]()

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = listener.accept()
                try:
                    client = context.wrap_socket(plain, server_side=True)
                except OSError:
                    continue
                server = socket.create_connection(("127.0.0.1", broker.node.port))
                opened.extend((client, server))
                for pair in ((client, server), (server, client)):
                    start(pump, *pair)

    def start(target: Callable[..., None], *arguments: socket.socket) -> None:
        threads.append(threading.Thread(target=target, args=arguments, daemon=True))
        threads[-1].start()

    start(serve)
    yield listener.getsockname()[1]
    for end in opened:  # wakes the threads, which must be gone before what they read is closed
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    for end in opened:
        end.close()


def connects(broker: TestBroker, host: str, port: int, ca_file: Path | None) -> bool:
    """Whether Celery lets itself be connected."""
    login = broker.login
    url = f"amqps://{login.username}:{login.password}@{host}:{port}//"
    with celery_app(parse_address(url, ca_file)).connection_for_read() as connection:
        try:
            connection.connect()
        except ssl.SSLCertVerificationError:
            return False
        return bool(connection.connected)


@needs_server
def test_a_certificate_must_be_trusted_and_the_hosts(
    broker: TestBroker, certificate: tuple[Path, Path], tls_port: int
) -> None:
    """With the CA's file and the right name it connects; without either it does not."""
    assert connects(broker, "localhost", tls_port, certificate[0])
    assert not connects(broker, "localhost", tls_port, None)
    assert not connects(broker, "127.0.0.1", tls_port, certificate[0])
