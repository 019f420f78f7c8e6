"""Reads a part of a path: whose it is, and which file two people may both have handed in."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from grader.intake.archives import is_archive
from grader.intake.called import is_called_as_work, is_copy_of, may_be_a_name
from grader.intake.packed import packed_stem
from grader.source_file import resembles
from grader.spelling import squeezed


def key_of(path: PurePosixPath) -> str:
    """Return what two people both hand in: a file of one name, a notebook, an archive."""
    return "*" if is_archive(path.name) else path.name if path.suffix == ".py" else path.suffix


def is_packed(path: PurePosixPath) -> bool:
    """Tell whether it is an archive that lies in no folder."""
    return len(path.parts) == 1 and is_archive(path.name)


def shown(key: str) -> str:
    """Return what `key_of` returned as a sentence has it."""
    return "an archive" if key == "*" else f"a notebook ({key})" if key[:1] == "." else key


def owner_of(path: PurePosixPath, depth: int) -> str:
    """Return the name at that depth: a folder's, or that of an archive which is its student's."""
    part = path.parts[depth]
    return (packed_stem(part) or part) if len(path.parts) == depth + 1 else part


def may_be_somebody(child: str) -> bool:
    """Tell whether a folder or an archive may be called like a person: `ex1.zip` is not."""
    stem = packed_stem(child)
    return may_be_a_name(stem or child) and not (stem and is_called_as_work(stem))


def as_meant(path: PurePosixPath, names: Collection[str]) -> PurePosixPath:
    """Return where a file would lie, were it called as was meant: `Copy of polling.py`.

    Its folder is somebody's as much as that of a file with the right name.
    """
    if path.name in names or path.suffix.casefold() not in (".py", ".txt"):
        return path
    letters = squeezed(path.name)
    for name in names:
        if squeezed(PurePosixPath(name).stem) in letters and (
            resembles(path.name, name) or is_copy_of(path.name, name, str(path.parent))
        ):
            return path.with_name(name)
    return path
