"""Imports a learner's modules by themselves, and notes what happens.

Run by `grader.learn.trial_import` as a process of its own, on the learner's own machine.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any, TextIO

from .importing import LoadError, load, stage

WARM = 1.0
"""Seconds from which on an import is repeated: libraries that it loads are loaded only once."""

_COURSE = frozenset({"exercises", "grader", "resources", "solutions", "tests"})
"""The course's own packages: installed or not, a submission does not find them."""


def main() -> None:
    """Import each module of argv[1]; notes go, a JSON object a line, into its file `notes`."""
    order = json.loads(sys.argv[1])
    for client in order["clients"]:
        with contextlib.suppress(ImportError):  # the learner's own import tells
            importlib.import_module(client)
    stage(order["folder"])
    sys.dont_write_bytecode = True
    with (
        Path(order["notes"]).open("w", encoding="utf-8") as notes,
        Path(order["trace"]).open("w", encoding="utf-8") as trace,
    ):
        for module in order["modules"]:
            _note(notes, {"module": module, "begins": True})
            _note(notes, {"module": module, **_try(module, order, trace)})
    os._exit(0)  # threads and exit functions of the learner's are not waited for


def _try(module: str, order: dict[str, Any], trace: TextIO) -> dict[str, Any]:
    def timed() -> float:
        # It ends this process, also where Ctrl-C or an alarm would be caught.
        faulthandler.dump_traceback_later(order["seconds"], exit=True, file=trace)
        begun = time.perf_counter()
        try:
            load(module)
        finally:
            faulthandler.cancel_dump_traceback_later()
        return time.perf_counter() - begun

    here = Path.cwd()
    try:
        seconds = timed()
        if seconds >= WARM:
            for name in order["modules"]:
                sys.modules.pop(name, None)
            seconds = min(seconds, timed())
    except LoadError as error:
        ends = isinstance(error.__context__, SystemExit | KeyboardInterrupt)
        return {"failed": str(error), "ends": ends}
    moved = str(Path.cwd()) if Path.cwd() != here else ""
    os.chdir(here)
    return {"seconds": seconds, "moved": moved, "foreign": _foreign(order["folder"])}


def _foreign(folder: str) -> dict[str, str]:
    """Find packages that come neither from the folder nor from where packages are installed."""
    homes = [folder, *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib"))]
    homes += [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    found: dict[str, str] = {}
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        top = name.partition(".")[0]
        if not file or top.startswith("__") or top == "worker":
            continue
        if top in _COURSE or not any(Path(file).is_relative_to(home) for home in homes):
            found.setdefault(top, file)
    return found


def _note(notes: TextIO, what: dict[str, Any]) -> None:
    notes.write(json.dumps(what) + "\n")
    notes.flush()
