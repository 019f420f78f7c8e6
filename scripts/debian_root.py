"""Debian's root file systems for tests, made by debootstrap from the mirror that apt has here.

Each is made once and kept in the user's cache. Source: debootstrap(8), apt-get(8) (indextargets).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_POLICY = Path("/usr/sbin/policy-rc.d")
"""Asked before a package starts a service; see invoke-rc.d(8)."""


class NotHereError(Exception):
    """This machine cannot do it; the message says why, and what helps."""


def require_root(what: str) -> None:
    """Find out whether root runs this, on a Debian.

    Raises:
        NotHereError: neither Ubuntu nor others have a mirror with Debian's releases.
    """
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NotHereError(f"{what} needs root on Debian: it installs packages and mounts.")


def require_programs(**packages: str) -> None:
    """Install the packages whose programs are missing, without starting what they bring.

    Args:
        packages: the package of each program; an underscore stands for a hyphen.
    """
    missing = [
        package
        for program, package in packages.items()
        if shutil.which(program.replace("_", "-")) is None
    ]
    if not missing:
        return
    print(f"installing {', '.join(missing)} with apt-get", flush=True)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", "--quiet", *missing]
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with _no_services():
        done = _said(command, quiet)
        if done.returncode:
            _said(["apt-get", "update"], quiet)
            done = _said(command, quiet)
    if done.returncode:
        raise NotHereError(f"apt-get could not install {', '.join(missing)}: {_last(done.stderr)}")


@contextmanager
def _no_services() -> Iterator[None]:
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="ascii")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()


def root_of(suite: str, packages: Sequence[str]) -> Path:
    """Return the folder of a root file system, which nobody may write to.

    Args:
        suite: Debian's name of the release, such as bookworm.
        packages: what it has besides the least.
    """
    key = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:8]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "stream-course")
    root = home / f"{suite}-{key}"
    if root.is_dir():
        return root
    require_programs(debootstrap="debootstrap")
    home.mkdir(parents=True, exist_ok=True)
    part = root.with_name(f"{root.name}.{os.getpid()}")
    print(f"making a root file system of Debian's {suite}: {root}", flush=True)
    try:
        command = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}"]
        done = _said([*command, suite, str(part), _mirror()], dict(os.environ))
        if done.returncode:
            raise NotHereError(f"debootstrap could not make {suite}: {_last(done.stdout)}")
        with contextlib.suppress(OSError):  # somebody else was faster
            part.rename(root)
    finally:
        if part.exists():
            shutil.rmtree(part)
    return root


def _mirror() -> str:
    """Return where apt gets Debian's packages from."""
    wanted = ["$(REPO_URI)", "Created-By: Packages", "Origin: Debian"]
    command = ["apt-get", "indextargets", "--format", *wanted]
    for line in _said(command, dict(os.environ)).stdout.splitlines():
        return line.strip()
    raise NotHereError("apt has no mirror of Debian here; run `apt-get update`.")


def _said(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
        errors="replace",
    )


def _last(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"


def main_of(function: object, words: list[str]) -> int:
    """Run a script's main function; what the machine cannot do is one line and exit code 2."""
    assert callable(function)
    try:
        return int(function(words))
    except NotHereError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
