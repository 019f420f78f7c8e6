"""What a worker and a controller take from a broker, and what a submission cannot get of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tiny_course import RIGHT, add_submission
from worker_machines import (
    TestBroker,
    controller,
    course_of_its_own,
    hand_in,
    house_of,
    reports,
    until,
    worker,
)

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.grading.workers.board import Board
from grader.grading.workers.broker import celery_app, parse_address
from grader.grading.workers.messages import Work
from grader.services.rabbitmq.api import ManagementApi
from grader.services.rabbitmq.choice import installed_server
from grader.submission import Submission

needs_server = pytest.mark.skipif(
    installed_server() is None, reason="rabbitmq-server is not installed"
)
HASH = "0" * 64


@pytest.fixture(scope="module")
def broker() -> Iterator[TestBroker]:
    """A node of this module's own."""
    made = TestBroker()
    yield made
    made.node.stop()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tiny course that no other test's worker has."""
    return course_of_its_own(tmp_path / "course")


@pytest.fixture
def course(root: Path) -> Course:
    """The course, loaded."""
    return load_course(root)


def work_of(course: Course, files: dict[str, bytes]) -> Work:
    """The message for a submission."""
    submission = Submission("ann", course.exercise("01"), files, {})
    return Work.of(submission, run="0" * 16, course_hash=HASH, suite_hash=HASH, seed=1, repeat=0)


# Messages ------------------------------------------------------------------------------


def test_a_submission_arrives_as_it_was_sent(course: Course) -> None:
    """Bytes, problems and times are the same after JSON."""
    submission = Submission("Zoë", course.exercise("01"), {"doubling.py": b"\xff\0"}, {"a": "b"})
    sent = Work.of(submission, run="0" * 16, course_hash=HASH, suite_hash=HASH, seed=1, repeat=0)
    assert Work.model_validate_json(sent.model_dump_json()).submission(course) == submission


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"../../evil.py": b""}, "which is no file of 01"),
        ({"conftest.py": b""}, "which is no file of 01"),
        ({"doubling.py": bytes(2_000_000)}, "KB"),
    ],
    ids=["outside", "not named", "too large"],
)
def test_a_worker_takes_the_exercises_files_alone(
    course: Course, files: dict[str, bytes], said: str
) -> None:
    """Whoever writes to the broker cannot write a file of another name, or one of any size."""
    with pytest.raises(GraderError, match=said):
        work_of(course, files).submission(course)


def test_a_worker_takes_what_the_hash_names(course: Course) -> None:
    """A message whose files were exchanged is refused."""
    sent = work_of(course, {"doubling.py": b"1"})
    other = sent.model_copy(update={"files": work_of(course, {"doubling.py": b"2"}).files})
    with pytest.raises(GraderError, match="another submission than its hash says"):
        other.submission(course)


@pytest.mark.parametrize("run", ["", "x" * 16, "../" + "0" * 13, "0" * 16 + "\n"])
def test_a_run_is_called_by_hex_digits(course: Course, run: str) -> None:
    """It names the queue into which a worker writes."""
    good = work_of(course, {}).model_dump()
    assert Work.model_validate(good).run == "0" * 16
    with pytest.raises(ValidationError):
        Work.model_validate(good | {"run": run})


# Addresses -----------------------------------------------------------------------------


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
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    not_let_in(root, port)


@needs_server
def test_a_wrong_password_is_one_line(broker: TestBroker, root: Path) -> None:
    """The broker closes the connection as it answers."""
    not_let_in(root, broker.node.port)


@needs_server
def test_a_virtual_host_that_is_not_there_is_one_line(broker: TestBroker, root: Path) -> None:
    """User and password are right."""
    login = f"{broker.login.username}:{broker.login.password}"
    not_let_in(root, broker.node.port, "nowhere", login)


@needs_server
def test_a_user_without_rights_is_one_line(broker: TestBroker, root: Path) -> None:
    """It may come in, and make no queue."""
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


# A submission in a worker --------------------------------------------------------------

LOOKS = '''
def found():
    """Where this process can see or reach the broker."""
    import glob, os, socket
    marks = (b"amqp:", b"grader:", b"GRADER_BROKER", b":%d" % PORT)
    places = []
    names = glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline")
    for folder in FOLDERS:
        names += glob.glob(folder + "/**", recursive=True)
    for name in names:
        try:
            with open(name, "rb") as file:
                data = file.read(1000000)
        except OSError:
            continue
        if any(mark in data for mark in marks):
            places.append(name)
    if "GRADER_BROKER" in os.environ:
        places.append("os.environ")
    for name in glob.glob("/proc/self/fd/*"):
        try:
            target = os.readlink(name)
            with socket.socket(fileno=os.dup(int(name.rsplit("/", 1)[1]))) as copy:
                peer = copy.getpeername()
        except OSError:
            continue
        if isinstance(peer, tuple) and PORT in peer[1:2]:
            places.append(target)
    for host in ("127.0.0.1", "localhost", "::1"):
        try:
            socket.create_connection((host, PORT), 1).close()
            places.append("port")
        except OSError:
            pass
    return places
'''


def test_the_search_finds_what_is_there(
    broker: TestBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of a sandbox it finds variable, file and port: so it would find them inside."""
    monkeypatch.setenv("GRADER_BROKER", broker.url)
    (tmp_path / "address").write_text(broker.url)
    names: dict[str, Any] = {"PORT": broker.node.port, "FOLDERS": [str(tmp_path)]}
    exec(textwrap.dedent(LOOKS), names)  # noqa: S102 - the very code that is handed in
    assert {"os.environ", "port", str(tmp_path / "address")} <= set(names["found"]())


@needs_server
def test_a_submission_has_no_way_to_the_brokers_address(broker: TestBroker, root: Path) -> None:
    """The environment, command lines, files, descriptors and the network show it nothing."""
    folders = 'FOLDERS = ["/tmp", "/run", "/home", "/var", "/dev/shm"]'
    attack = RIGHT.replace(
        "    return 2 * number",
        "    places = found()\n    assert not places, places\n    return 2 * number",
    )
    add_submission(root, "eve", f"PORT = {broker.node.port}\n{folders}\n{LOOKS}\n{attack}")
    with (
        worker(root, broker.url, "-j", "1", "--broker", broker.url),  # in its command line as well
        controller(root, broker.url) as run,
    ):
        assert run.code() == 0, run.text


@needs_server
def test_the_process_that_grades_never_had_the_address(broker: TestBroker, root: Path) -> None:
    """Neither its environment nor its command line nor any of its memory holds the password."""
    with worker(root, broker.url):
        house = house_of(root)
        password = broker.login.password.encode()
        assert password not in (house / "environ").read_bytes()
        assert password not in (house / "cmdline").read_bytes()
        with (house / "mem").open("rb", buffering=0) as memory:
            for line in (house / "maps").read_text().splitlines():
                span, rights, *_ = line.split()
                if "rw" not in rights:
                    continue
                start, end = (int(each, 16) for each in span.split("-"))
                memory.seek(start)
                assert password not in memory.read(end - start)


# Faults that need a hook -----------------------------------------------------------------


@needs_server
@pytest.mark.thorough
def test_a_worker_that_hangs_is_found_by_the_time_limit(broker: TestBroker, root: Path) -> None:
    """The process that grades stands still: the worker ends, and another one grades the rest."""
    hand_in(root, 2)
    short = (
        "from grader.grading.workers import controller\ncontroller.task_seconds = lambda *_: 20.0"
    )
    from worker_machines import Program  # noqa: PLC0415 - this test alone starts one so

    with worker(root, broker.url) as hung:
        house = int(house_of(root).name)
        os.kill(house, signal.SIGSTOP)
        words = ("grade", "subs", "--out", "out", "--no-gradebook", "--no-details")
        with Program(root, *words, url=broker.url, prelude=short) as run:
            assert hung.code() == 2
            assert "grading did not end in time" in hung.text
            with worker(root, broker.url):
                assert run.code() == 1
    until(lambda: len(reports(root)) == 2)


# What is known of workers ----------------------------------------------------------------


def test_a_worker_that_is_silent_counts_no_more() -> None:
    """Who works on what comes from what they say; what is no announcement is passed over."""
    now = [0.0]
    board = Board("a" * 64, lambda: now[0])
    board.hear({"name": "pc1", "course": "a" * 64, "jobs": 2, "tasks": ["t1"]})
    board.hear({"name": "pc2", "course": "b" * 64, "jobs": 4, "tasks": []})
    board.hear({"name": 3})
    assert board.slots == 2
    assert board.lines({"t1": "ann 01"}) == ["1 worker", "  pc1: ann 01"]
    assert not board.missing()
    now[0] = 60.0
    assert board.slots == 0
    assert "no worker takes work" in board.missing()
    board.hear({"name": "pc2", "course": "b" * 64, "jobs": 4, "tasks": []})
    assert "pc2 has others (bbbbbbbbbbbb)" in board.missing()
