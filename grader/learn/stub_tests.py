"""A plugin of pytest for the public tests: functions that nobody has filled in take a line each.

Without it, each test of a stub shows the stub with its docstring: a page a test, and no news in it.
A traceback ends at the learner's line or the test's: what a library did below it is left out.
exercises/conftest.py registers it. Where `--tb` is given, everything is as pytest has it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

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

    # The innermost wrapper: only what pytest itself writes is short, the other plugins see all.
    @pytest.hookimpl(wrapper=True, trylast=True, specname="pytest_runtest_makereport")
    def pytest_short_traceback(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Leave a library's frames out: pytest reads their whole files, which takes seconds."""
        if call.excinfo is None or not self._shown:
            return (yield)
        with _without_libraries(call.excinfo, self._root / "exercises"):
            return (yield)

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


@contextmanager
def _without_libraries(
    failure: pytest.ExceptionInfo[BaseException], folder: Path
) -> Iterator[None]:
    """End the traceback of an exception, and of each that led to it, at the last own frame."""
    whole = failure.traceback
    before = [(error, error.__traceback__) for error in _before(failure.value)]
    own = _up_to_own(failure.tb, folder)
    try:
        if own is not None:
            failure.traceback = type(whole)(own)
            for error, traceback in before:
                error.__traceback__ = _up_to_own(traceback, folder)
        yield
    finally:
        failure.traceback = whole
        for error, traceback in before:
            error.__traceback__ = traceback


def _before(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions that led to this one."""
    known = {error}
    while (cause := error.__cause__ or error.__context__) is not None and cause not in known:
        known.add(cause)
        yield cause
        error = cause


def _up_to_own(traceback: TracebackType | None, folder: Path) -> TracebackType | None:
    """Return a copy that ends at the last frame in that folder; None where it has none."""
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    copy = None
    for each in reversed(frames):
        if copy or folder in Path(each.tb_frame.f_code.co_filename).parents:
            copy = TracebackType(copy, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return copy


def _stub(report: pytest.CollectReport | pytest.TestReport) -> str:
    """Return what the report says of the stub that its test ended at, or ""."""
    properties = getattr(report, "user_properties", ())
    return next((str(value) for name, value in properties if name == _STUB), "")
