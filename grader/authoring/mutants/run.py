"""Mutants graded in bulk: killed, survived, or not decided."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from rich.console import Console

from grader.authoring.mutants.source import Mutant, by_file
from grader.authoring.specimens import Specimen
from grader.authoring.validate import HASTE
from grader.course import Exercise
from grader.grading.command import grade_with_progress
from grader.grading.one import Grading
from grader.grading.repeat import with_required
from grader.report import UNDECIDED, Outcome, Report
from grader.submission import Submission


class Fate(StrEnum):
    """The end of a mutant: killed, or not."""

    KILLED = "killed"
    SURVIVED = "survived"
    UNDECIDED = "undecided"
    """A check was an error of ours, or a service was missing."""


@dataclass(frozen=True)
class Result:
    """One mutant, graded."""

    mutant: Mutant
    fate: Fate
    told: str
    """The check that killed it and its sentence, or why it was not decided."""


def grade_mutants(
    mutants: Sequence[Mutant],
    sources: Sequence[Specimen],
    how: Grading,
    jobs: int | None,
    console: Console,
    *,
    equivalent: Collection[str] = (),
) -> Iterator[Result]:
    """Yield what becomes of each mutant, as they come.

    Each is graded with little patience up to the first check that fails, by the checks that its
    file has a part in. What could not be decided so is graded again, whole and with patience;
    so is what is said to be `equivalent`, since it waits for no deadline.
    """
    limits = how.course.limits
    hasty = limits.model_copy(update={"seconds": min(limits.seconds, HASTE)})
    course = how.course.model_copy(update={"limits": hasty})
    checks = _checks_of_files(sources, how, jobs, console)
    for (exercise, file), each in by_file(mutants).items():
        only = checks[exercise, file]
        patient = replace(how, only=only)
        fast = replace(patient, course=course, first_failure=True)
        yield from _grade_file(each, fast, patient, jobs, console, equivalent=equivalent)


def _grade_file(
    mutants: Sequence[Mutant],
    fast: Grading,
    patient: Grading,
    jobs: int | None,
    console: Console,
    *,
    equivalent: Collection[str],
) -> Iterator[Result]:
    known = {mutant.id: mutant for mutant in mutants}
    again = [mutant.submission for mutant in mutants if mutant.id in equivalent]
    first = [mutant.submission for mutant in mutants if mutant.id not in equivalent]
    for submission, report in grade_with_progress(first, fast, jobs, console):
        result = _judge(known[submission.student], report, fast)
        if result.fate is Fate.UNDECIDED:
            again.append(submission)
        else:
            yield result
    for submission, report in grade_with_progress(again, patient, jobs, console):
        yield _judge(known[submission.student], report, patient)


def _judge(mutant: Mutant, report: Report, how: Grading) -> Result:
    run = [check for check in report.checks if how.only is None or check.id in how.only]
    for check in run:  # an error of ours is looked at, also where another check failed
        if check.outcome in UNDECIDED:
            return Result(mutant, Fate.UNDECIDED, f"{check.id} {check.outcome}: {check.message}")
    for check in run:
        if check.outcome is Outcome.FAILED:
            return Result(mutant, Fate.KILLED, f"{check.id}: {check.message}")
    skipped = [check.id for check in run if check.outcome is not Outcome.PASSED]
    if skipped:
        return Result(mutant, Fate.UNDECIDED, f"{skipped[0]} was not run")
    return Result(mutant, Fate.SURVIVED, "")


def _checks_of_files(
    sources: Sequence[Specimen], how: Grading, jobs: int | None, console: Console
) -> dict[tuple[str, str], frozenset[str]]:
    """By exercise and file: the checks that fail or are skipped where the file is missing."""
    exercises = {source.submission.exercise.id: source.submission for source in sources}
    found: dict[tuple[str, str], frozenset[str]] = {}
    missing: dict[str, tuple[Exercise, str, Submission]] = {}
    for number, submission in exercises.items():
        exercise = submission.exercise
        for file in submission.files:
            if len(submission.files) == 1:
                found[number, file] = frozenset(check.id for check in exercise.checks)
                continue
            rest = {name: data for name, data in submission.files.items() if name != file}
            problems = {file.removesuffix(".py"): f"{file} is missing from the submission"}
            name = f"without {number}/{file}"
            missing[name] = exercise, file, Submission(name, exercise, rest, problems)
    chosen = [submission for _, _, submission in missing.values()]
    for submission, report in grade_with_progress(chosen, how, jobs, console):
        exercise, file, _ = missing[submission.student]
        lost = {check.id for check in report.checks if check.outcome is not Outcome.PASSED}
        found[exercise.id, file] = with_required(exercise, lost)
    return found
