"""The submission and the limits that a sandbox is made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grader.course import Limits


@dataclass(frozen=True)
class Setup:
    """The submission and the limits that a sandbox is made for."""

    files: Mapping[str, bytes]
    """The submission: file names and contents."""
    ports: Sequence[int] = ()
    """Ports on which services answer inside, as in the lessons."""
    clients: Sequence[str] = ()
    """Modules that are imported before the first of the student's processes."""
    first_calls: Sequence[tuple[str, str, list[Any], dict[str, Any]]] = ()
    """Calls made before it: module, function, arguments."""
    limits: Limits = field(default_factory=Limits)
