"""Comparisons that are run: all techniques, learners' consumers, and one that is broken off."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
import redis

from grader.compare.measure import work
from grader.compare.measure.bench import COUNTED_RATE
from grader.compare.places import Places
from grader.compare.processes.crew import Crew, RunError
from grader.compare.result import Comparison
from grader.compare.run import Options, compare
from grader.compare.servers.catalog import servers
from grader.compare.show.orderings import ORDERINGS
from grader.compare.techniques.catalog import BY_ID, TECHNIQUES
from grader.compare.techniques.polling import Polling
from grader.compare.techniques.sqs import sqs_client
from grader.course import load_course
from grader.services.redis.choice import installed

pytestmark = pytest.mark.thorough

REPO = Path(__file__).resolve().parents[2]

LOSSY = '''
"""A polling consumer that keeps its offset in memory and starts at the end of the file."""
import json
import os


def poll(path, handle, *, poll_interval=2.0, max_polls=10, offset_path=None, sleep=None):
    offset = os.path.getsize(path)
    print("a learner's print is nobody's word")
    for number in range(max_polls):
        if number:
            sleep(poll_interval)
        with open(path, "rb") as file:
            file.seek(offset)
            for line in file:
                handle(json.loads(line))
            offset = file.tell()
'''


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round, few events in it, little idling, and no long interval."""
    for each in TECHNIQUES:
        monkeypatch.setattr(type(each), "burst", max(20, each.burst // 20))
    monkeypatch.setattr(work, "ROUNDS", 1)
    monkeypatch.setattr(work, "IDLE_SECONDS", 1.0)
    monkeypatch.setattr(work, "SHORT_POLL_SECONDS", 0.5)
    monkeypatch.setattr(Polling, "intervals", (0.3,))


def run(root: Path, **options: Any) -> Comparison:
    """A comparison with few events; every step that was announced is taken."""
    chosen = Options(events=20, rate=100, **options)
    steps: list[str] = []
    course = load_course(root)
    found = compare(course, chosen, steps.append)
    if not any("all" in column.problems for column in found.columns):
        assert len(steps) == work.steps(chosen.techniques(course))
    return found


def leftovers() -> set[str]:
    """Folders of comparisons and of brokers of this process."""
    here = Path(tempfile.gettempdir())
    return {str(p) for p in here.glob("stream-compare-*")} | {
        str(p) for p in here.glob(f"stream-rabbitmq-{os.getpid()}-*")
    }


def test_a_whole_comparison(short: None) -> None:
    """Every technique with both consumers gets through; what is counted is as the lessons say."""
    before = leftovers()
    found = run(REPO)
    problems = {(c.technique, c.whose): c.problems for c in found.columns if c.problems}
    assert problems == {}
    assert len(found.columns) == 2 * len(TECHNIQUES)
    for column in found.columns:
        assert (column.restart is not None) == (column.technique == "rabbitmq")
        assert column.away is not None
        # About a second's events, and those of as long as starting again takes.
        assert column.away.sent_meanwhile >= COUNTED_RATE / 2
    counted = (
        *("keep", "crash", "kill", "consumers", "services", "read again"),
        *("port", "death"),
    )
    for ordering in ORDERINGS:
        if any(word in ordering.sentence for word in counted):
            seen = [
                (c.technique, c.whose, c.restart, c.pair, c.crash, c.away) for c in found.columns
            ]
            assert ordering.holds(found) is True, f"{ordering.sentence}: {seen}"
    assert leftovers() <= before


@pytest.fixture
def learner(tmp_path: Path) -> Path:
    """A learner's copy: stubs, no solutions."""
    for name in ("course.toml", "exercises", "resources"):
        source = REPO / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tmp_path / name)
    return tmp_path


def test_a_lossy_consumer_is_seen_to_lose(short: None, learner: Path) -> None:
    """Its own column shows the loss, beside the bare client's, which loses nothing."""
    (learner / "exercises/01/polling.py").write_text(LOSSY)
    found = run(learner, own=True, only=("polling",))
    own, bare = found.column("polling", "own"), found.column("polling", "bare")
    assert own is not None
    assert bare is not None
    assert own.away is not None
    assert own.away.arrived_later == 0
    assert own.crash is not None
    assert own.crash.lost >= 1
    # The whole file was there before it began.
    assert own.problems["throughput"].startswith("0 of ")
    assert bare.away is not None
    assert bare.away.arrived_later == bare.away.sent_meanwhile


def test_stubs_and_broken_files_have_a_sentence(short: None, learner: Path) -> None:
    """A stub, a file that cannot be imported and one that ends its process stop nothing."""
    (learner / "exercises/02/tail_pipe.py").write_text("import nothing_of_that_name\n")
    (learner / "exercises/03/redis_pubsub.py").write_text(
        "import os\ndef redis_consumer(*_, **__):\n    os._exit(0)\n"
    )
    found = run(learner, own=True, only=("tail", "socket", "redis"))
    said = {c.technique: c.problems.get("all", "") for c in found.columns if c.whose == "own"}
    assert said["tail"] == "ModuleNotFoundError: No module named 'nothing_of_that_name'"
    assert said["socket"] == "it is not written yet"
    assert said["redis"] == "its process ended"
    assert [c.problems for c in found.columns if c.whose == "bare" and c.problems] == []


@pytest.mark.parametrize(
    ("number", "code", "line"),
    [(signal.SIGINT, 130, "grader: stopped"), (signal.SIGTERM, 143, "")],
)
def test_nothing_is_left_when_it_is_stopped(
    tmp_path: Path, number: signal.Signals, code: int, line: str
) -> None:
    """Ctrl-C, or a kill, while children run: no process of it, no folder, at most one line."""
    environment = os.environ | {"TMPDIR": str(tmp_path), "STREAM_TEST_MARK": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "grader", "compare", "--only", "tail", "--only", "redis"],
        cwd=REPO,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Itself, Redis, the process that forks, a consumer and tail.
        with Crew() as clock:
            assert clock.until(lambda: len(marked(tmp_path)) >= 6, 60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert said.strip() == line
    assert marked(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def marked(folder: Path) -> list[int]:
    """The processes that inherited our mark."""
    mark = f"STREAM_TEST_MARK={folder}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes().split(b"\0"):
                found.append(int(process.name))
        except OSError:  # it has ended
            continue
    return found


def test_a_run_that_failed_leaves_no_queue(tmp_path: Path) -> None:
    """On a server that stays, what no measurement has cleared is removed at the end."""
    sqs = BY_ID["sqs"]
    with servers([sqs], real=False) as found:
        places = Places(tmp_path, found.urls, 0.1)
        made = places.make(sqs)
        queues = sqs_client(found.urls["sqs"]).list_queues()["QueueUrls"]
        assert [url.rpartition("/")[2] for url in queues] == [made.name]
        places.close()
        assert "QueueUrls" not in sqs_client(found.urls["sqs"]).list_queues()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("there", [True, False])
def test_redis_is_real_where_it_can_be(monkeypatch: pytest.MonkeyPatch, *, there: bool) -> None:
    """What fakeredis costs says nothing of Redis: it stands in, and is called simulated, alone."""
    monkeypatch.delenv("REDIS_URL", raising=False)
    if not there:
        monkeypatch.setattr("grader.compare.servers.redis.installed", lambda: None)
    elif installed() is None:
        pytest.skip("neither redis-server nor valkey-server is installed")
    with servers([BY_ID["redis"], BY_ID["streams"]], real=False) as found:
        begins = "real: Redis " if there else "simulated: fakeredis "
        assert found.behind["redis"].startswith(begins)
        assert found.behind["streams"] == found.behind["redis"], "one server for both"
        with redis.Redis.from_url(found.urls["redis"]) as client:
            assert client.ping()
    with redis.Redis.from_url(found.urls["redis"]) as client, pytest.raises(redis.ConnectionError):
        client.ping()


def test_a_server_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback of one client or another."""
    places = Places(tmp_path, {"rabbitmq": "amqp://127.0.0.1:1/"}, 0.1)
    with pytest.raises(RunError, match="RabbitMQ does not answer: "):
        places.make(BY_ID["rabbitmq"])
    places.close()
