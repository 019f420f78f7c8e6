"""A run's results on disk: one file for each submission, written whole, found again later."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.report import Report

_REPORTS = "reports"
_LONGEST_NAME = 120
"""Bytes; leaves room for an ending in every file system."""


class Results:
    """The folder of `grader grade --out`: `reports/STUDENT/NN.json`, and what is made of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._reports = folder / _REPORTS

    def path(self, student: str, exercise: str) -> Path:
        """Where the report of a submission is kept."""
        return self._reports / folder_name(student) / f"{exercise}.json"

    def save(self, report: Report) -> None:
        """Keep `report`; a reader finds the old one or the new one, never a half.

        Raises:
            GraderError: it cannot be written.
        """
        path = self.path(report.student, report.exercise)
        make_folder(path.parent)
        write_whole(path, report.model_dump_json(indent=1) + "\n")

    def load(self, student: str, exercise: str) -> Report | None:
        """The report that is kept, or None: there is none, or it is of an older format."""
        try:
            found = _read(self.path(student, exercise))
        except (OSError, ValidationError):
            return None
        # Two names that a short one stands for are told apart by what is in the file.
        return found if found.student == student else None

    def all(self) -> Iterator[Report]:
        """Every report that is kept, by student and exercise; one in memory at a time.

        Raises:
            GraderError: there is none, or a file of them cannot be read.
        """
        paths = sorted(self._reports.glob("*/*.json"))
        if not paths:
            raise GraderError(
                f"{self.folder} holds no results", "Run `grader grade DIR --out` with it first."
            )
        for path in paths:
            try:
                yield _read(path)
            except (OSError, ValidationError):
                raise GraderError(
                    f"{path} is not a report of this version of the grader",
                    "Remove it, and grade again.",
                ) from None

    def students(self) -> list[str]:
        """The folder names of those of whom reports are kept."""
        return sorted({path.parent.name for path in self._reports.glob("*/*.json")})

    def exercises(self) -> frozenset[str]:
        """The exercises of which a report is kept."""
        return frozenset(path.stem for path in self._reports.glob("*/*.json"))

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


def folder_name(student: str) -> str:
    """A folder's name for `student`: the name itself, or a short one that stands for it."""
    name = os.fsencode(student)
    if 0 < len(name) <= _LONGEST_NAME and not student.startswith(".") and "/" not in student:
        return student
    digest = hashlib.sha256(name).hexdigest()[:12]
    start = name[: _LONGEST_NAME - 20].decode(errors="ignore")
    return f"{start.replace('/', '_').lstrip('.')}-{digest}"


def _read(path: Path) -> Report:
    return Report.model_validate_json(path.read_bytes())
