"""A course brings a service of its own: graded, started and looked at without an edit in grader/."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import grader

from grader.host.ports import free_ports

MANIFEST = """\
format_version = 1
title = "A course of echoes"

[limits]
seconds = 5

[[exercises]]
id = "01"
title = "Echo"
files = ["echo.py"]
services = ["line_echo:LineEcho"]

[[exercises.checks]]
id = "01.echo"
title = "each line comes back"
points = 4
hint = "Send it, then read a line."
"""
KIND = """\
import socketserver
import threading
from contextlib import contextmanager

from grader.services.base import Service
from grader.services.kind import ServiceKind


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.server.seen(line)
            self.wfile.write(line)


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def seen(self, line):
        pass


class EchoService(Service):
    refusals = ()

    def __init__(self):
        self.lines = []

    def attach(self, listener, port):
        self.port = port
        self.server = Server(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self.server.socket.close()
        self.server.socket = listener
        self.server.seen = self.seen
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def seen(self, line):
        self.lines.append(line)
        if line.startswith(b"!"):
            self.refusals = (*self.refusals, "asked for an order, which an echo does not take")
        self.observe(f"echoes {line!r}")

    def check(self):
        pass

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class LineEcho(ServiceKind):
    name = "echo"
    title = "Line echo"
    port = PORT
    scheme = "tcp"

    @contextmanager
    def prepare(self):
        yield EchoService

    def look(self):
        return "a run uses the course's own line echo"

    @contextmanager
    def demo(self, port, order):
        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"note": "echoes lines"}
"""
SUITE = """\
import pytest


@pytest.mark.check("01.echo")
def test_echo(consumer, service, rng):
    echo = service("echo")
    line = str(rng.randrange(10**6))
    said = consumer.process().call("echo.ask", "localhost", echo.port, line)
    assert said == line, f"ask() should return {line}, it returned {said}"
    assert echo.lines == [line.encode() + b"\\n"], "the line should come to the server once"
"""
RIGHT = """\
import socket


def ask(host, port, line):
    with socket.create_connection((host, port)) as connection, connection.makefile("rw") as file:
        file.write(line + "\\n")
        file.flush()
        return file.readline().rstrip("\\n")
"""
ORDERS = RIGHT.replace('line + "', '"!" + line + "')
WRONG = "def ask(host, port, line):\n    return line\n"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """The course, two submissions, and a port that is free."""
    (port,) = free_ports(0)
    for name, text in {
        "course.toml": MANIFEST,
        "line_echo.py": KIND.replace("PORT", str(port)),
        "tests/hidden/conftest.py": "",
        "tests/hidden/01/test_echo_hidden.py": SUITE,
        "class/ann/echo.py": RIGHT,
        "class/bob/echo.py": WRONG,
        "class/cas/echo.py": ORDERS,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_it_is_graded_in_the_sandbox(course: Path) -> None:
    """Who talks to it has full marks; who does not is told what the service saw."""
    done = grader(course, "grade", "class", "--out", "out", "--no-gradebook")
    assert done.returncode == 1, done.stdout + done.stderr  # bob misses points
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if "/4" in line}
    assert "4/4" in rows["ann"]
    assert "0/4" in rows["bob"]
    told = (course / "out/reports/bob/01.json").read_text()
    assert "the line should come to the server once" in told
    assert "which an echo does not take" not in told


def test_a_failure_names_what_the_service_refused(course: Path) -> None:
    """Before what the test says: it may be why."""
    grader(course, "grade", "class", "--student", "cas", "--out", "out", "--no-gradebook")
    (row,) = json.loads((course / "out/reports/cas/01.json").read_text())["checks"]
    assert row["outcome"] == "failed"
    assert row["message"].startswith(
        "the program asked for an order, which an echo does not take; ask() should return "
    )


def test_a_changed_kind_is_graded_again(course: Path) -> None:
    """A stored verdict depends on the kind's module as on the suite."""
    arguments = ("grade", "class", "--out", "out", "--no-gradebook")
    grader(course, *arguments)
    assert "0 graded, 3 as before" in grader(course, *arguments).stdout
    with (course / "line_echo.py").open("a") as file:
        file.write("# another version\n")
    assert "3 graded, 0 as before" in grader(course, *arguments).stdout


def test_it_is_started_and_stopped(course: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`services up` starts it in a process of its own, on its port; status and down know it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(course / "state"))
    up = grader(course, "services", "up", "echo")
    try:
        assert up.returncode == 0, up.stdout + up.stderr
        assert up.stdout.startswith("echo runs: tcp://localhost:")
        port = int(up.stdout.split(":")[3].split()[0])
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.sendall(b"hello\n")
            assert connection.recv(100) == b"hello\n"
        assert "running" in next(
            line
            for line in grader(course, "services", "status").stdout.splitlines()
            if line.startswith("echo")
        )
    finally:
        down = grader(course, "services", "down", "echo")
    assert down.stdout == "echo stopped\n"


def test_doctor_looks_at_it(course: Path) -> None:
    """Beside the kinds that every course knows."""
    assert "a run uses the course's own line echo" in grader(course, "doctor").stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "kafkaesque",
            "'kafkaesque' is none of redis, rabbitmq, sqs, kafka, nor `package.module:Class`",
        ),
        ("nowhere:Kind", "there is no service 'nowhere:Kind': No module named 'nowhere'"),
        ("line_echo:Server", "line_echo:Server is no kind of service"),
    ],
)
def test_a_kind_that_is_none_is_one_line(course: Path, name: str, sentence: str) -> None:
    """Exit code 2, and nothing is graded."""
    manifest = course / "course.toml"
    manifest.write_text(MANIFEST.replace("line_echo:LineEcho", name))
    done = grader(course, "grade", "class", "--out", "out", "--no-gradebook")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (course / "out" / "reports" / "ann").exists()


def test_its_module_goes_where_the_course_goes(course: Path) -> None:
    """To students, whose public tests may need it, and to Gradescope, which grades with it."""
    for name, text in {
        "exercises/01/echo.py": "def ask(host, port, line):\n    raise NotImplementedError\n",
        "exercises/01/README.md": "# Echo\n",
        "solutions/01/echo.py": RIGHT,
        "grader/__init__.py": "",
    }.items():
        (course / name).parent.mkdir(parents=True, exist_ok=True)
        (course / name).write_text(text)
    released = run_here(course, "release", str(course / "copy"))
    assert released.returncode == 0, released.stderr
    assert (course / "copy/line_echo.py").read_text() == (course / "line_echo.py").read_text()
    packed = run_here(course, "gradescope", str(course / "autograder.zip"))
    assert packed.returncode == 0, packed.stderr
    with zipfile.ZipFile(course / "autograder.zip") as archive:
        assert "course/line_echo.py" in archive.namelist()


def run_here(course: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run `grader ARGS` for a course that has a folder called grader, which is not imported."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "grader", *args],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
