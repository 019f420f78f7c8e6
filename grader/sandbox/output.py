"""What the student's processes print: drained always, kept in part, capped."""

from __future__ import annotations

import os
import selectors
import threading
from collections.abc import Callable

KEPT = 4096
"""Bytes kept of the end of the output."""


class Output:
    """Reads the standard output and error of every process of one sandbox.

    A process that prints while nobody reads would stand still on a full pipe, so a thread reads
    all the time. When more than `cap` bytes came, `on_flood` is called once.
    """

    def __init__(self, cap: int, on_flood: Callable[[], None]) -> None:
        self._cap = cap
        self._on_flood = on_flood
        self._total = 0
        self._tail = b""
        self._selector: selectors.BaseSelector | None = None
        self._wake_read = self._wake_write = -1
        self._new: list[int] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def flooded(self) -> bool:
        """Whether more came than is allowed."""
        return self._total > self._cap

    @property
    def tail(self) -> str:
        """The end of what was printed, with control characters made visible."""
        text = self._tail.decode("utf-8", errors="replace")
        return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)

    def watch(self, fd: int) -> None:
        """Read `fd` from now on until its end, then close it."""
        with self._lock:
            self._new.append(fd)
        if self._thread is None:
            self._selector = selectors.DefaultSelector()
            self._wake_read, self._wake_write = os.pipe()
            self._selector.register(self._wake_read, selectors.EVENT_READ)
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
        os.write(self._wake_write, b"+")

    def close(self) -> None:
        """Stop reading."""
        if self._thread is not None:
            os.write(self._wake_write, b"x")
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        assert self._selector is not None
        with self._selector:
            while True:
                for key, _ in self._selector.select():
                    if key.fd == self._wake_read:
                        if b"x" in os.read(self._wake_read, 4096):
                            self._finish()
                            return
                        self._adopt()
                    else:
                        self._read(key.fd)

    def _adopt(self) -> None:
        assert self._selector is not None
        with self._lock:
            new, self._new = self._new, []
        for fd in new:
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)

    def _read(self, fd: int) -> None:
        assert self._selector is not None
        try:
            data = os.read(fd, 1 << 16)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(fd)
            os.close(fd)
            return
        was = self.flooded
        self._total += len(data)
        self._tail = (self._tail + data)[-KEPT:]
        if self.flooded and not was:
            self._on_flood()

    def _finish(self) -> None:
        assert self._selector is not None
        self._adopt()
        for key in list(self._selector.get_map().values()):
            if key.fd != self._wake_read:
                self._read(key.fd)  # what lies ready is kept, the rest is not waited for
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._wake_write)
