"""No sandbox: plain child processes, for an author's or learner's own code only."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from typing import Any, ClassVar

from grader.host.interpreter import WORKER
from grader.sandbox.base import Sandbox, zygote_arguments


class ProcessSandbox(Sandbox):
    """Runs the student's code as this user, with this user's files and network."""

    kind: ClassVar[str] = "process"

    def start(self) -> None:
        """Start the first process and wait until it serves."""
        (self.base / "state").mkdir()
        super().start()

    def _command(self, config: dict[str, Any]) -> list[str]:
        return [sys.executable, *zygote_arguments(config, str(WORKER))]

    def _popen_options(self) -> dict[str, Any]:
        return {"env": os.environ | {"PYTHONUNBUFFERED": "1"}}

    def _inside(self, name: str) -> str:
        return str(self.base / name)

    def _ports(self) -> list[int]:
        return [0 for _ in self.setup.ports]  # the well-known ones may be taken here

    def _rlimits(self) -> dict[str, int]:
        return {"CORE": 0}

    def _worker_rlimits(self) -> dict[str, int]:
        return {}

    def _worker_filter(self) -> None:
        return None  # a filter takes setuid programs away, and nobody hides anything here

    def kill(self) -> None:
        """End the first process and everything below it that is still known."""
        if self._popen is None or self._popen.poll() is not None:
            return
        left = []
        if shutil.which("ps") or sys.platform == "linux":
            with contextlib.suppress(Exception):
                left = self.processes()
        super().kill()
        for info in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(info.pid, signal.SIGKILL)
