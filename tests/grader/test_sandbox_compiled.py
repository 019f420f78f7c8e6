"""The submission is compiled once for all its processes, and nothing of it shows."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest
from lab import Lab

from grader.course import Limits
from grader.host.interpreter import WORKER
from grader.sandbox.base import Sandbox
from grader.sandbox.bubblewrap import BubblewrapSandbox
from grader.sandbox.choice import choose
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite import Failed
from grader.suite.consumer import Consumer
from grader.worker import compiled

DEEP = b"x = " + b"(" * 10_000 + b")" * 10_000
"""Too many parentheses for the compiler."""


@pytest.fixture(params=[ProcessSandbox, BubblewrapSandbox], ids=lambda kind: kind.kind)
def consumer(request: pytest.FixtureRequest) -> Iterator[Callable[[bytes], Consumer]]:
    """`consumer(code)`: a submission sample.py of that code, in each kind of sandbox."""
    opened: list[tuple[Consumer, Sandbox]] = []

    def begin(code: bytes) -> Consumer:
        sandbox = request.param(Setup(files={"sample.py": code}, limits=Limits(seconds=5)))
        sandbox.start()
        opened.append((consumer := Consumer(Lab(sandbox)), sandbox))
        return consumer

    yield begin
    for consumer, sandbox in opened:
        consumer.close()
        sandbox.close()


COUNTS = b"""\
import inspect
count = 0

def run():
    global count
    count += 1
    return [count, __file__, __name__, inspect.getsource(run).splitlines()[0]]
"""


def test_each_process_begins_with_the_module_as_new(
    consumer: Callable[[bytes], Consumer],
) -> None:
    """They share the compiled code and no state; the source is found as ever."""
    student = consumer(COUNTS)
    first = student.process()
    assert first.call("sample.run")[0] == 1
    assert first.call("sample.run")[0] == 2
    count, file, name, source = student.process().call("sample.run")
    assert (count, name, source) == (1, "sample", "def run():")
    assert Path(file).parts[-2:] == ("submission", "sample.py")


def test_what_the_compiler_says_is_said_where_the_code_runs(
    consumer: Callable[[bytes], Consumer],
) -> None:
    """A warning is the student's output, an error the student's failure."""
    student = consumer(b"def run():\n    return 1 is 1\n")
    assert student.process().call("sample.run") is True
    student.sandbox.close()  # all that was printed has been read then
    assert "SyntaxWarning" in student.sandbox.output.tail
    with pytest.raises(Failed, match="could not be imported: SyntaxError: too many nested"):
        consumer(DEEP).process().call("sample.run")


def test_exit_is_there(consumer: Callable[[bytes], Consumer]) -> None:
    """The interpreter starts without `site`, which has exit() and quit()."""
    with pytest.raises(Failed, match="SystemExit"):
        consumer(b"def run():\n    exit(3)\n").process().call("sample.run")


ENDS = {
    "ends": lambda _: os._exit(0),
    "is killed": lambda _: os.kill(os.getpid(), signal.SIGKILL),
    "hangs": lambda _: signal.pause(),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_compiler_that_dies_or_hangs_leaves_it_to_each_process(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No code lies ready then, and the one that hangs is ended."""
    (tmp_path / "sample.py").write_text("x = 1\n")
    monkeypatch.setattr(compiled, "_SECONDS", 0.2)
    monkeypatch.setattr(compiled, "_compile", ENDS[end])
    monkeypatch.setattr(compiled.Loader, "codes", {})
    compiled.compile_once(str(tmp_path), ["sample"])
    assert not compiled.Loader.codes


def test_a_compiler_that_is_ended_while_it_writes_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by the system, where memory runs out."""
    (tmp_path / "sample.py").write_text("x = 1\n")
    monkeypatch.setattr(compiled.marshal, "dump", lambda codes, pipe: pipe.write(b"{\xda\x06sa"))
    monkeypatch.setattr(compiled.Loader, "codes", {})
    compiled.compile_once(str(tmp_path), ["sample"])
    assert not compiled.Loader.codes


def test_what_runs_inside_lies_compiled() -> None:
    """A sandbox could not keep what it compiles, and would do it again each time."""
    kept = [Path(cache_from_source(str(path))) for path in WORKER.glob("*.py")]
    for path in kept:
        path.unlink(missing_ok=True)
    choose()
    assert all(path.exists() for path in kept)
