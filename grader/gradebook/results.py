"""A run's results on disk: one file for each submission, written whole, found again later."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.report import Report
from grader.spelling import folded, normal

_REPORTS = "reports"
_LONGEST_NAME = 120
"""Bytes; leaves room for an ending in every file system."""


class Results:
    """The folder of `grader grade --out`: `reports/STUDENT/NN.json`, and what is made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reports = folder / _REPORTS

    def path(self, student: str, exercise: str) -> Path:
        """Return where the report of a submission is kept.

        On a file system that knows no case `ann` finds the folder of `Ann`: whose report is there
        already keeps it, and the other has a folder of a longer name.
        """
        plain, longer = self._places(student, exercise)
        return plain if _student_of(plain) in (None, normal(student)) else longer

    def _places(self, student: str, exercise: str) -> tuple[Path, Path]:
        plain = folder_name(student)
        longer = folder_name(student, taken={folded(plain)})
        file = f"{exercise}.json"
        return self._reports / plain / file, self._reports / longer / file

    def save(self, report: Report) -> None:
        """Keep `report`; a reader finds the old one or the new one, never a half.

        Raises:
            GraderError: it cannot be written.
        """
        path = self.path(report.student, report.exercise)
        make_folder(path.parent)
        write_whole(path, report.model_dump_json(indent=1) + "\n")

    def load(self, student: str, exercise: str) -> Report | None:
        """Return the report that is kept, or None: there is none, or it is of an older format."""
        for path in self._places(student, exercise):
            with suppress(OSError, ValidationError):
                found = _read(path)
                # Two names that one folder stands for are told apart by what is in the file.
                if found.student == normal(student):
                    return found
        return None

    def all(self) -> Iterator[Report]:
        """Yield every report that is kept, by student and exercise; one in memory at a time.

        A name may have been written in two of Unicode's forms by an earlier version: then the
        report in normal form is the newer one, and the only one that counts.

        Raises:
            GraderError: there is none, or a file of them cannot be read.
        """
        paths = sorted(
            self._reports.glob("*/*.json"), key=lambda path: (normal(path.parent.name), path.name)
        )
        if not self.folder.is_dir():
            raise GraderError(
                f"{self.folder} is no folder that is there, so it holds no results",
                "Name the one that `grader grade DIR --out` was given.",
            )
        if not paths:
            raise GraderError(
                f"{self.folder} holds no results", "Run `grader grade DIR --out` with it first."
            )
        for path in paths:
            try:
                report = _read(path)
            except (OSError, ValidationError):
                raise GraderError(
                    f"{path} is not a report of this version of the grader",
                    "Remove it, and grade again.",
                ) from None
            places = self._places(report.student, report.exercise)
            if path in places or not any(_student_of(p) == report.student for p in places):
                yield report

    def students(self) -> list[str]:
        """Return the folder names of those of whom reports are kept."""
        return sorted({normal(path.parent.name) for path in self._reports.glob("*/*.json")})

    def exercises(self) -> frozenset[str]:
        """Return the exercises of which a report is kept."""
        return frozenset(path.stem for path in self._reports.glob("*/*.json"))

    def run_id(self) -> str:
        """Return 16 hex digits that name this folder to a broker: the same ones each time.

        Raises:
            GraderError: they cannot be written.
        """
        path = self.folder / ".run"
        with suppress(OSError, UnicodeDecodeError):
            found = path.read_text(encoding="ascii").strip()
            if re.fullmatch("[0-9a-f]{16}", found):
                return found
        made = secrets.token_hex(8)
        write_whole(path, made + "\n")
        return made

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other runs out of the folder; the lock ends with this process, however it ends.

        Raises:
            GraderError: another run has it, or the folder cannot be made.
        """
        import fcntl  # noqa: PLC0415 - Windows has none, and no sandbox either

        make_folder(self._reports)
        lock = self.folder / ".lock"
        try:
            file = lock.open("w", encoding="utf-8")
        except OSError as error:
            raise GraderError(
                f"{lock} cannot be written: {error.strerror}", "Name a folder of yours with --out."
            ) from None
        # A process forked while it is held would keep it after this one was killed.
        os.register_at_fork(after_in_child=file.close)
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise GraderError(
                    f"another run is writing to {self.folder}",
                    "Wait for it, or name another folder.",
                ) from None
            for left in self._reports.glob("*/.*"):  # written aside by a run that was killed
                left.unlink(missing_ok=True)
            yield


def folder_name(student: str, taken: Collection[str] = ()) -> str:
    """Return a folder's name for `student`: the name itself, or a short one that stands for it.

    Args:
        student: whose folder it is.
        taken: folded names that others have already.
    """
    student = normal(student)
    name = os.fsencode(student)
    plain = 0 < len(name) <= _LONGEST_NAME and not student.startswith(".") and "/" not in student
    if plain and folded(student) not in taken:
        return student
    digest = hashlib.sha256(name).hexdigest()[:12]
    start = name[: _LONGEST_NAME - 20].decode(errors="ignore")
    return f"{start.replace('/', '_').lstrip('.')}-{digest}"


class FolderNames:
    """Names of folders or files, one a student, that no file system takes for one another."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def of(self, student: str) -> str:
        """Return the name for `student`, and the same one again."""
        student = normal(student)
        if student not in self._names:
            taken = {folded(name) for name in self._names.values()}
            self._names[student] = folder_name(student, taken)
        return self._names[student]


def _student_of(path: Path) -> str | None:
    """Whose report lies at `path`; None: no report that can be read does."""
    try:
        return _read(path).student
    except (OSError, ValidationError):
        return None


def _read(path: Path) -> Report:
    report = Report.model_validate_json(path.read_bytes())
    return report.model_copy(update={"student": normal(report.student)})
