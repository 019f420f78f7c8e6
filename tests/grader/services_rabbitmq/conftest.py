"""A private node, and a machine without any, for the tests beside this file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.host import programs
from grader.services.rabbitmq.choice import ServerChoice, installed_server
from grader.services.rabbitmq.started import StartedBroker


@pytest.fixture(scope="module")
def broker() -> Iterator[StartedBroker]:
    """A private node, shared by a module's tests."""
    script = installed_server()
    assert script is not None
    made = StartedBroker(ServerChoice(script))
    yield made
    made.close()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH of one folder, with nothing in it but `sleep`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sleep").symlink_to("/bin/sleep")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("RABBITMQ_URL", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(programs, "ELSEWHERE", ())
    return folder
