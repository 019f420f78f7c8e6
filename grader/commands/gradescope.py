"""`grader gradescope`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.argument("archive", type=click.Path(path_type=Path))
@click.option("--exercise", "chosen", multiple=True, metavar="NN", help="May be given repeatedly.")
def gradescope(archive: Path, chosen: tuple[str, ...]) -> None:
    """Write ARCHIVE, a zip file that Gradescope makes an autograder of.

    It grades with the same hidden suites as `grader grade`; without --exercise, all of them.
    It holds these suites: upload it, and give it to no student.
    """
    from grader.gradescope.archive import write_archive  # noqa: PLC0415 - imports pytest

    course = options.this_course()
    exercises = [course.exercise(each) for each in chosen] or list(course.exercises)
    count = write_archive(course, exercises, archive)
    names = ", ".join(exercise.id for exercise in exercises)
    click.echo(
        f"{archive}: {count} files, the autograder of {names}.\n"
        "It holds the hidden suites: give it to no student."
    )
