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
from rich.padding import Padding
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
from grader.learn.status import bar, print_status
from grader.report import CheckResult, Kind, Outcome, Report
from grader.reports.terminal import MARKS, number, visible
from grader.sandbox.choice import sweep
from grader.suite.session import ServiceFactory

_ESCAPE = b"\x1b"
_NO_EVENTS = (
    "This system's limit of watched files (inotify) is reached: "
    "yours are looked at three times a second."
)
_PRINTED = 400
"""Characters of what the check printed; the screen is small."""
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
        """What was hidden by a new run comes back; what is shown gets its next step."""
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
        console, report = self._console, self._last()
        console.clear()
        title = Text(f"{self._exercise.id} {self._exercise.title}  ", "bold")
        score = report.score if report else 0.0
        most = report.max_score if report else self._exercise.max_score
        title.append_text(bar(score, most))
        title.append(f"  {number(score)}/{number(most)}")
        console.print(title)
        console.print()
        if self._running is not None:
            console.print(Text("running ...", "dim"))
            if self._failure is not None:
                self._show_failure(self._failure)
        elif report is not None:
            self._show_report(report)
        console.print()
        if self._polling:
            console.print(Text(_NO_EVENTS, "dim"))
        console.print(Text(_KEYS, "dim"))

    def _show_report(self, report: Report) -> None:
        failure = self._first()
        if failure is None:
            self._show_all_pass(report)
            return
        passed = sum(each.outcome is Outcome.PASSED for each in report.checks)
        ran = [each for each in report.checks if each.outcome is not Outcome.SKIPPED]
        said = f"{passed} of {len(report.checks)} checks pass."
        if len(ran) < len(report.checks):
            said = f"{passed} of the {len(ran)} checks that ran pass; there are "
            said += f"{len(report.checks)}."
        what = "First failure:" if failure.kind is not None else "Not checked:"
        self._console.print(Text(f"{said} {what}", "dim"))
        self._show_failure(failure)

    def _show_all_pass(self, report: Report) -> None:
        unseen = len(self._exercise.checks) - len(report.checks)
        said = f"All {len(report.checks)} checks pass."
        if unseen:
            said = (
                f"The public tests pass: {len(report.checks)} checks. "
                f"The hidden suite looks at {unseen} more behaviours."
            )
        elif self._exercise.proved:
            said += f" What was just proved: {self._exercise.proved}"
        more = " n goes on." if self._following() else " That was the last exercise."
        self._console.print(Text(said + more, "green"))

    def _show_failure(self, failure: CheckResult) -> None:
        console = self._console
        console.print(Text(f"{MARKS[failure.outcome][0]} {failure.id}: {failure.title}", "red"))
        console.print(Padding(Text(visible(failure.message)), (0, 0, 0, 2)))
        if printed := failure.printed.strip():
            console.print(Text("  it printed (the end of it):", "dim"))
            console.print(Padding(Text(visible(printed)[-_PRINTED:], "dim"), (0, 0, 0, 4)))
        known = self._exercise.check(failure.id)
        if self._hint and known is not None:
            kind = failure.kind
            steps = hints.shown(self._course, known, kind)
            every = hints.steps(self._course, known, kind)
            console.print()
            console.print(Padding(hints.table(steps), (0, 0, 0, 2)))
            if len(steps) < len(every):
                console.print(Text(f"  h for step {len(steps) + 1} of {len(every)}", "dim"))
            story = f"  the story: grader replay {self._exercise.id} {known.name}"
            console.print(Text(story, "dim"))


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
