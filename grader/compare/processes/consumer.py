"""A consumer in a process of its own.

Says ["imported"]; after a line came in, ["ready", t], then for each event ["begin", number, sent,
t] and ["end", number, t], and ["returned", t]; or at full speed one ["burst", ...] at the end; or
["idle", ...]; ["failed", sentence]. All times are time.monotonic(), in seconds, which producer and
consumer on one machine share. When its line ends, so does the process.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from grader.compare.place import Place
from grader.compare.processes import counts
from grader.compare.processes.kill import kill_at_return
from grader.compare.processes.line import ProcessLine
from grader.compare.result import NOT_WRITTEN
from grader.compare.techniques.technique import Call, Technique
from grader.plugins import load

QUIET = 4.0
"""Seconds without an event after which a run at full speed counts as over."""

_UNDERWAY = 0.05
"""Seconds that earlier acknowledgements have to arrive: a kill may take what is on its way.

Short, since what comes meanwhile waits where a kill may lose it.
"""


class Job(BaseModel):
    """The orders for a consumer process."""

    technique: str
    """Where its class lies."""
    file: str = ""
    """The module that holds the function; empty for the bare client's loop."""
    place: Place
    mode: Literal["stream", "burst", "idle"] = "stream"
    max_events: int = 10**9
    hold_at: int = 0
    """Stand still inside `handle` of the n-th event, to be killed there."""
    kill_after: int = 0
    """Be killed when `handle` of the n-th event returns, before it can be acknowledged."""
    persistent: bool = False
    """Call the function again when it raised: a supervisor's work."""
    seconds: float = 0.0
    """How long to look on, in mode idle."""


def work(job: Job, line: ProcessLine) -> None:
    """Load the function, wait to be told, call it, and tell what happens."""
    technique: Technique = load(job.technique)()
    try:
        call = technique.bind(_load(technique, job.file), job.place, counts.requests)
    except Exception as error:  # noqa: BLE001 - a learner's module raises what it likes
        line.say("failed", _sentence(error))
        return
    line.say("imported")
    line.hear()
    threading.Thread(target=_end_with, args=(line,), daemon=True).start()
    mode = {"stream": _stream, "burst": _burst, "idle": _idle}[job.mode]
    while True:
        try:
            mode(call, job, line)
        except Exception as error:  # noqa: BLE001 - as above
            if job.persistent:
                time.sleep(0.05)  # as a supervisor would, so that a broker is not stormed
                continue
            line.say("failed", _sentence(error))
        return


def _load(technique: Technique, file: str) -> Callable[..., object]:
    """Return the function of that file, or the bare client's where it is empty."""
    if not file:
        return technique.bare
    path = Path(file)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # dataclasses in it look themselves up there
    spec.loader.exec_module(module)
    found: Callable[..., object] = getattr(module, technique.function)
    return found


def _stream(call: Call, job: Job, line: ProcessLine) -> None:
    """Tell of each event when its handling begins and ends."""
    handled = 0

    def handle(event: dict[str, Any]) -> None:
        nonlocal handled
        handled += 1
        line.say("begin", event["number"], event["sent"], time.monotonic())
        if handled == job.hold_at:
            signal.pause()
        if handled == job.kill_after:
            time.sleep(_UNDERWAY)
            kill_at_return()
        line.say("end", event["number"], time.monotonic())

    call(handle, _ready(line), job.max_events)
    line.say("returned", time.monotonic())


def _burst(call: Call, job: Job, line: ProcessLine) -> None:
    """Count, and tell at the end what it took."""
    handled, first, last = 0, 0.0, 0.0
    wanted = job.max_events

    def handle(_: dict[str, Any]) -> None:
        nonlocal handled, first, last
        handled += 1
        if handled == 1:
            first = time.monotonic()
        elif handled == wanted:
            last = time.monotonic()

    def watch() -> None:
        """End the run of a consumer that lost an event, and would wait for it for ever."""
        seen = -1
        while handled != seen:
            seen = handled
            time.sleep(QUIET)
        line.say("burst", handled, start, first, last, 0.0)

    threading.Thread(target=watch, daemon=True).start()
    cpu, start = counts.cpu_with_children(), time.monotonic()
    call(handle, _ready(line), wanted)
    line.say("burst", handled, start, first, last, counts.cpu_with_children() - cpu)


def _idle(call: Call, job: Job, line: ProcessLine) -> None:
    """Wait for what does not come, and tell what the waiting took."""
    if not load(job.technique).counts_requests:
        counts.count_sends()

    def spent() -> tuple[float, float, float, float]:
        return (
            counts.requests.calls,
            counts.cpu_with_living(),
            counts.wakeups(),
            time.monotonic(),
        )

    def look() -> None:
        time.sleep(0.5)  # connecting and declaring are not idleness
        before = spent()
        time.sleep(job.seconds)
        calls, cpu, wakeups, took = (b - a for a, b in zip(before, spent(), strict=True))
        line.say("idle", calls, cpu, wakeups - 1, took)  # one was this thread's

    threading.Thread(target=look, daemon=True).start()
    call(lambda _: None, _ready(line), job.max_events)
    line.say("failed", "it returned instead of waiting")


def _ready(line: ProcessLine) -> Callable[[], None]:
    return lambda: line.say("ready", time.monotonic())


def _sentence(error: Exception) -> str:
    if isinstance(error, NotImplementedError):
        return NOT_WRITTEN
    first = (str(error).splitlines() or [""])[0][:200]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _end_with(line: ProcessLine) -> None:
    """End with whoever reads us, and take `tail` along."""
    while line.hear():
        pass
    os.killpg(0, signal.SIGKILL)
