"""What goes wrong on purpose in front of moto."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

Pick = Callable[[dict[str, Any], int], bool]
"""Asked for each entry of a batch, with the number of the request from 1 on: does it fail?"""


@dataclass
class Faults:
    """The faults that a suite has asked for."""

    fail_entry: Pick | None = None
    """Asked for each entry of a SendMessageBatch, with the number of the request from 1 on."""
    sender_fault: bool = False
    """Whether the answer calls that the sender's fault."""
    refuse: Pick | None = None
    """Asked for each SendMessage, with the number of the request from 1 on."""
    fail_delete: Pick | None = None
    """The same of a DeleteMessageBatch."""
    duplicate: set[str] = field(default_factory=set)
    """Queues whose next delivered message comes a second time."""
    empty: Collection[int] = ()
    """Which receives, counted from 1, find nothing, though messages are there."""
    most: int = 10
    """How many messages a receive brings at most, whatever it asks for."""


REFUSED = "the message was refused"


def with_failed(
    body: dict[str, Any], failed: list[dict[str, Any]], *, sender_fault: bool = False
) -> dict[str, Any]:
    """Return the answer to a batch, with entries that failed on purpose."""
    if not failed:
        return body
    code, message = (
        ("InvalidMessageContents", REFUSED) if sender_fault else ("InternalError", "try again")
    )
    why = {"SenderFault": sender_fault, "Code": code, "Message": message}
    bad = [{"Id": entry["Id"], **why} for entry in failed]
    return {**body, "Failed": [*body.get("Failed", []), *bad]}


def copy_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return a second delivery of a message, with a receipt handle of its own."""
    return message | {"ReceiptHandle": f"copy-{uuid.uuid4()}"}


def is_copy(entry: dict[str, Any]) -> bool:
    """Tell whether a request is about such a second delivery, which moto does not know."""
    return str(entry.get("ReceiptHandle", "")).startswith("copy-")
