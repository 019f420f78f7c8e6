"""What a message of the queue of reports says; nothing is believed of it but its form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from grader.grading.workers.messages import MAX_BYTES, Done, Work
from grader.report import Report


class UnreadableError(Exception):
    """It says nothing that can be used; the text names the message."""


@dataclass(frozen=True)
class Dead:
    """Work that the broker took out of the queue."""

    work: Work
    reason: str
    """The broker's word."""

    @property
    def delivered_too_often(self) -> bool:
        """Tell whether worker after worker ended over it."""
        return self.reason == "delivery_limit"


def read(body: bytes | str, headers: Mapping[str, Any] | None) -> Done | Dead:
    """Return what a message says.

    Raises:
        UnreadableError: nothing that can be used.
    """
    if len(body) > MAX_BYTES:
        raise UnreadableError(f"a message of {len(body)} bytes")
    try:
        if deaths := (headers or {}).get("x-death"):
            work = Work.model_validate(json.loads(body)[0][0])
            return Dead(work, str(deaths[0].get("reason")))
        done = Done.model_validate_json(body)
    except (ValidationError, ValueError, LookupError, TypeError, AttributeError):
        raise UnreadableError("a message that is no report") from None
    if done.report is not None and not _is_of(done.report, done):
        raise UnreadableError(f"a report of {done.worker} that is not what it says")
    return done


def _is_of(report: Report, done: Done) -> bool:
    """Tell whether a report is of the submission that it comes for, and was made behind walls."""
    stated = (report.student, report.exercise, report.submission_hash, report.suite_hash)
    return stated == done.submission_key and report.seed == done.seed and not report.unsafe
