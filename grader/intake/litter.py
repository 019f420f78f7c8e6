"""Files that nobody handed in: an operating system's own, installed packages, caches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

_SYSTEM_FILES = {".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "icon\r"}
_BESIDE = "._"
"""How macOS begins the name of what it keeps beside a file on other file systems (AppleDouble)."""
_SYSTEM_FOLDERS = {
    "__macosx",
    ".spotlight-v100",
    ".trashes",
    ".fseventsd",
    ".documentrevisions-v100",
    ".temporaryitems",
    "$recycle.bin",
    "recycler",
    "system volume information",
    ".dropbox.cache",
    ".stversions",
    "@eadir",
    "#recycle",
}
"""Bins, indexes and older versions of macOS, Windows, Dropbox, Syncthing and Synology."""

_FOLDERS = {
    ".git",
    ".hg",
    ".svn",
    ".idea",
    ".vscode",
    ".grader",
    ".venv",
    "venv",
    ".virtualenv",
    "site-packages",
    "dist-packages",
    "node_modules",
    "__pycache__",
    ".ipynb_checkpoints",
    ".tox",
    ".nox",
    ".eggs",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".cache",
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
        or path.name.startswith(_BESIDE)
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


def emptied(
    folders: Sequence[PurePosixPath], paths: Sequence[PurePosixPath]
) -> list[PurePosixPath]:
    """Return the folders in which no file is: those listed, and those of a Mac's `._name` alone.

    macOS puts that beside each file it packs, so a file was meant to be there.
    """
    held = {parent for path in paths if not is_litter(path) for parent in path.parents}
    around = [path.parent for path in paths if path.name.startswith(_BESIDE)]
    return [
        folder
        for folder in dict.fromkeys([*folders, *around])
        if folder not in held and folder.parts and not _is_hidden(folder)
    ]


def _is_hidden(folder: PurePosixPath) -> bool:
    return folder.is_absolute() or any(
        part.startswith(".") or part.casefold() in _SYSTEM_FOLDERS or part in _FOLDERS
        for part in folder.parts
    )
