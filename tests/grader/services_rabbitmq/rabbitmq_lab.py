"""What the tests of RabbitMQ share: a service, the node's processes, and a stand-in for docker."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pika
import pytest

from grader.services.rabbitmq.choice import installed_server
from grader.services.rabbitmq.lease import Broker
from grader.services.rabbitmq.service import RabbitMQService

ROOT = Path(__file__).parents[3]
needs_server = pytest.mark.skipif(
    installed_server() is None, reason="rabbitmq-server is not installed"
)
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def new_service(broker: Broker) -> RabbitMQService:
    """A submission's service, before a listener of its own."""
    service = RabbitMQService(broker)
    listener = socket.create_server(("127.0.0.1", 0))
    service.attach(listener, listener.getsockname()[1])
    return service


def parameters(service: RabbitMQService, **changed: object) -> pika.ConnectionParameters:
    """As a consumer is given them."""
    known = {
        "host": "127.0.0.1",
        "port": service.port,
        "virtual_host": service.virtual_host,
        "credentials": pika.PlainCredentials(service.username, service.password),
    }
    return pika.ConnectionParameters(**{**known, **changed})


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    """A script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def processes_of(supervisor: int) -> dict[str, int]:
    """The live children of a supervisor: name and pid."""
    listed = subprocess.run(
        ["ps", "-o", "stat=,pid=,comm=", "--ppid", str(supervisor)],
        capture_output=True,
        text=True,
        check=False,
    )
    rows = [line.split()[:3] for line in listed.stdout.splitlines()]
    return {name: int(pid) for state, pid, name in rows if not state.startswith("Z")}


def closed_port() -> int:
    """A loopback port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


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


def calls(log: Path) -> list[str]:
    """The commands that a docker was asked for, in order, without their arguments."""
    return [line.split()[0] for line in log.read_text().splitlines()]
