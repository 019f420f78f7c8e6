"""What an answer of SQS holds."""

from __future__ import annotations

from typing import Any


def bodies(answer: dict[str, Any]) -> list[str]:
    """The bodies that a receive returned."""
    return [message["Body"] for message in answer.get("Messages", [])]
