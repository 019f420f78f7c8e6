"""A service's container: tried again where it ended once, and its reason reaches the user."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from grader.errors import ServiceError
from grader.services.docker_container import Container
from grader.services.rabbitmq.docker import DockerNode
from grader.services.rabbitmq.node import Login
from grader.services.redis.docker import DockerServer

FULL = "docker: Error response from daemon: no space left on device."


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker whose containers end at once, but for the one of number `lives`; its runs."""
    log = tmp_path / "runs"
    command = tmp_path / "bin" / "docker"
    command.parent.mkdir()
    command.write_text(f"""#!/bin/sh
[ "$1" = run ] || exit 1
echo run >> {log}
[ "$(wc -l < {log})" = "$(cat {tmp_path}/lives)" ] && exec sleep 60
echo "{FULL}" >&2
exit 125
""")
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:/usr/bin:/bin")
    (tmp_path / "lives").write_text("0")
    return log


def check_until(container: Container, seconds: float = 20) -> None:
    """Ask as its owners do, until it has been started twice and lives."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        container.check_starting()
        time.sleep(0.01)


def test_a_container_that_ends_once_is_started_again(runs: Path) -> None:
    """A port may have been taken meanwhile, or the engine was busy."""
    (runs.parent / "lives").write_text("2")
    container = Container("test", "image:1", 60)
    container.start(["image:1"], {})
    try:
        container.ended(20)
        container.check_starting()
        assert not container.ended(0.2)
        assert runs.read_text().split() == ["run", "run"]
    finally:
        container.stop()
    assert not container.alive


def test_one_that_ends_twice_says_why(runs: Path) -> None:
    """What docker printed, and the command to run by hand."""
    container = Container("test", "image:1", 60)
    container.start(["image:1"], {})
    with pytest.raises(ServiceError) as caught:
        check_until(container)
    container.stop()
    assert caught.value.message == (f"the container of image:1 ended while it started: {FULL}")
    assert "docker run --rm" in caught.value.help
    assert runs.read_text().split() == ["run", "run"]


def test_the_services_say_why_too(runs: Path) -> None:
    """RabbitMQ's supervisor, and a submission's Redis."""
    node = DockerNode(Login.random())
    with pytest.raises(ServiceError, match="no space left on device"):
        node.wait()
    node.stop()
    server = DockerServer()
    server.start()
    with pytest.raises(ServiceError, match="no space left on device"):
        server.connect()
    server.stop()
    assert len(runs.read_text().split()) == 4


def test_a_restarted_container_keeps_no_old_port(runs: Path) -> None:
    """The second one publishes others."""
    node = DockerNode(Login.random())
    node.spawn()
    node.port = node.management_port = 1
    node._container.ended(20)  # noqa: SLF001 - so that the next look starts it again
    assert not node.ready()
    assert (node.port, node.management_port) == (0, 0)
    node.stop()


def test_a_docker_that_cannot_be_run_is_a_service_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="docker cannot be run: No such file"):
        Container("test", "image:1", 60).start(["image:1"], {})
