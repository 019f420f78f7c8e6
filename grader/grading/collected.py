"""A hidden suite, collected once and run for one submission after the other."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.course import Exercise
from grader.host.interrupts import sigterm_as_ctrl_c
from grader.suite.plugin import SuitePlugin

_OFF = (
    "cacheprovider",
    "terminal",
    "junitxml",
    "logging",
    "faulthandler",
    "doctest",
    "unittest",
    "pastebin",
    "nose",
    "stepwise",
    "setuponly",
    "setupplan",
    "debugging",
    "unraisableexception",
    "threadexception",
    "recwarn",
    "warnings",
    "legacypath",
    "capture",
)
"""Plugins of pytest's that no suite needs."""
_SETTINGS = ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD")


class _KeepsItems:
    """Keeps what was collected, and lets pytest run none of it; sees Ctrl-C, which pytest hides."""

    def __init__(self) -> None:
        self.items: list[pytest.Item] = []
        self.interrupted = False

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self.items = list(session.items)
        return True

    def pytest_keyboard_interrupt(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self.interrupted |= isinstance(excinfo.value, KeyboardInterrupt)


@contextmanager
def _nobodys_settings() -> Iterator[None]:
    """Keep pytest from the instructor's plugins and options, which change no verdict."""
    before = {name: os.environ.get(name) for name in _SETTINGS}
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


class CollectedSuite:
    """The tests of an exercise's suite. A process forked from this one can run them too.

    To configure pytest and to collect a suite takes longer than many a submission's tests.
    """

    def __init__(self, suite: Path, exercise: Exercise) -> None:
        self.exercise = exercise
        self.plugin = SuitePlugin(exercise)
        keeps = _KeepsItems()
        with _nobodys_settings(), sigterm_as_ctrl_c():
            pytest.main(
                [
                    *("-c", os.devnull, "--rootdir", str(suite.parent)),
                    *("--confcutdir", str(suite.parent)),
                    "--assert=plain",
                    "--import-mode=importlib",
                    "--strict-markers",
                    *(word for name in _OFF for word in ("-p", f"no:{name}")),
                    str(suite),
                ],
                plugins=[self.plugin, keeps],
            )
        if keeps.interrupted:
            raise KeyboardInterrupt
        self._items = keeps.items

    def run(self) -> None:
        """Run the tests that `plugin.begin` asked for; the plugin has the verdicts."""
        items = [item for item in self._items if self.plugin.wants(item)]
        for item, following in itertools.zip_longest(items, items[1:]):
            # With no test to follow, what the session's fixtures hold is given back.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
