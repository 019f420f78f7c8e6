"""What goes over an AMQP connection, in words: for a log, and to count redeliveries.

Source: the AMQP 0-9-1 specification, 2.3.5 (frames) and 1.5 to 1.8 (methods), amqp-0-9-1.xml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

_METHOD_FRAME, _HEADER_FRAME = 1, 2
_HEADER = 7
"""Bytes: type, channel, size."""
_PROTOCOL_HEADER = 8
"""Bytes: AMQP and a version."""
_VERSION = b"\0\0\x09\x01"
_METHODS = {
    (50, 10): "queue.declare",
    (50, 40): "queue.delete",
    (60, 10): "basic.qos",
    (60, 20): "basic.consume",
    (60, 30): "basic.cancel",
    (60, 40): "basic.publish",
    (60, 50): "basic.return",
    (60, 60): "basic.deliver",
    (60, 70): "basic.get",
    (60, 71): "basic.get-ok",
    (60, 80): "basic.ack",
    (60, 90): "basic.reject",
    (60, 110): "basic.recover",
    (60, 120): "basic.nack",
    (85, 10): "confirm.select",
    (90, 10): "tx.select",
    (90, 20): "tx.commit",
    (90, 21): "tx.commit-ok",
    (10, 50): "connection.close",
}
_TAG_FIRST = {"basic.ack", "basic.reject", "basic.nack", "basic.get-ok"}
"""Their first argument is the delivery tag, eight bytes."""
_TAG_AFTER_NAME = {"basic.deliver"}
"""Their second argument, after a short string."""
_DELIVERS = {"basic.deliver", "basic.get-ok"}
"""After the tag they say whether the message was delivered before."""
REDELIVERED = "(redelivered)"
"""How the words of such a delivery end."""
_LONGEST = 1 << 20


class Words:
    """One direction of a connection."""

    def __init__(
        self,
        see: Callable[[bytes], None] = lambda _: None,
        see_header: Callable[[bytes], None] = lambda _: None,
    ) -> None:
        """`see` is called with the payload of each method frame, `see_header` of each header's."""
        self._see = see
        self._see_header = see_header
        self.other_protocol = False
        """Whether it asked for another version of AMQP, which is not understood here."""
        self.began = 0
        """Where the method that was yielded last began, in bytes since the first."""
        self._data = bytearray()
        self._taken = 0
        """Bytes that are gone from `_data`."""
        self._lost = False

    def feed(self, data: bytes) -> Iterator[str]:
        """Yield the methods that `data` completes, `basic.ack 3`; none once it is no AMQP."""
        if self._lost:
            return
        self._data += data
        if self._data[:1] == b"A" and not self._took_protocol_header():
            return
        while len(self._data) >= _HEADER:
            size = int.from_bytes(self._data[3:7], "big")
            if self._data[0] not in (1, 2, 3, 8) or size > _LONGEST:
                self._lost = True
                self._data.clear()
                return
            if len(self._data) < _HEADER + size + 1:
                return
            payload = bytes(self._data[_HEADER : _HEADER + size])
            kind = self._data[0]
            began = self._taken
            self._take(_HEADER + size + 1)
            if kind == _HEADER_FRAME:
                self._see_header(payload)
            elif kind == _METHOD_FRAME:
                self._see(payload)
                if said := _in_words(payload):
                    self.began = began
                    yield said

    def _take(self, size: int) -> None:
        del self._data[:size]
        self._taken += size

    def _took_protocol_header(self) -> bool:
        """Take away what begins with an A, as no frame does; False while it is not complete."""
        if len(self._data) < _PROTOCOL_HEADER:
            return False
        if self._data.startswith(b"AMQP"):
            self.other_protocol |= self._data[4:8] != _VERSION
            self._take(_PROTOCOL_HEADER)
        return True


def _in_words(payload: bytes) -> str:
    method = (int.from_bytes(payload[:2], "big"), int.from_bytes(payload[2:4], "big"))
    name = _METHODS.get(method, "")
    # After the method's four bytes; a consumer's name, with its length before it, comes first.
    start = 4
    if name in _TAG_AFTER_NAME:
        start += 1 + int.from_bytes(payload[4:5], "big")
    elif name not in _TAG_FIRST:
        return name
    tag, again = payload[start : start + 8], payload[start + 8 : start + 9]
    if not again:
        return name  # cut short
    said = f"{name} {int.from_bytes(tag, 'big')}"
    return f"{said} {REDELIVERED}" if name in _DELIVERS and again == b"\x01" else said
