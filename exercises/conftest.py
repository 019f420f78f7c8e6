"""Shared by the public tests of all exercises: a time-out, and what pytest says at the end."""

from __future__ import annotations

from pathlib import Path

import pytest

from grader.learn import patience
from grader.learn.public_tests import PublicTests

COURSE = Path(__file__).parent.parent


def pytest_configure(config: pytest.Config) -> None:
    """Fail what hangs, and add a summary of the checks that the tests are about."""
    config.pluginmanager.register(patience)
    if (COURSE / "course.toml").is_file():
        config.pluginmanager.register(PublicTests(COURSE), "public-tests")
