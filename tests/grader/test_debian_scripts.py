"""`make test-docker` and `make test-debian`: what they refuse, ask apt and pip, and clean up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Path:
    """They import one another."""
    monkeypatch.syspath_prepend(SCRIPTS)
    return SCRIPTS


@pytest.fixture
def debian_root(scripts: Path) -> ModuleType:
    """What makes root file systems."""
    import debian_root  # noqa: PLC0415 - needs the path

    return debian_root


def program(folder: Path, name: str, text: str) -> None:
    """A command of that name, first on PATH."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", ["test_docker.py", "test_debian.py"])
def test_whoever_cannot_mount_is_told(name: str, tmp_path: Path) -> None:
    """One line and exit code 2, before anything is made."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / name],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": str(tmp_path)},  # no apt-get there
    )
    assert done.returncode == 2
    command = "make " + name.removesuffix(".py").replace("_", "-")
    assert done.stderr == f"{command} needs root on Debian: it installs packages and mounts.\n"


def test_the_name_of_a_release_is_a_word() -> None:
    """It becomes part of a path, and an argument of debootstrap."""
    done = subprocess.run(
        [sys.executable, SCRIPTS / "test_debian.py", "../etc"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "../etc is no name of a release, such as trixie\n")


def test_packages_come_from_where_apt_gets_them(
    debian_root: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root file system is made once; half of one is none."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    program(tmp_path, "apt-get", "echo http://mirror.invalid/debian/")
    program(tmp_path, "debootstrap", f'echo "$@" >> {tmp_path}/asked; mkdir "$4"; exit 1')
    with pytest.raises(debian_root.NotHereError, match="could not make trixie: no reason given"):
        debian_root.root_of("trixie", ["make"])
    assert list((tmp_path / "cache" / "stream-course").iterdir()) == []
    program(tmp_path, "debootstrap", f'echo "$@" >> {tmp_path}/asked; mkdir "$4"')
    first = debian_root.root_of("trixie", ["make"])
    assert first == debian_root.root_of("trixie", ["make"])
    assert first != debian_root.root_of("trixie", ["git"])
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 3
    assert asked[1].startswith("--variant=minbase --include=make trixie ")
    assert asked[1].endswith(" http://mirror.invalid/debian/")


def test_pips_own_places_are_shown_inside(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Folders of packages and an index's neighbours; what is on a network needs no mount."""
    import test_debian  # noqa: PLC0415 - needs the path

    index, wheels = tmp_path / "index" / "simple", tmp_path / "wheels"
    for folder in (index, wheels):
        folder.mkdir(parents=True)
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"https://index.invalid/simple file://{index}")
    found = test_debian.pip_settings()
    assert found["find-links"] == str(wheels)
    asked = (found["find-links"], found["extra-index-url"], "/does/not/exist", "180")
    assert test_debian.paths_in(asked) == [wheels, tmp_path / "index"]


@pytest.mark.skipif(shutil.which("apt-config") is None, reason="needs apt")
def test_apts_own_settings_hold_inside(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the file is called: without them, no package comes from a mirror that stands still."""
    import test_debian  # noqa: PLC0415 - needs the path

    here, inside = tmp_path / "apt.conf", tmp_path / "upper/changes/etc/apt/apt.conf.d"
    settings = (
        'Acquire::Check-Valid-Until "false";\nAcquire::http::Proxy "http://proxy.invalid:3128/";\n'
    )
    here.write_text(settings)
    monkeypatch.setenv("APT_CONFIG", str(here))
    repository = tmp_path / "course"
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    monkeypatch.setattr(test_debian, "ROOT", repository)
    (tmp_path / "upper").mkdir()
    test_debian.prepare(tmp_path / "upper", "", {})
    here.write_text(f'Dir::Etc::Parts "{inside}";\nDir::Etc::Main "/dev/null";\n')
    found = subprocess.run(
        ["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True
    )
    assert set(settings.splitlines()) <= set(found.stdout.splitlines())


@pytest.mark.parametrize(
    ("said", "passes"),
    [
        ("  ✓ files hold\n\nwalls: full", True),
        ("  ✗ control group has limits: not here\n\nwalls: reduced", True),
        ("  ✗ control group has limits: not here\n  ✗ tail is missing\n\nwalls: reduced", False),
        ("  ✗ network got through\n\nwalls: none", False),
        ("Traceback (most recent call last):", False),
    ],
)
def test_no_more_than_a_control_group_may_be_missing(
    scripts: Path, tmp_path: Path, said: str, *, passes: bool
) -> None:
    """An ordinary user has none there, which doctor says; all else is the release's doing."""
    import test_debian  # noqa: PLC0415 - needs the path

    for folder in ("out", ".venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
    program(tmp_path / ".venv/bin", "python", f"echo '{said}'\nexit 1")
    done = subprocess.run(["sh", "-ec", test_debian.DOCTOR], cwd=tmp_path, check=False)
    assert (done.returncode == 0) is passes


def test_what_a_killed_run_left_is_removed(
    scripts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what a living one has is not."""
    import test_docker  # noqa: PLC0415 - needs the path

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    for pid in (ended.pid, os.getpid()):
        (tmp_path / f"stream-docker-{pid}" / "data").mkdir(parents=True)
    test_docker._sweep()  # noqa: SLF001 - what an engine begins with
    assert [path.name for path in tmp_path.iterdir()] == [f"stream-docker-{os.getpid()}"]
