"""`grader watch` in a terminal of its own: save, see; save again, and the old run is broken off."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import grader
from tiny_course import IN_PLACE, RIGHT, STUB, write_tiny_course

from grader.learn.reset import STUBS

WRONG = RIGHT.replace("2 * number", "3 * number")
HANGS = RIGHT.replace("    return 2 * number\n", "    while True: pass\n")


class Terminal:
    """A running `grader watch`, its screen as it was last drawn, and its keyboard."""

    def __init__(self, root: Path, *, command: list[str] | None = None, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "grader", "watch"],
            cwd=root,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"} | env,
        )
        os.close(theirs)
        self.drawn = ""
        self.raw = b""

    def wait_for(self, text: str) -> str:
        """Read until `text` is drawn; what was drawn until then, without colours."""
        before, deadline = self.drawn, time.monotonic() + 60
        while text not in before:
            assert time.monotonic() < deadline, f"{text!r} was not drawn, but {before[-1500:]!r}"
            if select.select([self._ours], [], [], 1)[0]:
                self.raw += (read := os.read(self._ours, 1 << 16))
                before += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", read.decode())
        seen, _, self.drawn = before.partition(text)
        return seen + text

    def press(self, key: str) -> None:
        """Type a key."""
        os.write(self._ours, key.encode())

    def close(self) -> None:
        """End it and the terminal."""
        self.process.kill()
        self.process.wait()
        os.close(self._ours)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course with its stub."""
    root = write_tiny_course(tmp_path)
    (root / STUBS / "01").mkdir(parents=True)
    (root / STUBS / "01" / "doubling.txt").write_text(STUB)
    return root


@pytest.fixture
def terminal(course: Path) -> Iterator[Terminal]:
    """`grader watch` on it, after its first run."""
    terminal = Terminal(course)
    try:
        terminal.wait_for("0 of the 2 checks that ran pass")
        yield terminal
    finally:
        terminal.close()


def save(root: Path, code: str) -> None:
    """Write the exercise's file as an editor does."""
    (root / "exercises" / "01" / "doubling.py").write_text(code)


def test_each_save_shows_what_it_changed(course: Path, terminal: Terminal) -> None:
    """The first check that fails with what was seen; then all of them."""
    save(course, IN_PLACE)
    assert "01.after-crash" in terminal.wait_for("should hold old or new")
    save(course, RIGHT)
    terminal.wait_for("All 3 checks pass. That was the last exercise.")


def test_a_save_breaks_a_run_off(course: Path, terminal: Terminal) -> None:
    """A run that hangs is not waited for: what is shown is the new file's."""
    save(course, HANGS)
    terminal.wait_for("running ...")
    save(course, RIGHT)
    seen = terminal.wait_for("All 3 checks pass")
    assert "for 2 s" not in seen


def test_keys(course: Path, terminal: Terminal) -> None:
    """A hint, the list, the stub back, another run, and the end."""
    save(course, IN_PLACE)
    terminal.wait_for("should hold old or new")
    terminal.press("h")
    terminal.wait_for("Write aside.")
    terminal.press("l")
    terminal.wait_for("any key goes back")
    terminal.press(" ")
    terminal.wait_for("should hold old or new")
    terminal.press("x")
    terminal.wait_for("y or n")
    terminal.press("y")
    terminal.wait_for("0 of the 2 checks that ran pass")
    terminal.press("x")
    terminal.wait_for("y or n")
    terminal.press("y")
    terminal.wait_for(
        "0 of the 2 checks that ran pass"
    )  # it was the stub already, and is shown again
    assert (course / "exercises" / "01" / "doubling.py").read_text() == STUB
    terminal.press("r")
    terminal.wait_for("running ... The score is the last run's.")
    terminal.wait_for("0 of the 2 checks that ran pass")
    terminal.press("q")
    assert terminal.process.wait(30) == 0


def test_h_says_one_step_more_each_time(course: Path, terminal: Terminal) -> None:
    """The steps of `grader hint`; after another run the same ones first, after a reset anew."""
    terminal.press("h")
    terminal.wait_for("still has the stub's `raise`")
    save(course, WRONG)
    terminal.wait_for("2 of 3 checks pass")
    terminal.press("h")
    terminal.wait_for("Twice as much.")
    terminal.wait_for("h for step 2 of 3")
    terminal.press("h")
    terminal.wait_for('"Twice is two times" in exercises/01/README.md#twice-is-two-times')
    terminal.press("r")
    terminal.wait_for("running ...")
    terminal.wait_for("2 of 3 checks pass")
    terminal.press("h")
    assert "2 * number" not in terminal.wait_for("h for step 3 of 3")
    terminal.press("h")
    terminal.wait_for("2 * number")
    terminal.press("xy")
    terminal.wait_for("0 of the 2 checks that ran pass")
    save(course, WRONG)
    terminal.wait_for("2 of 3 checks pass")
    terminal.press("h")
    terminal.wait_for("h for step 2 of 3")


def test_what_the_check_printed_and_breakpoint(course: Path, terminal: Terminal) -> None:
    """Print shows beside the failure; breakpoint() does not hang, and says where it works."""
    save(course, WRONG.replace("    return 3", '    print("look here")\n    return 3'))
    terminal.wait_for("it printed")
    terminal.wait_for("look here")
    save(course, WRONG.replace("    return 3", "    breakpoint()\n    return 3"))
    terminal.wait_for("breakpoint() works with `pytest`")


def test_the_first_failure_shows_while_the_rest_goes_on(course: Path, terminal: Terminal) -> None:
    """A later check hangs: what failed before it is on the screen meanwhile."""
    both = WRONG.replace(
        "    for event in events:", "    while True:\n        pass\n    for event in events:"
    )
    save(course, both)
    seen = terminal.wait_for("should be")
    assert "running ..." in seen[seen.rindex("01 Doubling") :]


def test_in_a_students_copy(course: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """By the public tests: a failure in a sentence, a hint, and what they cannot show."""
    copy = tmp_path_factory.mktemp("copies") / "copy"
    assert grader(course, "release", str(copy)).returncode == 0
    terminal = Terminal(copy)
    try:
        terminal.wait_for("double() is not filled in yet")
        save(copy, WRONG)
        terminal.wait_for("0 of 1 checks pass. First failure:")
        terminal.press("h")
        terminal.wait_for("Twice as much.")
        save(copy, "def double(number)\n")
        terminal.wait_for("could not be imported")
        terminal.press("h")
        terminal.wait_for("Nothing else can be looked at")
        assert "grader replay" not in terminal.wait_for("q quit"), "nothing ran, so no story"
        save(copy, HANGS)
        terminal.wait_for("running ...")
        save(copy, RIGHT)
        terminal.wait_for("the hidden suite looks at 2 more behaviours.")
        terminal.press("q")
        assert terminal.process.wait(30) == 0
    finally:
        terminal.close()


def test_an_arrow_or_home_is_no_key(terminal: Terminal) -> None:
    """What such a key sends ends in a letter, which asks for nothing."""
    terminal.press("\x1b[H")
    terminal.press("l")
    assert "Twice as much." not in terminal.wait_for("any key goes back")


def test_where_no_events_come_it_polls(course: Path) -> None:
    """watchfiles' own switch, for network drives; on WSL2 it is on by itself."""
    terminal = Terminal(course, WATCHFILES_FORCE_POLLING="1")
    try:
        terminal.wait_for("0 of the 2 checks that ran pass")
        save(course, RIGHT)
        terminal.wait_for("All 3 checks pass")
    finally:
        terminal.close()


@pytest.mark.parametrize(
    ("env", "marks"),
    [({"NO_COLOR": "1"}, rb"\x1b\[[0-9;]*3[0-9]"), ({"TERM": "dumb"}, rb"\x1b")],
    ids=["NO_COLOR", "dumb"],
)
def test_without_colour_in_80_columns(course: Path, env: dict[str, str], marks: bytes) -> None:
    """No colour where none is wanted, no escape sequence at all where a terminal knows none."""
    terminal = Terminal(course, COLUMNS="80", **env)
    try:
        terminal.wait_for("q quit")
        terminal.wait_for("0 of the 2 checks that ran pass")
        terminal.press("h")
        terminal.wait_for("still has the stub")
        assert not re.search(marks, terminal.raw)
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", terminal.raw.decode())
        assert max(map(len, plain.splitlines())) <= 80
    finally:
        terminal.close()


@pytest.mark.parametrize("end", ["q", "ctrl-c"])
def test_nothing_runs_on_afterwards(course: Path, terminal: Terminal, end: str) -> None:
    """Neither the run under way nor what watches the files."""
    save(course, HANGS)
    terminal.wait_for("running ...")
    group = terminal.process.pid
    if end == "q":
        terminal.press("q")
    else:
        os.kill(group, signal.SIGINT)
    assert terminal.process.wait(30) == (0 if end == "q" else 130)
    deadline = time.monotonic() + 10
    while left := processes_about(course):
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def processes_about(course: Path) -> list[str]:
    """The command lines of processes that work in the course's folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").resolve() == course.resolve():
                found.append(process.joinpath("cmdline").read_text())
        except OSError:
            continue
    return [each for each in found if each]


def test_without_a_terminal_it_says_what_to_run(course: Path) -> None:
    """Piped: one line, exit code 2."""
    done = grader(course, "watch", "01")
    assert done.returncode == 2
    assert "run `grader check 01`" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_where_the_system_has_no_events_left_a_line_says_that_it_polls(course: Path) -> None:
    """And a save is seen; on a terminal that has no marks, plain ones are drawn."""
    inside = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$0" -m grader watch'
    command = ["unshare", "--user", "--map-root-user", "sh", "-c", inside, sys.executable]
    allowed = subprocess.run([*command[:3], "true"], capture_output=True, check=False)
    if allowed.returncode:
        pytest.skip("no user namespaces here")
    terminal = Terminal(course, command=command, PYTHONIOENCODING="ascii")
    try:
        terminal.wait_for("three times a second")
        save(course, IN_PLACE)
        assert "x 01.after-crash" in terminal.wait_for("should hold old or new")
        terminal.press("q")
        assert terminal.process.wait(20) == 0
    finally:
        terminal.close()
