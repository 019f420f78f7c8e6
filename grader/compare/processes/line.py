"""The line between a child and the comparison: JSON lists, one a line, over a socket."""

from __future__ import annotations

import json
import os
import socket


class ProcessLine:
    """A child's end."""

    def __init__(self, descriptor: int) -> None:
        self._socket = socket.socket(fileno=descriptor)
        self._lines = self._socket.makefile("rb")

    def say(self, *words: object) -> None:
        """Send `words`; whole, or a kill has kept them from being sent."""
        # Not by socket.send, whose calls are counted where a learner's requests are.
        os.write(self._socket.fileno(), json.dumps(words).encode() + b"\n")

    def hear(self) -> bytes:
        """Return the next line; empty when nobody is there any more."""
        try:
            return self._lines.readline()
        except OSError:
            return b""
