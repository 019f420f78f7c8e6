"""`grader intake`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grader.commands import options

if TYPE_CHECKING:
    from grader.intake.collected import Collected


@click.command()
@click.argument("source", type=click.Path(path_type=Path, readable=False))
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--format",
    "kind",
    default="auto",
    type=click.Choice(
        [
            "auto",
            "canvas",
            "moodle",
            "brightspace",
            "blackboard",
            "sakai",
            "nbgrader",
            "folder",
            "github",
        ]
    ),
    help="Whose names the files have; auto looks at them.",
)
@click.option(
    "--level",
    type=click.IntRange(1, 9),
    metavar="N",
    help="How deep the students' folders lie: 1 is the outermost.",
)
@click.option("--exercise", metavar="NN", default="", help="Look for this exercise's files alone.")
@click.option(
    "--teams",
    "teams_file",
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    help="A CSV file of teams and their members, each of whom gets the team's work.",
)
@click.option(
    "--roster",
    "roster_file",
    type=click.Path(path_type=Path, dir_okay=False, readable=False),
    help="Canvas's gradebook as CSV: its numbers tell what a name in the download means.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")
def intake(
    source: Path,
    directory: Path,
    kind: str,
    level: int | None,
    exercise: str,
    teams_file: Path | None,
    roster_file: Path | None,
    dry_run: bool,
) -> None:
    """Sort the submissions in SOURCE into DIRECTORY, as `grader grade` reads them.

    SOURCE is a folder or an archive: an LMS's bulk download, students' repositories, or nbgrader's
    `submitted`. Of several attempts the newest counts. Nothing that was handed in is executed.

    Exit codes: 0 everything found its place, 1 something did not, may be somebody else's, or is
    there twice (a line each), 2 not done.
    """
    from grader.intake.collect import collect  # noqa: PLC0415 - not needed for --help
    from grader.intake.earlier import earlier_in  # noqa: PLC0415
    from grader.intake.people import read_numbers, read_teams  # noqa: PLC0415
    from grader.intake.replaced import keep_newer  # noqa: PLC0415
    from grader.intake.write import (  # noqa: PLC0415
        forget,
        known_users,
        require_apart,
        write_submissions,
    )
    from grader.reports.terminal import visible  # noqa: PLC0415 - rich

    course = options.this_course()
    require_apart(source, directory)
    found = collect(
        source,
        course,
        kind,
        exercise,
        known_users(directory),
        roster=read_numbers(roster_file) if roster_file else (),
        teams=read_teams(teams_file) if teams_file else None,
        level=level or 0,
        earlier=earlier_in(directory),
    )
    keep_newer(found, directory)
    for title, lines in (
        ("did not count", found.unmatched),
        ("may be somebody else's, so is not taken", found.doubtful),
        ("could not be read", found.problems),
        ("is there twice and differs", found.copies),
        ("is replaced by a newer attempt", found.older),
        ("does not count on Submitty", found.inactive),
        ("is older than what is there", [*found.left_out.values()]),
        ("replaces what an earlier intake took", found.replaced),
        ("is not in this download, and stays", found.staying),
        ("has no file in this download", found.absent),
        ("has a namesake, so a number", found.namesakes),
        ("has a folder by its number", found.renamed),
        ("lies around the students' folders", found.around),
        ("are students by the names of files", [", ".join(found.named)] if found.named else []),
        ("is passed over", [f"{s}: {_files(n)}" for s, n in found.passed_over.items()]),
        ("is marked late", [f"{student} {exercise}" for student, exercise in found.late]),
    ):
        for line in sorted(lines):
            click.echo(f"{title}: {visible(line)}")
    nothing = not found.files and not found.left_out
    if nothing and not (found.unmatched or found.doubtful or found.problems):
        click.echo("did not count: nothing in it is a file of an exercise")
    elif nothing:
        click.echo("did not count: nothing of it was taken")
    if not dry_run:
        forget(directory)
        write_submissions(found, directory)
    click.echo(f"{found.kind}: {_summary(found, dry_run=dry_run)} {directory}")
    wrong = (found.unmatched, found.doubtful, found.problems, found.copies)
    sys.exit(1 if any(wrong) or nothing else 0)


def _summary(found: Collected, *, dry_run: bool) -> str:
    """Say how many handed in what, and of how many nothing could be taken."""
    students = {student for student, _ in found.files}
    without = len(found.students - students - {student for student, _ in found.left_out})
    some = _counted(len(found.files), "submission"), _counted(len(students), "student")
    done = "would be" if dry_run else "is" if len(found.files) == 1 else "are"
    more = f" (and a row without work for {_counted(without, 'other student')})" if without else ""
    return f"{some[0]} of {some[1]}{more} {done} in"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _files(count: int) -> str:
    return _counted(count, "other file")
