"""The sandbox from Docker, with a stand-in for its engine: when it is taken, and what it asks."""

from __future__ import annotations

import json
import os
import signal
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_lab import SETUP, fake_docker, no_engine_known, serve, serve_from_an_odd_folder
from lab import Lab

from grader.errors import SandboxError
from grader.sandbox import choice, view
from grader.sandbox import docker as docker_sandbox
from grader.sandbox.cgroup import Kills
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.line import SandboxDied
from grader.sandbox.probe import Wall, probe, require
from grader.sandbox.process import ProcessSandbox
from grader.suite import Returned
from grader.suite.consumer import Consumer
from grader.worker.wire import Callback


@pytest.fixture(autouse=True)
def no_image() -> Iterator[None]:
    """What one engine has, another has not."""
    with no_engine_known():
        yield


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A docker command that runs containers in bubblewrap; the file of its calls."""
    with tempfile.TemporaryDirectory() as name:
        yield fake_docker(Path(name), monkeypatch)


def runs(calls: Path) -> list[list[str]]:
    """The arguments of each `docker run`."""
    lines = [json.loads(line) for line in calls.read_text().splitlines()]
    return [line for line in lines if line[0] == "run"]


def test_a_container_serves_the_suite_as_any_sandbox(calls: Path) -> None:
    """Calls, callbacks, processes outside of the call, and nothing left afterwards."""
    found = serve()
    assert found["seen"] == [2, 4]
    assert "sleep" in found["names"]
    assert not found["left"]
    assert not found["base"].exists()
    assert len(runs(calls)) == 1


def test_the_container_has_no_network_no_rights_and_limits(calls: Path) -> None:
    """By the arguments of `docker run`: no network, no capability, every limit, and read-only mounts."""
    serve()
    (command,) = runs(calls)
    text = " ".join(command)
    for words in (
        "--network none",
        "--read-only",
        "--cap-drop ALL",
        "--security-opt no-new-privileges",
        "--pids-limit 65",
        "--memory 512m --memory-swap 512m",
        "--ulimit core=1",
        "--tmpfs /tmp:exec,mode=1777,size=67108864 --tmpfs /state:exec,mode=1777,size=67108864",
        "--shm-size 16777216",
        "--log-driver none",
        "--cgroup-parent / ",
        "--pull never",
        "--rm",
    ):
        assert words in text
    assert "--user 0:" not in text
    mounts = [command[i + 1] for i, word in enumerate(command) if word == "--mount"]
    assert all(mount.endswith(",readonly") for mount in mounts)
    assert not any("hidden" in mount or "solutions" in mount for mount in mounts)


def test_two_sandboxes_at_a_time_are_two_containers(calls: Path) -> None:
    """Each has a name of its own, so that none is taken for the other."""
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

    monkeypatch.setattr(docker_sandbox, "require_engine", lambda: None)
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
    monkeypatch.setattr(docker_sandbox, "ANSWER_SECONDS", 0.2)
    began = time.monotonic()
    docker_sandbox.sweep()
    with pytest.raises(SandboxError, match="no Docker engine answers"):
        docker_sandbox.require_engine()
    assert (tmp_path / "asked").read_text().split() == ["ps", "version"]
    assert time.monotonic() - began < 30  # it was a minute for each


def test_an_image_is_made_once_and_none_is_pulled(calls: Path) -> None:
    """An empty one: nothing of it can be read, and no network is needed."""
    serve()
    serve()
    asked = [json.loads(line)[0] for line in calls.read_text().splitlines()]
    assert asked.count("import") == 1
    assert "pull" not in asked
    with tarfile.open(calls.parent / "image") as archive:
        members = archive.getmembers()
    assert not [member.name for member in members if member.isfile()]
    modes = {member.name: member.mode for member in members}
    assert (modes["state"], modes["tmp"], modes["etc"]) == (0o1777, 0o1777, 0o755)


def test_a_kernel_without_ipv6_has_no_name_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else connecting to localhost would not be refused where nobody listens."""
    for there in (True, False):
        monkeypatch.setattr(view, "has_ipv6", lambda there=there: there)
        view.make_etc(tmp_path / str(there), 1000, 1000)
        assert ("::1" in (tmp_path / str(there) / "hosts").read_text()) is there


def test_an_image_that_the_engine_does_not_take_has_a_reason(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal ends with the engine's own words, such as of a full disk."""
    command = calls.parent / "docker"
    command.write_text("#!/bin/sh\necho no space left on device >&2\nexit 1\n")
    with pytest.raises(SandboxError, match="take the sandbox's image: no space left on device"):
        serve()


@pytest.mark.usefixtures("calls")
def test_a_long_path_with_odd_characters_is_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker's own separators, quotes and a path beyond a socket's limit do not break a container."""
    serve_from_an_odd_folder(monkeypatch)


@pytest.mark.usefixtures("calls")
def test_what_somebody_else_ended_is_nobodys_failure() -> None:
    """A container that was killed, and not for lack of memory, disturbs; one of our own does not."""
    with DockerSandbox(SETUP) as sandbox:
        assert not sandbox.disturbance()
        (first,) = sandbox.own
        os.kill(first, signal.SIGKILL)
        with pytest.raises(SandboxDied):
            sandbox.spawn()
        assert sandbox.disturbance() == "the container was ended from outside"
    with DockerSandbox(SETUP) as sandbox:
        sandbox.kill()
        assert not sandbox.disturbance()


def test_what_ended_for_lack_of_memory_is_its_own_failure(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine tells, after the container and its control group have gone."""
    command = calls.parent / "docker"
    command.write_text(command.read_text().replace("exec", 'test "$1" = events && echo oom; exec'))
    with DockerSandbox(SETUP) as sandbox:
        before = sandbox.memory_kills()
        (first,) = sandbox.own
        os.kill(first, signal.SIGKILL)
        with pytest.raises(SandboxDied):
            sandbox.spawn()
        assert not sandbox.disturbance()
        assert sandbox.memory_kills() == Kills(before.count + 1, own_limit=True)


@pytest.mark.parametrize(
    ("option", "missing"),
    [
        (["--ro-bind", "/usr", "/state"], "a file in /state (Read-only file system)"),
        (["--ro-bind", "/dev/null", "/usr/bin/true"], "a child process"),
    ],
)
def test_what_submissions_need_is_tried_too(calls: Path, option: list[str], missing: str) -> None:
    """A sandbox that keeps everything out and lets nothing work would fail right solutions."""
    fake = calls.parent / "fake.py"
    text = fake.read_text()
    changed = text.replace(
        'args += ["--remount-ro", "/",', f'args += [*{option}, "--remount-ro", "/",'
    )
    assert changed != text
    fake.write_text(changed)
    walls = {wall.name: wall for wall in probe(DockerSandbox)}
    assert missing in walls["needs"].found
    with pytest.raises(SandboxError, match="denies what right submissions need"):
        require([walls["needs"]])
