"""Right code that a machine writes otherwise: it stays right, and a loss of points is named."""

from __future__ import annotations

import contextlib
import io
import logging
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import write_tiny_course

from grader.authoring.mutants.rewrites import REWRITES

REPO = Path(__file__).resolve().parents[2]
SUITE = "tests/hidden/01/test_doubling_hidden.py"
POLLING = (REPO / "solutions/01/polling.py").read_text(encoding="utf-8")
LINES = b'{"a": 1}\n{"b": "x"}\nno\n{"c": '


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course in which everything is as it should be."""
    return write_tiny_course(tmp_path)


@pytest.mark.parametrize("name", REWRITES)
def test_a_rewriting_keeps_what_the_code_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Called here, without a grader in between, polling reads the same events."""
    log = logging.getLogger()  # one rewriting sets up the log of its process
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    path = tmp_path / "events"
    path.write_bytes(LINES)
    module: dict[str, object] = {"__name__": "polling"}
    code = REWRITES[name](POLLING)
    assert code != POLLING.encode()
    exec(compile(code, "polling.py", "exec"), module)  # noqa: S102 - our own solution
    seen: list[dict[str, object]] = []
    out, err = (io.TextIOWrapper(io.BytesIO(), write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        events, offset = module["read_new_events"](str(path), 0)  # type: ignore[operator]
        count = module["poll"](str(path), seen.append, max_polls=1)  # type: ignore[operator]
        with pytest.raises(ZeroDivisionError):
            module["poll"](str(path), lambda event: 1 / 0, max_polls=1)  # type: ignore[operator]
    assert (events, offset) == ([{"a": 1}, {"b": "x"}], len(LINES) - len(b'{"c": '))
    assert [dict(event) for event in seen] == events
    assert count == 2


def test_every_rewriting_is_graded_and_full_marks_are_counted(course: Path) -> None:
    """One submission a rewriting; the tiny suite takes those that this asks for."""
    listed = grader(course, "validate", "--rewrites", "--list")
    assert listed.stdout.split() == [f"01/solution/{name}" for name in REWRITES]
    done = grader(course, "validate", "--rewrites", "--seed", "1", "--matching", "/cr")
    assert done.returncode == 0, done.stdout
    assert "2 of 2 rewritten submissions got full marks" in done.stdout


def test_a_rewriting_that_loses_points_is_named(course: Path) -> None:
    """The rewriting, the check and its sentence, and exit code 1."""
    path = course / SUITE
    old = "assert value == 2 * number,"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, "assert value == 0,"))
    done = grader(course, "validate", "--rewrites", "--seed", "1", "--matching", "/crlf")
    assert done.returncode == 1
    assert "01/solution/crlf: 01.value is failed: double(" in done.stdout
    assert "0 of 1 rewritten submissions got full marks" in done.stdout
