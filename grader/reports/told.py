"""What a report says of each check, once: a file that cannot be imported fails every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.report import CheckResult


def told(checks: Iterable[CheckResult]) -> Iterator[tuple[CheckResult, CheckResult]]:
    """Yield each check, and the first one with its message: itself, where that is new or empty."""
    first: dict[str, CheckResult] = {}
    for check in checks:
        yield check, first.setdefault(check.message, check) if check.message else check
