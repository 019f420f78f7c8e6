"""A course brings a technique of its own, on a service of its own: measured as every other one."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import grader
from rich.console import Console

from grader.compare.measure import work
from grader.compare.result import Comparison
from grader.compare.run import Options, compare
from grader.compare.show import markdown
from grader.compare.show.orderings import judged
from grader.compare.show.page import comparison_html
from grader.compare.show.table import print_comparison
from grader.compare.techniques.catalog import technique
from grader.course import load_course

REPO = Path(__file__).resolve().parents[2]

MANIFEST = """\
format_version = 1
title = "A course of mail"
techniques = ["mailbox_of_a_test:Mailbox"]

[[exercises]]
id = "01"
title = "Mail"
files = ["mail.py"]
services = ["mailbox_of_a_test:Post"]

[[exercises.checks]]
id = "01.mail"
title = "mail is read"
points = 4
hint = "Ask for the next line."
"""
MODULE = '''\
"""A post office: PUT BOX LINE keeps a line in a box, GET BOX takes the oldest one out."""

import json
import queue
import socket
import socketserver
import threading
from collections import defaultdict
from contextlib import contextmanager
from urllib.parse import urlsplit

from grader.compare.techniques.technique import Opinions, Technique
from grader.services.kind import ServiceKind


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


class Handler(socketserver.StreamRequestHandler):
    boxes = defaultdict(queue.SimpleQueue)

    def handle(self):
        for line in self.rfile:
            word, box, *body = line.split(b" ", 2)
            if word == b"PUT":
                self.boxes[box].put(body[0])
                self.wfile.write(b"OK\\n")
            else:
                self.wfile.write(self.boxes[box.strip()].get())


class Post(ServiceKind):
    name = "post"
    title = "Post office"
    port = 7007
    scheme = "post"

    def prepare(self):
        raise NotImplementedError

    def look(self):
        return "a run uses the post office"

    @contextmanager
    def demo(self, port, order):
        server = Server(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"note": "in memory"}


def read_mail(address, box, handle, *, max_events):
    """The bare client's loop."""
    with socket.create_connection(address) as connection, connection.makefile("rwb") as file:
        for _ in range(max_events):
            file.write(b"GET " + box + b"\\n")
            file.flush()
            handle(json.loads(file.readline()))


class Mailbox(Technique):
    id = "mail"
    title = "Mailbox"
    exercise = "01"
    file = "mail.py"
    function = "read_mail"
    service = "mailbox_of_a_test:Post"
    keeps = True
    burst = 200
    machines = "the post"
    run = "broker"
    opinions = Opinions("low", "yes", "at most once", "they share")
    bare = staticmethod(read_mail)

    def bind(self, function, place, requests):
        def call(handle, ready, most):
            ready()
            function(address(place), place.name.encode(), handle, max_events=most)

        return call

    def sink(self, place):
        from event_sinks.base import Sink

        class MailSink(Sink):
            done = "Mailed"

            def __init__(self):
                self.socket = socket.create_connection(address(place))
                self.answers = self.socket.makefile("rb")

            def send(self, lines):
                self.socket.sendall(b"PUT " + place.name.encode() + b" " + lines)
                self.answers.readline()

            def close(self):
                self.answers.close()
                self.socket.close()

        return MailSink()

    def fill(self, place, bodies):
        sink = self.sink(place)
        for body in bodies:
            sink.send(body + b"\\n")
        sink.close()
        yield from ()


def address(place):
    parts = urlsplit(place.url)
    return parts.hostname, parts.port
'''
SOLUTION = "from mailbox_of_a_test import read_mail\n"


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The course; its module is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(REPO / "resources")])
    for name, text in {
        "course.toml": MANIFEST,
        "mailbox_of_a_test.py": MODULE,
        "exercises/01/mail.py": "def read_mail(*_, **__):\n    raise NotImplementedError\n",
        "exercises/01/README.md": "# Mail\n",
        "solutions/01/mail.py": SOLUTION,
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    shutil.copytree(REPO / "resources", tmp_path / "resources")
    yield tmp_path
    sys.modules.pop("mailbox_of_a_test", None)
    technique.cache_clear()


@pytest.fixture
def measured(course: Path, monkeypatch: pytest.MonkeyPatch) -> Comparison:
    """A short comparison of it."""
    monkeypatch.setattr(work, "ROUNDS", 1)
    monkeypatch.setattr(work, "IDLE_SECONDS", 1.0)
    found = load_course(course)
    options = Options(events=20, rate=100)
    steps: list[str] = []
    comparison = compare(found, options, steps.append)
    assert len(steps) == work.steps(options.techniques(found))
    return comparison


def test_it_is_measured_and_shown(measured: Comparison) -> None:
    """Both consumers get through, and every form of the result has the one column."""
    assert [(c.technique, c.whose, c.problems) for c in measured.columns] == [
        ("mail", "solution", {}),
        ("mail", "bare", {}),
    ]
    found = measured.column("mail", "solution")
    assert found is not None
    assert found.latency is not None
    assert found.throughput is not None
    assert found.crash is not None
    assert (found.crash.lost, found.crash.twice) == (1, 0), "GET takes it out for good"
    assert found.pair is not None
    assert found.pair.kind in ("share", "neither")
    assert measured.behind == {"mail": "of the demos: Post office, in memory"}
    assert list(judged(measured)) == [], "this course's lessons say nothing of it"

    said = io.StringIO()
    print_comparison(measured, Console(width=100, file=said))
    assert said.getvalue().splitlines()[0].split() == ["Mailbox"]
    assert "Mailbox: of the demos: Post office, in memory" in said.getvalue()
    assert "Kafka" not in said.getvalue()
    assert "Mailbox" in comparison_html(measured)
    assert next(markdown.table(measured, frozenset(), frozenset())) == "| | Mailbox |"
    assert Comparison.model_validate_json(measured.model_dump_json()) == measured


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ('["pigeon"]', "there is no technique 'pigeon'"),
        ('["nowhere:Kind"]', "there is no technique 'nowhere:Kind': No module named 'nowhere'"),
        ('["mailbox_of_a_test:Post"]', "mailbox_of_a_test:Post is no technique"),
        (
            '["mailbox_of_a_test:Mailbox", "mailbox_of_a_test:Mailbox"]',
            "two techniques of course.toml have the id 'mail'",
        ),
        ("[]", "course.toml names nothing to compare"),
        ('["kafka"]', "there is no exercise '06'"),
    ],
)
def test_a_technique_that_is_none_is_one_line(course: Path, names: str, sentence: str) -> None:
    """Exit code 2, and nothing is measured."""
    manifest = course / "course.toml"
    manifest.write_text(MANIFEST.replace('["mailbox_of_a_test:Mailbox"]', names))
    done = grader(course, "compare")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_it_is_chosen_by_its_id(course: Path) -> None:
    """What is not in course.toml cannot be measured, also when the catalog has it."""
    done = grader(course, "compare", "--only", "kafka")
    assert done.returncode == 2
    assert "'kafka' is not one of mail" in done.stderr


def test_a_broken_module_is_one_line(course: Path) -> None:
    """An instructor's mistake in it is no traceback of ours."""
    (course / "mailbox_of_a_test.py").write_text("class Mailbox:\n    1 / 0\n")
    done = grader(course, "compare")
    assert done.returncode == 2
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_students_get_its_module(course: Path) -> None:
    """They measure their own consumers with it."""
    (course / "grader").mkdir()
    done = grader(course, "release", str(course / "copy"))
    assert done.returncode == 0, done.stderr
    assert (course / "copy" / "mailbox_of_a_test.py").read_text() == MODULE
