"""A plugin of pytest for the public tests: functions that nobody has filled in take a line each.

Without it, each test of a stub shows the stub with its docstring: a page a test, and no news in it.
exercises/conftest.py registers it. Where `--tb` is given, everything is as pytest has it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Generator
from pathlib import Path

import pytest

_STUB = "stub"
"""The property of a report whose test ended at a stub."""
_CATEGORY = "failed as stubs"


class StubTests:
    """The plugin. With pytest-xdist the workers mark reports, the process that reports shows."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._shown = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Let tracebacks be short where nobody asked for another kind."""
        if getattr(config.option, "tbstyle", None) == "auto":
            config.option.tbstyle = "short"
            self._shown = True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Mark the report of a test that ended at a stub."""
        report = yield
        if call.excinfo is not None and isinstance(call.excinfo.value, NotImplementedError):
            last = call.excinfo.traceback[-1]
            path = Path(last.path)
            own = path.parent.parent == self._root / "exercises"
            if own and not path.name.startswith(("test_", "conftest.")):
                place = f"{path.relative_to(self._root).as_posix()}:{last.lineno + 1}"
                report.user_properties.append(
                    (_STUB, f"{place}: {last.name}: {call.excinfo.value}")
                )
        return report

    def pytest_report_teststatus(
        self, report: pytest.CollectReport | pytest.TestReport
    ) -> tuple[str, str, tuple[str, dict[str, bool]]] | None:
        """Count tests of stubs apart, so that pytest shows no traceback of theirs."""
        if not (self._shown and report.failed and _stub(report)):
            return None
        return _CATEGORY, "F", ("FAILED", {"red": True})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name each stub once, with the number of tests that need it."""
        reports = terminalreporter.stats.get(_CATEGORY, [])
        if not reports or terminalreporter.config.get_verbosity() < -1:
            return
        terminalreporter.write_sep("=", "NOT FILLED IN YET")
        stubs = [_stub(report) for report in reports]
        width = terminalreporter.config.get_terminal_writer().fullwidth
        for stub in dict.fromkeys(stubs):
            count = stubs.count(stub)
            said = f"{stub} ({count} {'test needs' if count == 1 else 'tests need'} it)"
            for line in textwrap.wrap(said, width - 1, subsequent_indent="  "):
                terminalreporter.write_line(line)


def _stub(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Return what the report says of the stub that its test ended at, or ""."""
    properties = getattr(report, "user_properties", ())
    return next((str(value) for name, value in properties if name == _STUB), "")
