"""The sandbox from Docker: when it is taken, what it asks of the engine, and that it serves."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab import Lab

from grader.course import Limits, load_course
from grader.errors import SandboxError
from grader.host.docker import docker
from grader.sandbox import choice, docker_run, empty_image, view
from grader.sandbox import docker as docker_sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.cgroup import Kills
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.line import SandboxDied
from grader.sandbox.probe import Wall, probe, require
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.services.docker_engine import engine_answers
from grader.suite import Returned
from grader.suite.consumer import Consumer
from grader.suite.settle import settled
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


REPO = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def no_image() -> Iterator[None]:
    """What one engine has, another has not."""
    for found in (empty_image.require, docker_run._driver):  # noqa: SLF001 - as above
        found.cache_clear()
    yield
    for found in (empty_image.require, docker_run._driver):  # noqa: SLF001
        found.cache_clear()


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
    """Such as a full disk."""
    command = calls.parent / "docker"
    command.write_text("#!/bin/sh\necho no space left on device >&2\nexit 1\n")
    with pytest.raises(SandboxError, match="take the sandbox's image: no space left on device"):
        serve()


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


@pytest.mark.usefixtures("calls")
def test_a_long_path_with_odd_characters_is_mounted(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the options say it."""
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


# A real engine ---------------------------------------------------------------------


@pytest.fixture
def engine() -> None:
    """Skip where no engine runs."""
    if not engine_answers():
        pytest.skip("no Docker engine answers")


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_every_wall_of_a_real_container_holds() -> None:
    """Seccomp and the control group, too."""
    walls = probe(DockerSandbox)
    assert [f"{wall.name}: {wall.found}" for wall in walls if not wall.holds] == []
    found = serve()
    assert found["seen"] == [2, 4]
    assert not found["left"]


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_a_real_engine_mounts_a_path_with_odd_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """As it reads the options."""
    serve_from_an_odd_folder(monkeypatch)


LOOKS = b"""\
import os, sys

def look():
    names = sorted(os.listdir("/"))
    etc = {name: os.path.isdir("/etc/" + name) for name in sorted(os.listdir("/etc"))}
    etc.pop("resolv.conf", None)
    texts = [open("/etc/" + n).read() for n in ("hosts", "hostname", "passwd", "nsswitch.conf")]
    seen = {n: sorted(os.listdir(n)) for n in ("/usr", "/state", "/tmp", "/dev/shm")}
    limits = open("/proc/1/limits").read().splitlines()
    kept = [line.split() for line in limits if line[4:8] in ("cpu ", "file", "core", "addr")]
    return [etc, texts, seen, dict(os.environ), kept, sys.path, sys.version, os.umask(0)]
"""


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_a_container_shows_what_bubblewrap_shows() -> None:
    """So that a submission runs alike in both."""
    setup = Setup(files={"sample.py": LOOKS}, limits=Limits(seconds=10, memory_mb=512))
    seen = []
    for kind in (BubblewrapSandbox, DockerSandbox):
        with kind(setup) as sandbox:
            consumer = Consumer(Lab(sandbox))
            returned = consumer.start("sample.look").next()
            assert isinstance(returned, Returned)
            seen.append(returned.value)
            consumer.close()
    assert seen[0] == seen[1]


@pytest.mark.docker
@pytest.mark.thorough
@pytest.mark.usefixtures("engine")
def test_all_solutions_have_full_marks_in_containers(tmp_path: Path) -> None:
    """Each check of each exercise, with the services that this machine offers."""
    for exercise in load_course(REPO).exercises:
        shutil.copytree(REPO / "solutions" / exercise.id, tmp_path / "subs" / "ann" / exercise.id)
    (tmp_path / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bwrap").chmod(0o755)
    command = [sys.executable, "-m", "grader", "grade", tmp_path / "subs", "--no-details"]
    done = subprocess.run(
        [*command, "--json", tmp_path / "all.json"],
        cwd=REPO,
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reports = json.loads((tmp_path / "all.json").read_text())["reports"]
    assert {(report["sandbox"], report["score"]) for report in reports} == {("docker", 100.0)}


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_no_container_is_left_by_a_grader_that_was_killed() -> None:
    """The first process inside ends with its control socket, and the engine removes the rest."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import test_sandbox_docker as t\n"
        "with t.DockerSandbox(t.SETUP) as sandbox: print(sandbox._name, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(Path(__file__).parent)], stdout=subprocess.PIPE, text=True
    ) as grader:
        assert grader.stdout is not None
        name = grader.stdout.readline().strip()
        assert docker("container", "inspect", "--format", "ok", name) is not None
        grader.kill()
    assert not settled(lambda: [name] if docker("container", "inspect", name) else [], within=20)


@pytest.mark.docker
@pytest.mark.usefixtures("engine")
def test_a_real_container_that_is_killed_costs_nobody_a_point() -> None:
    """By somebody with the engine's command; a program that takes too much memory is its own."""
    with DockerSandbox(SETUP) as sandbox:
        docker("kill", sandbox._name)  # noqa: SLF001 - its container's
        with pytest.raises(SandboxDied):
            sandbox.spawn()
        assert sandbox.disturbance() == "the container was ended from outside"
