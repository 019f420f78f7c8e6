"""`grader grade`: a class of submissions, each in a sandbox."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from grader.class_folder import find_submissions, require_apart
from grader.course import Course
from grader.files import require_writable, writing_whole
from grader.gradebook import database, nbgrader
from grader.gradebook.graded import remarks, with_scores
from grader.gradebook.results import Results
from grader.grading.many import grade_all
from grader.grading.one import Grading, require_suite, suite_hash, suite_hashes, unread_report
from grader.grading.outdated import broken_off, not_in_class
from grader.grading.progress import grading_progress
from grader.grading.services import prepare_services
from grader.grading.workers.broker import BrokerAddress, require_celery
from grader.host.standard_streams import require_file_names
from grader.intake.unsorted import require_sorted
from grader.report import ClassReport, Report, presentable
from grader.reports.json import json_document
from grader.reports.terminal import print_class, visible
from grader.sandbox.choice import choose, sweep
from grader.scoring import rescore
from grader.submission import Submission

_DETAILS_UP_TO = 12
"""Reports that are still printed each when nothing was asked for."""


@dataclass(frozen=True)
class GradeRequest:
    """The request of a `grader grade`."""

    directory: Path
    exercise: str | None = None
    students: tuple[str, ...] = ()
    """These alone; none named: all."""
    out: Path | None = None
    """Where results are kept, so that the same command goes on with them."""
    json_file: Path | None = None
    seed: int | None = None
    """None: a new one, and stored results of any seed are good."""
    new_seed: int = 0
    jobs: int | None = None
    repeat: int = 0
    regrade: bool = False
    gradebook: bool = True
    """Fill nbgrader's gradebook in `out`, where nbgrader is installed."""
    db: str | None = None
    """The URL of another gradebook than the one in `out`."""
    unsafe: bool = False
    details: bool | None = None
    broker: BrokerAddress | None = None
    """Where workers take the submissions from; None: they are graded here."""


def grade_directory(course: Course, run: GradeRequest, console: Console) -> int:
    """Grade what lies in `run.directory`; the exit code.

    Exit codes: 0 all full, 1 something failed, 2 something could not be decided.

    Raises:
        GraderError: it could not be done.
    """
    if run.out is not None:
        require_apart(run.out, run.directory, "with --out")
    submissions, lines = _found(course, run)
    suites = _suites_of(submissions, course)
    if run.broker is not None:
        require_celery()
    if run.json_file is not None:
        require_writable(run.json_file)
    with ExitStack() as stack:
        out = run.out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-")))
        results = Results(out)
        stack.enter_context(results.lock())
        require_file_names(each.student for each in submissions)
        todo = list(_still_to_grade(submissions, suites, run, results))
        keys = [(submission.student, submission.exercise.id) for submission in submissions]
        with broken_off(results, keys, whole=not (run.students or run.exercise)):
            _grade(todo, course, run, results, console)
        kept = _Kept(results, keys, course, run.db or database.existing_url(out))
        details = len(keys) <= _DETAILS_UP_TO if run.details is None else run.details
        printed = print_class(console, kept.scored(), details=details)
        if not run.students:
            lines += not_in_class(results, {student for student, _ in keys}, run.directory)
        _print_remarks(lines, console)
        if run.json_file is not None:
            _write_json(run.json_file, course, kept, provisional=printed.provisional)
        if run.out is not None:
            if run.gradebook and database.available():
                nbgrader.fill(kept.judged(), course, run.db or database.default_url(out))
            book = run.db or database.existing_url(out)
            _print_remarks(remarks(kept.judged(), course, book), console)
            said = f"{len(todo)} graded, {len(submissions) - len(todo)} as before"
            console.print(f"{said}. The results are in {run.out}.", style="dim")
    if printed.provisional:
        return 2
    return 0 if printed.full else 1


def _print_remarks(lines: Iterable[str], console: Console) -> None:
    for line in lines:
        console.print(visible(line), style="yellow", soft_wrap=True)


class _Kept:
    """The results of this run as they are kept, under today's rules."""

    def __init__(
        self, results: Results, keys: Sequence[tuple[str, str]], course: Course, book: str | None
    ) -> None:
        self._results, self._keys, self._course = results, keys, course
        self._extension = nbgrader.lookup(nbgrader.extensions(book) if book else {})
        self._entered = nbgrader.scores_by_hand(book) if book else {}

    def judged(self) -> Iterator[Report]:
        """Yield each report with the scores of the suite."""
        for key in self._keys:
            report = self._results.load(*key)
            assert report is not None, "every submission has been graded"
            yield rescore(report, self._course, self._extension(*key))

    def scored(self) -> Iterator[Report]:
        """Yield each with the scores that a person entered in the gradebook in their place."""
        for report in self.judged():
            key = (nbgrader.student_id(report.student), report.exercise)
            yield with_scores(report, self._entered.get(key, {})).report


def _write_json(path: Path, course: Course, kept: _Kept, *, provisional: bool) -> None:
    head = ClassReport(course=course.title, provisional=provisional, reports=())
    with writing_whole(path) as file:
        for piece in json_document(head, kept.scored()):
            file.write(piece.encode())


def _found(course: Course, run: GradeRequest) -> tuple[list[Submission], list[str]]:
    """Return what was handed in, and the lines that are to be said of it."""
    require_sorted(run.directory, course)
    lines: list[str] = []
    found = find_submissions(run.directory, course, run.exercise, run.students, tell=lines.append)
    if run.exercise is None:
        lines += _handed_in_by_few(found)
    return found, lines


def _handed_in_by_few(submissions: Sequence[Submission]) -> Iterator[str]:
    """Yield a line for each of several exercises that most did not hand in: they have 0 in it."""
    by_exercise: dict[str, list[bool]] = {}
    for each in submissions:
        by_exercise.setdefault(each.exercise.id, []).append(each.handed_in)
    for exercise, some in sorted(by_exercise.items()):
        if len(by_exercise) > 1 and 2 * sum(some) <= len(some):
            yield (
                f"{exercise} was handed in by {sum(some)} of {len(some)} students; the others have "
                "0 in it. `--exercise NN` with a new --out grades another one alone."
            )


def _suites_of(submissions: Sequence[Submission], course: Course) -> dict[str, str]:
    """Return the hash of the suite of each exercise that is graded."""
    exercises = {submission.exercise.id: submission.exercise for submission in submissions}
    for _, exercise in sorted(exercises.items()):
        require_suite(course, exercise)
    return {number: suite_hash(course, exercise) for number, exercise in exercises.items()}


def _still_to_grade(
    submissions: Sequence[Submission],
    suites: Mapping[str, str],
    run: GradeRequest,
    results: Results,
) -> Iterator[Submission]:
    """Yield those without a stored verdict; of the others, store what became known meanwhile."""
    for each in submissions:
        stored = None if run.regrade else _known(each, suites[each.exercise.id], run, results)
        if stored is None:
            yield each
        else:
            _keep_times(each, stored, results)


def _known(
    submission: Submission, suite: str, run: GradeRequest, results: Results
) -> Report | None:
    """Return the stored report that is of this submission, by the suite of this hash, or None."""
    found = results.load(submission.student, submission.exercise.id)
    if found is None or found.provisional or run.seed not in (None, found.seed):
        return None
    same = (found.submission_hash, found.suite_hash) == (submission.hash, suite)
    return found if same else None


def _keep_times(submission: Submission, found: Report, results: Results) -> None:
    """Store what became known of a submission without its files: no reason to run it again."""
    now = {
        "handed_in": submission.handed_in,
        "submitted": submission.submitted,
        "marked_late": submission.marked_late,
        "not_taken": presentable(submission.not_taken),
        "team": presentable(submission.team),
    }
    if now != {name: getattr(found, name) for name in now}:
        results.save(found.model_copy(update=now))


def _grade(
    todo: Sequence[Submission],
    course: Course,
    run: GradeRequest,
    results: Results,
    console: Console,
) -> None:
    """Grade `todo`, and keep each report as soon as it is there."""
    for each in todo:
        if each.unread:
            results.save(unread_report(each, course, _seed_of(run)))
    todo = [each for each in todo if not each.unread]
    if not todo:
        return
    done = 0
    try:
        with ExitStack() as stack:
            if run.broker is None:
                graded = stack.enter_context(_graded_here(todo, course, run, console))
            else:
                graded = _graded_by_workers(todo, course, run, results, console)
                stack.enter_context(closing(graded))
            for submission, report in graded:
                team = presentable(submission.team)
                results.save(report.model_copy(update={"team": team}))
                done += 1
    except KeyboardInterrupt:
        if run.out is not None:
            Console(stderr=True).print(
                f"{done} of {len(todo)} are graded; the same command goes on with the rest."
            )
        raise


@contextmanager
def _graded_here(
    todo: Sequence[Submission], course: Course, run: GradeRequest, console: Console
) -> Iterator[Iterator[tuple[Submission, Report]]]:
    """Give the reports of this machine as they come."""
    sandbox = choose(unsafe=run.unsafe)
    sweep()
    names: set[str] = {name for s in todo for name in s.exercise.services}
    with prepare_services(names) as services:
        how = Grading(course, sandbox, _seed_of(run), services, run.repeat)
        with closing(grade_with_progress(todo, how, run.jobs, console)) as graded:
            yield graded


def _graded_by_workers(
    todo: Sequence[Submission],
    course: Course,
    run: GradeRequest,
    results: Results,
    console: Console,
) -> Generator[tuple[Submission, Report]]:
    """Yield the reports of the workers at `run.broker` as they come."""
    from grader.grading.workers.controller import (  # noqa: PLC0415 - needs the extra `workers`
        Order,
        grade_on_workers,
    )

    assert run.broker is not None
    order = Order(
        course,
        suite_hashes(course),
        results.run_id(),
        _seed_of(run),
        run.repeat,
        any_seed=run.seed is None and not run.regrade,
        keeps=run.out is not None,
    )
    with grading_progress(len(todo), shown=console.is_terminal) as bar:
        if run.broker.in_the_clear:
            bar.say(
                f"amqp:// to {run.broker.shown} is not encrypted: whoever sees the network sees "
                "password and submissions; use amqps://"
            )
        with closing(grade_on_workers(todo, order, run.broker, bar)) as graded:
            for submission, report in graded:
                yield submission, report
                bar.advance(submission.student)


def _seed_of(run: GradeRequest) -> int:
    return run.new_seed if run.seed is None else run.seed


def grade_with_progress(
    submissions: Sequence[Submission], how: Grading, jobs: int | None, console: Console
) -> Generator[tuple[Submission, Report]]:
    """Yield the reports as they come; show a bar on a terminal meanwhile."""
    with (
        grading_progress(len(submissions), shown=console.is_terminal) as bar,
        closing(grade_all(submissions, how, jobs)) as graded,
    ):
        for submission, report in graded:
            yield submission, report
            bar.advance(submission.student)
