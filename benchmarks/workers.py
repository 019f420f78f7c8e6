"""Grading by workers: beside one machine, on two hosts, and with many workers that only wait."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rows import Row
from benchmarks.worker_kills import LocalBroker, start_worker
from grader.course import Course
from grader.grading.one import suite_hashes
from grader.grading.workers.broker import celery_app, parse_address
from grader.grading.workers.messages import Done, Work, course_hash
from grader.grading.workers.queues import results_name, work_queue
from grader.grading.workers.worker import ANNOUNCEMENT
from grader.host.usage import usage_of
from grader.report import CheckResult, Outcome, Report

COUNT = 40
SIMULATED = 10_000
CROWD = 16
WAIT_SECONDS = 0.2
"""What a simulated submission takes."""
_CLASS = "submissions"


def rows(course: Course, simulated: int = SIMULATED) -> Iterator[Row]:
    """Yield the benchmark."""
    broker = LocalBroker()
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _make_class(course, folder / _CLASS, COUNT)
            here = _grade(course, folder, "here", "-j", "2")
            what = f"01: {COUNT} submissions, one worker -j 2 against grade -j 2"
            url = broker.url()
            with _workers(course, url, [(url, 2)]):
                there = _grade(course, folder, "there", "--broker", url)
            yield Row(what, there / here, "times", 1.1, beside=f"{here:.1f} s and {there:.1f} s")
            if os.geteuid() == 0 and shutil.which("ip"):
                with (
                    _two_hosts(broker) as (inside, before),
                    _workers(course, url, [(inside, 1, *words) for words in before]),
                ):
                    two = _grade(course, folder, "two", "--broker", url)
                what = f"01: {COUNT} submissions, two hosts -j 1 against grade -j 2"
                yield Row(what, here / two, "times", 0.9, at_least=True, beside=f"{two:.1f} s")
            yield from _simulated(course, folder, url, simulated)
    finally:
        broker.node.stop()


def _make_class(course: Course, folder: Path, count: int) -> None:
    """Write right submissions of exercise 01, no two the same."""
    text = (course.root / "solutions" / "01" / "polling.py").read_text(encoding="utf-8")
    for number in range(count):
        target = folder / f"student{number:05}" / "01"
        target.mkdir(parents=True)
        (target / "polling.py").write_text(f"{text}\n# number {number}\n", encoding="utf-8")


def _grade(course: Course, folder: Path, out: str, *words: str) -> float:
    """Return how long `grader grade` takes."""
    start = time.perf_counter()
    _run(course, folder / _CLASS, folder / out, *words).wait()
    return time.perf_counter() - start


def _run(course: Course, submissions: Path, out: Path, *words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "grader", "grade", str(submissions), "--out", str(out)]
    return subprocess.Popen(
        [*command, "--no-details", "--no-gradebook", *words],
        cwd=course.root,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def _workers(course: Course, url: str, some: list[tuple[Any, ...]]) -> Iterator[None]:
    """Run workers, each of an address, a number of jobs and what its command begins with."""
    processes = [start_worker(course.root, *each) for each in some]
    try:
        queue = work_queue(course_hash(suite_hashes(course)))
        with celery_app(parse_address(url)).connection_for_read() as connection:
            bound = queue(connection.channel())
            bound.declare()
            while bound.queue_declare(passive=True).consumer_count < len(some):
                time.sleep(0.1)
        yield
    finally:
        for each in processes:
            each.terminate()
        for each in processes:
            each.wait()


@contextmanager
def _two_hosts(broker: LocalBroker) -> Iterator[tuple[str, list[list[str]]]]:
    """Make two network namespaces that reach the broker, and nothing else, by a bridge.

    Gives the broker's address there, and for each what a command in it begins with.
    """
    name = f"gr{os.getpid() % 100000}"
    net = f"10.213.{os.getpid() % 250}"
    spaces = [f"{name}-{number}" for number in (1, 2)]
    try:
        _ip("link", "add", name, "type", "bridge")
        _ip("addr", "add", f"{net}.1/24", "dev", name)
        _ip("link", "set", name, "up")
        for number, space in enumerate(spaces, 1):
            _ip("netns", "add", space)
            _ip("link", "add", f"{name}{number}", "type", "veth", "peer", "e0", "netns", space)
            _ip("link", "set", f"{name}{number}", "master", name, "up")
            _ip("-n", space, "addr", "add", f"{net}.1{number}/24", "dev", "e0")
            _ip("-n", space, "link", "set", "e0", "up")
            _ip("-n", space, "link", "set", "lo", "up")
        with _relay(f"{net}.1", broker.node.port) as port:
            yield broker.url(f"{net}.1", port), [["ip", "netns", "exec", each] for each in spaces]
    finally:
        for space in spaces:
            _ip("netns", "del", space, check=False)
        _ip("link", "del", name, check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


@contextmanager
def _relay(host: str, target: int) -> Iterator[int]:
    """Let a port of `host` lead to the broker, which listens on loopback alone."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", target))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server((host, 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1]


# Workers that only wait ---------------------------------------------------------------


def _simulated(course: Course, folder: Path, url: str, count: int) -> Iterator[Row]:
    """Yield the rate of many workers against that of one, and the controller's memory."""
    few = max(20, count // (2 * CROWD))
    one, _ = _rate(course, folder, url, few, 1)
    all_of_them, memory = _rate(course, folder, url, count, CROWD)
    what = f"{count} simulated submissions, {CROWD} workers against {CROWD} times one"
    beside = f"{all_of_them:.0f}/s and {one:.1f}/s"
    yield Row(what, all_of_them / one / CROWD, "times", 0.85, at_least=True, beside=beside)
    middle = len(memory) // 4
    growth = max(memory[middle:]) - memory[middle]
    yield Row("the controller's memory, after the first quarter of them", growth, "MB more", 10)


def _rate(
    course: Course, folder: Path, url: str, count: int, workers: int
) -> tuple[float, list[float]]:
    """Return submissions a second, and the controller's memory (MB) again and again."""
    submissions, out = folder / f"{_CLASS}-{count}", folder / f"out-{count}"
    _make_class(course, submissions, count)
    ended = threading.Event()
    threads = [
        threading.Thread(target=_wait_and_report, args=(course, url, f"sim{number}", ended))
        for number in range(workers)
    ]
    for each in threads:
        each.start()
    memory, landed = list[float](), list[tuple[float, int]]()
    try:
        with _run(course, submissions, out, "--broker", url) as run:
            while run.poll() is None:
                time.sleep(0.5)
                used = usage_of(run.pid)
                if used is not None and (out / "reports").is_dir():
                    done = sum(1 for _ in os.scandir(out / "reports"))
                    if 0 < done < count:
                        memory.append(used.memory_mb)
                        landed.append((time.perf_counter(), done))
    finally:
        ended.set()
        for each in threads:
            each.join()
    (start, first), *_, (end, last) = landed
    return (last - first) / (end - start), memory


def _wait_and_report(course: Course, url: str, name: str, ended: threading.Event) -> None:
    """Take work, wait, and hand in full marks, as a worker with one job does."""
    from kombu import Consumer  # noqa: PLC0415 - an extra

    checks = course.exercise("01").checks
    report = Report(
        student="",
        exercise="01",
        score=0,
        max_score=course.exercise("01").max_score,
        provisional=False,
        sandbox="simulated",
        seed=0,
        submission_hash="",
        suite_hash="",
        checks=tuple(CheckResult.of(check, Outcome.PASSED) for check in checks),
    )
    course_id = course_hash(suite_hashes(course))
    app = celery_app(parse_address(url))
    with app.connection_for_write() as connection:
        channel = connection.channel()
        queue = work_queue(course_id)(channel)
        queue.declare()
        producer = connection.Producer(channel, auto_declare=False)
        dispatcher = app.events.Dispatcher(connection, hostname=name, groups=["worker"])
        told = 0.0

        def take(message: Any) -> None:
            work = Work.model_validate(json.loads(message.body)[0][0])
            time.sleep(WAIT_SECONDS)
            same: dict[str, Any] = {
                "student": work.student,
                "submission_hash": work.submission_hash,
                "suite_hash": work.suite_hash,
                "seed": work.seed,
            }
            done = Done(
                exercise=work.exercise, worker=name, report=report.model_copy(update=same), **same
            )
            producer.publish(
                done.model_dump_json(),
                exchange="",
                routing_key=results_name(work.run),
                content_type="application/json",
                content_encoding="utf-8",
                delivery_mode=2,
            )
            message.ack()

        with Consumer(channel, [queue], on_message=take, prefetch_count=1, auto_declare=False):
            while not ended.is_set():
                if time.monotonic() > told + 2:
                    told = time.monotonic()
                    dispatcher.send(ANNOUNCEMENT, name=name, course=course_id, jobs=1, tasks=[])
                with contextlib.suppress(TimeoutError):
                    connection.drain_events(timeout=0.5)
