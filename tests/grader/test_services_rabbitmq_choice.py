"""Which RabbitMQ is chosen, and how a container of it is started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.doctor import diagnose
from grader.errors import SandboxError, ServiceError
from grader.host import programs
from grader.host.programs import find_program
from grader.services.docker_engine import sweep_containers
from grader.services.rabbitmq.broker import (
    NoBroker,
    UsersBroker,
    rabbitmq_url,
    start_broker,
)
from grader.services.rabbitmq.choice import (
    DockerChoice,
    Found,
    OwnBroker,
    ServerChoice,
    find_rabbitmq,
    installed_server,
    parse_url,
    read,
    written,
)
from grader.services.rabbitmq.docker import IMAGE, DockerNode
from grader.services.rabbitmq.node import FirstThatStarts, Login, Node
from grader.services.rabbitmq.service import RabbitMQService
from grader.suite.settle import settled

FAKE_DOCKER = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  version) {version} ;;
  image) {image} ;;
  pull) {pull} ;;
  manifest) {manifest} ;;
  port) case "$3" in 5672/tcp) echo 127.0.0.1:49153 ;; *) echo 127.0.0.1:49154 ;; esac ;;
  ps) echo "left 1-1" ;;
  run) echo "$RABBITMQ_DEFAULT_USER:$RABBITMQ_DEFAULT_PASS" >> "{log}"; exec sleep 30 ;;
esac
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder, with nothing in it but `sleep`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(programs, "ELSEWHERE", ())
    return folder


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def docker(
    folder: Path, *, version: str = "", image: str = "", pull: str = "", manifest: str = ""
) -> Path:
    """A docker command that writes down how it is called; the file it writes to.

    What its commands do is shell: nothing is success, `exit 1` a failure, `sleep 60` a hang.
    """
    log = folder.parent / "docker.log"
    said = {"version": version, "image": image, "pull": pull, "manifest": manifest}
    executable(folder / "docker", FAKE_DOCKER.format(log=log, **said))
    return log


def no_engine() -> None:
    """No walls are tried with the stand-in."""
    raise SandboxError("none")


def calls(log: Path) -> list[str]:
    """The commands that a docker was asked for, in order, without their arguments."""
    return [line.split()[0] for line in log.read_text().splitlines()]


# The choice ------------------------------------------------------------------------


def test_the_users_own_broker_comes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RABBITMQ_URL wins over Docker and an installed server; escapes in it are undone."""
    log = docker(path)
    executable(path / "rabbitmq-server")
    asked = []
    monkeypatch.setattr(
        "grader.services.rabbitmq.choice.rabbitmq_problem", lambda *words: asked.append(words) or ""
    )
    monkeypatch.setenv("RABBITMQ_URL", "amqp://ann:s%2Fcret@broker:5673/my%2Fhost")
    assert find_rabbitmq() == Found(OwnBroker("broker", 5673, "ann", "s/cret", "my/host"))
    assert isinstance(start_broker(), UsersBroker)
    assert asked[0] == ("broker", 5673, "ann", "s/cret", "my/host")
    assert not log.exists()


@pytest.mark.parametrize("url", ["amqp://127.0.0.1:{port}/", "http://no-broker"])
def test_a_users_broker_that_cannot_be_used_makes_way(
    url: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody answers, or it is no URL: the next one is used, and why is said."""
    server = ServerChoice(executable(path / "rabbitmq-server"))
    monkeypatch.setenv("RABBITMQ_URL", url.format(port=closed_port()))
    found = find_rabbitmq()
    assert found.choice == server
    assert len(found.passed_over) == 1
    assert "RABBITMQ_URL" in found.passed_over[0]


def test_docker_comes_before_an_installed_server(path: Path) -> None:
    """With an engine that has the image, that is used; the server where it does not start."""
    log = docker(path)
    server = ServerChoice(executable(path / "rabbitmq-server"))
    found = find_rabbitmq()
    assert found == Found(DockerChoice(), next_best=server)
    assert found.to_start == (DockerChoice(), server)
    assert "pull" not in calls(log)


def test_an_image_that_can_be_pulled_is(path: Path) -> None:
    """With the progress on standard error."""
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
    """And everything is stopped."""
    log: list[str] = []
    node = FirstThatStarts([ANode(starts=False, port=k, log=log) for k in (1, 2)])
    with pytest.raises(ServiceError, match="1 ended while it started; 2 ended while it started"):
        node.wait()
    assert log == ["spawn 1", "stop 1", "spawn 2", "stop 2"]


def test_what_to_start_crosses_to_another_process() -> None:
    """In order."""
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


@pytest.mark.parametrize(
    "url", ["localhost:5672", "amqps://a:secret@h/", "amqp://h:port/", "http://h"]
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    """One sentence that names the variable, and never shows a password."""
    with pytest.raises(ServiceError, match="RABBITMQ_URL") as caught:
        parse_url(url)
    assert "secret" not in str(caught.value)


def test_a_url_without_parts_has_the_defaults() -> None:
    """As amqp's URL specification and the server have them: guest, 5672, virtual host /."""
    assert parse_url("amqp://h") == OwnBroker("h", 5672, "guest", "guest", "/")


def test_nobody_at_the_users_url_is_a_service_error() -> None:
    """A broker that does not run costs nobody points."""
    broker = UsersBroker(OwnBroker("127.0.0.1", closed_port(), "guest", "guest", "/"))
    with pytest.raises(ServiceError, match="which RABBITMQ_URL names"):
        broker.lease()


def test_public_tests_get_a_url(monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
    """`rabbitmq_url` says what to install where there is none, for a test to be skipped with."""
    with pytest.raises(ServiceError, match="Install"), rabbitmq_url():
        raise AssertionError("there is none")


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


# Docker ----------------------------------------------------------------------------


def test_the_container_is_on_loopback_and_its_password_in_no_process_list(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`docker run` publishes on 127.0.0.1, passes the login by environment, and is removed."""
    log = docker(path)
    monkeypatch.setattr(DockerNode, "answers", lambda self: True)
    login = Login.random()
    node = DockerNode(login)
    node.wait()
    assert (node.port, node.management_port) == (49153, 49154)
    assert "127.0.0.1::5672 " in " ".join(node.command)
    assert "127.0.0.1::15672 " in " ".join(node.command)
    assert node.command[-1] == IMAGE
    assert login.password not in " ".join(node.command)
    # `docker run` goes on beside us: what it was given is written when it gets that far.
    given = f"{login.username}:{login.password}"
    assert not settled(lambda: [] if given in log.read_text() else ["not yet"], within=60)
    node.stop()
    assert not node.alive
    assert "rm --force --volumes stream-rabbitmq-" in log.read_text()


def test_containers_of_a_killed_run_are_removed(path: Path) -> None:
    """A container whose label names a process that has ended is removed, by its name."""
    log = docker(path)
    sweep_containers()
    assert "rm --force --volumes left" in log.read_text()


def test_an_image_that_cannot_be_pulled_is_a_service_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback, and not a verdict."""
    docker(path, image="exit 1", pull="exit 1")
    broker = start_broker()
    with pytest.raises(ServiceError, match="could not pull"):
        broker.lease()
