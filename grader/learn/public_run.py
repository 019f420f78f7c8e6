"""A run of the public tests in a process of its own, told test by test.

`grader check` and `grader watch` use it where there is no hidden suite.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Collection
from types import TracebackType
from typing import Self

from grader.course import Course, Exercise
from grader.learn.own_work import PublicRun, your_files
from grader.learn.public_record import ONLY, TELL
from grader.learn.public_rows import as_report
from grader.report import CheckResult, Kind, Outcome, Report
from grader.services.catalog import service_kinds

_ENDED = (
    "your code ended the process in the middle of a test (os._exit, sys.exit, a signal, or out of "
    "memory)"
)
_NOT_BEGUN = "the public tests did not begin; `pytest exercises/{}` shows why"


def warm(exercise: Exercise) -> None:
    """Import what the tests of an exercise need, so that forked runs begin at once."""
    importlib.import_module("pytest")
    for kind in service_kinds(exercise.services):
        if kind.stand_in:
            with contextlib.suppress(ImportError):
                importlib.import_module(kind.stand_in)


class PublicTestsRun:
    """The public tests of an exercise while they run; :meth:`read` when its descriptor is ready."""

    def __init__(
        self, course: Course, exercise: Exercise, only: Collection[str] = (), *, fork: bool = False
    ) -> None:
        self._course, self._exercise = course, exercise
        self._run = PublicRun(submission_hash=your_files(course, exercise).hash, tests={})
        self._buffer = b""
        self._read, write = os.pipe()
        os.set_inheritable(write, True)  # noqa: FBT003 - positional only
        env = os.environ | {TELL: str(write), ONLY: " ".join(only)}
        env |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
        words = [f"exercises/{exercise.id}", "-q", "--no-header", "--tb=no"]
        words += ["-p", "no:cacheprovider", "-p", "no:debugging"]
        self._popen: subprocess.Popen[bytes] | None = None
        self._pid = 0
        if fork and hasattr(os, "fork"):
            self._pid = os.fork()
            if not self._pid:
                _be_pytest(str(course.root), words, env, self._read)
        else:
            self._popen = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "pytest", *words],
                cwd=course.root,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                close_fds=False,
                start_new_session=True,
            )
        os.close(write)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._read

    def read(self) -> bool:
        """Read what was told, waiting for it; False when the run is over."""
        data = os.read(self._read, 1 << 16)
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        if lines:
            self._run = PublicRun.model_validate_json(lines[-1])
        return bool(data)

    def step(self) -> tuple[CheckResult, bool] | Report | None:
        """Return the failure to mend first so far, or None; the report when the run is over."""
        if not self.read():
            return self.final_report()
        failure = self.report().first_failure
        return (failure, False) if failure is not None else None

    def report(self) -> Report:
        """Return the rows that are known; those of tests to come are skipped."""
        return as_report(self._course, self._exercise, self._run)

    def final_report(self) -> Report:
        """Return the report of a run that is over, also where it ended before its tests did."""
        report = self.report()
        if self._run.finished and self._run.tests:
            return report
        rows = list(report.checks)
        place = next((i for i, row in enumerate(rows) if row.outcome is Outcome.SKIPPED), None)
        if place is not None and (check := self._exercise.check(rows[place].id)):
            said = _ENDED if self._run.running else _NOT_BEGUN.format(self._exercise.id)
            rows[place] = CheckResult.of(check, Outcome.FAILED, said, kind=Kind.CRASHED)
        return report.model_copy(update={"checks": tuple(rows)})

    def stop(self) -> None:
        """End it, with all that it started."""
        pid = self._popen.pid if self._popen is not None else self._pid
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(pid, signal.SIGKILL)
            elif self._popen is not None:
                self._popen.kill()
        if self._popen is not None:
            self._popen.wait()
        elif self._pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0
        with contextlib.suppress(OSError):
            os.close(self._read)
            self._read = -1


def _be_pytest(root: str, words: list[str], env: dict[str, str], other_end: int) -> None:
    """Run pytest in this forked process, which ends with it."""
    code = 1
    try:
        os.setsid()
        os.close(other_end)
        os.environ.clear()
        os.environ.update(env)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.chdir(root)
        sys.path[:0] = [root]
        import pytest  # noqa: PLC0415 - imported by warm() before

        code = pytest.main(words)
    finally:
        os._exit(code)
