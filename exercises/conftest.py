"""Shared by the public tests of all exercises: a time-out, and what pytest says of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.learn import patience
from grader.learn.public_tests import PublicTests
from grader.learn.stub_tests import StubTests

COURSE = Path(__file__).parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Fail what hangs, keep stubs short, and sum up the checks that the tests are about."""
    config.pluginmanager.register(patience)
    config.pluginmanager.register(StubTests(COURSE), "stub-tests")
    if (COURSE / "course.toml").is_file():
        config.pluginmanager.register(PublicTests(COURSE), "public-tests")
