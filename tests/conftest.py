"""In continuous integration, where CI is set, a skipped test is a failed one.

There every service is installed, so a skip means that one is gone and nobody would notice. Only
tests marked `chromium`, `docker` or `postgresql` may be skipped, as not every runner has one. The hidden suites do not
see this file: they are run from their own folder.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator

import pytest

IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")

MAY_BE_SKIPPED = ("chromium", "docker", "postgresql")

# A shell that starts pytest in the background lets it, and all that it starts, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a test's skip into a failure; an expected failure stays one."""
    report = yield
    may_be_skipped = any(item.get_closest_marker(name) for name in MAY_BE_SKIPPED)
    if report.skipped and not hasattr(report, "wasxfail") and not may_be_skipped:
        _fail(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a whole module's skip into a failure."""
    report = yield
    if report.skipped:
        _fail(report)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport) -> None:
    if IN_CI:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"in CI nothing may be skipped. {reason}"
