"""`grader watch`: save a file, and see at once what it changed."""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.grading.many import begin, collect, stop
from grader.grading.one import Grading, require_suite, warm
from grader.grading.services import prepare_services
from grader.host.interrupts import held
from grader.learn import hints
from grader.learn.own_work import keep, last_report, your_files
from grader.learn.reset import reset_exercise
from grader.learn.status import bar, print_status
from grader.report import CheckResult, Outcome, Report
from grader.reports.terminal import number, visible
from grader.sandbox.choice import own_code, sweep
from grader.submission import Submission

_ESCAPE = b"\x1b"
_NO_EVENTS = (
    "This system's limit of watched files (inotify) is reached: "
    "yours are looked at three times a second."
)
_KEYS = "h hint · n next exercise · l list · r run · x reset · q quit"


def watch_course(course: Course, exercise: Exercise, console: Console) -> None:
    """Check `exercise` on every save, until q; n goes on to the next one.

    Raises:
        GraderError: there is no terminal, or nothing to check with.
    """
    if not (sys.stdin.isatty() and console.is_terminal):
        raise GraderError(
            "`grader watch` needs a terminal", f"Without one, run `grader check {exercise.id}`."
        )
    sweep()
    with _single_keys():
        current: Exercise | None = exercise
        while current is not None:
            require_suite(course, current)
            current = _Watch(course, current, console).run()


class _Watch:
    """One exercise, until another key than its own is pressed."""

    def __init__(self, course: Course, exercise: Exercise, console: Console) -> None:
        self._course = course
        self._exercise = exercise
        self._console = console
        self._running: tuple[Connection, BaseProcess, Submission] | None = None
        self._report: Report | None = None
        self._hint = False
        self._polling = False

    def run(self) -> Exercise | None:
        """Watch; the exercise to go on with, or None to leave."""
        with ExitStack() as stack:
            services = stack.enter_context(prepare_services(set(self._exercise.services)))
            stack.callback(self._cancel)
            self._how = Grading(self._course, own_code(), secrets.randbelow(2**32), services)
            warm(self._course, self._exercise)
            changes = stack.enter_context(_changes(self._course, self._exercise))
            while True:
                waiting = [sys.stdin.fileno(), changes]
                if self._running is not None:
                    waiting.append(self._running[0].fileno())
                ready = select.select(waiting, [], [])[0]
                if changes in ready:
                    if not (said := os.read(changes, 4096)):
                        raise GraderError("the files are not watched any more", "Start it again.")
                    self._polling |= b"polling" in said
                    self._start()  # a run of the old file says nothing any more
                elif self._running is not None and self._running[0].fileno() in ready:
                    self._finish()
                elif sys.stdin.fileno() in ready:
                    key = _key()
                    if key in ("q", ""):
                        return None
                    if key == "n" and (following := self._following()) is not None:
                        return following
                    self._on(key)

    def _on(self, key: str) -> None:
        if key == "h":
            self._more_hint()
            self._show()
        elif key == "l":
            self._console.clear()
            print_status(self._course, self._console)
            self._console.print(Text("any key goes back", "dim"))
            _key()
            self._show()
        elif key == "r":
            self._start()
        elif key == "x":
            self._console.print("Put the stub back? Your file is kept aside. y or n")
            if _key() == "y":
                reset_exercise(self._course, self._exercise, datetime.now().astimezone())
                hints.forget(self._course, self._exercise)
                self._hint = False
            # A change of the file starts the next run.
            self._show()

    def _more_hint(self) -> None:
        """What was hidden by a new run comes back; what is shown gets its next step."""
        report = self._last()
        check = _first(report) if report else None
        known = self._exercise.check(check.id) if check else None
        if known is None:
            return
        if self._hint or not hints.shown(self._course, known):
            hints.one_more(self._course, known)
        self._hint = True

    def _start(self) -> None:
        self._cancel()
        self._hint = False
        submission = your_files(self._course, self._exercise)
        with held():
            self._running = (*begin(submission, self._how), submission)
        self._show()

    def _cancel(self) -> None:
        if self._running is not None:
            connection, process, _ = self._running
            self._running = None
            stop([(connection, process)])

    def _finish(self) -> None:
        assert self._running is not None
        connection, process, submission = self._running
        self._running = None
        self._report = collect(connection, process, submission, self._how)
        with suppress(GraderError):  # shown it is all the same
            keep(self._course, self._report)
        self._show()

    def _last(self) -> Report | None:
        return self._report or last_report(self._course, self._exercise)

    def _following(self) -> Exercise | None:
        exercises = self._course.exercises
        place = exercises.index(self._exercise) + 1
        return exercises[place] if place < len(exercises) else None

    def _show(self) -> None:
        console, report = self._console, self._last()
        console.clear()
        title = Text(f"{self._exercise.id} {self._exercise.title}  ", "bold")
        score = report.score if report else 0.0
        title.append_text(bar(score, self._exercise.max_score))
        title.append(f"  {number(score)}/{number(self._exercise.max_score)}")
        console.print(title)
        console.print()
        if self._running is not None:
            console.print(Text("running ...", "dim"))
        elif report is not None:
            self._show_first(report)
        console.print()
        if self._polling:
            console.print(Text(_NO_EVENTS, "dim"))
        console.print(Text(_KEYS, "dim"))

    def _show_first(self, report: Report) -> None:
        check = _first(report)
        if check is None:
            more = " n goes on." if self._following() else " That was the last exercise."
            self._console.print(Text(f"All {len(report.checks)} checks pass.{more}", "green"))
            return
        passed = sum(each.outcome is Outcome.PASSED for each in report.checks)
        self._console.print(
            Text(f"{passed} of {len(report.checks)} checks pass. First not:", "dim")
        )
        self._console.print(Text(f"✗ {check.id}: {check.title}", "red"))
        self._console.print(Padding(Text(visible(check.message)), (0, 0, 0, 2)))
        known = self._exercise.check(check.id)
        if self._hint and known is not None:
            steps, every = hints.shown(self._course, known), hints.steps(self._course, known)
            self._console.print()
            self._console.print(Padding(hints.table(steps), (0, 0, 0, 2)))
            if len(steps) < len(every):
                self._console.print(Text(f"  h for step {len(steps) + 1} of {len(every)}", "dim"))
            self._console.print(
                Text(f"  the story: grader replay {report.exercise} {known.name}", "dim")
            )


def _first(report: Report) -> CheckResult | None:
    return next((c for c in report.checks if c.outcome is not Outcome.PASSED), None)


def _key() -> str:
    """The next key, or "" at the end of the input. One that sends several characters is none."""
    terminal = sys.stdin.fileno()
    key = os.read(terminal, 1)
    if key == _ESCAPE and select.select([terminal], [], [], 0)[0]:
        # An arrow, Home, F5: numbers and then a letter, which would pass for a key.
        following = os.read(terminal, 1)
        while following in (b"[", b"O") or b"" < following < b"@":
            following = os.read(terminal, 1)
    return key.decode(errors="replace").lower()


@contextmanager
def _changes(course: Course, exercise: Exercise) -> Iterator[int]:
    """A descriptor with something to read at the start and after each change of the files."""
    folder = course.root / "exercises" / exercise.id
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "grader.learn.changes", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.fileno()
        finally:
            process.terminate()


@contextmanager
def _single_keys() -> Iterator[None]:
    """Keys come one by one and are not shown; the terminal is as before afterwards."""
    before = termios.tcgetattr(sys.stdin)
    try:
        tty.setcbreak(sys.stdin)
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
