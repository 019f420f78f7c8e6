"""What lies in an LMS's download or a folder: its names first, then what of it is wanted."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

from grader.errors import GraderError
from grader.intake.apart import Said, apart
from grader.intake.archives import is_archive
from grader.intake.faults import UNREADABLE
from grader.intake.litter import emptied, is_litter
from grader.intake.names import guess
from grader.intake.packed import MAIL
from grader.intake.reading import copy_out, list_inside, list_names, read_wanted


@dataclass
class Contents:
    """The wanted content of a file that was handed over: itself, or what is in it."""

    files: list[tuple[PurePosixPath, bytes]] = field(default_factory=list)
    faults: list[tuple[PurePosixPath, str]] = field(default_factory=list)
    """Of files that were wanted, and of the archive itself."""
    others: list[PurePosixPath] = field(default_factory=list)
    """Names of some files that lie where a submission may, and are none."""
    passed_over: int = 0
    """How many files were not wanted, those with names shown included."""


@dataclass(frozen=True)
class Source:
    """A download or folder whose files are known by name."""

    path: Path
    paths: Sequence[PurePosixPath]
    closed: Sequence[tuple[PurePosixPath, str]]
    """Folders that cannot be looked into, and why."""
    empty: Sequence[PurePosixPath] = ()
    """Folders in which nobody's file is, not even deeper."""
    unclear: bool = False
    """True where names are in an encoding that nothing tells."""

    def inside(self, numbers: Sequence[int]) -> dict[int, list[PurePosixPath]]:
        """Return where files lie in the archives of those numbers; nowhere, in a broken one."""
        found: dict[int, list[PurePosixPath]] = {number: [] for number in numbers}
        at = 0
        for head, _ in apart(partial(list_inside, self.path, numbers), len(numbers), _broken):
            at = head.get("task", at)
            found[numbers[at]] += [PurePosixPath(*parts) for parts in head.get("paths", ())]
        return found

    def read(
        self, wanted: Sequence[int], people: Sequence[str], names: frozenset[str]
    ) -> Iterator[tuple[int, Contents]]:
        """Yield the contents of the files of those numbers.

        Args:
            wanted: numbers of files.
            people: whose each of them is.
            names: the exercises' files.
        """
        tasks = list(wanted)
        found = Contents()
        at = -1
        work = partial(read_wanted, self.path, tasks, people, names)
        for head, body in apart(work, len(tasks), _broken):
            if "task" in head and head["task"] != at:
                if at >= 0:
                    yield tasks[at], found
                at, found = head["task"], Contents()
            path = PurePosixPath(*head.get("path", ()))
            if "fault" in head:
                found.faults.append((path, head["fault"]))
                if "path" not in head:  # the whole of it
                    found.files.clear()
            elif "passed" in head:
                found.passed_over = head["passed"]
                found.others = [PurePosixPath(*parts) for parts in head["others"]]
            elif "file" in head:
                found.files.append((path, body))
        if at >= 0:
            yield tasks[at], found


@contextmanager
def opened_source(path: Path) -> Iterator[Source]:
    """List a folder or an archive; of an archive that holds one archive alone, the inner one.

    Raises:
        GraderError: it cannot be read at all.
    """
    with ExitStack() as stack:
        source = _listed(path, path)
        while (lone := _lone_archive(source)) is not None:
            aside = stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-intake-"))
            inner = Path(aside) / source.paths[lone].name
            _take_out(source.path, lone, inner, path)
            source = _listed(inner, path)
        yield source


def _lone_archive(source: Source) -> int | None:
    """Return the number of the only file, where it is an archive and by its name nobody's."""
    real = [number for number, path in enumerate(source.paths) if not is_litter(path)]
    if len(real) != 1 or source.closed:
        return None
    path = source.paths[real[0]]
    ours = len(path.parts) == 1 and is_archive(path.name) and guess([path], ()) == "folder"
    return real[0] if ours else None


def _listed(path: Path, given: Path) -> Source:
    _require_readable(path, given)
    paths, closed = list[PurePosixPath](), list[tuple[PurePosixPath, str]]()
    listed = list[PurePosixPath]()
    unclear = False
    for head, _ in apart(partial(list_names, path), 1, _broken):
        paths += [PurePosixPath(*parts) for parts in head.get("paths", ())]
        listed += [PurePosixPath(*parts) for parts in head.get("empty", ())]
        unclear = head.get("unclear", unclear)
        if "path" in head:
            closed.append((PurePosixPath(*head["path"]), head["fault"]))
        elif "fault" in head:
            raise _of_no_use(given, head["fault"])
    return Source(path, paths, closed, emptied(listed, paths), unclear)


def _require_readable(path: Path, given: Path) -> None:
    if not path.exists():
        raise GraderError(f"{given} does not exist", "Name the download of your LMS, or a folder.")
    if path.is_file() and path.suffix.lower() in MAIL:
        raise GraderError(
            f"{given} holds mail, and is no archive",
            "Save what is attached into a folder for each sender, and name the folder around them.",
        )
    if not path.is_dir() and not (path.is_file() and is_archive(path.name)):
        raise GraderError(f"{given} is no zip or tar archive", "Unpack it, and name the folder.")
    try:
        if path.is_dir():
            os.scandir(path).close()
        else:
            path.open("rb").close()
    except OSError as error:
        raise GraderError(
            f"{given} cannot be read: {error.strerror}", "Look at its permissions."
        ) from None


def _take_out(path: Path, number: int, target: Path, given: Path) -> None:
    """Copy an archive out of a download that holds nothing else."""
    for head, _ in apart(partial(copy_out, path, number, target), 1, _broken):
        if "fault" in head:
            raise _of_no_use(given, head["fault"])


def _of_no_use(given: Path, why: str) -> GraderError:
    again = "Download it again; if that does not help, u" if why.startswith(UNREADABLE) else "U"
    return GraderError(f"{given} {why}", f"{again}npack it yourself, and name the folder.")


def _broken(task: int, why: str) -> Said:
    return {"task": task, "fault": why}, b""
