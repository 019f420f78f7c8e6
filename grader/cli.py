"""The command line: parses, calls, prints, and turns errors into one line and exit code 2."""

from __future__ import annotations

import os
import secrets
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from grader.course import Course, find_root, load_course
from grader.errors import GraderError

FULL, FAILED, UNDONE = 0, 1, 2
"""Exit codes: all full marks; something failed; could not be done (or not wholly)."""


# The servers need processes that only Unix has.
_ELSEWHERE = {"services": "grader.services_command"} if hasattr(os, "fork") else {}
"""Groups of commands in modules of their own, imported when they are called."""


class _Group(click.Group):
    """Shows a GraderError as one line; a traceback is for bugs of ours."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_ELSEWHERE])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        found: click.Command = getattr(import_module(_ELSEWHERE[cmd_name]), cmd_name)
        return found

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GraderError as error:
            click.echo(f"grader: {error}", err=True)
            ctx.exit(UNDONE)
        except KeyboardInterrupt:
            click.echo("grader: stopped", err=True)
            ctx.exit(130)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="stream-course")
def main() -> None:
    """Check your own work, grade a class, or prove that the course still measures what it says.

    Exit codes: 0 all full marks, 1 something failed, 2 could not be done.
    """


def _course() -> Course:
    return load_course(find_root(Path.cwd()))


_seed = click.option(
    "--seed", type=click.IntRange(min=0), help="The run's random content; the report names it."
)


@main.command()
@click.argument("exercise", required=False)
@_seed
def check(exercise: str | None, seed: int | None) -> None:
    """Check your own work: the public tests, then the hidden suite where it is present.

    EXERCISE is a number such as 01; without it, every exercise is checked.
    """
    from grader.check import check_own_work  # noqa: PLC0415 - pytest's import waits until needed

    course = _course()
    wanted = [course.exercise(exercise)] if exercise else list(course.exercises)
    sys.exit(check_own_work(course, wanted, _seed_or_new(seed), _console()))


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--exercise", metavar="NN", help="Grade this exercise alone.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path), help="Write all reports to FILE."
)
@_seed
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Submissions graded at a time.")
@click.option("--details/--no-details", default=None, help="Print a report for each submission.")
@click.option("--unsafe", is_flag=True, help="No sandbox. For authors; never a grade.")
def grade(
    directory: Path,
    exercise: str | None,
    json_file: Path | None,
    seed: int | None,
    jobs: int | None,
    details: bool | None,
    unsafe: bool,
) -> None:
    """Grade every submission in DIRECTORY, each in a sandbox.

    DIRECTORY holds STUDENT/EXERCISE/FILE.py, or STUDENT/exercises/EXERCISE/FILE.py.
    """
    from grader.grade_command import grade_directory  # noqa: PLC0415 - as above

    sys.exit(
        grade_directory(
            _course(),
            directory,
            exercise=exercise,
            json_file=json_file,
            seed=_seed_or_new(seed),
            jobs=jobs or os.cpu_count() or 1,
            details=details,
            unsafe=unsafe,
            console=_console(),
        )
    )


@main.command()
@click.option("--exercise", metavar="NN", help="This exercise alone.")
@_seed
@click.option("-j", "--jobs", type=click.IntRange(min=1), help="Submissions graded at a time.")
def validate(exercise: str | None, seed: int | None, jobs: int | None) -> None:
    """Prove that the suites measure what they say: solutions, stubs, wheats and chaffs."""
    from grader.validate import validate_course  # noqa: PLC0415 - as above

    sys.exit(
        validate_course(
            _course(),
            exercise=exercise,
            seed=_seed_or_new(seed),
            # Wrong submissions mostly wait for their deadline: more at a time than there are cores.
            jobs=jobs or 4 * (os.cpu_count() or 1),
            console=_console(),
        )
    )


@main.command()
@click.argument("directory", type=click.Path(path_type=Path))
def release(directory: Path) -> None:
    """Make the students' copy in DIRECTORY: no solution and no hidden suite in it."""
    from grader.release import make_release  # noqa: PLC0415 - as above

    files = make_release(_course(), directory)
    click.echo(f"{directory}: {len(files)} files for students")


def _seed_or_new(seed: int | None) -> int:
    return secrets.randbelow(2**32) if seed is None else seed


def _console() -> Console:
    return Console(highlight=False, soft_wrap=False)


if __name__ == "__main__":
    main()
