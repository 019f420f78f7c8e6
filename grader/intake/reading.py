"""What the child does that touches files of strangers: list names, read what is wanted."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath

from grader.intake import archives
from grader.intake.apart import Said
from grader.intake.archives import Tree, copied, files, opened, read_file
from grader.intake.faults import BadArchive, faults_as_sentences
from grader.intake.folder import Folder
from grader.intake.places import FileKind, kinds

_AT_ONCE = 1000
"""Names in a message."""
_NAMES_SHOWN = 200
"""Names of other files in somebody's archive that are looked at."""


def tree_of(path: Path) -> Tree:
    """Open a folder or an archive."""
    return Folder(path) if path.is_dir() else opened(path.open("rb"), path.name)


def list_names(path: Path, _: int) -> Iterator[Said]:
    """Say where each file of a folder or an archive lies, and which folders are closed or empty."""
    yield {"task": 0}, b""
    try:
        with faults_as_sentences(), closing(tree_of(path)) as tree:
            for some in range(0, len(tree.paths), _AT_ONCE):
                yield {"paths": [p.parts for p in tree.paths[some : some + _AT_ONCE]]}, b""
            for some in range(0, len(tree.empty), _AT_ONCE):
                yield {"empty": [p.parts for p in tree.empty[some : some + _AT_ONCE]]}, b""
            yield {"unclear": getattr(tree, "unclear", False)}, b""
            for folder, why in getattr(tree, "closed", ()):
                yield {"path": folder.parts, "fault": why}, b""
    except BadArchive as fault:
        yield {"fault": str(fault)}, b""


def list_inside(path: Path, numbers: Sequence[int], start: int) -> Iterator[Said]:
    """Say where each file lies in the archives of those numbers, from that task on."""
    with closing(tree_of(path)) as tree:
        for task in range(start, len(numbers)):
            yield {"task": task}, b""
            name = tree.paths[numbers[task]].name
            # What cannot be read is told when its content is wanted.
            with (
                suppress(BadArchive),
                faults_as_sentences(),
                copied(tree, numbers[task]) as file,
                closing(opened(file, name)) as inner,
            ):
                for some in range(0, len(inner.paths), _AT_ONCE):
                    yield {"paths": [p.parts for p in inner.paths[some : some + _AT_ONCE]]}, b""


def read_wanted(
    path: Path, wanted: Sequence[int], people: Sequence[str], names: frozenset[str], start: int
) -> Iterator[Said]:
    """Read the files of those numbers from that task on; of an archive what is wanted in it."""
    total: Counter[str] = Counter()
    with closing(tree_of(path)) as tree:
        for task in range(start, len(wanted)):
            yield {"task": task}, b""
            try:
                with faults_as_sentences():
                    _require_room(total[people[task]])
                    if archives.is_archive(tree.paths[wanted[task]].name):
                        held = _read_archive(tree, wanted[task], names)
                    else:
                        held = iter([({"file": 1}, read_file(tree, wanted[task]))])
                    for head, body in held:
                        total[people[task]] += len(body)
                        yield head, body
            except BadArchive as fault:
                yield {"fault": str(fault)}, b""


def _require_room(total: int) -> None:
    """Refuse more of somebody who handed in too much: a sparse file takes no room on a disk."""
    if total > archives.MAX_TOTAL:
        limit = archives.MAX_TOTAL >> 20
        raise BadArchive(f"comes after {limit} MB of files, which is too much")


def _read_archive(tree: Tree, number: int, names: frozenset[str]) -> Iterator[Said]:
    passed_over, others = 0, list[tuple[str, ...]]()

    def choose(paths: Sequence[PurePosixPath]) -> list[bool]:
        nonlocal passed_over
        found = kinds(paths, names)
        for path, kind in zip(paths, found, strict=True):
            passed_over += kind in (FileKind.OTHER, FileKind.PASSED_OVER)
            if kind is FileKind.OTHER and len(others) < _NAMES_SHOWN:
                others.append(path.parts)
        return [kind in (FileKind.WANTED, FileKind.ARCHIVE) for kind in found]

    with copied(tree, number) as file, closing(opened(file, tree.paths[number].name)) as inner:
        for found in files(inner, choose, 1):
            if isinstance(found.content, BadArchive):
                yield {"path": found.path.parts, "fault": str(found.content)}, b""
            elif found.content is not None:
                yield {"file": 1, "path": found.path.parts}, found.content
    yield {"passed": passed_over, "others": others}, b""


def copy_out(path: Path, number: int, target: Path, _: int) -> Iterator[Said]:
    """Copy one file of an archive to `target`; say where that cannot be."""
    yield {"task": 0}, b""
    try:
        with (
            faults_as_sentences(),
            closing(tree_of(path)) as tree,
            copied(tree, number) as file,
            target.open("wb") as copy,
        ):
            shutil.copyfileobj(file, copy)
    except BadArchive as fault:
        yield {"fault": str(fault)}, b""
