"""Grading by workers on a real broker: the same reports, whatever ends meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pika
import pytest
from tiny_course import RIGHT, SUITE, add_submission
from worker_machines import (
    SLOW,
    Program,
    TestBroker,
    controller,
    course_of_its_own,
    graded_here,
    hand_in,
    house_of,
    needs_server,
    reports,
    until,
    worker,
)

from grader.course import load_course
from grader.gradebook.results import Results
from grader.grading.one import suite_hashes
from grader.grading.workers.broker import celery_app, parse_address
from grader.grading.workers.messages import MAX_BYTES, course_hash
from grader.grading.workers.queues import (
    WORK,
    results_name,
    routing_key,
    take_back,
    work_queue,
)
from grader.services.rabbitmq.api import ManagementApi

pytestmark = needs_server


def hash_of(root: Path) -> str:
    """The hash by which workers find the course's work."""
    return course_hash(suite_hashes(load_course(root)))


def run_of(root: Path) -> str:
    """What the queues of the folder `out` are called by."""
    return Results(root / "out").run_id()


def test_two_workers_report_what_one_machine_does(broker: TestBroker, root: Path) -> None:
    """Every report is the same, row for row; both the queue of reports and the work are gone."""
    hand_in(root, 6)
    with worker(root, broker.url), worker(root, broker.url), controller(root, broker.url) as run:
        assert run.code() == 1
    found = reports(root)
    assert len(found) == 6
    assert found == graded_here(root)
    assert "6 graded, 0 as before" in run.text
    assert broker.count(results_name(run_of(root))) is None
    assert broker.count(f"grader.work.{hash_of(root)}") == 0


def test_a_worker_that_is_killed_costs_time_and_no_row(broker: TestBroker, root: Path) -> None:
    """It is killed with submissions begun; the other worker grades these too."""
    hand_in(root, 6, SLOW)
    with (
        worker(root, broker.url, "-j", "2") as first,
        controller(root, broker.url) as run,
    ):
        until(lambda: reports(root))
        first.kill()
        with worker(root, broker.url, "-j", "2"):
            assert run.code() == 0
    assert len(reports(root)) == 6
    assert all(row["outcome"] == "passed" for r in reports(root).values() for row in r["checks"])


@pytest.mark.thorough
def test_a_broker_that_starts_again_loses_nothing(broker: TestBroker, root: Path) -> None:
    """Controller and workers wait for it, say so, and go on by themselves."""
    hand_in(root, 6, SLOW)
    with worker(root, broker.url, "-j", "2"), controller(root, broker.url) as run:
        until(lambda: reports(root))
        broker.node.kill()
        broker.node.start_again()
        until(broker.node.ready)
        assert run.code() == 0
    assert "went away" in run.text
    assert "is there again" in run.text
    assert len(reports(root)) == 6


@pytest.mark.thorough
def test_a_killed_controller_goes_on_with_what_waits(broker: TestBroker, root: Path) -> None:
    """Reports that came while it was away are taken in; no worker is needed for these."""
    hand_in(root, 5, SLOW)
    with worker(root, broker.url, "-j", "2"):
        with controller(root, broker.url) as run:
            until(lambda: reports(root))
            run.kill()
        kept = len(reports(root))
        until(lambda: kept + (broker.count(results_name(run_of(root))) or 0) >= 5)
    with controller(root, broker.url) as again:
        assert again.code() == 0
    assert len(reports(root)) == 5
    assert f"{5 - kept} graded, {kept} as before" in again.text


@pytest.mark.thorough
def test_ctrl_c_takes_back_what_has_not_begun(broker: TestBroker, root: Path) -> None:
    """Nothing of the run is left for workers; what another run has sent stays."""
    hand_in(root, 3)
    key = routing_key(hash_of(root), "0" * 16)
    with controller(root, broker.url) as run:
        until(lambda: broker.count(f"grader.work.{hash_of(root)}") == 3)
        with broker.channel() as channel:
            channel.basic_publish(WORK, key, b"[]", pika.BasicProperties(headers={"id": "x"}))
        run.process.send_signal(signal.SIGINT)
        assert run.code() == 130
    assert "0 of 3 are graded; the same command goes on with the rest." in run.text
    with broker.channel() as channel:
        method, _, body = channel.basic_get(f"grader.work.{hash_of(root)}", auto_ack=True)
        assert (method.routing_key, body) == (key, b"[]")
    assert broker.count(f"grader.work.{hash_of(root)}") == 0


def test_a_worker_of_another_state_of_the_course_gets_no_work(
    broker: TestBroker, root: Path, tmp_path: Path
) -> None:
    """The controller says who has what; with a worker of the same state it goes on by itself."""
    hand_in(root, 2)
    other = course_of_its_own(tmp_path / "other")
    with worker(other, broker.url), controller(root, broker.url) as run:
        run.until("no worker has these suites and limits")
        assert hash_of(other)[:12] in run.text
        assert not reports(root)
        with worker(root, broker.url):
            assert run.code() == 1
    assert len(reports(root)) == 2


@pytest.mark.thorough
def test_a_worker_whose_suite_changed_gives_the_work_back(
    broker: TestBroker, root: Path, tmp_path: Path
) -> None:
    """It has the old suite in memory and the new one on disk: it grades by neither, and ends."""
    hand_in(root, 2)
    there = tmp_path / "there"
    shutil.copytree(root, there)
    with worker(there, broker.url) as stale:
        suite = there / "tests" / "hidden" / "01" / "test_doubling_hidden.py"
        suite.write_text(SUITE + "\n# another state\n")
        with controller(root, broker.url) as run:
            assert stale.process.wait(120) == 0
            assert "a task was given back" in stale.text
            assert not reports(root)
            with worker(root, broker.url):
                assert run.code() == 1
    assert reports(root) == graded_here(root)


@contextmanager
def queues_of_one(broker: TestBroker, begin: str) -> Iterator[None]:
    """Queues whose names begin so take no second message: an administrator may set that."""
    api = ManagementApi("127.0.0.1", broker.node.management_port, broker.login)
    policy = "/api/policies/%2F/one"
    definition = {"max-length": 1, "overflow": "reject-publish"}
    wanted = {"pattern": f"^{begin}", "apply-to": "queues", "definition": definition}
    api._call(("PUT", policy, wanted))  # noqa: SLF001 - the grader itself sets other policies
    try:
        yield
    finally:
        api._call(("DELETE", policy, None))  # noqa: SLF001 - as above


def test_work_that_the_broker_refuses_is_sent_again(broker: TestBroker, root: Path) -> None:
    """The controller says so once, and every submission has its report."""
    hand_in(root, 6)
    with queues_of_one(broker, "grader.work"), controller(root, broker.url) as run:
        run.until("refuses work; trying again")
        with worker(root, broker.url):
            assert run.code() == 1
    assert run.text.count("refuses work") == 1
    assert reports(root) == graded_here(root)


def test_a_report_that_the_broker_refuses_is_handed_in_again(
    broker: TestBroker, root: Path
) -> None:
    """It waits with its worker until a controller takes those before it out of the queue."""
    hand_in(root, 6)
    with queues_of_one(broker, "grader.results"):
        with controller(root, broker.url) as run:
            until(lambda: broker.count(f"grader.work.{hash_of(root)}") == 6)
            run.kill()
        with worker(root, broker.url) as it:
            it.until("the broker refuses the report of s")
            with controller(root, broker.url) as again:
                assert again.code() == 1
    assert "Traceback" not in it.text
    assert reports(root) == graded_here(root)


def test_what_another_run_sent_stays_where_the_broker_refuses_it(
    broker: TestBroker, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work is taken back by publishing the others' again: what is refused is given back at once."""
    course, key = hash_of(root), routing_key(hash_of(root), "0" * 16)
    with celery_app(parse_address(broker.url)).connection_for_write() as connection:
        channel = connection.channel()
        work_queue(course)(channel).declare()
        with broker.channel() as other:
            other.confirm_delivery()
            for _ in range(3):
                other.basic_publish(WORK, key, b"[]", pika.BasicProperties(headers={"id": "x"}))
        monkeypatch.setattr("grader.grading.workers.queues.publish", lambda *_, **__: False)
        assert take_back(channel, course, "1" * 16) == 0
        until(lambda: broker.count(f"grader.work.{course}") == 3)


def dying_worker(broker: TestBroker, root: Path, times: int) -> None:
    """A client that takes a message and ends without a word, as often as that."""
    for _ in range(times):
        with broker.channel() as channel:
            got: list[object] = []

            def take(channel=channel, got=got) -> bool:
                method, _, _ = channel.basic_get(f"grader.work.{hash_of(root)}")
                got.append(method)
                return method is not None

            until(take)


@pytest.mark.thorough
def test_over_whom_workers_end_is_graded_once_more_at_the_end(
    broker: TestBroker, root: Path
) -> None:
    """Three ends set it aside; if nothing ends then, it has the report that it earned."""
    add_submission(root, "ann", RIGHT)
    with controller(root, broker.url) as run:
        until(lambda: broker.count(f"grader.work.{hash_of(root)}"))
        dying_worker(broker, root, 3)
        until(lambda: broker.count(f"grader.work.{hash_of(root)}"))
        with worker(root, broker.url):
            assert run.code() == 0


def test_over_whom_workers_end_again_is_an_error_of_ours(broker: TestBroker, root: Path) -> None:
    """Its rows say what happened, the result is provisional, and the exit code says so."""
    add_submission(root, "ann", RIGHT)
    with controller(root, broker.url) as run:
        until(lambda: broker.count(f"grader.work.{hash_of(root)}"))
        dying_worker(broker, root, 4)
        with worker(root, broker.url):
            assert run.code() == 2
    (report,) = reports(root).values()
    assert report["provisional"]
    assert {row["outcome"] for row in report["checks"]} == {"error"}
    assert "4 workers ended while they graded it" in report["checks"][0]["message"]


@pytest.mark.thorough
def test_a_house_that_ends_sends_all_work_back(broker: TestBroker, root: Path) -> None:
    """The worker ends with it, in words and with exit code 2; another one grades the rest."""
    hand_in(root, 4, SLOW)
    with worker(root, broker.url, "-j", "2") as first, controller(root, broker.url) as run:
        until(lambda: reports(root))
        house = int(house_of(root).name)
        os.kill(house, signal.SIGKILL)
        assert first.code() == 2
        assert "the process that grades has ended" in first.text
        with worker(root, broker.url):
            assert run.code() == 0
    assert len(reports(root)) == 4


@pytest.mark.thorough
def test_work_that_a_broker_lost_is_sent_again(broker: TestBroker, root: Path) -> None:
    """It is neither in the queue nor with a worker: the class does not wait for it for ever."""
    hand_in(root, 2)
    with controller(root, broker.url) as run:
        until(lambda: broker.count(f"grader.work.{hash_of(root)}") == 2)
        with broker.channel() as channel:
            channel.queue_purge(f"grader.work.{hash_of(root)}")
        with worker(root, broker.url):
            assert run.code() == 1
    assert len(reports(root)) == 2


class Bomb:
    """Writes a file where somebody unpickles it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "unpickled")


def test_what_is_no_submission_is_refused_and_the_worker_goes_on(
    broker: TestBroker, root: Path, tmp_path: Path
) -> None:
    """A pickle is not opened, a message over the cap not read, JSON of another shape not graded."""
    import pickle  # noqa: PLC0415 - to show that nobody opens one

    hand_in(root, 1)
    opened = tmp_path / "opened"
    headers = {"task": "grader.grade", "id": "1", "lang": "py", "root_id": "1"}
    wrong = {
        "application/x-python-serialize": pickle.dumps([[Bomb(opened)], {}, {}]),
        "application/json": json.dumps([[{"student": "x" * MAX_BYTES}], {}, {}]).encode(),
        "application/json; charset=utf-8": b"{",
        "text/plain": json.dumps([[{"student": "../../etc"}], {}, {}]).encode(),
    }
    with worker(root, broker.url) as it:
        with broker.channel() as channel:
            channel.confirm_delivery()  # what the broker does not take, raises
            for kind, body in wrong.items():
                channel.basic_publish(
                    WORK,
                    routing_key(hash_of(root), "0" * 16),
                    body,
                    pika.BasicProperties(
                        kind, "utf-8", headers=headers, correlation_id="1", delivery_mode=2
                    ),
                    mandatory=True,
                )
        it.until("bytes was refused")
        with controller(root, broker.url) as run:
            assert run.code() == 0
        assert it.process.poll() is None
    assert not opened.exists()


@pytest.mark.thorough
def test_a_worker_that_hangs_is_found_by_the_time_limit(broker: TestBroker, root: Path) -> None:
    """The process that grades stands still: the worker ends, and another one grades the rest."""
    hand_in(root, 2)
    short = (
        "from grader.grading.workers import controller\ncontroller.task_seconds = lambda *_: 20.0"
    )
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
