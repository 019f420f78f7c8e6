"""A broker, workers and a controller, each a process, as on several machines."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pika
import pytest
from tiny_course import IN_PLACE, RIGHT, STUB, add_submission, write_tiny_course

from grader.host.identity import start_time
from grader.services.rabbitmq.choice import installed_server
from grader.services.rabbitmq.node import Login
from grader.services.rabbitmq.private import PrivateNode

needs_server = pytest.mark.skipif(
    installed_server() is None, reason="rabbitmq-server is not installed"
)
PATIENCE = 180
"""Seconds; the machine may be busy with other tests."""
_LIMITS = itertools.count(os.getpid())

SLOW = RIGHT.replace("import os\n", "import os\nimport time\n").replace(
    "    return 2 * number", "    time.sleep(1)\n    return 2 * number"
)
"""Right, and it takes a second, so that something can happen meanwhile."""


class TestBroker:
    """A private node, and its address."""

    __test__ = False

    def __init__(self) -> None:
        script = installed_server()
        assert script is not None
        self.login = Login.random()
        self.node = PrivateNode(script, self.login)
        self.node.wait()

    @property
    def url(self) -> str:
        """With user and password."""
        return f"amqp://{self.login.username}:{self.login.password}@127.0.0.1:{self.node.port}//"

    @contextmanager
    def channel(self) -> Iterator[Any]:
        """A channel of a client that is none of ours."""
        connection = pika.BlockingConnection(pika.URLParameters(self.url[:-2] + "/%2F"))
        try:
            yield connection.channel()
        finally:
            connection.close()

    def count(self, queue: str) -> int | None:
        """How many messages wait in a queue; None: there is no such queue."""
        with self.channel() as channel:
            try:
                return int(channel.queue_declare(queue, passive=True).method.message_count)
            except pika.exceptions.ChannelClosedByBroker:
                return None


def course_of_its_own(folder: Path) -> Path:
    """A tiny course whose limits no other test's has, so that their workers take nothing of it."""
    root = write_tiny_course(folder)
    manifest = root / "course.toml"
    kb = 64 + next(_LIMITS)
    manifest.write_text(manifest.read_text().replace("output_kb = 64", f"output_kb = {kb}"))
    return root


def hand_in(root: Path, count: int, code: str = "") -> None:
    """Submissions of `count` students: right, one mistake and nothing in turn, or all `code`."""
    for number in range(count):
        add_submission(root, f"s{number:03}", code or (RIGHT, IN_PLACE, STUB)[number % 3])


class Program:
    """A command of the grader's that runs; it is ended with the block."""

    def __init__(self, root: Path, *words: str, url: str = "", prelude: str = "") -> None:
        self.said = Path(tempfile.mkstemp(dir=root.parent, prefix="said-")[1])
        environment = dict(os.environ) | ({"GRADER_BROKER": url} if url else {})
        start = ["-c", f"{prelude}\nfrom grader.cli import main\nmain()"]
        with self.said.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *(start if prelude else ["-m", "grader"]), *words],
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    @property
    def text(self) -> str:
        """All that it printed so far."""
        return self.said.read_text()

    def until(self, text: str) -> None:
        """Wait until it has printed `text`."""
        until(lambda: text in self.text or self.process.poll() is not None, lambda: self.text)
        assert text in self.text, self.text

    def code(self) -> int:
        """Its exit code, once it has ended by itself."""
        code = self.process.wait(PATIENCE)
        assert "Traceback" not in self.text, self.text
        return code

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def worker(root: Path, url: str, *words: str, prelude: str = "") -> Program:
    """A worker that takes work."""
    program = Program(root, "worker", *(words or ("-j", "1")), url=url, prelude=prelude)
    try:
        program.until("takes work")
    except BaseException:
        program.__exit__()
        raise
    return program


def controller(root: Path, url: str, *words: str, out: str = "out") -> Program:
    """A `grader grade --broker` that has begun."""
    options = ("--no-gradebook", "--no-details", "--seed", "7", *words)
    return Program(root, "grade", "subs", "--out", out, *options, url=url)


def house_of(root: Path) -> Path:
    """The folder in /proc of the process that grades for the one worker of `root`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            words = path.read_bytes()
            if b"workers.house" in words and str(root).encode() in words:
                found.append(path.parent)
    # The one that began first: what it forks has the same command line.
    return min(found, key=lambda each: start_time(int(each.name)) or sys.maxsize)


def until(holds: Callable[[], object], seen: Callable[[], str] = str) -> None:
    """Wait until it holds; in vain, fail with what was `seen`."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain: {seen()}"
        time.sleep(0.05)


def reports(root: Path, out: str = "out") -> dict[str, dict[str, Any]]:
    """What is kept of each student: all that does not tell how long something took."""
    found = {}
    for path in (root / out / "reports").glob("*/01.json"):
        report = json.loads(path.read_text())
        for row in report["checks"]:
            del row["seconds"], row["log"]
        report = {k: v for k, v in report.items() if not k.startswith("judge_")}
        found[path.parent.name] = report
    return found


def graded_here(root: Path) -> dict[str, dict[str, Any]]:
    """The reports of the same class without a broker."""
    words = ("--no-gradebook", "--no-details", "--seed", "7", "-j", "2")
    with Program(root, "grade", "subs", "--out", "here", *words) as program:
        program.code()
    return reports(root, "here")
