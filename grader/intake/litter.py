"""Files that nobody handed in: an operating system's own, installed packages, caches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

_SYSTEM_FILES = {".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "icon\r"}
_SYSTEM_FOLDERS = {"__macosx", ".spotlight-v100", ".trashes", ".fseventsd", "$recycle.bin"}

_FOLDERS = {
    *(".git", ".hg", ".svn", ".idea", ".vscode", ".grader"),
    *(".venv", "venv", ".virtualenv", "site-packages", "dist-packages", "node_modules"),
    *("__pycache__", ".ipynb_checkpoints", ".tox", ".nox", ".eggs"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".cache"),
}
"""Folders in which nothing is handed in: `.grader` has what `grader reset` put aside."""

_ENVIRONMENT = "pyvenv.cfg"
"""The file at the root of a virtual environment, whatever that is called. Source: PEP 405."""


def is_litter(path: PurePosixPath) -> bool:
    """Tell whether an operating system made the file, or it has no name: nobody handed it in."""
    if not path.parts:  # an archive may hold a file called `.`
        return True
    name = path.name.casefold()
    return (
        name in _SYSTEM_FILES
        or path.name.startswith("._")
        or any(part.casefold() in _SYSTEM_FOLDERS for part in path.parts[:-1])
    )


def installed(paths: Sequence[PurePosixPath]) -> Collection[PurePosixPath]:
    """Return the folders among `paths` that are virtual environments by what lies in them."""
    return {path.parent for path in paths if path.name == _ENVIRONMENT and path.parent.parts}


def is_installed(path: PurePosixPath, environments: Collection[PurePosixPath]) -> bool:
    """Tell whether `path` lies in a folder of packages, of caches or of a program's own files."""
    if not _FOLDERS.isdisjoint(path.parts[:-1]):
        return True
    return bool(environments) and any(folder in environments for folder in path.parents)
