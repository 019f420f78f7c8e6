"""The record of a consumer's requests, and their words for a log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grader.services.sqs.strict import OK

Parameters = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request of the consumer's and its answer."""

    action: str
    parameters: Parameters
    response: dict[str, Any]
    status: int


def in_words(request: Request) -> str:
    """Return a request and what came of it, for a log."""
    action, parameters = request.action, request.parameters
    match action:
        case "ReceiveMessage":
            count = len(request.response.get("Messages") or ())
            return f"{action}: {count} message{'' if count == 1 else 's'}"
        case "SendMessageBatch" | "DeleteMessageBatch":
            failed = len(request.response.get("Failed") or ())
            entries = parameters.get("Entries")
            count = len(entries) if isinstance(entries, list) else 0
            return f"{action}: {count}{f', {failed} failed' if failed else ''}"
    return action if request.status == OK else f"{action}: refused"
