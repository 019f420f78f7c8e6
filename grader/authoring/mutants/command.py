"""`grader validate --mutants`: how many small mistakes the suites notice."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Console
from rich.text import Text

from grader.authoring.mutants.asked import Asked
from grader.authoring.mutants.record import Record, read_record
from grader.authoring.mutants.report import (
    is_survivor,
    print_mutants,
    print_results,
    print_survivor,
)
from grader.authoring.mutants.run import grade_mutants
from grader.authoring.mutants.source import Mutant, find_mutants, find_sources
from grader.authoring.validate import choose_sandbox
from grader.course import Course
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.sandbox.choice import sweep


def validate_mutants(course: Course, asked: Asked, console: Console) -> int:
    """Grade the mutants of right submissions, print who survived and the score; the exit code.

    Exit codes: 0 every one was killed or is written down as equivalent, 1 not so, or the file
    that says so is wrong, or a mutant ended as an error of the grader's.

    Raises:
        GraderError: it could not be done.
    """
    exercises = [course.exercise(asked.exercise)] if asked.exercise else list(course.exercises)
    records = {each.id: read_record(course, each) for each in exercises}
    sources, mutants, stale = [], [], []
    for exercise in exercises:
        chosen = find_sources(course, exercise, asked.source)
        found = [mutant for source in chosen for mutant in find_mutants(exercise, source)]
        names = [f"{exercise.id}/{source.name}" for source in chosen]
        stale += list(records[exercise.id].stale([mutant.id for mutant in found], names))
        sources += chosen
        mutants += found
    mutants = asked.choose(mutants, lambda mutant: mutant.id)
    if asked.listed:
        print_mutants(mutants, console)
        console.print(f"{len(mutants)} mutants (seed {asked.seed})")
        return _say(stale, console)
    sandbox = choose_sandbox(console)
    sweep()
    concerned = {mutant.submission.exercise.id for mutant in mutants}
    sources = [source for source in sources if source.submission.exercise.id in concerned]
    services: set[str] = {name for each in sources for name in each.submission.exercise.services}
    with prepare_services(services) as prepared:
        how = Grading(course, sandbox, asked.seed, prepared)
        listed = {each.id for each in mutants if _reason(each, records) is not None}
        results = []
        for result in grade_mutants(mutants, sources, how, asked.jobs, console, equivalent=listed):
            results.append(result)
            if is_survivor(result, records):  # at once: all of them take hours
                print_survivor(result.mutant, console)
    faults = stale + print_results(results, records, console)
    console.print(f"seed {asked.seed}", style="dim")
    survived = any(is_survivor(result, records) for result in results)
    return 1 if _say(faults, console) or survived else 0


def _reason(mutant: Mutant, records: Mapping[str, Record]) -> str | None:
    return records[mutant.submission.exercise.id].reason(mutant.id)


def _say(faults: list[str], console: Console) -> int:
    for fault in faults:
        console.print(Text(f"✗ {fault}", "red"), soft_wrap=True)
    return 1 if faults else 0
