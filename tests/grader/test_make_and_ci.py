"""How the tests are started: the Makefile's targets, pytest itself, and continuous integration."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


@needs_posix
def test_make_lists_every_target() -> None:
    """`make` alone says what there is: every target of .PHONY, so that no file hides one."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    listed = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make ([a-z-]+) +\S", listed, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert phony is not None
    assert targets == phony[1].split()


@pytest.mark.parametrize("command", [["-m", "pytest"], ["-P", "-m", "pytest"]])
def test_pytest_finds_the_package_however_it_is_started(command: list[str]) -> None:
    """-P is `pytest` alone: the root is not on the path, and tests/grader would hide the package."""
    collect = ("--collect-only", "-q", "-p", "no:cacheprovider", "tests/resources/test_events.py")
    done = subprocess.run(
        [sys.executable, *command, *collect],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_the_tests_last() -> None:
    """CI reads pytest's closing line: the tests come last, and both sets of them end with pytest."""
    makes = re.findall(r"^make ([\w-]+)", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    assert makes == ["lint", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    makefile = (ROOT / "Makefile").read_text()
    for target in ("test", "test-thorough"):
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe is not None
        assert "-m pytest" in recipe[1].splitlines()[-1]


_SKIPPING = """\
import pytest

def test_runs():
    assert True

@pytest.mark.skip(reason="no broker")
def test_skips():
    pass

@pytest.mark.docker
@pytest.mark.skip(reason="no engine")
def test_needs_docker():
    pass

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""


@pytest.mark.parametrize(
    ("ci", "module", "counts"),
    [
        ("true", _SKIPPING, "1 passed, 1 skipped, 1 xfailed, 1 error"),
        ("", _SKIPPING, "1 passed, 2 skipped, 1 xfailed"),
        ("true", "import pytest\npytest.importorskip('absent_module')\n", "1 error"),
        ("", "import pytest\npytest.importorskip('absent_module')\n", "1 skipped"),
    ],
)
def test_ci_takes_a_skip_for_a_failure(tmp_path: Path, ci: str, module: str, counts: str) -> None:
    """A service that is gone from CI fails there, and is only skipped elsewhere."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_sample.py").write_text(module)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = docker\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(tmp_path)],
        env={**os.environ, "CI": ci},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert counts in done.stdout.splitlines()[-1], done.stdout
