"""What the student's processes print: drained always, kept in part, capped."""

from __future__ import annotations

import os
import select
import selectors
import threading
import time

KEPT = 4096
"""Bytes kept of the end of the output."""
_PAUSE = 0.002
"""Seconds between two reads of what is dropped: a flood costs the reader little."""


_SETTLE = 0.5


def _shown(data: bytes) -> str:
    text = data.decode("utf-8", errors="replace")
    return "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)


class Output:
    """Reads the standard output and error of every process of one sandbox.

    A process that prints while nobody reads would stand still on a full pipe, so a thread reads
    all the time. What comes after the first `cap` bytes is dropped.
    """

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._total = 0
        self._tail = b""
        self._selector: selectors.BaseSelector | None = None
        self._wake_read = self._wake_write = -1
        self._new: list[int] = []
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def dropped(self) -> int:
        """Return how many bytes came beyond the cap."""
        return max(0, self._total - self._cap)

    @property
    def tail(self) -> str:
        """The end of what was kept, with control characters made visible."""
        return _shown(self._tail)

    @property
    def note(self) -> str:
        """Return a note about what was dropped; empty when nothing was."""
        if not self.dropped:
            return ""
        kept, rest = self._cap // 1024, -(-self.dropped // 1024)
        return f"[the first {kept} KB of what was printed were kept; {rest} KB more were dropped]"

    @property
    def kept(self) -> int:
        """Return how many bytes were kept so far, those that the tail has lost among them."""
        return min(self._total, self._cap)

    def since(self, kept: int) -> str:
        """Return the end of what was kept after the first `kept` bytes, as :attr:`tail` shows it.

        What was printed before the call is waited for, half a second at most.
        """
        deadline = time.monotonic() + _SETTLE
        while self._lies_ready() and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        new = self.kept - kept
        return _shown(self._tail[-new:]) if new > 0 else ""

    def _lies_ready(self) -> bool:
        if self._selector is None or self.dropped:
            return False
        with self._lock:
            watched = [key.fd for key in list(self._selector.get_map().values()) if key.fd >= 0]
        poll = select.poll()
        for fd in [*watched, *self._new]:
            poll.register(fd, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

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
                if self.dropped:
                    time.sleep(_PAUSE)
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
        kept = data[: max(0, self._cap - self._total)]
        self._total += len(data)
        if kept:
            self._tail = (self._tail + kept)[-KEPT:]

    def _finish(self) -> None:
        assert self._selector is not None
        self._adopt()
        for key in list(self._selector.get_map().values()):
            if key.fd != self._wake_read:
                self._read(key.fd)  # what lies ready is kept, the rest is not waited for
        for key in list(self._selector.get_map().values()):
            os.close(key.fd)
        os.close(self._wake_write)
