"""Which RabbitMQ this machine offers: RABBITMQ_URL, Docker, an installed server."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from grader.errors import ServiceError
from grader.services.rabbitmq_docker import DockerNode, engine_answers
from grader.services.rabbitmq_node import Login, Node
from grader.services.rabbitmq_private import PrivateNode

URL_VARIABLE = "RABBITMQ_URL"
_DEBIAN_WRAPPER = "rabbitmq-script-wrapper"
_ELSEWHERE = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_INSTALL = (
    "Install it (`sudo apt-get install rabbitmq-server`, `brew install rabbitmq`), "
    f"start Docker, or set {URL_VARIABLE}."
)


@dataclass(frozen=True)
class OwnBroker:
    """A broker that the user runs: `RABBITMQ_URL`."""

    host: str
    port: int
    username: str
    password: str
    virtual_host: str


@dataclass(frozen=True)
class DockerChoice:
    """The official image."""


@dataclass(frozen=True)
class ServerChoice:
    """An installed server."""

    script: Path


Choice = OwnBroker | DockerChoice | ServerChoice


def find_rabbitmq(*, own_broker: bool = True) -> Choice:
    """What to use: `RABBITMQ_URL` (with `own_broker`), else Docker, else an installed server.

    Raises:
        ServiceError: there is none, or `RABBITMQ_URL` cannot be used.
    """
    url = os.environ.get(URL_VARIABLE, "")
    if own_broker and url:
        return parse_url(url)
    if engine_answers():
        return DockerChoice()
    if (script := installed_server()) is not None:
        return ServerChoice(script)
    for folder in _ELSEWHERE:
        if (Path(folder) / "rabbitmq-server").exists():
            raise ServiceError(
                f"rabbitmq-server is installed in {folder}, which is not in PATH",
                f"Run `export PATH=$PATH:{folder}`.",
            )
    raise ServiceError("there is no RabbitMQ on this machine", _INSTALL)


def node_maker(choice: Choice) -> Callable[[Login, int, int], Node]:
    """What makes a node of that choice, of a login and the two wanted ports (0: any)."""
    match choice:
        case ServerChoice(script):
            return lambda login, port, management: PrivateNode(
                script, login, port=port, management_port=management
            )
        case DockerChoice():
            return lambda login, port, management: DockerNode(
                login, port=port, management_port=management
            )
        case OwnBroker():
            raise TypeError("a broker of the user's own is not started")


def installed_server() -> Path | None:
    """The script that runs the server in this process's name, of the server in PATH."""
    found = shutil.which("rabbitmq-server")
    if found is None:
        return None
    real = Path(found).resolve()
    if real.name == _DEBIAN_WRAPPER:
        # The packages' wrapper insists on root or rabbitmq, and turns root into rabbitmq.
        return real.with_name("rabbitmq-server")
    return Path(found)


def parse_url(url: str) -> OwnBroker:
    """The parts of an AMQP URL, as in rabbitmq.com/docs/uri-spec.

    Raises:
        ServiceError: it is not one that can be used.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 5672
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "amqp" or not parts.hostname:
        # The value may hold a password, so it is not shown.
        raise ServiceError(
            f"{URL_VARIABLE} is not a URL such as amqp://guest:guest@localhost:5672/",
            "Correct it, or unset it to use a private broker; TLS (amqps) is not supported.",
        )
    return OwnBroker(
        parts.hostname,
        port,
        unquote(parts.username or "guest"),
        unquote(parts.password or "guest"),
        unquote(parts.path[1:]) or "/",
    )
