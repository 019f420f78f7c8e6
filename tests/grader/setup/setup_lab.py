"""The set-up on a machine of its own: a folder with the course's, and stand-ins in PATH."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")
_PYTHON = """\
#!/bin/sh
# Stands in for an interpreter: the venv and pip are recorded, all else is real.
case "$*" in
*"-m venv"*)
    rm -rf .venv
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    echo "VIRTUAL_ENV=$PWD/.venv" > .venv/bin/activate
    echo venv >> calls ;;
*"-m pip"*)
    echo pip >> calls
    if [ -e pip-fails ]; then echo "ERROR: no such hash"; exit 1; fi
    touch .venv/bin/grader; chmod +x .venv/bin/grader ;;
*_base_executable*)
    [ -e "$(dirname "$0")/old" ] && exit 1
    echo "$0" ;;
*ensurepip*)
    [ ! -e no-ensurepip ] ;;
*) exec {python} "$@" ;;
esac
"""
_TOOLS = (
    "bash", "cat", "chmod", "cp", "dirname", "env", "flock", "grep", "id", "mkdir", "mv", "rm",
    "sh", "tail", "touch", "uname",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A folder with the course's set-up, and a PATH with little else than stand-ins."""

    root: Path
    programs: Path

    def program(self, name: str, script: str) -> None:
        """Put a program on PATH, in place of what was there."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def setup(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the set-up."""
        return subprocess.run(
            [self.root / "scripts" / "setup.sh", *options],
            env={"PATH": str(self.programs), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What was made or installed since the last question."""
        path = self.root / "calls"
        calls = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return calls


def new_machine(root: Path, programs: Path) -> Machine:
    """Make one with a Python, with bubblewrap, and with servers, of an ordinary user."""
    for folder in (root / "scripts", programs):
        folder.mkdir(parents=True)
    for name in ("scripts/setup.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for tool in _TOOLS:
        if found := shutil.which(tool):
            (programs / tool).symlink_to(found)
    machine = Machine(root, programs)
    machine.program("python3", _PYTHON.format(python=sys.executable))
    machine.program("id", "#!/bin/sh\necho 1000\n")
    machine.program("bwrap", "#!/bin/sh\n")
    for server in ("rabbitmq-server", "redis-server"):
        machine.program(server, "#!/bin/sh\n")
    return machine
