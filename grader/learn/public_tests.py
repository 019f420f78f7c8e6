"""What pytest says at the end of `pytest exercises/03`: the checks that the public tests show.

A plugin that exercises/conftest.py registers. It adds lines to the end and a marker, and changes
nothing else of a run; what it found is kept for `grader status` and `grader hint`.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from grader.learn.marked import public_checks

if TYPE_CHECKING:
    from grader.course import Check, Course, Exercise
    from grader.learn.trial_import import Trial

_CHECK = "check"
_MARKER = "check(id, leans_on=id): the promise that the test proves, by its id in course.toml"
_WORDS = {"passed": "passed", "failed": "FAILED", "skipped": "not run"}
_COLORS = {"passed": "green", "failed": "red", "skipped": "yellow"}
_WORD_WIDTH = 8


class PublicTests:
    """The plugin. With pytest-xdist it works in the process that reports."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tests: dict[str, dict[str, str]] = {}
        """What became of each test, by check."""
        self._collected: set[str] = set()
        """The exercises whose test files this process has read."""
        self._trials: dict[str, Trial] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known where the settings do not, and let what is found be kept."""
        from grader.errors import GraderError  # noqa: PLC0415 - not before pytest's own start
        from grader.learn.public_record import PublicRecord  # noqa: PLC0415 - as above

        with suppress(GraderError):  # course.toml: said at the end
            config.pluginmanager.register(PublicRecord(self._root))
        if not any(line.startswith("check(") for line in config.getini("markers")):
            config.addinivalue_line("markers", _MARKER)

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module | None:
        """Keep pytest from importing what would never end, or end pytest."""
        from grader.errors import GraderError  # noqa: PLC0415 - not before pytest's own start

        folder = module_path.parent
        if folder.parent != self._root / "exercises":
            return None
        try:
            course = self._course()
            exercise = course.exercise(folder.name)
            self._collected.add(exercise.id)
            _forget_others(course, folder)
            trial = self._trial(course, exercise)
        except GraderError:
            return None
        text = module_path.read_text(encoding="utf-8", errors="replace")
        for module in trial.ending:
            if re.search(rf"^\s*(?:from|import) {module}\b", text, flags=re.MULTILINE):
                refused = _Refused.from_parent(parent, path=module_path)
                refused.reason = next(each for each in trial.refused if f"{module}.py" in each)
                return refused
        return None

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Let each report carry its check, also from a worker process of pytest-xdist.

        `-k` finds a test by its check. An exercise's tests run in the order of its files.
        """
        for item in items:
            marker = item.get_closest_marker(_CHECK)
            if marker is not None and marker.args and item.path.is_relative_to(self._root):
                item.user_properties.append((_CHECK, str(marker.args[0])))
                item.extra_keyword_matches.add(str(marker.args[0]))
        groups = [(key, list(group)) for key, group in groupby(items, lambda i: i.path.parent)]
        items[:] = [
            item for folder, group in groups for item in sorted(group, key=self._order(folder))
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note what became of a test; one that failed may end well after that."""
        if report.when != "call" and report.passed:
            return
        for name, value in report.user_properties:
            if name == _CHECK and isinstance(value, str):
                self._tests.setdefault(value, {}).setdefault(report.nodeid, report.outcome)
                if report.failed:
                    self._tests[value][report.nodeid] = report.outcome

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(
        self, terminalreporter: pytest.TerminalReporter, config: pytest.Config
    ) -> Generator[None, None, None]:
        """Say it, after all that pytest says itself but its closing line."""
        from grader.errors import GraderError  # noqa: PLC0415 - as above

        yield
        verbosity = config.get_verbosity()
        if not (self._tests or self._collected) or verbosity < -1:
            return
        try:
            for course, exercise in self._exercises():
                self._summary(course, exercise, terminalreporter, verbosity)
        except GraderError as error:
            terminalreporter.write_line(str(error))

    def _order(self, folder: Path) -> Callable[[pytest.Item], int]:
        """Return where a test of that folder comes: with its exercise's file, the others last."""
        from grader.errors import GraderError  # noqa: PLC0415 - as above

        tests: list[str] = []
        if folder.parent == self._root / "exercises":
            with suppress(GraderError):
                tests = [f"test_{name}" for name in self._course().exercise(folder.name).files]
        return lambda item: (*tests, item.path.name).index(item.path.name)

    def _exercises(self) -> Iterator[tuple[Course, Exercise]]:
        if not (self._tests or self._collected):
            return
        course = self._course()
        for exercise in course.exercises:
            if self._of(exercise) or exercise.id in self._collected:
                yield course, exercise

    def _trial(self, course: Course, exercise: Exercise) -> Trial:
        from grader.learn.handing_in import look  # noqa: PLC0415 - as above

        if exercise.id not in self._trials:  # where nothing can be kept, it is not run again
            self._trials[exercise.id] = look(course, exercise)
        return self._trials[exercise.id]

    def _course(self) -> Course:
        from grader.course import load_course  # noqa: PLC0415 - as above

        return load_course(self._root)

    def _of(self, exercise: Exercise) -> dict[str, dict[str, str]]:
        known = {check.id for check in exercise.checks}
        return {name: said for name, said in self._tests.items() if name in known}

    def _summary(
        self, course: Course, exercise: Exercise, reporter: pytest.TerminalReporter, verbosity: int
    ) -> None:
        from grader.learn.own_work import by_check  # noqa: PLC0415 - as above

        trial = self._trial(course, exercise)
        if not (self._of(exercise) or trial.refused or trial.noted):
            return
        width = reporter.config.get_terminal_writer().fullwidth
        outcomes = by_check(self._of(exercise))
        public = public_checks(course, exercise)
        ran = [check for check in public if check.id in outcomes]
        passed = [check for check in ran if outcomes[check.id] == "passed"]
        reporter.write_sep("-", f"{exercise.id} {exercise.title}")
        for check in ran if verbosity >= 0 else ():
            word = outcomes[check.id]
            color = {_COLORS[word]: True}
            first, *rest = _wrapped(f"{check.name}: {check.title}", width)
            reporter.write(f"{_WORDS[word]:<{_WORD_WIDTH}}", **color)
            reporter.write_line(first)
            for line in rest:
                reporter.write_line(" " * _WORD_WIDTH + line)
        if len(ran) < len(public):
            said = f"{_part(len(passed), len(ran))}; the public tests show {len(public)}."
        else:
            points = f"{_points(passed)} of {_points(public)} points"
            said = f"{len(passed)} of {len(public)} public checks pass, worth {points}."
        if ran:
            reporter.write_line(said)
        hidden = [check for check in exercise.checks if check not in public]
        if hidden and len(ran) == len(public) and verbosity >= 0:
            more = f"The hidden suite looks closer at these, and for {_points(hidden)} points at:"
            _write(more, reporter)
            for check in hidden:
                _write(f"- {check.name}: {check.title}", reporter)
        if trial.refused or trial.noted:
            reporter.write_line("Before you hand it in:")
        for sentence in trial.refused + trial.noted:
            _write(f"- {sentence}", reporter)
        _write(_next(course, exercise, outcomes, trial), reporter)


class _Refused(pytest.Module):
    """A test file that is not imported, since the learner's module would not let go."""

    reason = ""

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """Say why.

        Raises:
            CollectError: always.
        """
        raise self.CollectError(self.reason)


def _forget_others(course: Course, folder: Path) -> None:
    """Let each exercise import its own helpers.py, not that of the one before."""
    names = {name.removesuffix(".py") for each in course.exercises for name in each.optional}
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and Path(file).parent != folder:
            del sys.modules[name]


def _next(course: Course, exercise: Exercise, outcomes: dict[str, str], trial: Trial) -> str:
    """Return the next step after this run."""
    if trial.refused:
        return "Next: mend that. As it is now, it costs points whatever the tests say."
    failed = [check for check in exercise.checks if outcomes.get(check.id) == "failed"]
    if failed:
        check = _to_mend(course, exercise, failed)
        return f"Next: {check.id}. For a hint: grader hint {exercise.id} {check.name}"
    if "skipped" in outcomes.values():
        return "Next: what did not run. For the reasons: pytest -rs; for the means: grader doctor"
    if any(check.id not in outcomes for check in public_checks(course, exercise)):
        return f"Next: all of them, pytest exercises/{exercise.id}"
    if course.hidden_suite(exercise).is_dir():
        return f"Next: the hidden suite, grader check {exercise.id}"
    following = course.exercises[course.exercises.index(exercise) + 1 :]
    if not following:
        return "Next: hand it in. That was the last exercise."
    return f"Next: hand it in, and go on with exercises/{following[0].id}/README.md"


def _to_mend(course: Course, exercise: Exercise, failed: list[Check]) -> Check:
    """Return the failure that `grader hint` speaks of, where it is one of this run's."""
    from grader.learn.own_work import last_public  # noqa: PLC0415 - as above
    from grader.learn.public_rows import as_report  # noqa: PLC0415 - as above

    run = last_public(course, exercise)
    first = as_report(course, exercise, run).first_failure if run is not None else None
    chosen = (check for check in failed if first is not None and check.id == first.id)
    return next(chosen, failed[0])


def _write(text: str, reporter: pytest.TerminalReporter) -> None:
    indent = "  " if text.startswith("- ") else ""
    width = reporter.config.get_terminal_writer().fullwidth
    for line in textwrap.wrap(text, width - 1, subsequent_indent=indent, break_on_hyphens=False):
        reporter.write_line(line)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(20, width - 1 - _WORD_WIDTH), break_on_hyphens=False)


def _part(passed: int, ran: int) -> str:
    """Say how many checks passed where a part of them ran."""
    if ran == 1:
        return f"The check that ran {'passed' if passed else 'failed'}"
    return f"{passed} of the {ran} checks that ran passed"


def _points(checks: list[Check]) -> str:
    return f"{sum(check.points for check in checks):g}"
