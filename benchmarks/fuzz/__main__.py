"""Fuzzes, in turn, all that reads strangers' input; exit code 1 where an input broke a promise.

Each round draws from a seed of its own, which comes from --seed. `out/fuzz` keeps the seeds of all
rounds, the inputs that failed (they come first in later runs), and a page for each finding.
"""

from __future__ import annotations

import itertools
import json
import random
import secrets
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import click

from benchmarks.fuzz import amqp, intake, kafka, messages, redis, sqs
from benchmarks.fuzz.target import Finding, Target, run_round
from grader.services.sqs.service import warm

OUT = Path("out") / "fuzz"
TARGETS = (
    *messages.TARGETS,
    *amqp.TARGETS,
    *redis.TARGETS,
    *sqs.TARGETS,
    *kafka.TARGETS,
    *intake.TARGETS,
)


def keep(finding: Finding, out: Path) -> Path:
    """Write a page about what was found; where it is."""
    path = out / f"{finding.target}-{finding.seed}.txt"
    trace = "".join(traceback.format_exception(finding.error))
    path.write_text(
        f"target: {finding.target}\nseed: {finding.seed}\ninput: {finding.example}\n\n{trace}",
        encoding="utf-8",
        errors="backslashreplace",
    )
    return path


def fuzz(targets: tuple[Target, ...], seconds: float, seed: int, out: Path) -> list[Finding]:
    """Run rounds of the targets in turn for so long, each target once at least."""
    out.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)  # noqa: S311 - not a secret
    end = time.monotonic() + seconds
    found: dict[str, Finding] = {}
    rounds: Counter[str] = Counter()
    took: Counter[str] = Counter()
    with (out / "seeds.jsonl").open("a", buffering=1, encoding="utf-8") as seeds:
        for number, target in enumerate(itertools.cycle(targets)):
            if number >= len(targets) and time.monotonic() > end:
                break
            of_round = draw.getrandbits(32)
            if target.name in found:
                continue  # it would find the same again
            begin = time.monotonic()
            finding = run_round(target, of_round, out / "examples")
            took[target.name] += round(time.monotonic() - begin)
            rounds[target.name] += 1
            failed = finding is not None
            line = {"target": target.name, "seed": of_round, "failed": failed}
            seeds.write(json.dumps(line) + "\n")
            if finding is not None:
                found[target.name] = finding
                click.echo(f"✗ {target.name}: {finding.error!r:.200}; see {keep(finding, out)}")
            if len(found) == len(targets):
                break
    for target in targets:
        inputs = rounds[target.name] * target.examples
        click.echo(
            f"{target.name:16} {inputs:8} inputs in {rounds[target.name]} rounds, "
            f"{took[target.name]} s"
        )
    return list(found.values())


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", type=click.FloatRange(0), default=5, help="How long; 5 by default.")
@click.option("--seed", type=int, help="What the inputs are drawn from; another one each time.")
@click.option("--only", metavar="TEXT", default="", help="Targets whose name has this in it.")
def main(minutes: float, seed: int | None, only: str) -> None:
    """Fuzz all that reads strangers' input."""
    chosen = tuple(target for target in TARGETS if only in target.name)
    if not chosen:
        raise click.UsageError(f"no target has {only!r} in its name")
    seed = secrets.randbelow(2**32) if seed is None else seed
    click.echo(f"seed {seed}")
    warm()
    found = fuzz(chosen, 60 * minutes, seed, OUT)
    click.echo(f"{len(found) or 'no'} finding{'' if len(found) == 1 else 's'}")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
