"""The sinks that need no server: a file, and the consumer's own socket."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from pathlib import Path

from event_sinks.base import Sink, SinkError, reason


class FileSink(Sink):
    """Appends to a file, which is created if it does not exist; its folder is not."""

    done = "Wrote"
    block = 1_000

    def __init__(self, path: Path) -> None:
        self.target = str(path)
        if path.is_dir():
            raise SinkError(f"{path} is a folder. Give --path the name of a file.")
        if not path.parent.is_dir():
            raise SinkError(f"There is no folder {path.parent}. Create it, then run this again.")
        try:
            # Without a buffer of Python's, an event is one append and readable at once.
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._broken(error) from error
        self.interruptible = not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode)

    def send(self, lines: bytes) -> None:
        written = 0
        try:
            while written < len(lines):
                written += self._file.write(memoryview(lines)[written:])
        except OSError as error:
            self._cut(written - (lines.rfind(b"\n", 0, written) + 1))
            raise self._broken(error, lines.count(b"\n", 0, written)) from error

    def close(self) -> None:
        self._file.close()

    def _cut(self, part: int) -> None:
        """Take back the bytes of a line that was not written whole, if nothing stands behind it."""
        if self.interruptible or not part:
            return
        with contextlib.suppress(OSError):
            end = self._file.tell()
            if os.fstat(self._file.fileno()).st_size == end:
                os.ftruncate(self._file.fileno(), end - part)

    def _broken(self, error: OSError, taken: int = 0) -> SinkError:
        text = f"Cannot write {self.target}: {reason(error)}. Choose another --path."
        return SinkError(text, taken)


class SocketSink(Sink):
    """Connects to the consumer, which listens, and writes lines to it."""

    done = "Sent"

    def __init__(self, host: str, port: int) -> None:
        self.target = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout=10)
        except ConnectionRefusedError as error:
            raise SinkError(
                f"Nobody listens on {self.target}. Start the consumer first, then run this again."
            ) from error
        except (OSError, UnicodeError) as error:
            raise SinkError(
                f"Cannot connect to {self.target}: {reason(error)}. Check --host and --port."
            ) from error
        # From here on a slow consumer is waited for: that is what a socket does.
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, lines: bytes) -> None:
        try:
            self._socket.sendall(lines)
        except OSError as error:
            raise SinkError(
                f"The consumer on {self.target} hung up. What it had not read is lost."
            ) from error

    def close(self) -> None:
        self._socket.close()
