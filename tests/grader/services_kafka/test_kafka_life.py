"""The cluster's process, and the client on this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from kafka_lab import SECONDS, cluster_of, needs_linux, new_service

from grader.errors import ServiceError
from grader.host.identity import Identity
from grader.services.kafka import library
from grader.services.kafka.answering import SERVERS_VARIABLE
from grader.services.kafka.kind import KafkaKind
from grader.services.kafka.library import PINNED, client_version, find_library
from grader.services.kafka.service import KafkaService

ROOT = Path(__file__).parents[3]


def test_submissions_have_nothing_in_common(kafka: KafkaService) -> None:
    """One's topics and groups are on no other's cluster."""
    other = new_service()
    try:
        other.create_topic("trips", 1)
        kafka.produce("trips", [b"mine"])
        assert other.read("trips") == []
    finally:
        other.close()


def test_nothing_of_it_is_left() -> None:
    """A second close does nothing."""
    kafka = new_service()
    kafka.check()
    process = Identity.of(cluster_of(kafka).pid)
    kafka.close()
    kafka.close()
    assert not process.alive


@needs_linux
def test_a_killed_graders_cluster_ends() -> None:
    """It reads that its orders have ended; nothing is left to sweep."""
    code = """
        import os, signal
        from grader.services.kafka.library import find_library
        from grader.services.kafka.private import PrivateCluster

        cluster = PrivateCluster(find_library())
        cluster.start()
        cluster.connect().close()
        print(cluster.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    said = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert said.returncode == -signal.SIGKILL, said.stderr
    pid = int(said.stdout)
    deadline = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}/exe").exists()


def test_it_outlives_the_thread_that_started_it() -> None:
    """A suite may start one beside its tests."""
    made: list[KafkaService] = []
    starter = threading.Thread(target=lambda: made.append(new_service()))
    starter.start()
    starter.join()
    (kafka,) = made
    kafka.check()
    kafka.check()
    kafka.close()


def test_a_cluster_that_dies_is_no_failure_of_a_students(kafka: KafkaService) -> None:
    """`check` says so, also when it is asked again, and it was not shared."""
    kafka.check()
    os.kill(cluster_of(kafka).pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(ServiceError, match="Kafka ended"):
            kafka.check()
    assert not kafka.exceeded
    assert not kafka.shared
    with pytest.raises(ServiceError):
        kafka.create_topic("more")


def test_a_fork_after_the_import_works() -> None:
    """The first process of a sandbox imports the client, and the students' are forked from it."""
    code = """
        import os, threading
        import confluent_kafka
        print(len(os.listdir("/proc/self/task")) if os.path.exists("/proc/self/task") else 1)
        if os.fork() == 0:
            producer = confluent_kafka.Producer({"bootstrap.servers": "127.0.0.1:%d" % PORT})
            producer.produce("trips", b"from the fork")
            os._exit(producer.flush(10))
        raise SystemExit(os.waitstatus_to_exitcode(os.wait()[1]))
    """
    kafka = new_service()
    kafka.create_topic("trips", 1)
    text = textwrap.dedent(code).replace("PORT", str(kafka.port))
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1\n"  # thread: the library has started none
    assert [each.value for each in kafka.read("trips")] == [b"from the fork"]
    kafka.close()


def test_the_preload_names_the_client() -> None:
    """So that no student's process waits for its import."""
    assert KafkaKind.clients == ("confluent_kafka",)


def test_doctor_names_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that is installed; and the pinned one where it is another."""
    monkeypatch.delenv(SERVERS_VARIABLE, raising=False)
    assert KafkaKind().look() == f"a run uses the mock cluster of confluent-kafka {PINNED}"
    monkeypatch.setattr(library, "PINNED", "2.99.0")
    assert KafkaKind().look().endswith(f"confluent-kafka {PINNED}; pinned is 2.99.0")


def test_the_pinned_version_is_the_locked_one() -> None:
    """The mock's interface is called experimental: doctor, lock and installation say one version."""
    locked = f"\nconfluent-kafka=={PINNED} "
    for lock in ("requirements.lock", "requirements-instructor.lock"):
        assert locked in (ROOT / lock).read_text()
    assert client_version() == PINNED


def test_without_the_mock_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on; whoever asks for a cluster is told what is missing and how to get it."""
    monkeypatch.setitem(library.PROTOTYPES, "rd_kafka_mock_of_another_version", (None, ()))
    with pytest.raises(ServiceError, match="lacks rd_kafka_mock_of_another_version") as missing:
        KafkaKind().look()
    assert "pip install" in missing.value.help
    with KafkaKind().prepare() as factory, pytest.raises(ServiceError, match="no mock cluster"):
        factory()


def test_without_the_client_nothing_is_graded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says so."""
    monkeypatch.setattr(library, "PACKAGE", "confluent-kafka-of-nobody")
    with pytest.raises(ServiceError, match="is not installed"):
        find_library()


@pytest.mark.parametrize(
    "place",
    [
        "confluent_kafka.libs/librdkafka-0cb94173.so.1",
        "confluent_kafka/.dylibs/librdkafka.1.dylib",
        "confluent_kafka.libs/librdkafka-7ab3.dll",
        "confluent_kafka/cimpl.cpython-313-darwin.so",
        "confluent_kafka/cimpl.cp312-win_amd64.pyd",
    ],
)
def test_the_library_is_found_where_a_wheel_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """On Linux and Windows beside the package, on macOS in it, else behind the extension."""
    package = tmp_path / "confluent_kafka"
    package.mkdir()
    (package / "__init__.py").touch()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).symlink_to(find_library())
    monkeypatch.setattr(
        library, "find_spec", lambda _: type("Spec", (), {"origin": str(package / "__init__.py")})
    )
    assert find_library() == tmp_path / place


def test_a_cluster_of_the_users_is_for_demos(
    monkeypatch: pytest.MonkeyPatch, kafka: KafkaService
) -> None:
    """KAFKA_BOOTSTRAP_SERVERS is looked at and told; a run does not go there."""
    monkeypatch.setenv(SERVERS_VARIABLE, f"127.0.0.1:{kafka.port}")
    assert (
        KafkaKind()
        .look()
        .endswith(f"demos go to 127.0.0.1:{kafka.port}, which {SERVERS_VARIABLE} names")
    )
    with KafkaKind().prepare() as factory:
        own = factory()
        own.check()
        own.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv(SERVERS_VARIABLE, where)
        with pytest.raises(ServiceError, match=f"no Kafka answers at {where}"):
            KafkaKind().look()
