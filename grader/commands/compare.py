"""`grader compare`."""

from __future__ import annotations

from pathlib import Path

import click

from grader.commands import options
from grader.compare.techniques.catalog import TECHNIQUES, techniques_of


def _known(_: click.Context, __: click.Parameter, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Return the ids that were typed; each is of a technique of the course."""
    known = [each.id for each in techniques_of(options.this_course())] if ids else []
    for each in ids:
        if each not in known:
            raise click.BadParameter(f"{each!r} is not one of {', '.join(known)}.")
    return ids


_IDS = " or ".join([", ".join(each.id for each in TECHNIQUES[:-1]), TECHNIQUES[-1].id])
_file = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--own", is_flag=True, help="Measure your consumers, instead of the solutions.")
@click.option("--events", type=click.IntRange(min=20, max=100_000), help="Events of a latency run.")
@click.option(
    "--rate",
    type=click.FloatRange(min=10, max=1000),
    help="Events a second in it.",
)
@click.option(
    "--real",
    is_flag=True,
    help="Real servers for SQS and Kafka too: SQS_ENDPOINT_URL, KAFKA_BOOTSTRAP_SERVERS. "
    "Redis is real wherever one is installed.",
)
@click.option(
    "--only",
    metavar="TECHNIQUE",
    multiple=True,
    callback=_known,
    help=f"Measure this one: {_IDS}, or one of your course's own; may be repeated.",
)
@options.seed
@click.option("--html", type=_file, help="Write a page: table, pictures, and a choice to make.")
@click.option("--json", "json_file", type=_file, help="Write every number.")
@click.option("--png", type=_file, help="Write the pictures.")
@click.option("--lessons", is_flag=True, help="Renew the tables and pictures of the lessons.")
def compare(
    own: bool,
    events: int | None,
    rate: float | None,
    real: bool,
    only: tuple[str, ...],
    seed: int | None,
    html: Path | None,
    json_file: Path | None,
    png: Path | None,
    lessons: bool,
) -> None:
    """Measure all techniques side by side: latency, speed, cost, and what gets lost when.

    The consumers of the exercises and, beside each, the bare client library in a loop; producer
    and consumer in a process each. It takes under four minutes; use the machine for nothing else
    meanwhile.
    """
    from grader.compare.command import Targets, run_comparison  # noqa: PLC0415 - imports the clients
    from grader.compare.run import EVENTS, RATE, Options  # noqa: PLC0415 - as above

    run_comparison(
        options.this_course(),
        Options(
            own=own,
            events=events or EVENTS,
            rate=rate or RATE,
            real=real,
            only=only,
            seed=seed,
        ),
        Targets(html=html, json=json_file, png=png, lessons=lessons),
        options.console(),
    )
