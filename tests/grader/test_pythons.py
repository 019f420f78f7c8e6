"""`make test-pythons` finds interpreters, and says which versions it has no interpreter for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "test_pythons.py"


def test_a_version_that_is_not_supported_is_refused() -> None:
    """Nothing is cloned for it."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "2.7"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == "no supported Python: 2.7. Supported: 3.11, 3.12, 3.13, 3.14.\n"


def test_an_interpreter_is_asked_for_its_version(tmp_path: Path) -> None:
    """What is called python3.12 may be a shim that has none, or another version."""
    own = "{}.{}".format(*sys.version_info)
    for version, line in (("3.12", "exit 127"), ("3.14", f'exec {sys.executable} "$@"')):
        shim = tmp_path / f"python{version}"
        shim.write_text(f"#!/bin/sh\n{line}\n")
        shim.chmod(0o755)
    listed = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json, test_pythons as t; print(json.dumps(t.interpreters()))",
        ],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ
        | {"PATH": f"{tmp_path}", "HOME": str(tmp_path), "PYTHONPATH": SCRIPT.parent},
    )
    assert json.loads(listed.stdout) == {own: os.path.realpath(sys.executable)}
