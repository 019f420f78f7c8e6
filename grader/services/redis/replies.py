"""What Redis answers, cut into whole replies.

A server may write a reply in pieces. redis-py waits as long as its caller says for the first piece,
and as long again for the rest; a short time-out then ends in an error wherever the machine is slow.

Source: redis.io/docs/latest/develop/reference/protocol-spec (RESP2 and RESP3).
"""

from __future__ import annotations

_LINE_END = b"\r\n"
_BULK = b"$!="
"""Kinds whose first line says how many bytes follow."""
_PUSH = b">"
_ELEMENTS = {b"*": 1, b"~": 1, b">": 1, b"%": 2, b"|": 2}
"""Kinds whose first line counts what follows: how many replies each of them is."""


class ReplyReader:
    """Collects a server's bytes until replies are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        """Where the next part of the reply at hand begins."""
        self._parts = 1
        """How many parts it lacks."""
        self._is_push = False
        self.count = 0
        """Whole replies so far, without what the server sends unasked (RESP3's push)."""

    def feed(self, data: bytes) -> bytes:
        """Yield the replies that are whole now, as they came."""
        self._buffer += data
        whole = 0
        begins = self._at == 0
        while (end := self._part()) is not None:
            if begins:
                self._is_push = self._buffer[self._at : self._at + 1] == _PUSH
            self._at = end
            self._parts -= 1
            if begins := self._parts == 0:
                whole, self._parts = end, 1
                self.count += not self._is_push
        ready = bytes(self._buffer[:whole])
        del self._buffer[:whole]
        self._at -= whole
        return ready

    def _part(self) -> int | None:
        """Return where the part that begins here ends; None when it has not come yet."""
        line = self._buffer.find(_LINE_END, self._at)
        if line < 0:
            return None
        kind, end = bytes(self._buffer[self._at : self._at + 1]), line + len(_LINE_END)
        number = bytes(self._buffer[self._at + 1 : line])
        if kind and kind in _BULK and number.isdigit():  # -1 is a null
            end += int(number) + len(_LINE_END)
            return end if len(self._buffer) >= end else None
        if kind in _ELEMENTS and number.isdigit():
            # An attribute stands before the reply that it is about.
            self._parts += _ELEMENTS[kind] * int(number) + (kind == b"|")
        return end
