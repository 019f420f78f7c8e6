"""Which RabbitMQ a run takes: the user's own, Docker's image, an installed one, or none."""

from __future__ import annotations

from pathlib import Path

import pytest
from rabbitmq_lab import calls, docker, executable

from grader.doctor import diagnose
from grader.errors import SandboxError, ServiceError
from grader.host import programs
from grader.host.programs import find_program
from grader.services.rabbitmq.broker import (
    NoBroker,
    rabbitmq_url,
    start_broker,
)
from grader.services.rabbitmq.choice import (
    DockerChoice,
    Found,
    ServerChoice,
    find_rabbitmq,
    installed_server,
    read,
    written,
)
from grader.services.rabbitmq.docker import IMAGE
from grader.services.rabbitmq.node import FirstThatStarts, Node
from grader.services.rabbitmq.service import RabbitMQService


def no_engine() -> None:
    """No walls are tried with the stand-in."""
    raise SandboxError("none")


def test_docker_comes_before_an_installed_server(path: Path) -> None:
    """With an engine that has the image, that is used; the server where it does not start."""
    log = docker(path)
    server = ServerChoice(executable(path / "rabbitmq-server"))
    found = find_rabbitmq()
    assert found == Found(DockerChoice(), next_best=server)
    assert found.to_start == (DockerChoice(), server)
    assert "pull" not in calls(log)


def test_an_image_that_can_be_pulled_is(path: Path) -> None:
    """Where the engine has no image yet, it is pulled once before the choice is made."""
    log = docker(path, image="exit 1")
    assert find_rabbitmq().choice == DockerChoice()
    assert calls(log) == ["version", "image", "pull"]


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        ({"image": "exit 1", "pull": "exit 1"}, "Docker could not pull"),
        ({"image": "exit 1", "pull": "exec sleep 60"}, "within 0.5 s"),
        ({"version": "exec sleep 60"}, "the Docker engine gave no answer for 0.5 s"),
        (
            {"version": "echo 'dial unix: connect: permission denied' >&2; exit 1"},
            "does not let this user in",
        ),
    ],
    ids=["cannot pull", "pulls for ever", "hangs", "refuses"],
)
def test_an_engine_that_is_of_no_use_makes_way(
    engine: dict[str, str], why: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installed server is used, after a bounded time, and why is said; without one, too."""
    monkeypatch.setattr("grader.services.docker_engine._PULL_SECONDS", 0.5)
    monkeypatch.setattr("grader.services.docker_engine._PULL_SECONDS_BESIDE", 0.5)
    monkeypatch.setattr("grader.services.docker_engine.ANSWER_SECONDS", 0.5)
    docker(path, **engine)
    with pytest.raises(ServiceError, match=why):
        find_rabbitmq()
    (path.parent / "state" / "stream-course" / "docker-pull-failed-rabbitmq").unlink(
        missing_ok=True
    )
    server = ServerChoice(executable(path / "rabbitmq-server"))
    found = find_rabbitmq()
    assert found.choice == server
    assert why in " ".join(found.passed_over)


def test_a_pull_that_failed_is_not_tried_at_every_check(path: Path) -> None:
    """Not within the hour where an installed server does as well; without one it is."""
    log = docker(path, image="exit 1", pull="exit 1")
    executable(path / "rabbitmq-server")
    find_rabbitmq()
    assert "could not pull rabbitmq:4.4-management 0 min ago" in find_rabbitmq().passed_over[0]
    assert calls(log).count("pull") == 1
    (path / "rabbitmq-server").unlink()
    with pytest.raises(ServiceError, match="could not pull"):
        find_rabbitmq()
    assert calls(log).count("pull") == 2


def test_doctor_finds_out_without_a_pull(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run would use, and why; where the image is in the registry, nothing is pulled yet."""
    monkeypatch.setattr("grader.sandbox.docker.require_engine", no_engine)
    log = docker(path, image="exit 1", manifest="exit 1")
    script = executable(path / "rabbitmq-server")
    (finding,) = [each for each in diagnose().findings if each.name == "RabbitMQ"]
    assert finding.works
    assert finding.said == (
        f"a run uses the installed server ({script}), since Docker has no image {IMAGE} and "
        "cannot pull it"
    )
    docker(path, image="exit 1")
    (finding,) = [each for each in diagnose().findings if each.name == "RabbitMQ"]
    assert finding.said == f"a run uses Docker's image {IMAGE}"
    assert "pull" not in calls(log)


def test_a_run_says_on_standard_error_what_it_uses_instead(
    path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line; the report is on standard output."""
    docker(path, image="exit 1", pull="exit 1")
    script = executable(path / "rabbitmq-server")
    made = []
    monkeypatch.setattr(
        "grader.services.rabbitmq.broker.StartedBroker", lambda *choices: made.append(choices)
    )
    start_broker()
    assert made == [(ServerChoice(script),)]
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == (
        f"RabbitMQ: Docker could not pull {IMAGE}; the installed server ({script}) is used.\n"
    )


class ANode(Node):
    """Says what is done with it."""

    def __init__(self, *, starts: bool, port: int, log: list[str]) -> None:
        self.starts, self.port, self.management_port, self.log = starts, port, port + 1, log

    def spawn(self) -> None:
        self.log.append(f"spawn {self.port}")

    def ready(self) -> bool:
        if not self.starts:
            raise ServiceError(f"{self.port} ended while it started", "Look at it.")
        return True

    @property
    def alive(self) -> bool:
        return self.starts

    def join(self) -> None: ...

    def stop(self) -> None:
        self.log.append(f"stop {self.port}")


def test_what_does_not_start_makes_way_for_the_next() -> None:
    """A container that ends at once is removed, and the installed server started."""
    log: list[str] = []
    node = FirstThatStarts([ANode(starts=k > 1, port=k, log=log) for k in (1, 2, 3)])
    node.wait()
    assert log == ["spawn 1", "stop 1", "spawn 2"]
    assert (node.port, node.management_port, node.alive) == (2, 3, True)
    node.node.starts = False
    with pytest.raises(ServiceError, match=r"^2 ended"):  # it served: a crash is one
        node.ready()


def test_where_none_starts_each_reason_is_said() -> None:
    """Nodes that end while they start are all stopped, and all their reasons are told."""
    log: list[str] = []
    node = FirstThatStarts([ANode(starts=False, port=k, log=log) for k in (1, 2)])
    with pytest.raises(ServiceError, match="1 ended while it started; 2 ended while it started"):
        node.wait()
    assert log == ["spawn 1", "stop 1", "spawn 2", "stop 2"]


def test_what_to_start_crosses_to_another_process() -> None:
    """What is written for it is read as the same choices, in their order."""
    choices = (DockerChoice(), ServerChoice(Path("/usr/sbin/rabbitmq-server")))
    assert read(written(choices)) == choices


def test_a_docker_command_without_an_engine_is_no_docker(path: Path) -> None:
    """The command alone, as on a machine where Docker is stopped, does not count."""
    docker(path, version="exit 1")
    script = executable(path / "rabbitmq-server")
    assert find_rabbitmq() == Found(ServerChoice(script))


def test_the_packages_wrapper_is_passed_by(path: Path, tmp_path: Path) -> None:
    """Debian's command insists on root or rabbitmq; the server's own script does not."""
    wrapper = executable(tmp_path / "lib" / "rabbitmq" / "bin" / "rabbitmq-script-wrapper")
    server = executable(wrapper.with_name("rabbitmq-server"))
    (path / "rabbitmq-server").symlink_to(wrapper)
    assert installed_server() == server


def test_without_any_the_message_says_what_to_install(path: Path) -> None:
    """One sentence that names every way; the broker of the run says it when it is needed."""
    with pytest.raises(ServiceError) as caught:
        find_rabbitmq()
    for way in ("apt-get install rabbitmq-server", "brew install", "Docker", "RABBITMQ_URL"):
        assert way in str(caught.value)
    broker = start_broker()
    assert isinstance(broker, NoBroker)
    with pytest.raises(ServiceError, match="no RabbitMQ on this machine"):
        RabbitMQService(broker)


def test_a_server_outside_path_is_used(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Debian a plain user's PATH lacks /usr/sbin."""
    script = executable(tmp_path / "sbin" / "rabbitmq-server")
    monkeypatch.setattr(programs, "ELSEWHERE", (str(tmp_path / "sbin"),))
    assert find_rabbitmq() == Found(ServerChoice(script))
    assert find_program("rabbitmq-server") == str(script)


def test_public_tests_get_a_url(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """`rabbitmq_url` says what to install where there is none, for a test to be skipped with."""
    with pytest.raises(ServiceError, match="Install"), rabbitmq_url():
        raise AssertionError("there is none")
