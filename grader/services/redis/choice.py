"""Which Redis this machine offers: REDIS_URL, an installed server, fakeredis."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial

from grader.errors import ServiceError
from grader.host.programs import find_program
from grader.services.redis.answering import redis_problem, redis_version
from grader.services.redis.private import PrivateServer
from grader.services.redis.server import EmbeddedServer, OwnServer, Server
from grader.services.redis.url import URL_VARIABLE, parse_url

PROGRAMS = ("redis-server", "valkey-server")
OLDEST = (7, 0)
"""The first version that tells a group's lag, and counts what XAUTOCLAIM found deleted."""
INSTALL = (
    "Install one (`sudo apt-get install redis-server`, `brew install redis`), "
    f"or set {URL_VARIABLE}."
)
_SECONDS = 10
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
    program: str = ""
    """The installed server, where it is one."""


def find_redis(*, own: bool = True) -> Found:
    """Return what this machine offers, found by trying.

    The first that can be used of `REDIS_URL` (with `own`), an installed server, and fakeredis.
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
    return Found(EmbeddedServer, EmbeddedServer.in_words, tuple(passed_over))


def installed(passed_over: list[str] | None = None) -> str | None:
    """Return the program that can be used, or None; why another cannot goes to `passed_over`."""
    for program in filter(None, map(find_program, PROGRAMS)):
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


@cache
def version_of(program: str) -> str:
    """Return the name and version of an installed server, such as `Redis 7.0.15`.

    Raises:
        ServiceError: it cannot be run, or is too old.
    """
    try:
        said = subprocess.run(  # noqa: S603 - an installed server
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_SECONDS,
            check=False,
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
