"""A plugin of pytest for the public tests: keeps what each test showed, and tells it at once.

`grader hint`, `status` and `replay` go by what is kept. `grader check` and `grader watch` of a copy
without hidden suites start pytest with TELL and read each state of the run as a line.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from grader.learn.patience import StillRunning

if TYPE_CHECKING:
    from grader.course import Course, Exercise
    from grader.learn.own_work import PublicRun
    from grader.report import CheckResult
    from grader.suite.log import Log

TELL = "GRADER_TELL"
"""The environment variable that holds the descriptor to write to."""
ONLY = "GRADER_ONLY"
"""The one that holds the ids of the checks whose tests are to run, with spaces between."""
_SEEN = "seen"
_LOG = pytest.StashKey["Log"]()


class PublicRecord:
    """The plugin. With pytest-xdist it keeps and tells in the process that reports."""

    def __init__(self, root: Path) -> None:
        from grader.course import load_course  # noqa: PLC0415 - not before pytest's own start

        self._course: Course = load_course(root)
        self._runs: dict[str, PublicRun] = {}
        self._log: Log | None = None
        self._tell = int(os.environ.get(TELL, "-1"))
        if self._tell >= 0:
            from grader.worker.importing import no_debugger  # noqa: PLC0415 - as above

            sys.breakpointhook = no_debugger

    # The tests ---------------------------------------------------------------

    def pytest_collection_modifyitems(
        self, items: list[pytest.Item], config: pytest.Config
    ) -> None:
        """Leave out what was not asked for; note what the functions under test do."""
        only = os.environ.get(ONLY, "").split()
        if only:
            chosen = [item for item in items if _mark(item)[0] in only]
            config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
            items[:] = chosen
        if self._tell >= 0:
            for module in {item.module for item in items if isinstance(item, pytest.Function)}:
                self._follow(module)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, object, object]:
        """Begin the story of a test."""
        from grader.suite.log import Log  # noqa: PLC0415 - as above

        self._log = item.stash[_LOG] = Log()
        try:
            return (yield)
        finally:
            self._log = None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let the report carry what was seen, also from a worker process of pytest-xdist."""
        from grader.learn.public_rows import seen  # noqa: PLC0415 - as above
        from grader.report import Kind  # noqa: PLC0415 - as above

        report = yield
        check, leans_on = _mark(item)
        if check and (report.when == "call" or not report.passed):
            found = (
                {}
                if call.excinfo is None
                else seen(call.excinfo, item.path.parent, called=call.when == "call")
            )
            log = item.stash[_LOG].entries if _LOG in item.stash else []
            about = {"check": check, "because": leans_on, "log": log, **found}
            written = found.get("kind") is not Kind.NOT_FILLED_IN  # a stub is one in every case
            if found and written and (case := _case(item)):
                about["message"] = f"{found['message']} (the test's case: {case})"
            if "kind" in found:  # pytest-xdist takes nothing but Python's own types
                about["kind"] = found["kind"].value
            report.user_properties.append((_SEEN, about))
        return report

    # What they showed --------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Say that a test begins: where the learner's code ends the process, it was that one."""
        folder = Path(nodeid.partition("::")[0]).parent.name
        exercise = next((each for each in self._course.exercises if each.id == folder), None)
        if self._tell >= 0 and exercise is not None:
            self._run(exercise)  # so that it is said of the first test too
            self._say(running=nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the row of a test, and tell it."""
        for name, value in report.user_properties:
            if name == _SEEN and isinstance(value, dict):
                self._keep(report, value)
                self._say()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Count a test file that cannot be imported as a failure of its checks."""
        from grader.learn.handing_in import look  # noqa: PLC0415 - as above
        from grader.report import Kind  # noqa: PLC0415 - as above

        path = self._course.root / report.nodeid
        if not (report.failed and path.suffix == ".py" and path.parent.name.isdigit()):
            return
        exercise = self._course.exercise(path.parent.name)
        refused = look(self._course, exercise).refused
        said = "; ".join(refused) or str(report.longrepr).strip().splitlines()[-1].lstrip("E ")
        for check in exercise.checks:
            if f'.check("{check.id}"' in path.read_text(encoding="utf-8"):
                about = {"check": check.id, "kind": Kind.NOT_IMPORTABLE, "message": said}
                self._keep(report, about, test=f"{report.nodeid}::{check.id}")
        self._say()

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Keep what was found."""
        from grader.errors import GraderError  # noqa: PLC0415 - as above
        from grader.learn.own_work import keep_public  # noqa: PLC0415 - as above

        if hasattr(session.config, "workerinput"):
            return
        # A folder that cannot be written is no reason to fail a test run.
        with contextlib.suppress(GraderError):
            for exercise_id, run in self._runs.items():
                keep_public(self._course, self._course.exercise(exercise_id), run)
        self._say(finished=True)

    def _keep(
        self,
        report: pytest.TestReport | pytest.CollectReport,
        about: dict[str, Any],
        test: str = "",
    ) -> None:
        exercise = next(
            (each for each in self._course.exercises if each.check(about["check"])), None
        )
        if exercise is None:
            return
        run, test = self._run(exercise), test or report.nodeid
        before = run.tests.setdefault(about["check"], {}).get(test)
        if before is not None and not report.failed:
            return  # it failed well before its end
        run.tests[about["check"]][test] = report.outcome
        run.rows[test] = _row(exercise, report, about)

    def _run(self, exercise: Exercise) -> PublicRun:
        from grader.learn.own_work import PublicRun, your_files  # noqa: PLC0415 - as above

        if exercise.id not in self._runs:
            now = your_files(self._course, exercise).hash
            self._runs[exercise.id] = PublicRun(submission_hash=now, tests={})
        return self._runs[exercise.id]

    def _say(self, *, running: str = "", finished: bool = False) -> None:
        if self._tell < 0:
            return
        for run in self._runs.values():
            now = run.model_copy(update={"running": running, "finished": finished})
            data = now.model_dump_json().encode() + b"\n"
            with contextlib.suppress(OSError):  # nobody reads any more
                while data:
                    data = data[os.write(self._tell, data) :]

    # The story ---------------------------------------------------------------

    def _follow(self, module: Any) -> None:
        """Note each call of a learner's function that a test module makes, and its callbacks'."""
        folder = Path(module.__file__).parent
        for name, function in list(vars(module).items()):
            code = getattr(function, "__code__", None)
            path = Path(code.co_filename) if code is not None else None
            if path is not None and path.parent == folder and path != Path(module.__file__):
                setattr(module, name, self._noted(function, name))

    def _noted(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def noted(*args: Any, **kwargs: Any) -> Any:
            self._note("test", f"calls {name}({_in_words(args, kwargs)})")
            args = tuple(self._callback(each, "handle") for each in args)
            kwargs = {key: self._callback(each, key) for key, each in kwargs.items()}
            try:
                value = function(*args, **kwargs)
            except StillRunning as error:
                self._note("test", f"gives up: {error}")
                raise
            except BaseException as error:
                self._note("you", f"{name}() raises {type(error).__name__}: {error}")
                raise
            self._note("you", f"{name}() returns {_short(value)}")
            return value

        return noted

    def _callback(self, value: Any, name: str) -> Any:
        if not callable(value) or isinstance(value, type):
            return value

        def noted(*args: Any, **kwargs: Any) -> Any:
            self._note("you", f"calls {name}({_in_words(args, kwargs)})")
            try:
                return value(*args, **kwargs)
            except BaseException as error:
                self._note("test", f"lets {name}() raise {type(error).__name__}")
                raise

        return noted

    def _note(self, who: str, what: str) -> None:
        if self._log is not None:
            self._log.add(who, what)


def _mark(item: pytest.Item) -> tuple[str, str]:
    """Return the id of the check that a test is about, and of the one that it takes for granted."""
    mark = item.get_closest_marker("check")
    if mark is None or not mark.args:
        return "", ""
    return str(mark.args[0]), str(mark.kwargs.get("leans_on", ""))


def _case(item: pytest.Item) -> str:
    """Return the case of a test that a fixture runs several times; its own it names itself."""
    call = getattr(item, "callspec", None)
    if call is None:
        return ""
    own = {name for mark in item.iter_markers("parametrize") for name in _names(mark.args[0])}
    return str(call.id) if set(call.params) - own else ""


def _names(argument: str | Sequence[str]) -> Sequence[str]:
    """Return the names that a parametrize has, which may be one string."""
    return argument.replace(",", " ").split() if isinstance(argument, str) else argument


def _row(
    exercise: Exercise, report: pytest.TestReport | pytest.CollectReport, about: dict[str, Any]
) -> CheckResult:
    from grader.report import CheckResult, Kind, Outcome  # noqa: PLC0415 - as above

    check = exercise.check(about["check"])
    assert check is not None
    log = tuple(about.get("log", ()))
    seconds = getattr(report, "duration", 0.0)
    if report.passed:
        return CheckResult.of(check, Outcome.PASSED, seconds=seconds, log=log)
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else about["message"]
        reason = str(reason).removeprefix("Skipped: ")
        return CheckResult.of(check, Outcome.NOT_GRADED, reason, seconds=seconds)
    return CheckResult.of(
        check,
        Outcome.FAILED,
        about.get("message", ""),
        kind=Kind(about.get("kind", Kind.UNMET)),
        because=about.get("because", ""),
        printed=report.capstdout[-4096:],
        seconds=seconds,
        log=log,
    )


def _in_words(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    words = [_short(each) for each in args if not callable(each)]
    return ", ".join(
        words + [f"{name}={_short(each)}" for name, each in kwargs.items() if not callable(each)]
    )


def _short(value: Any) -> str:
    from grader.suite.steps import shorten  # noqa: PLC0415 - as above

    with contextlib.suppress(Exception):  # a learner's __repr__ may do anything
        words = shorten(value)
        cut_inside = words.startswith("<") and words.endswith("…")  # pika's channels say all
        return f"<{type(value).__name__}>" if cut_inside else words
    return type(value).__name__
