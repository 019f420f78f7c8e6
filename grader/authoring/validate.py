"""`grader validate`: the grader graded, by right submissions (wheats) and wrong ones (chaffs)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.authoring.messages import messages_page, news, read_page, seed_of
from grader.authoring.new import placeholders
from grader.authoring.public import public_faults
from grader.authoring.specimens import Specimen, draw, find_specimens
from grader.course import Course, Exercise
from grader.errors import CourseError, SandboxError
from grader.files import require_writable, write_whole
from grader.grading.command import grade_with_progress
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.learn import lessons
from grader.report import Outcome, Report
from grader.sandbox.base import Sandbox
from grader.sandbox.choice import choose, own_code, sweep
from grader.sandbox.process import ProcessSandbox

PAGE = Path("docs") / "messages.md"
HASTE = 3
"""Step limit in seconds of the first, fast pass over submissions that are known to be wrong."""


def validate_course(
    course: Course,
    *,
    exercise: str | None,
    seed: int,
    jobs: int | None,
    console: Console,
    messages: Path | None = None,
    sample: int | None = None,
) -> int:
    """Run every specimen, print the kill matrix and every fault found; the exit code.

    With `messages`, what the chaffs were told is written there; otherwise a sentence that the
    course's page of messages lacks is named. With `sample`, so many chaffs of each check are
    run, drawn by the seed.

    Raises:
        GraderError: it could not be done.
    """
    before = _page_to_renew(messages, exercise, seed, sample)
    exercises = [course.exercise(exercise)] if exercise else list(course.exercises)
    specimens = {each.id: list(find_specimens(course, each)) for each in exercises}
    faults = [line for each in exercises for line in unproven(each, specimens[each.id])]
    if sample is not None:
        specimens = {number: draw(known, sample, seed) for number, known in specimens.items()}
    sandbox = choose_sandbox(console)
    sweep()
    undecided: list[str] = []
    told: list[tuple[Exercise, str, Report]] = []
    with prepare_services({s for each in exercises for s in each.services}) as services:
        how = Grading(course, sandbox, seed, services)
        everything = {
            (one.submission.student, each.id): (each, one)
            for each in exercises
            for one in specimens[each.id]
        }
        reports = dict(_grade(everything, how, jobs, console))
    for each in exercises:
        graded = [(one, reports[one.submission.student, each.id]) for one in specimens[each.id]]
        console.print(matrix(each, graded))
        console.print(legend(each))
        console.print()
        faults += [f for one, report in graded for f in judge(each, one, report)]
        faults += list(lessons.faults(course, each))
        undecided += [f"{each.id}: {w}" for w in _undecided(graded)]
        told += [
            (each, one.name.removeprefix("chaff/"), report) for one, report in graded if one.meant
        ]
    faults += public_faults(course, exercises)
    if messages is None:
        _name_news(course, told, console)
    elif undecided:
        console.print(Text(f"{messages} is not written: some checks were not decided", "yellow"))
    else:
        write_whole(messages, messages_page(course, seed, told, before))
        console.print(f"{messages}: what {len(told)} wrong submissions are told")
    for fault in faults:
        console.print(Text(f"✗ {fault}", "red"))
    for line in undecided:
        console.print(Text(f"? {line}", "yellow"))
    for line in (line for each in exercises for line in placeholders(course, each)):
        console.print(Text(f"- {line}", "yellow"))
    if faults:
        return 1
    if undecided:
        return 2
    count = sum(len(found) for found in specimens.values())
    walls = ", without a sandbox" if sandbox is ProcessSandbox else ""
    console.print(Text(f"✓ {count} submissions judged as expected (seed {seed}{walls})", "green"))
    return 0


def _page_to_renew(
    messages: Path | None, exercise: str | None, seed: int, sample: int | None
) -> str:
    """Return the page as it is, for a run of one exercise; else nothing, since all is renewed.

    Raises:
        GraderError: such a run makes no page, or the page cannot be written.
    """
    if messages is None:
        return ""
    require_writable(messages)
    if sample is not None:
        raise CourseError("a page of messages is about all submissions", "Leave --sample out.")
    if exercise is None:
        return ""
    page = messages.read_text(encoding="utf-8") if messages.is_file() else ""
    own = seed_of(page)
    if own != seed:
        raise CourseError(
            f"{messages} is no page of a run with --seed {seed}, which one exercise can join",
            f"Name --seed {own}." if own is not None else "Leave --exercise out.",
        )
    return page


_COLUMNS = 80
"""Width of a terminal."""
_Known = Mapping[tuple[str, str], tuple[Exercise, Specimen]]
"""By student and exercise: a submission whose outcome is known."""


def _grade(
    known: _Known, how: Grading, jobs: int | None, console: Console
) -> Iterator[tuple[tuple[str, str], Report]]:
    """Yield the reports; wrong submissions get little patience where they are as expected.

    A deadline is only ever reached by a wrong submission, and there are many: waiting it out
    would take most of the time. One that is not as expected is graded again with all patience.
    """
    limits = how.course.limits
    hasty = limits.model_copy(update={"seconds": min(limits.seconds, HASTE)})
    in_haste = replace(how, course=how.course.model_copy(update={"limits": hasty}))
    wrong = [one.submission for _, one in known.values() if one.fails]
    again = [one.submission for _, one in known.values() if not one.fails]
    for submission, report in grade_with_progress(wrong, in_haste, jobs, console):
        key = submission.student, submission.exercise.id
        if any(judge(*known[key], report)):
            again.append(submission)
        else:
            yield key, report
    for submission, report in grade_with_progress(again, how, jobs, console):
        yield (submission.student, submission.exercise.id), report


def judge(exercise: Exercise, specimen: Specimen, report: Report) -> Iterator[str]:
    """Yield what the report says otherwise than expected; one sentence each."""
    unmet: set[str] = set()
    for check in exercise.checks:
        result = next(r for r in report.checks if r.id == check.id)
        if any(required in unmet for required in check.requires):
            expected = Outcome.SKIPPED
        elif check.id in specimen.fails:
            expected = Outcome.FAILED
        else:
            expected = Outcome.PASSED
        if expected is not Outcome.PASSED:
            unmet.add(check.id)
        if result.outcome is Outcome.NOT_GRADED:
            continue
        if result.outcome is not expected:
            told = [result.message] if result.message else []
            if result.outcome is Outcome.ERROR:  # where the suite stood
                told += [str(entry["what"]) for entry in result.log[-1:]]
            said = f" ({'; '.join(told)})" if told else ""
            yield (
                f"{exercise.id} {specimen.name}: {check.id} should be {expected}, "
                f"it is {result.outcome}{said}"
            )


def unproven(exercise: Exercise, known: Sequence[Specimen]) -> Iterator[str]:
    """Yield the checks that no chaff was written for."""
    proven = {specimen.meant for specimen in known}
    for check in exercise.checks:
        if check.id not in proven:
            yield f"no chaff proves {check.id}"


def matrix(exercise: Exercise, graded: Sequence[tuple[Specimen, Report]]) -> Table:
    """Return who fails where: a row for each submission, a column for each check.

    ✗ is the check that a chaff is meant to fail, x another one that it fails as well. The digits of
    a check's number stand one below the other, so that 21 columns and a name fit into 80.
    """
    table = Table(
        title=f"{exercise.id} {exercise.title}",
        title_justify="left",
        box=None,
        padding=(0, 1, 0, 0),
    )
    names = _COLUMNS - 2 * len(exercise.checks) - 1
    table.add_column("\nsubmission", no_wrap=True, max_width=names)
    for number, _ in enumerate(exercise.checks, 1):
        table.add_column(f"{number // 10 or ' '}\n{number % 10}", width=1)
    for specimen, report in graded:
        table.add_row(specimen.name, *(_mark(specimen, r.id, r.outcome) for r in report.checks))
    return table


def legend(exercise: Exercise) -> Columns:
    """Return what the columns of the matrix stand for."""
    return Columns(
        [f"{n:02} {check.id.partition('.')[2]}" for n, check in enumerate(exercise.checks, 1)]
    )


def _mark(specimen: Specimen, check_id: str, outcome: Outcome) -> Text:
    if outcome is Outcome.FAILED:
        return Text("✗", "bold red") if check_id == specimen.meant else Text("x", "red")
    return {
        Outcome.PASSED: Text("·", "dim"),
        Outcome.SKIPPED: Text("-", "dim"),
        Outcome.NOT_GRADED: Text("?", "yellow"),
        Outcome.ERROR: Text("!", "bold yellow"),
    }[outcome]


def _name_news(
    course: Course, told: Sequence[tuple[Exercise, str, Report]], console: Console
) -> None:
    """Name the sentences that the page lacks; a page is no fault of the course."""
    page = course.root / PAGE
    if not page.is_file():
        return
    known = read_page(page.read_text(encoding="utf-8"))
    for line in news(known, ((name, report) for _, name, report in told)):
        console.print(Text(f"new on {PAGE}: {line}", "yellow"))


def _undecided(graded: Sequence[tuple[Specimen, Report]]) -> list[str]:
    messages = {
        result.message
        for _, report in graded
        for result in report.checks
        if result.outcome is Outcome.NOT_GRADED
    }
    return sorted(messages)


def choose_sandbox(console: Console) -> type[Sandbox]:
    """Return the sandbox for the course's own code; without walls, where there are none, say so.

    Raises:
        SandboxError: there are none, and this is CI, where nobody reads what was said.
    """
    try:
        return choose()
    except SandboxError as error:
        if os.environ.get("CI"):
            raise
        console.print(
            Text(f"without a sandbox, since the code is the course's own: {error}", "yellow")
        )
        return own_code()
