"""What a report says of each check, once: a file that cannot be imported fails every one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from grader.report import UNDECIDED, CheckResult


def told(checks: Iterable[CheckResult]) -> Iterator[tuple[CheckResult, CheckResult]]:
    """Yield each check, and the first one with its message: itself, where that is new or empty.

    Where a person gave the points, or decided what the suite could not, its message is of no use.
    """
    first: dict[str, CheckResult] = {}
    for each in checks:
        over = each.by_hand and (each.earned or each.outcome in UNDECIDED)
        check = each.model_copy(update={"message": "", "hint": ""}) if over else each
        yield check, first.setdefault(check.message, check) if check.message else check
