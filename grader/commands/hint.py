"""`grader hint`."""

from __future__ import annotations

import click

from grader.commands import options


@click.command()
@click.argument("exercise")
@click.argument("check", required=False)
def hint(exercise: str, check: str | None) -> None:
    """Say a bit more about a CHECK of EXERCISE each time that you ask.

    First a nudge, then the concept and where the lesson explains it, last nearly the answer.
    Without CHECK it is the first one that failed last. For example: grader hint 01 byte-offset
    """
    from grader.learn.handing_in import look  # noqa: PLC0415 - as below
    from grader.learn.hints import about, print_hint  # noqa: PLC0415 - rich's tables

    course = options.this_course()
    this = course.exercise(exercise)
    chosen = about(course, this, check)
    refused = look(course, this).refused
    console = options.console()  # it wraps at words, where a terminal cuts them
    for sentence in refused:
        console.print(sentence)
    if refused and check is None:
        console.print(f"Mend that first; then run `grader check {this.id}`.")
        return
    if chosen is None:
        console.print(
            f"Nothing failed when exercise {this.id} was last checked. Check it again, or name a "
            f"check for its hint: grader hint {this.id} {this.checks[0].name}"
        )
    else:
        print_hint(course, chosen, console)
