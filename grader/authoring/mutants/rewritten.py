"""`grader validate --rewrites`: right code that is written otherwise must get full marks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from grader.authoring.mutants.asked import Asked
from grader.authoring.mutants.rewrites import REWRITES
from grader.authoring.mutants.source import find_sources
from grader.authoring.specimens import Specimen
from grader.authoring.validate import choose_sandbox
from grader.course import Course, Exercise
from grader.grading.command import grade_with_progress
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.report import Outcome, Report
from grader.sandbox.choice import sweep
from grader.submission import Submission, read_submission


def validate_rewrites(course: Course, asked: Asked, console: Console) -> int:
    """Grade right submissions rewritten, and print each check that does not pass; the exit code.

    Raises:
        GraderError: it could not be done.
    """
    exercises = [course.exercise(asked.exercise)] if asked.exercise else list(course.exercises)
    rewritten = [
        submission
        for exercise in exercises
        for source in find_sources(course, exercise, asked.source)
        for submission in rewrite_source(course, exercise, source)
    ]
    chosen = asked.choose(rewritten, lambda submission: submission.student)
    if asked.listed:
        for submission in chosen:
            console.print(submission.student, soft_wrap=True)
        return 0
    sandbox = choose_sandbox(console)
    sweep()
    services: set[str] = {name for each in chosen for name in each.exercise.services}
    with prepare_services(services) as prepared:
        how = Grading(course, sandbox, asked.seed, prepared)
        reports = [report for _, report in grade_with_progress(chosen, how, asked.jobs, console)]
    reports.sort(key=lambda report: report.student)
    for report in reports:
        for fault in find_faults(report):
            console.print(Text(f"✗ {fault}", "red"), soft_wrap=True)
    full = sum(report.full for report in reports)
    console.print(f"{full} of {len(reports)} rewritten submissions got full marks")
    console.print(f"seed {asked.seed}", style="dim")
    return 0 if full == len(reports) else 1


def rewrite_source(course: Course, exercise: Exercise, source: Specimen) -> Iterator[Submission]:
    """Yield a right submission in each other form, read from a folder as a student's is."""
    for name, rewrite in REWRITES.items():
        with tempfile.TemporaryDirectory() as folder:
            for file, data in source.submission.files.items():
                (Path(folder) / file).write_bytes(rewrite(data.decode("utf-8-sig")))
            student = f"{exercise.id}/{source.name}/{name}"
            yield read_submission(student, exercise, [Path(folder)], course.limits.file_kb)


def find_faults(report: Report) -> Iterator[str]:
    """Yield each check that did not pass, with its sentence; none that was skipped for another."""
    for check in report.checks:
        if check.outcome not in (Outcome.PASSED, Outcome.SKIPPED):
            yield f"{report.student}: {check.id} is {check.outcome}: {check.message}"
