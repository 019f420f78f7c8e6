"""nbgrader's own programs: its commands, its formgrader, and a notebook that is filled in."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from command_line import wait_for

from grader.services.rabbitmq.private import free_ports

PROGRAMS = Path(sys.executable).parent


def environment(folder: Path) -> dict[str, str]:
    """With nbgrader's programs in PATH, and a home of its own."""
    return os.environ | {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": str(folder)}


def nbgrader(folder: Path, *args: str) -> None:
    """Run a stock command in an nbgrader course."""
    done = subprocess.run(
        [str(PROGRAMS / "nbgrader"), *args],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment(folder),
    )
    assert done.returncode == 0, done.stderr


def listens(port: int) -> bool:
    """Whether something takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def formgrader(folder: Path) -> Iterator[Callable[..., Any]]:
    """The formgrader of an nbgrader course, in a Jupyter server of this test's own."""
    (port,) = free_ports(0)
    token = secrets.token_hex()
    command = [str(PROGRAMS / "jupyter"), "server", "--no-browser", "--allow-root"]
    command += [
        "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
    ]
    command += [f"--IdentityProvider.token={token}"]

    def ask(path: str, change: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/formgrader/{path}",
            data=None if change is None else json.dumps(change).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
            method="GET" if change is None else "PUT",
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - as above
            text = answer.read().decode()
        return json.loads(text) if path.startswith("api/") else text

    with subprocess.Popen(
        command, cwd=folder, stderr=subprocess.PIPE, text=True, env=environment(folder)
    ) as server:
        assert server.stderr is not None
        try:
            # It says where it runs shortly before it listens there.
            assert any(f"http://127.0.0.1:{port}/" in line for line in server.stderr)
            wait_for(lambda: listens(port))
            yield ask
        finally:
            server.terminate()


Notebook = dict[str, Any]


def solve(notebook: Notebook, code: str) -> None:
    """Write `code` into the solution cell."""
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution"):
            cell["source"] = code
