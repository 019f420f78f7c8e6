"""The trial import: a learner's files by themselves, as they will be when they are graded.

Whatever lies beside them in the course, and what the tests put on Python's path, is not there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel

from grader.host.interpreter import WORKER, worker_code
from grader.worker import importing

SLOW = 1.0
"""Seconds; the hidden suite of an exercise imports a file some fifty times."""
_FLOOD = 256 * 1024
"""Bytes that an import may print before it is told."""
_GRACE = 20.0
"""Seconds beyond its limits in which the process starts, imports clients, and ends by itself."""


class Trial(BaseModel):
    """The findings of importing a submission's files; each a sentence for its author."""

    refused: tuple[str, ...] = ()
    """What would cost all points of a file."""
    ending: tuple[str, ...] = ()
    """The modules whose import never ends, or ends the process that makes it."""
    noted: tuple[str, ...] = ()
    """What would cost time, or may."""


def try_import(
    files: Mapping[str, bytes], modules: list[str], seconds: float, clients: Sequence[str] = ()
) -> Trial:
    """Import `modules` of `files` in a process of their own, each for at most `seconds`.

    `clients` are imported before, and their time is nobody's.
    """
    with tempfile.TemporaryDirectory(prefix="grader-") as temporary:
        base = Path(temporary).resolve()
        for name in ("files", "work"):
            (base / name).mkdir()
        for name, data in files.items():
            (base / "files" / name).write_bytes(data)
        printed = _run(base, modules, seconds, clients)
        notes = list(_lines(base / "notes"))
        stood = _line_of(base / "trace", base / "files")
    begun = [note["module"] for note in notes if "begins" in note]
    results = {note["module"]: note for note in notes if "begins" not in note}
    refused: list[str] = []
    ending: list[str] = []
    noted: list[str] = []
    for module in begun:
        file, result = f"{module}.py", results.get(module)
        if result is None:
            ending.append(module)
            refused.append(
                importing.ended(file)
                if stood is None
                else importing.endless(file, seconds, stood[1] if stood[0] == file else 0)
            )
        elif "failed" in result:
            ending += [module] if result["ends"] else []
            refused.append(importing.failed(file, result["failed"]))
        else:
            refused += _out_of_reach(file, result["foreign"])
            noted += _costly(file, result)
    if printed > _FLOOD:
        which = " and ".join(f"{module}.py" for module in begun)
        noted.append(f"importing {which} printed {printed >> 10} KB: {importing.MAIN_GUARD}")
    return Trial(refused=tuple(refused), ending=tuple(ending), noted=tuple(noted))


def _run(base: Path, modules: list[str], seconds: float, clients: Sequence[str]) -> int:
    """Run the trial; how many bytes it printed."""
    order = {
        "folder": str(base / "files"),
        "notes": str(base / "notes"),
        "trace": str(base / "trace"),
        "modules": modules,
        "clients": list(clients),
        "seconds": seconds,
    }
    printed = [0]
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-c", worker_code("trial", str(WORKER)), json.dumps(order)],
        cwd=base / "work",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        env=_environment(),
    ) as process:
        assert process.stdout is not None
        reader = threading.Thread(target=_count, args=(process.stdout, printed), daemon=True)
        reader.start()
        try:
            process.wait(2 * len(modules) * seconds + _GRACE)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(process)
        reader.join(1)  # a process that got away may hold the pipe open
    return printed[0]


def _environment() -> dict[str, str]:
    """Return this process's environment without what leads to other modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process, and where the system can tell, those that it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _count(pipe: IO[bytes], printed: list[int]) -> None:
    while data := pipe.read1(1 << 16):  # type: ignore[attr-defined]  # a BufferedReader
        printed[0] += len(data)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):  # it ended in the middle of one
                yield json.loads(line)


def _line_of(trace: Path, folder: Path) -> tuple[str, int] | None:
    """Find where the import stood when its time was over: a file, and its line at module level."""
    text = trace.read_text(encoding="utf-8", errors="replace") if trace.is_file() else ""
    if not text:
        return None
    places = re.findall(r'File "([^"]+)", line (\d+) in <module>', text)
    own = [(Path(file).name, int(line)) for file, line in places if Path(file).parent == folder]
    return own[0] if own else ("", 0)


def _out_of_reach(file: str, foreign: Mapping[str, str]) -> Iterator[str]:
    for name, where in sorted(foreign.items()):
        yield (
            f"{file} imports {name}, from {where}, which is not there when it is graded: "
            f"code of your own goes into {file}"
        )


def _costly(file: str, note: Mapping[str, Any]) -> Iterator[str]:
    if note["seconds"] >= SLOW:
        yield importing.slow(file, note["seconds"])
    if note["moved"]:
        yield (
            f"importing {file} changed the working folder to {note['moved']}, "
            "which need not be there when it is graded"
        )
