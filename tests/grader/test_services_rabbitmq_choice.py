"""Which RabbitMQ is chosen, and how a container of it is started."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from grader.errors import ServiceError
from grader.services import rabbitmq_choice, rabbitmq_docker
from grader.services.rabbitmq import RabbitMQService
from grader.services.rabbitmq_broker import (
    NoBroker,
    UsersBroker,
    rabbitmq_url,
    start_broker,
)
from grader.services.rabbitmq_choice import (
    DockerChoice,
    OwnBroker,
    ServerChoice,
    find_rabbitmq,
    installed_server,
    parse_url,
)
from grader.services.rabbitmq_docker import IMAGE, DockerNode, sweep_containers
from grader.services.rabbitmq_node import Login

FAKE_DOCKER = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$1" in
  version) exit {engine} ;;
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
    monkeypatch.setattr(rabbitmq_choice, "_ELSEWHERE", ())
    return folder


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def docker(folder: Path, *, engine: bool) -> Path:
    """A docker command that writes down how it is called; the file it writes to."""
    log = folder.parent / "docker.log"
    text = FAKE_DOCKER.format(log=log, engine=0 if engine else 1)
    executable(folder / "docker", text)
    return log


# The choice ------------------------------------------------------------------------


def test_the_users_own_broker_comes_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """RABBITMQ_URL wins over Docker and an installed server; escapes in it are undone."""
    docker(path, engine=True)
    executable(path / "rabbitmq-server")
    monkeypatch.setenv("RABBITMQ_URL", "amqp://ann:s%2Fcret@broker:5673/my%2Fhost")
    assert find_rabbitmq() == OwnBroker("broker", 5673, "ann", "s/cret", "my/host")
    assert isinstance(start_broker(), UsersBroker)


def test_docker_comes_before_an_installed_server(path: Path) -> None:
    """With an engine that answers, the official image is used."""
    docker(path, engine=True)
    executable(path / "rabbitmq-server")
    assert find_rabbitmq() == DockerChoice()


def test_a_docker_command_without_an_engine_is_no_docker(path: Path) -> None:
    """The command alone, as on a machine where Docker is stopped, does not count."""
    docker(path, engine=False)
    script = executable(path / "rabbitmq-server")
    assert find_rabbitmq() == ServerChoice(script)


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


def test_a_server_outside_path_is_pointed_out(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Debian a plain user's PATH lacks /usr/sbin: the message says so."""
    executable(tmp_path / "sbin" / "rabbitmq-server")
    monkeypatch.setattr(rabbitmq_choice, "_ELSEWHERE", (str(tmp_path / "sbin"),))
    with pytest.raises(ServiceError, match="not in PATH"):
        find_rabbitmq()


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
    log = docker(path, engine=True)
    monkeypatch.setattr(DockerNode, "answers", lambda self: True)
    login = Login.random()
    node = DockerNode(login)
    node.wait()
    assert (node.port, node.management_port) == (49153, 49154)
    assert "127.0.0.1::5672 " in " ".join(node.command)
    assert "127.0.0.1::15672 " in " ".join(node.command)
    assert node.command[-1] == IMAGE
    assert login.password not in " ".join(node.command)
    assert f"{login.username}:{login.password}" in log.read_text()
    node.stop()
    assert not node.alive
    assert "rm --force --volumes stream-rabbitmq-" in log.read_text()


def test_containers_of_a_killed_run_are_removed(path: Path) -> None:
    """A container whose label names a process that has ended is removed, by its name."""
    log = docker(path, engine=True)
    sweep_containers()
    assert "rm --force --volumes left" in log.read_text()


def test_an_image_that_cannot_be_pulled_is_a_service_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback, and not a verdict."""
    executable(path / "docker", "#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(rabbitmq_choice, "engine_answers", lambda: True)
    broker = start_broker()
    with pytest.raises(ServiceError, match="could not pull"):
        broker.lease()
    assert rabbitmq_docker.engine_answers() is False
