"""`grader worker`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from grader.commands import options


@click.command()
@click.option(
    "--broker",
    metavar="URL",
    envvar="GRADER_BROKER",
    required=True,
    help="amqps://USER:PASSWORD@HOST/VHOST of a RabbitMQ; by default GRADER_BROKER, which no "
    "list of processes shows.",
)
@options.ca_file
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(min=1),
    help="Submissions graded at a time; by default one a core.",
)
def worker(broker: str, ca_file: Path | None, jobs: int | None) -> None:
    """Grade here what `grader grade --broker` hands out.

    It needs the same state of this course as there, a sandbox, and the services of its exercises;
    it proves its walls first, and takes no work without them. Ctrl-C ends it when what it has
    begun is done; a second one at once, and another worker grades that.

    Exit codes: 0 it was stopped, 2 it could not begin or go on.
    """
    from grader.grading.workers.broker import parse_address  # noqa: PLC0415 - imports pydantic
    from grader.grading.workers.worker import work  # noqa: PLC0415 - as above

    address = parse_address(broker, ca_file)
    if address.in_the_clear:
        click.echo(f"grader: amqp:// to {address.shown} is not encrypted; use amqps://", err=True)
    sys.exit(work(options.this_course(), address, jobs, click.echo))
