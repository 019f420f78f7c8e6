"""The processes of a comparison: started, listened to, and always ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from grader.compare.processes.consumer import Job
from grader.compare.processes.producer import Plan
from grader.compare.techniques.technique import Technique
from grader.errors import GraderError
from grader.host.child import start_module
from grader.host.identity import Identity
from grader.plugins import folder_of, place_of

PATIENCE = 20.0
"""Seconds that a step may take before it counts as failed; nothing that works comes near."""


class RunError(Exception):
    """A run did not get as far as it should; the text is one sentence."""


class LossError(RunError):
    """Some events arrived, and not all."""


class Child:
    """A process of ours, and what it has said so far."""

    def __init__(self, line: socket.socket, pid: int) -> None:
        self._line = line
        self._pid = pid
        self._identity = Identity.of(pid)
        self._said: list[list[Any]] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError), self._line.makefile("rb") as lines:
            for line in lines:
                with self._news:
                    self._said.append(json.loads(line))
                    self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def begin(self) -> None:
        """Tell the process to begin."""
        self._send_line()

    def stop(self) -> None:
        """Tell a producer that has begun to stop."""
        self._send_line()

    def _send_line(self) -> None:
        with contextlib.suppress(OSError):
            self._line.sendall(b"\n")

    def wait_for(self, word: str, seconds: float = PATIENCE) -> list[Any]:
        """Wait for `word`, and return what was said after it, the first time.

        Raises:
            RunError: it failed, ended, or was silent about it for so long.
        """
        found: list[list[Any]] = []

        def settled() -> bool:
            found[:] = [words for words in self._said if words[0] in (word, "failed")]
            return bool(found) or self._ended

        with self._news:
            self._news.wait_for(settled, seconds)
        if found and found[0][0] == word:
            return found[0][1:]
        if found:
            raise RunError(str(found[0][1]))
        raise RunError("its process ended" if self._ended else f"not {word} after {seconds:.0f} s")

    def of(self, word: str) -> list[list[Any]]:
        """Return what was said after `word`, each time."""
        with self._news:
            return [words[1:] for words in self._said if words[0] == word]

    @property
    def failed(self) -> str:
        """Why it failed, or empty."""
        found = self.of("failed")
        return str(found[0][0]) if found else ""

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will be said."""
        return self._ended

    def kill(self) -> None:
        """End it and its children at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        self._gone()
        self._line.close()

    def kill_alone(self) -> None:
        """End it as the kernel would for want of memory: its children are on their own."""
        self._identity.kill()
        self._gone()

    def _gone(self) -> None:
        self._identity.wait(5)  # its ports are free only then
        self._reader.join(1)


class Crew:
    """Every child of a comparison of some techniques. To be entered; leaving ends them all."""

    def __init__(self, techniques: Iterable[Technique] = ()) -> None:
        self._techniques = [type(each) for each in techniques]
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._living: set[Child] = set()

    def __enter__(self) -> Self:
        self._control, other = socket.socketpair()
        with other:
            self._zygote = start_module(
                "grader.compare.processes.zygote",
                str(other.fileno()),
                os.pathsep.join(dict.fromkeys(map(folder_of, self._techniques))),
                *map(place_of, self._techniques),
                pass_fds=[other.fileno()],
                stderr=subprocess.DEVNULL,
            )
        self._pids = self._control.makefile("rb")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._pids.close()
        self._control.close()
        self._zygote.kill()
        self._zygote.wait()

    def stop(self) -> None:
        """End all children, and let no more begin: whoever waits for one gets a RunError."""
        self._stopping.set()
        with self._lock:
            living = list(self._living)
        for child in living:
            child.kill()

    def consumer(self, job: Job) -> Child:
        """Start a consumer that waits to be told."""
        return self._start("consumer", job.model_dump())

    def producer(self, plan: Plan) -> Child:
        """Start a producer that waits to be told."""
        return self._start("producer", plan.model_dump())

    def _start(self, role: str, told: dict[str, Any]) -> Child:
        ours, its = socket.socketpair()
        with its, self._lock:
            if self._stopping.is_set():
                ours.close()
                raise RunError("stopped")
            try:
                socket.send_fds(self._control, [b"+"], [its.fileno()])
                child = Child(ours, int(self._pids.readline()))
            except (OSError, ValueError):
                ours.close()
                raise GraderError(
                    "the process that starts the consumers has ended", "Try again."
                ) from None
            self._living.add(child)
        ours.sendall(json.dumps([role, told]).encode() + b"\n")
        return child

    @contextmanager
    def children(self, *made: Child) -> Iterator[tuple[Child, ...]]:
        """Wait until all have imported; end all at the end."""
        try:
            for child in made:
                child.wait_for("imported")
            yield made
        finally:
            for child in made:
                child.kill()
                with self._lock:
                    self._living.discard(child)

    def until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Look every 10 ms whether `condition` holds; False when it did not within `seconds`.

        Raises:
            RunError: the comparison is being stopped.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.pause(0.01)
        return True

    def pause(self, seconds: float) -> None:
        """Sleep.

        Raises:
            RunError: the comparison is being stopped.
        """
        if self._stopping.wait(seconds):
            raise RunError("stopped")
