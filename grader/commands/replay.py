"""`grader replay`."""

from __future__ import annotations

import click

from grader.commands import options


@click.command()
@click.argument("exercise")
@click.argument("check")
def replay(exercise: str, check: str) -> None:
    """Show the last run of a CHECK of EXERCISE as a time line.

    What the suite did, what your code asked, what went over the file or broker, and where it was
    killed. For example: grader replay 03 ack-before-stop
    """
    from grader.learn.last import require_last  # noqa: PLC0415 - as below
    from grader.learn.marked import require_shown  # noqa: PLC0415 - as below
    from grader.learn.replay import find_check, print_replay  # noqa: PLC0415 - rich's tables

    course = options.this_course()
    wanted = course.exercise(exercise)
    require_shown(course, wanted, wanted.named(check))
    report = require_last(course, wanted)
    print_replay(find_check(report, check), options.console())
