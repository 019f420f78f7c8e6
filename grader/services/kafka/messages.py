"""A message as a suite sees it, and as it comes out of the cluster's process."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Message:
    """A message of a partition."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    def to_json(self) -> list[Any]:
        """Return what `from_json` takes."""
        headers = [[name, packed(value)] for name, value in self.headers]
        return [self.partition, self.offset, packed(self.key), packed(self.value), headers]

    @classmethod
    def from_json(cls, data: list[Any]) -> Message:
        """Return the message that `to_json` made this of."""
        partition, offset, key, value, headers = data
        pairs = tuple((str(name), unpacked(each)) for name, each in headers)
        return cls(int(partition), int(offset), unpacked(key), unpacked(value), pairs)


def packed(data: bytes | None) -> str | None:
    """Return bytes as text; nothing stays nothing."""
    return None if data is None else base64.b64encode(data).decode()


def unpacked(text: str | None) -> bytes | None:
    """Return the bytes of what `packed` made."""
    return None if text is None else base64.b64decode(text)
