"""`grader grade`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="NN", help="Grade this exercise alone.")
@click.option(
    "--student", "students", metavar="NAME", multiple=True, help="This student alone; repeatable."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep results in this folder, and go on with what is there.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write all reports to FILE."
)
@click.option(
    "--broker",
    metavar="URL",
    envvar="GRADER_BROKER",
    help="Have workers grade them, by way of this RabbitMQ; see `grader worker`.",
)
@options.ca_file
@options.seed
@options.jobs
@click.option(
    "--repeat",
    type=click.IntRange(min=0),
    default=0,
    metavar="K",
    help="Run failing checks K times more; a verdict that varies is an error, not a zero.",
)
@click.option("--regrade", is_flag=True, help="Run also what has not changed since the last run.")
@click.option(
    "--gradebook/--no-gradebook",
    default=True,
    help="With --out and nbgrader installed: fill its gradebook there, which takes some seconds.",
)
@options.database
@click.option("--details/--no-details", default=None, help="Print a report for each submission.")
@click.option("--unsafe", is_flag=True, help="No sandbox. For authors; never a grade.")
def grade(
    directory: Path,
    exercise: str | None,
    students: tuple[str, ...],
    out: Path | None,
    json_file: Path | None,
    broker: str | None,
    ca_file: Path | None,
    seed: int | None,
    jobs: int | None,
    repeat: int,
    regrade: bool,
    gradebook: bool,
    url: str | None,
    details: bool | None,
    unsafe: bool,
) -> None:
    """Grade every submission in DIRECTORY, each in a sandbox.

    DIRECTORY holds STUDENT/EXERCISE/FILE.py, or STUDENT/exercises/EXERCISE/FILE.py. Of two copies
    one that is filled in counts, then the one in `exercises`; a line says which.

    With --out, each result is kept as soon as it is there. The same command goes on where the last
    run ended, and runs only what changed: a submission, a suite, or the grader. New points, due
    dates and late penalties in course.toml apply without a run.

    With --broker, or GRADER_BROKER in the environment, workers on other machines grade them.

    Exit codes: 0 all full marks, 1 something failed, 2 something could not be decided or done.
    """
    if url is not None and out is None:
        raise click.UsageError("--db needs --out: a gradebook goes with kept results.")
    if broker is not None and unsafe:
        raise click.UsageError("Give either --unsafe or --broker: workers grade in a sandbox.")
    if broker is not None and jobs is not None:
        raise click.UsageError("With --broker, -j is an option of `grader worker`.")
    from grader.grading.command import GradeRequest, grade_directory  # noqa: PLC0415 - imports pytest
    from grader.grading.workers.broker import parse_address  # noqa: PLC0415 - as above

    run = GradeRequest(
        directory,
        exercise=exercise,
        students=students,
        out=out,
        json_file=json_file,
        seed=seed,
        new_seed=options.seed_or_new(None),
        jobs=jobs,
        repeat=repeat,
        regrade=regrade,
        gradebook=gradebook,
        db=url,
        unsafe=unsafe,
        details=details,
        broker=None if broker is None else parse_address(broker, ca_file),
    )
    sys.exit(grade_directory(options.this_course(), run, options.console()))
