"""What several commands take or need."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
from rich.console import Console

from grader.course import Course, find_root, load_course
from grader.errors import CourseError, GraderError
from grader.services.catalog import OWN_KINDS

seed = click.option(
    "--seed", type=click.IntRange(min=0), help="The run's random content; the report names it."
)
jobs = click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="Submissions graded at a time; by default one a core, and more while cores are idle.",
)
ca_file = click.option(
    "--ca",
    "ca_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Whose certificates an amqps:// broker may have; by default those the system trusts.",
)
database = click.option(
    "--db",
    "url",
    metavar="URL",
    help="Another database than the one in OUT, such as postgresql+psycopg://HOST/NAME.",
)


def this_course() -> Course:
    """Return the course that the current folder belongs to.

    Raises:
        CourseError: there is none, or its course.toml is wrong.
    """
    return load_course(find_root(Path.cwd()))


def service_names() -> tuple[str, ...]:
    """Return the names of all kinds of services: the course's own, then those of course.toml."""
    try:
        exercises = this_course().exercises
    except CourseError:  # outside a course
        exercises = ()
    named = (name for exercise in exercises for name in exercise.services)
    return tuple(dict.fromkeys((*OWN_KINDS, *named)))


def is_students_copy() -> bool:
    """Tell whether the current folder is in a copy of the course without hidden suites."""
    try:
        return not (find_root(Path.cwd()) / "tests" / "hidden").is_dir()
    except GraderError:
        return False


def seed_or_new(value: int | None) -> int:
    """Return the seed that was given, or a new one."""
    return secrets.randbelow(2**32) if value is None else value


def console() -> Console:
    """Return what a command prints to; colours and width follow the terminal and NO_COLOR.

    Text is printed as it is: `[b]` in a path is no markup, `:smile:` no picture.
    """
    return Console(highlight=False, soft_wrap=False, markup=False, emoji=False)


def warn(line: str) -> None:
    """Print a line about a result to standard error; names in it steer no terminal."""
    from grader.reports.terminal import visible  # noqa: PLC0415 - imports rich's tables

    click.echo(visible(line), err=True)
