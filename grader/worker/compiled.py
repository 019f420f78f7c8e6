"""The submission's modules, compiled once for all of its processes.

A process of the student's lives for some milliseconds, of which compiling would take the most.
Nothing of the student's runs for it, and the compiler has a process of its own: a source that it
does not survive, takes long for or warns of is left to the student's processes, as any other
failure of theirs.
"""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import signal
import sys
import time
import warnings
from importlib.machinery import FileFinder, SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import ClassVar

_SECONDS = 2
"""For the compiler; a file of an exercise takes it some milliseconds."""


class Loader(SourceFileLoader):
    """Python's own, but for the code that lies ready."""

    codes: ClassVar[dict[str, CodeType]] = {}

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code; compiled here when it does not lie ready."""
        return self.codes.get(fullname) or super().get_code(fullname)


def compile_once(folder: str, modules: list[str]) -> None:
    """Compile what `folder` has of `modules`; processes forked later import the result."""
    finder = FileFinder(folder, (Loader, [".py"]))
    specs = [spec for name in modules if (spec := finder.find_spec(name)) is not None]
    paths = {spec.name: spec.origin for spec in specs if spec.origin is not None}
    pid, read_end = _start_compiler(paths)
    compiled = _read_all(pid, read_end)
    with contextlib.suppress(ChildProcessError):  # SIGCHLD is ignored: there is no status
        os.waitpid(pid, 0)
    with contextlib.suppress(EOFError, ValueError, TypeError):  # it ended half way
        Loader.codes.update(marshal.loads(compiled))  # noqa: S302 - nothing of a student's yet
    sys.path_importer_cache[folder] = finder


def _start_compiler(paths: dict[str, str]) -> tuple[int, int]:
    """Start a process that writes the codes by name; return its pid, and where to read them."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            codes = {name: code for name, path in paths.items() if (code := _compile(path))}
            with os.fdopen(write_end, "wb") as pipe:
                marshal.dump(codes, pipe)
        finally:
            os._exit(0)
    os.close(write_end)
    return pid, read_end


def _compile(path: str) -> CodeType | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the student sees them where the student's code runs
            return compile(Path(path).read_bytes(), path, "exec", dont_inherit=True)
    except Exception:  # noqa: BLE001 - and errors likewise
        return None


def _read_all(pid: int, read_end: int) -> bytes:
    """Return all that the compiler wrote; nothing when it takes too long."""
    data = b""
    deadline = time.monotonic() + _SECONDS
    with os.fdopen(read_end, "rb", buffering=0) as pipe:
        while select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
            if not (more := pipe.read(1 << 16)):
                return data
            data += more
    os.kill(pid, signal.SIGKILL)  # it still has the pipe, so it runs
    return b""
