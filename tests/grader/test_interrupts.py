"""A signal that comes while a process is started: it is neither lost, nor is the process forgotten.

Each test sends it exactly then, by a hook; chance hits these moments once in a few dozen tries.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_course import RIGHT, SUITE, add_submission, write_tiny_course

from grader.host.interrupts import ended_by_sigterm, held

REPO = Path(__file__).resolve().parents[2]
ENDS = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]
SEND = """\
import os, signal, sys
from pathlib import Path
NUMBER = int(sys.argv.pop())
ME = os.getpid()

SENT = Path("sent").absolute()

def send():
    if os.getpid() == ME and not SENT.exists():
        SENT.touch()
        os.kill(ME, NUMBER)

def and_send(function):
    def call(*words, **more):
        made = function(*words, **more)
        send()
        return made
    return call
"""
IN_THE_FORK = "os.register_at_fork(after_in_parent=send)\n"
"""What raises in such a callback is printed, and goes no further."""
BEFORE_IT_IS_KEPT = """\
import time
from grader.grading import many

def work(submission, how):
    time.sleep(60)

many.grade_repeatedly = work
many.begin = and_send(many.begin)
"""
BEFORE_THE_SERVER_IS_KEPT = """\
from grader.services.demo import servers
from grader.host import ports
from grader.services.catalog import OWN_KINDS, service_kind
for name, port in zip(OWN_KINDS, ports.free_ports(*[0] * len(OWN_KINDS))):
    type(service_kind(name)).port = port
servers._spawn = and_send(servers._spawn)
"""
MAIN = "from grader.cli import main\nmain(prog_name='grader')\n"


def run(
    folder: Path, when: str, words: list[str], number: signal.Signals
) -> subprocess.CompletedProcess[str]:
    """A command of `grader` that gets the signal once, at the moment that `when` says."""
    return subprocess.run(
        [sys.executable, "-c", SEND + when + MAIN, *words, str(int(number))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(REPO), **mark(folder)},
        capture_output=True,
        encoding="utf-8",
        timeout=50,
        check=False,
    )


def mark(folder: Path) -> dict[str, str]:
    """What all that a command starts inherits."""
    (folder / "tmp").mkdir(exist_ok=True)
    (folder / "tmp").chmod(0o711)
    return {"TMPDIR": str(folder / "tmp"), "XDG_STATE_HOME": str(folder / "state")}


def left(folder: Path) -> list[str]:
    """The command lines of processes with our mark that still run."""
    ours = f"TMPDIR={folder / 'tmp'}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if ours in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text(errors="replace"))
        except OSError:  # it has ended
            continue
    return found


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course with two submissions."""
    for parent in [tmp_path, *tmp_path.parents[:2]]:
        parent.chmod(parent.stat().st_mode | 0o011)
    root = write_tiny_course(tmp_path)
    add_submission(root, "ann", RIGHT)
    add_submission(root, "bob", RIGHT)
    return root


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_signal_in_the_fork_is_not_lost(course: Path, number: signal.Signals, code: int) -> None:
    """The run ends, and what it forked with it."""
    done = run(course, IN_THE_FORK, ["grade", "subs"], number)
    assert (course / "sent").exists()
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stderr == ("grader: stopped\n" if code == 130 else "")
    assert left(course) == []
    assert list((course / "tmp").iterdir()) == []


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_what_was_forked_then_is_ended_too(course: Path, number: signal.Signals, code: int) -> None:
    """The signal comes after the fork and before the process is kept: it is told all the same."""
    done = run(course, BEFORE_IT_IS_KEPT, ["grade", "subs"], number)
    assert done.returncode == code, done.stdout + done.stderr
    assert left(course) == []


def test_ctrl_c_in_a_check_leaves_nothing(course: Path) -> None:
    """Of a learner's own code."""
    done = run(course, BEFORE_IT_IS_KEPT, ["check", "01"], signal.SIGINT)
    assert (done.returncode, done.stderr) == (130, "grader: stopped\n")
    assert left(course) == []


def test_ctrl_c_in_validate_leaves_nothing(course: Path) -> None:
    """Which grades many at a time."""
    done = run(course, BEFORE_IT_IS_KEPT, ["validate"], signal.SIGINT)
    assert (done.returncode, done.stderr) == (130, "grader: stopped\n")
    assert left(course) == []


@pytest.mark.parametrize(("number", "code"), ENDS)
@pytest.mark.parametrize("words", [["grade", "subs"], ["validate"]], ids=lambda words: words[0])
def test_a_signal_while_the_suite_is_imported_is_not_lost(
    course: Path, words: list[str], number: signal.Signals, code: int
) -> None:
    """pytest takes it for its own: in the run's process it ends the run, and nothing is printed."""
    once = (
        "import os\nfrom pathlib import Path\nif not Path('sent').exists():\n"
        f"    Path('sent').touch()\n    os.kill(os.getpid(), {int(number)})\n"
    )
    (course / "tests/hidden/01/test_doubling_hidden.py").write_text(once + SUITE)
    done = run(course, "", words, number)
    assert (done.returncode, done.stderr) == (code, "grader: stopped\n" if code == 130 else "")
    assert left(course) == []


@pytest.mark.parametrize(("number", "code"), ENDS)
def test_a_server_that_was_just_started_is_ended(
    tmp_path: Path, number: signal.Signals, code: int
) -> None:
    """`grader services up` that is stopped then leaves none."""
    done = run(tmp_path, BEFORE_THE_SERVER_IS_KEPT, ["services", "up", "redis"], number)
    assert done.returncode == code, done.stdout + done.stderr
    assert left(tmp_path) == []


@pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed")
def test_ctrl_c_in_a_comparison_is_not_lost(tmp_path: Path) -> None:
    """While it starts a real server."""
    words = ["compare", "--real", "--only", "redis"]
    done = run(tmp_path, f"os.chdir({str(REPO)!r})\n" + IN_THE_FORK, words, signal.SIGINT)
    assert (done.returncode, done.stderr) == (130, "grader: stopped\n")
    assert left(tmp_path) == []
    assert list((tmp_path / "tmp").iterdir()) == []


# In this process -------------------------------------------------------------------------------


def test_what_is_held_comes_at_the_end_of_the_outermost_block() -> None:
    """Not within, not twice; and the handlers are as they were."""
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    done = []
    with pytest.raises(KeyboardInterrupt), held():
        with held():
            os.kill(os.getpid(), signal.SIGINT)
            done.append("inner")
        done.append("outer")
    assert done == ["inner", "outer"]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_an_ignored_signal_stays_ignored() -> None:
    """A program that was started in the background is not ended by Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with held():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_sigterm_unwinds_the_stack() -> None:
    """So that every `finally` ends what it started; what others set up stays."""
    with pytest.raises(SystemExit) as caught, ended_by_sigterm():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    came = []
    before = signal.signal(signal.SIGTERM, lambda *_: came.append(1))
    try:
        with ended_by_sigterm():
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert came == [1]
