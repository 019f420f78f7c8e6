"""A container that serves a suite, in a stand-in for Docker's engine or in a real one."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits
from grader.sandbox import docker_run, empty_image
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.setup import Setup
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback

CODE = b"""\
import subprocess, time

def double(items, handle):
    for item in items:
        handle(2 * item)
    return len(items)

def leave():
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
"""
SETUP = Setup(files={"sample.py": CODE}, ports=[6379], limits=Limits(seconds=10, memory_mb=512))


@contextmanager
def no_engine_known() -> Iterator[None]:
    """Begin and end without what was found out of an engine: another has something else."""

    def forget() -> None:
        for found in (empty_image.require, docker_run._driver):  # noqa: SLF001 - their caches
            found.cache_clear()

    forget()
    yield
    forget()


def fake_docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a docker that runs containers in bubblewrap into `folder`, and that into PATH; the file of its calls."""
    folder.chmod(0o755)
    shutil.copy(Path(__file__).parent / "docker_by_bubblewrap.py", folder / "fake.py")
    command = folder / "docker"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/fake.py "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "calls"


def serve() -> dict[str, Any]:
    """Call the sample in a container, and leave a process behind; what was seen."""
    with DockerSandbox(SETUP) as sandbox:
        consumer = Consumer(Lab(sandbox))
        run = consumer.start("sample.double", [1, 2], Callback("handle"))
        seen = run.drain()
        consumer.process().start("sample.leave").next()
        names = {each.name for each in sandbox.processes()}
        consumer.close()
        sandbox.end_processes()
        left = [each for each in sandbox.processes() if not each.zombie]
        return {"seen": seen, "names": names, "left": left, "base": sandbox.base}


def serve_from_an_odd_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket's path may have 107 bytes, and Docker's options are cut at colons and commas."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder, 'a:b,c=d "e"', "x" * 120)
        home.mkdir(parents=True)
        for path in (home, *home.parents[:2]):
            path.chmod(0o755)
        monkeypatch.setattr(tempfile, "tempdir", str(home))
        found = serve()
        assert found["base"].is_relative_to(home)
        assert found["seen"] == [2, 4]
