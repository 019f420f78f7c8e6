"""`grader watch`: save a file, and see at once what it changed."""

from __future__ import annotations

import os
import secrets
import select
import subprocess
import sys
import termios
import tty
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

from rich.console import Console
from rich.text import Text

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.grading.one import warm
from grader.grading.services import prepare_services
from grader.host.interrupts import held
from grader.learn import hints, public_run
from grader.learn.hidden_run import HiddenRun
from grader.learn.last import last
from grader.learn.own_work import keep
from grader.learn.public_run import PublicTestsRun
from grader.learn.reset import reset_exercise
from grader.learn.screen import Screen
from grader.learn.status import print_status
from grader.report import CheckResult, Kind, Outcome, Report
from grader.sandbox.choice import sweep
from grader.services.kind import ServiceFactory

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
            current = _Watch(course, current, console).run()


class _Watch:
    """One exercise, until another key than its own is pressed."""

    def __init__(self, course: Course, exercise: Exercise, console: Console) -> None:
        self._course = course
        self._exercise = exercise
        self._console = console
        self._screen = Screen(course, exercise, console)
        self._hidden = course.hidden_suite(exercise).is_dir()
        self._seed = secrets.randbelow(2**32)
        self._services: Mapping[str, ServiceFactory] = {}
        self._running: HiddenRun | PublicTestsRun | None = None
        self._failure: CheckResult | None = None
        """What the run under way has shown to be the failure to mend first."""
        self._report: Report | None = None
        self._hint = False
        self._polling = False

    def run(self) -> Exercise | None:
        """Watch; the exercise to go on with, or None to leave."""
        with ExitStack() as stack:
            stack.callback(self._cancel)
            self._prepare(stack)
            changes = stack.enter_context(_changes(self._course, self._exercise))
            while True:
                waiting = [sys.stdin.fileno(), changes]
                if self._running is not None:
                    waiting.append(self._running.fileno())
                ready = select.select(waiting, [], [])[0]
                if changes in ready:
                    if not (said := os.read(changes, 4096)):
                        raise GraderError("the files are not watched any more", "Start it again.")
                    self._polling |= b"polling" in said
                    self._start()  # a run of the old file says nothing any more
                elif self._running is not None and self._running.fileno() in ready:
                    self._go_on(self._running)
                elif sys.stdin.fileno() in ready:
                    key = _key()
                    if key in ("q", ""):
                        return None
                    if key == "n" and (following := self._following()) is not None:
                        return following
                    self._on(key)

    def _prepare(self, stack: ExitStack) -> None:
        """Start and import once what every run needs."""
        if self._hidden:
            services = prepare_services(set(self._exercise.services))
            self._services = stack.enter_context(services)
            warm(self._course, self._exercise)
        else:
            public_run.warm(self._exercise)

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
        """Show again what a new run hid; give what is shown its next step."""
        failure = self._first()
        known = self._exercise.check(failure.id) if failure else None
        if failure is None or known is None:
            return
        if self._hint or not hints.shown(self._course, known, failure.kind):
            hints.one_more(self._course, known, failure.kind)
        self._hint = True

    def _start(self) -> None:
        self._cancel()
        self._hint = False
        self._failure = None
        with held():
            if self._hidden:
                self._running = HiddenRun(self._course, self._exercise, self._seed, self._services)
            else:
                self._running = PublicTestsRun(self._course, self._exercise, fork=True)
        self._show()

    def _cancel(self) -> None:
        if self._running is not None:
            running, self._running = self._running, None
            running.stop()

    def _go_on(self, running: HiddenRun | PublicTestsRun) -> None:
        """Take what the run says next."""
        said = running.step()
        if isinstance(said, Report):
            self._cancel()
            self._report = said
            if self._hidden:
                with suppress(GraderError):  # shown it is all the same
                    keep(self._course, self._report)
            self._show()
        elif said is not None and self._is_first(said[0]):
            self._failure = said[0]
            self._show()

    def _is_first(self, row: CheckResult) -> bool:
        """Tell whether a row of the run under way is a failure to show, more than the one shown."""
        if row.outcome is not Outcome.FAILED or row.because or row.kind is Kind.NOT_FILLED_IN:
            return False
        return self._failure is None

    def _last(self) -> Report | None:
        return self._report or last(self._course, self._exercise)

    def _first(self) -> CheckResult | None:
        """Return what is shown: the failure to mend first, else what could not be decided."""
        if self._running is not None:
            return self._failure
        report = self._last()
        if report is None or report.first_failure is not None:
            return report.first_failure if report is not None else None
        return next((row for row in report.checks if row.outcome is not Outcome.PASSED), None)

    def _following(self) -> Exercise | None:
        exercises = self._course.exercises
        place = exercises.index(self._exercise) + 1
        return exercises[place] if place < len(exercises) else None

    def _show(self) -> None:
        console, report, screen = self._console, self._last(), self._screen
        console.clear()
        screen.show_title(report)
        if self._running is not None:
            said = "running ..." if report is None else "running ... The score is the last run's."
            console.print(Text(said, "dim"))
        failure = self._first()
        if self._running is None and report is not None:
            screen.show_summary(report, failure, following=self._following() is not None)
        if failure is not None:
            screen.show_failure(failure, hint=self._hint)
        console.print()
        if self._polling:
            console.print(Text(_NO_EVENTS, "dim"))
        console.print(Text(_KEYS, "dim"))


def _key() -> str:
    """Return the next key, "" at the end of the input; an arrow, of several characters, is none."""
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
    """Give a descriptor with something to read at the start and after each change of the files."""
    folder = course.folder(exercise)
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
