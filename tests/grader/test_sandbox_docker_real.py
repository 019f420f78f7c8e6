"""The sandbox from Docker in a real engine: its walls, what it shows, full marks, and its end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker_lab import SETUP, no_engine_known, serve, serve_from_an_odd_folder
from lab import Lab

from grader.course import Limits, load_course
from grader.host.docker import docker
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.docker import DockerSandbox
from grader.sandbox.line import SandboxDied
from grader.sandbox.probe import probe
from grader.sandbox.setup import Setup
from grader.services.docker_engine import engine_answers
from grader.suite import Returned
from grader.suite.consumer import Consumer
from grader.suite.settle import settled

REPO = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


@pytest.fixture
def engine() -> Iterator[None]:
    """Skip where no engine runs."""
    if not engine_answers():
        pytest.skip("no Docker engine answers")
    with no_engine_known():
        yield


def test_every_wall_of_a_real_container_holds() -> None:
    """Every probe finds its wall, seccomp and the control group too, and the sample is served."""
    walls = probe(DockerSandbox)
    assert [f"{wall.name}: {wall.found}" for wall in walls if not wall.holds] == []
    found = serve()
    assert found["seen"] == [2, 4]
    assert not found["left"]


def test_a_real_engine_mounts_a_path_with_odd_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own reading of the options, which the stand-in only imitates."""
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


@pytest.mark.thorough
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


def test_no_container_is_left_by_a_grader_that_was_killed() -> None:
    """The first process inside ends with its control socket, and the engine removes the rest."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import docker_lab as t\n"
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


def test_a_real_container_that_is_killed_costs_nobody_a_point() -> None:
    """One that somebody ends with the engine's command was disturbed from outside."""
    with DockerSandbox(SETUP) as sandbox:
        docker("kill", sandbox._name)  # noqa: SLF001 - its container's
        with pytest.raises(SandboxDied):
            sandbox.spawn()
        assert sandbox.disturbance() == "the container was ended from outside"
