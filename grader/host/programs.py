"""Server programs: where they are installed, an ordinary user's PATH may not look."""

from __future__ import annotations

import os
import shutil

ELSEWHERE = (
    "/usr/sbin",
    "/usr/local/sbin",
    "/usr/lib/rabbitmq/bin",
    "/usr/lib/erlang/bin",
    "/opt/homebrew/sbin",
    "/opt/homebrew/bin",
    "/usr/local/opt/rabbitmq/sbin",
)
"""Where packages of Debian, Fedora and Homebrew put them."""


def search_path() -> str:
    """PATH, and after it the folders of server programs."""
    return os.pathsep.join((os.environ.get("PATH", os.defpath), *ELSEWHERE))


def find_program(name: str) -> str | None:
    """Return the program's path, or None where it is not installed."""
    return shutil.which(name, path=search_path())
