"""Control groups: made where the system lets this user, limited, and removed with what is in them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from grader.sandbox import cgroup
from grader.sandbox.cgroup import Cgroup

NAME = f"grader-{Path('/proc/self/ns/pid').stat().st_ino}-1-a"


@pytest.fixture
def v2(tmp_path: Path) -> Path:
    """A root folder whose control groups are of version 2, with both controllers on."""
    top = tmp_path / "sys" / "fs" / "cgroup"
    own = top / "user.slice" / "mine"
    for folder in (top, own):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.controllers").write_text("cpu memory pids\n")
        (folder / "cgroup.subtree_control").write_text("memory pids\n")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "self" / "cgroup").write_text("0::/user.slice/mine\n")
    return tmp_path


@pytest.mark.parametrize(("uid", "home"), [(0, "."), (1000, "user.slice/mine")])
def test_version_2_has_one_folder_with_both_limits(
    v2: Path, monkeypatch: pytest.MonkeyPatch, uid: int, home: str
) -> None:
    """Root's lies at the top, an ordinary user's below what was delegated."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    made = Cgroup.make("1-a", 1 << 30, 67, v2)
    assert made is not None
    (folder,) = made.folders
    assert folder == v2 / "sys" / "fs" / "cgroup" / home / NAME
    assert (folder / "memory.max").read_text() == str(1 << 30)
    assert (folder / "memory.swap.max").read_text() == "0"
    assert (folder / "pids.max").read_text() == "67"
    assert f"echo $$ > '{folder}/cgroup.procs'" in made.entry


def test_version_1_has_a_folder_for_each_controller(tmp_path: Path) -> None:
    """Only for those that the system has."""
    memory = tmp_path / "sys" / "fs" / "cgroup" / "memory"
    memory.mkdir(parents=True)
    (memory / "cgroup.procs").touch()
    made = Cgroup.make("1-a", 1 << 30, 67, tmp_path)
    assert made is not None
    assert made.folders == [memory / NAME]
    assert (memory / NAME / "memory.limit_in_bytes").read_text() == str(1 << 30)


def test_without_control_groups_there_is_none(tmp_path: Path) -> None:
    """The rlimits remain."""
    assert Cgroup.make("1-a", 1 << 30, 67, tmp_path) is None


def test_a_group_that_cannot_be_limited_is_not_left_behind(
    v2: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody takes a folder without a limit for a wall."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    refused = OSError("refused")

    def refuse(*_: object, **__: object) -> int:
        raise refused

    monkeypatch.setattr(Path, "write_text", refuse)
    assert Cgroup.make("1-a", 1 << 30, 67, v2) is None
    assert not list((v2 / "sys" / "fs" / "cgroup").glob("grader-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a control group, which root can make")
def test_a_real_group_holds_its_processes_and_ends_them() -> None:
    """A child of a shell that entered it is in it; removing the group ends both."""
    made = Cgroup.make(f"{os.getpid()}-test", 64 << 20, 10)
    assert made is not None, "root cannot make a control group here"
    script = f"{made.entry}sleep 1000 & echo started; wait"
    with subprocess.Popen(["sh", "-ec", script], stdout=subprocess.PIPE, text=True) as shell:
        assert shell.stdout is not None
        assert shell.stdout.readline() == "started\n"
        inside = made.pids()
        folders = list(made.folders)
        made.remove()
        assert shell.wait() == -9
    assert shell.pid in inside
    assert len(inside) == 2
    assert not [folder for folder in folders if folder.exists()]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a control group, which root can make")
def test_the_groups_of_a_killed_grader_are_swept() -> None:
    """Those of a grader that runs are left alone."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = Cgroup.make(f"{ended.pid}-test", 64 << 20, 10)
    used = Cgroup.make(f"{os.getpid()}-test", 64 << 20, 10)
    assert left is not None
    assert used is not None
    cgroup.sweep()
    assert not [folder for folder in left.folders if folder.exists()]
    assert all(folder.exists() for folder in used.folders)
    used.remove()


@pytest.mark.skipif(os.geteuid() != 0, reason="root makes groups")
def test_groups_of_another_namespace_of_processes_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container may share the machine's groups, and the pid of its grader is nobody's here."""
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(cgroup, "_pid_namespace", lambda: 1)
        group = Cgroup.make("999999999-test", 64 << 20, 10)
    assert group is not None
    cgroup.sweep()
    assert all(folder.exists() for folder in group.folders)
    group.remove()
    assert not any(folder.exists() for folder in group.folders)
