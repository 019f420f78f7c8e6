"""scripts/setup.sh makes .venv and installs into it, once, with a Python that is new enough."""

from __future__ import annotations

import subprocess
import sys

import pytest
from setup_lab import ROOT, Machine, needs_posix


@needs_posix
def test_a_second_run_does_nothing(machine: Machine) -> None:
    """The first run makes .venv and installs twice (lock, course); the second finds it done."""
    first = machine.setup()
    assert (first.returncode, machine.calls()) == (0, ["venv", "pip", "pip"]), first.stderr
    second = machine.setup()
    assert (second.returncode, machine.calls()) == (0, [])
    assert second.stdout == "setup: ready\n"


@needs_posix
def test_who_asked_for_it_is_told_what_to_type_next(machine: Machine) -> None:
    """`make setup` ends with the next line; the other targets, which run it too, do not."""
    assert machine.setup("--next").stdout.splitlines()[-1] == (
        "setup: ready. Next: source .venv/bin/activate && grader watch"
    )
    said = {
        target: subprocess.run(
            ["make", "-n", "--no-print-directory", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[0]
        for target in ("setup", "setup-instructor", "test", "demo")
    }
    assert [target for target, line in said.items() if "--next" in line] == [
        "setup",
        "setup-instructor",
    ]


@needs_posix
@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_installs_again(machine: Machine, file: str) -> None:
    """A new lock or a new entry point must reach a .venv that was made before."""
    machine.setup()
    machine.calls()
    with (machine.root / file).open("a") as opened:
        opened.write("# changed\n")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["pip", "pip"]


@needs_posix
def test_a_half_made_venv_is_made_again(machine: Machine) -> None:
    """Whatever .venv holds, when no Python runs in it, it is no reason to give up."""
    (machine.root / ".venv" / "bin").mkdir(parents=True)
    (machine.root / ".venv" / "bin" / "python").write_text("")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_a_course_that_was_moved_gets_a_new_venv(machine: Machine) -> None:
    """The programs in .venv name their interpreter by its whole path."""
    machine.setup()
    moved = Machine(machine.root.rename(machine.root.with_name("moved")), machine.programs)
    moved.calls()
    assert moved.setup().returncode == 0
    assert moved.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_a_failed_install_is_tried_again(machine: Machine) -> None:
    """One line gives pip's reason and the log; the next run does not believe it was done."""
    (machine.root / "pip-fails").touch()
    failed = machine.setup()
    assert failed.returncode == 1
    assert failed.stderr == (
        "setup: pip could not install requirements.lock: ERROR: no such hash"
        " (all of it: out/setup.log)\n"
    )
    (machine.root / "pip-fails").unlink()
    machine.calls()
    assert machine.setup().returncode == 0
    assert machine.calls() == ["pip", "pip"]


@needs_posix
def test_an_old_python_is_one_clear_line(machine: Machine) -> None:
    """It says which version is there, and leaves nothing behind."""
    (machine.programs / "old").touch()
    failed = machine.setup()
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("setup: Python 3.11 or later is needed, and python3 is 3.")
    assert not (machine.root / ".venv").exists()


@needs_posix
def test_a_newer_python_of_another_name_is_found(machine: Machine) -> None:
    """Where python3 is old, python3.12 beside it serves."""
    machine.program("python3.12", (machine.programs / "python3").read_text())
    machine.program("python3", "#!/bin/sh\nexit 1\n")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_python_without_venv_says_which_package(machine: Machine) -> None:
    """Debian ships venv apart; who may not install it is told what to run."""
    (machine.root / "no-ensurepip").touch()
    machine.program("apt-get", "#!/bin/sh\nexit 1\n")
    failed = machine.setup()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert failed.returncode == 1
    assert f"run `sudo apt-get install python{version}-venv`" in failed.stderr
    assert machine.calls() == []
