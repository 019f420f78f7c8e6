"""Runs the public tests of a check on the code in your notebook.

Points come from other tests: those of the hidden suite, which your instructor runs in a sandbox.
This file lies beside the notebook, and needs nothing of the grader but what the tests import.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

if __package__:
    from grader.intake import cells
else:
    import cells  # type: ignore[import-not-found,no-redef]  # it lies beside the notebook too


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
    here = Path(__file__).parent
    saved = saved_files(here / f"{check.partition('.')[0]}.ipynb")
    files = {name: taken.text for name, taken in saved.items()}
    files |= run_files(shell.history_manager.input_hist_raw if shell else [])
    with tempfile.TemporaryDirectory() as folder:
        for name, source in files.items():
            (Path(folder) / name).write_text(source, encoding="utf-8", errors="surrogatepass")
            if (here / f"test_{name}").exists():
                shutil.copy(here / f"test_{name}", folder)
        if not list(Path(folder).glob("test_*.py")):
            raise RuntimeError("run the cell with your code first: it begins with `# NAME.py`")
        plugins = (Path(__file__), Path(cells.__file__), here / "patience.py")
        for path in (*plugins, here / "conftest.py"):
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
    for line in doubtful(files, saved):
        print(line)  # noqa: T201 - the cell's output
    if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED:
        print(f"No public test shows {check}; the hidden suite does.")  # noqa: T201 - the cell's output
        return
    print(done.stdout)  # noqa: T201 - the cell's output
    if done.returncode:
        raise AssertionError(f"{check}: a public test fails, see above")


def run_files(inputs: Iterable[str]) -> dict[str, str]:
    """Return the last run cell of each file, by the name in its first line."""
    return {name: cells.as_file(source) for source in inputs if (name := cells.file_named(source))}


def saved_files(notebook: Path) -> dict[str, cells.Taken]:
    """Return what would be taken of the notebook as last saved; nothing of an unreadable one."""
    try:
        found = json.loads(notebook.read_bytes())["cells"]
        code = [
            cells.Cell(
                number,
                "".join(cell["source"]),
                cell["metadata"].get("nbgrader", {}).get("grade_id", ""),
            )
            for number, cell in enumerate(found, start=1)
            if cell["cell_type"] == "code"
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return cells.files_of(code)


def doubtful(files: dict[str, str], saved: dict[str, cells.Taken]) -> Iterator[str]:
    """Say where what was tested is not what will be handed in."""
    for name, taken in saved.items():
        if line := cells.told(name, taken):
            yield f"Before you hand it in: {line}."
            tested = files[name].strip()
            for other in taken.others:
                if cells.as_file(other.source).strip() == tested:
                    yield f"The tests above ran cell {other.number}."


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
