"""`grader check`: a learner's own work, the public tests first, then the hidden suite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from grader.course import Course, Exercise
from grader.errors import GraderError
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.learn import lessons
from grader.learn.handing_in import look
from grader.learn.own_work import keep, your_files
from grader.report import UNDECIDED, Outcome, Report
from grader.reports.terminal import number, student_report
from grader.sandbox.choice import own_code, sweep


def check_own_work(
    course: Course, exercises: Sequence[Exercise], seed: int, console: Console
) -> int:
    """Run the tests on `exercises/NN`, say what failed and give the next hint; the exit code.

    Raises:
        GraderError: it could not be done.
    """
    codes = [_check(course, exercise, seed, console) for exercise in exercises]
    return max(codes, default=0)


def _check(course: Course, exercise: Exercise, seed: int, console: Console) -> int:
    console.print(Text(f"Exercise {exercise.id}: {exercise.title}", "bold"))
    passed = run_public_tests(course, exercise, console)
    trial = look(course, exercise)
    if trial.refused or trial.noted:
        console.print("Before you hand it in:")
    for sentence in trial.refused + trial.noted:
        console.print(Text(f"- {sentence}"))
    if not course.hidden_suite(exercise).is_dir():
        console.print("The hidden suite is not part of this copy: your instructor runs it.")
        return 0 if passed and not trial.refused else 1
    sweep()
    submission = your_files(course, exercise)
    with prepare_services(set(exercise.services)) as services:
        how = Grading(course, own_code(), seed, services)
        ((_, report),) = grade_all([submission], how)
    console.print(student_report(report, hints=False, own=True))
    _next_step(report, console)
    if report.full and (proved := lessons.proved(course, exercise)):
        console.print(Text(proved))
        place = course.lesson(exercise).relative_to(course.root).as_posix()
        console.print(Text(f'Other right solutions: "{lessons.PROVED}" in {place}.'))
    try:
        keep(course, report)
    except GraderError as error:
        console.print(Text(f"Not kept for `grader status` and `grader replay`: {error}", "yellow"))
    if any(check.outcome in UNDECIDED for check in report.checks):
        return 2
    return 0 if report.full else 1


def run_public_tests(course: Course, exercise: Exercise, console: Console) -> bool:
    """Run `pytest exercises/NN` and print its last line; whether all passed."""
    folder = f"exercises/{exercise.id}"
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "--tb=no", folder]
    done = subprocess.run(  # noqa: S603 - our own command
        command,
        cwd=course.root,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    lines = done.stdout.strip().splitlines()
    console.print(Text(f"public tests: {lines[-1].strip('= ') if lines else 'did not run'}"))
    if done.returncode:
        console.print(Text(f"  see them with: pytest {folder}", "dim"))
    return done.returncode == 0


def _next_step(report: Report, console: Console) -> None:
    first = next((c for c in report.checks if c.outcome is Outcome.FAILED and c.hint), None)
    if first is None:
        if report.full:
            console.print(Text(f"All {number(report.max_score)} points. Well done.", "green"))
        return
    console.print(Text(f"Next: {first.id}. Hint: {first.hint}", "cyan"))
