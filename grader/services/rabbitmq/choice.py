"""Which RabbitMQ this machine offers: RABBITMQ_URL, Docker, an installed server."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from grader.errors import ServiceError
from grader.host.programs import find_program
from grader.services.docker_engine import ORDINARY, engine_problem
from grader.services.rabbitmq.answering import rabbitmq_problem
from grader.services.rabbitmq.docker import IMAGE, DockerNode, fetch_image
from grader.services.rabbitmq.node import FirstThatStarts, Login
from grader.services.rabbitmq.private import PrivateNode

URL_VARIABLE = "RABBITMQ_URL"
_DEBIAN_WRAPPER = "rabbitmq-script-wrapper"
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


Startable = DockerChoice | ServerChoice
Choice = OwnBroker | Startable


@dataclass(frozen=True)
class Found:
    """The RabbitMQ to use, and why."""

    choice: Choice
    passed_over: tuple[str, ...] = ()
    """What comes before it and cannot be used: a sentence each."""
    next_best: ServerChoice | None = None
    """What to start where `choice` does not start."""

    @property
    def in_words(self) -> str:
        """Return what is used, for a person."""
        match self.choice:
            case OwnBroker(host, port):
                return f"the broker at {host}:{port}, which {URL_VARIABLE} names,"
            case DockerChoice():
                return f"Docker's image {IMAGE}"
            case ServerChoice(script):
                return f"the installed server ({script})"

    @property
    def to_start(self) -> tuple[Startable, ...]:
        """Return what to try to start, in order; nothing where the broker runs already."""
        if isinstance(self.choice, OwnBroker):
            return ()
        return (self.choice, self.next_best) if self.next_best else (self.choice,)


class GetImage(Protocol):
    """A function that gets Docker's image, or raises a ServiceError."""

    def __call__(self, *, alone: bool) -> None:
        """`alone`: nothing else can serve."""


def find_rabbitmq(*, own_broker: bool = True, get_image: GetImage = fetch_image) -> Found:
    """Return what this machine offers, found by trying.

    The first that can be used of `RABBITMQ_URL` (with `own_broker`), a Docker engine that has the
    image or can get it, and an installed server. The image is pulled, if not told otherwise.

    Raises:
        ServiceError: there is none.
    """
    passed_over: list[ServiceError] = []
    url = os.environ.get(URL_VARIABLE, "")
    if own_broker and url:
        try:
            own = parse_url(url)
            require_answer(own)
            return Found(own)
        except ServiceError as error:
            passed_over.append(error)
    script = installed_server()
    server = None if script is None else ServerChoice(script)
    if problem := engine_problem():
        if problem not in ORDINARY:
            passed_over.append(ServiceError(problem))
    else:
        try:
            get_image(alone=server is None)
            return Found(DockerChoice(), _sentences(passed_over), server)
        except ServiceError as error:
            passed_over.append(error)
    if server is not None:
        return Found(server, _sentences(passed_over))
    if not passed_over:
        raise ServiceError("there is no RabbitMQ on this machine", _INSTALL)
    helps = dict.fromkeys(error.help for error in passed_over if error.help)
    raise ServiceError(
        "there is no RabbitMQ to use: " + "; ".join(_sentences(passed_over)),
        " ".join(helps) or _INSTALL,
    )


def _sentences(errors: list[ServiceError]) -> tuple[str, ...]:
    return tuple(error.message for error in errors)


def require_answer(own: OwnBroker) -> None:
    """Find out whether a broker of the user's own lets the grader in.

    Raises:
        ServiceError: it does not.
    """
    place = (own.host, own.port, own.username, own.password, own.virtual_host)
    if problem := rabbitmq_problem(*place):
        raise ServiceError(
            f"{problem} at {own.host}:{own.port}, which {URL_VARIABLE} names",
            f"Start it, correct {URL_VARIABLE}, or unset it.",
        )


def written(choices: Sequence[Startable]) -> str:
    """Return what to start, as a word for another process; :func:`read` reads it."""
    return json.dumps([str(c.script) if isinstance(c, ServerChoice) else "" for c in choices])


def read(choices: str) -> tuple[Startable, ...]:
    """Return what :func:`written` wrote."""
    scripts: list[str] = json.loads(choices)
    return tuple(ServerChoice(Path(each)) if each else DockerChoice() for each in scripts)


def first_that_starts(
    choices: Sequence[Startable], login: Login, *, port: int = 0, management_port: int = 0
) -> FirstThatStarts:
    """Start a node of the first of `choices` that starts; a port of 0 is any."""
    ports = {"port": port, "management_port": management_port}
    return FirstThatStarts(
        [
            DockerNode(login, **ports)
            if isinstance(choice, DockerChoice)
            else PrivateNode(choice.script, login, **ports)
            for choice in choices
        ]
    )


def installed_server() -> Path | None:
    """Return the script that runs the server in this process's name, or None."""
    found = find_program("rabbitmq-server")
    if found is None:
        return None
    real = Path(found).resolve()
    if real.name == _DEBIAN_WRAPPER:
        # The packages' wrapper insists on root or rabbitmq, and turns root into rabbitmq.
        return real.with_name("rabbitmq-server")
    return Path(found)


def parse_url(url: str) -> OwnBroker:
    """Return the parts of an AMQP URL, as in rabbitmq.com/docs/uri-spec.

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
