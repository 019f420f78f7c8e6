"""`grader status`."""

from __future__ import annotations

import click

from grader.commands import options


@click.command()
def status() -> None:
    """Show how far you have come, and what is next."""
    from grader.learn.status import print_status  # noqa: PLC0415 - rich's tables

    print_status(options.this_course(), options.console())
