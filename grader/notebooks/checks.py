"""Runs the public tests of a check on the code in your notebook.

Points come from other tests: those of the hidden suite, which your instructor runs in a sandbox.
This file lies beside the notebook, and needs nothing of the grader but what the tests import.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

_NAME = re.compile(r"# (\w+\.py)\b")


def public_tests(check: str) -> None:
    """Run the public tests of `check` on the cells that were run last.

    Raises:
        RuntimeError: a cell was not run yet, or this is nbgrader without the course's settings.
        AssertionError: a test fails; its output is above.
    """
    if os.environ.get("NBGRADER_EXECUTION") == "autograde":
        raise RuntimeError("no points are given here: use the nbgrader_config.py of the course")
    from IPython import get_ipython  # noqa: PLC0415 - pytest, which runs this too, has no use for it

    shell = get_ipython()
    files = _files(shell.user_ns["In"] if shell else [])
    here = Path(__file__).parent
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            (Path(folder) / name).write_text(source, encoding="utf-8")
            if (here / f"test_{name}").exists():
                shutil.copy(here / f"test_{name}", folder)
        if not list(Path(folder).glob("test_*.py")):
            raise RuntimeError("run the cell with your code first: it begins with `# NAME.py`")
        for path in (Path(__file__), here / "patience.py", here / "conftest.py"):
            if path.exists():
                shutil.copy(path, folder)
        command = [sys.executable, "-m", "pytest", "--check", check]
        command += ["-p", "checks", "-p", "patience"]
        command += ["-q", "--no-header", "--tb=short", "-p", "no:cacheprovider", "-c", os.devnull]
        done = subprocess.run(  # noqa: S603 - our own command
            [*command, "--rootdir", folder, folder],
            cwd=folder,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        print(f"No public test shows {check}; the hidden suite does.")  # noqa: T201 - the cell's output
        return
    print(done.stdout)  # noqa: T201 - the cell's output
    if done.returncode:
        raise AssertionError(f"{check}: a public test fails, see above")


def _files(inputs: Iterable[str]) -> dict[str, str]:
    """The last run cell of each file, by the name in its first line."""
    return {found[1]: source for source in inputs if (found := _NAME.match(source))}


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--check ID`: this file is a plugin of pytest as well."""
    parser.addoption("--check", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Say what the marker means."""
    config.addinivalue_line("markers", "check(id): the promise that the test proves")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of the one check."""
    wanted = config.getoption("--check")
    items[:] = [
        each for each in items for mark in each.iter_markers("check") if mark.args[0] == wanted
    ]
