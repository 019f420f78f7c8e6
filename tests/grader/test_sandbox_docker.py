"""The sandbox from Docker: when it is taken, what it asks of the engine, and that it serves."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits
from grader.errors import SandboxError
from grader.sandbox import choice, docker
from grader.sandbox.base import Setup
from grader.sandbox.docker import IMAGE, DockerSandbox
from grader.sandbox.probe import Wall, probe, require
from grader.sandbox.process import ProcessSandbox
from grader.services.docker_engine import engine_answers
from grader.suite import Returned
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


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A docker command that runs containers in bubblewrap; the file of its calls."""
    with tempfile.TemporaryDirectory() as name:
        yield fake_docker(Path(name), monkeypatch)


def fake_docker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put it into `folder`, and that into PATH."""
    folder.chmod(0o755)
    shutil.copy(Path(__file__).parent / "docker_by_bubblewrap.py", folder / "fake.py")
    command = folder / "docker"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/fake.py "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "calls"


def runs(calls: Path) -> list[list[str]]:
    """The arguments of each `docker run`."""
    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    return [line for line in lines if line[0] == "run"]


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


def test_a_container_serves_the_suite_as_any_sandbox(calls: Path) -> None:
    """Calls, callbacks, processes outside of the call, and nothing left afterwards."""
    found = serve()
    assert found["seen"] == [2, 4]
    assert "sleep" in found["names"]
    assert not found["left"]
    assert not found["base"].exists()
    assert len(runs(calls)) == 1


def test_the_container_has_no_network_no_rights_and_limits(calls: Path) -> None:
    """As `docker run` is called."""
    serve()
    (command,) = runs(calls)
    text = " ".join(command)
    for words in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 64",
        "--memory 512m --memory-swap 512m",
        "--ulimit core=0",
        "--tmpfs /tmp:size=64m,mode=1777 --tmpfs /state:size=64m,mode=1777",
        "--rm",
    ):
        assert words in text
    assert IMAGE in command
    assert "--user 0:" not in text
    volumes = [command[i + 1] for i, word in enumerate(command) if word == "--volume"]
    assert all(volume.endswith(":ro") for volume in volumes)
    assert not any("hidden" in volume or "solutions" in volume for volume in volumes)


def test_a_name_with_two_results_is_told_apart(calls: Path) -> None:
    """Two sandboxes at a time are two containers."""
    with DockerSandbox(SETUP) as one, DockerSandbox(SETUP) as other:
        for sandbox in (one, other):
            consumer = Consumer(Lab(sandbox))
            run = consumer.start("sample.double", [], Callback("handle"))
            assert isinstance(run.next(), Returned)
            consumer.close()
    names = {command[command.index("--name") + 1] for command in runs(calls)}
    assert len(names) == 2


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where bubblewrap is missing."""

    def missing() -> None:
        raise SandboxError("bubblewrap is not installed", "Install it.")

    monkeypatch.setattr(choice, "require_bubblewrap", missing)


@pytest.mark.usefixtures("no_bubblewrap")
def test_docker_is_taken_where_bubblewrap_does_not_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """With an engine, and after its walls were tried."""
    tried = []

    def try_walls(kind: type) -> list[Wall]:
        tried.append(kind)
        return []

    monkeypatch.setattr(docker, "require_engine", lambda: None)
    monkeypatch.setattr(choice, "probe", try_walls)
    assert choice.choose() is DockerSandbox
    assert tried == [DockerSandbox]


@pytest.mark.usefixtures("no_bubblewrap")
def test_with_neither_nothing_is_graded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The refusal names what to install; `unsafe` alone goes on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SandboxError, match="bubblewrap is not installed"):
        choice.choose()
    assert choice.choose(unsafe=True) is ProcessSandbox


def test_an_engine_that_hangs_does_not_hold_up_every_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Each begins with a look for what others left; the one that answers nothing is left alone."""
    (tmp_path / "docker").write_text(f'#!/bin/sh\necho "$1" >> {tmp_path}/asked\nexec sleep 600\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(docker, "_ANSWER_SECONDS", 0.2)
    began = time.monotonic()
    docker.sweep()
    with pytest.raises(SandboxError, match="no Docker engine answers"):
        docker.require_engine()
    assert (tmp_path / "asked").read_text().split() == ["ps", "version"]
    assert time.monotonic() - began < 30  # it was a minute for each


@pytest.mark.docker
def test_every_wall_of_a_real_container_holds() -> None:
    """Where an engine runs."""
    if not engine_answers() or docker._docker("image", "inspect", docker.IMAGE) is None:  # noqa: SLF001 - asked of the engine
        pytest.skip("no Docker engine that has the image")
    require(probe(DockerSandbox))
    found = serve()
    assert found["seen"] == [2, 4]
    assert not found["left"]
