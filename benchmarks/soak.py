"""Grades the same submissions over and over on a machine that is busy: no verdict may vary.

What keeps it busy are the other submissions: four times as many at a time as there are cores. A
round has the right ones and, for each check, the next of those that are meant to fail it. Fifty
take hours; with --keep FILE they may be made in several goes.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.kills import differences
from benchmarks.tally import Tally, read_tallies, write_tallies
from grader.authoring.specimens import Specimen, by_check, find_specimens
from grader.course import Course, load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading, suite_hash
from grader.grading.services import prepare_services
from grader.host.interrupts import ended_by_sigterm
from grader.sandbox.choice import choose, sweep

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Exit code 0 when every verdict was the same in every round."""
    options = _options()
    course = load_course(ROOT)
    if options.kills:
        if different := differences(course, options.kills):
            print(f"✗ killed {options.kills} times and resumed: {', '.join(different)} differ")
            return 1
        print(f"killed {options.kills} times and resumed: every row as in an undisturbed run")
    chosen = [course.exercise(number) for number in options.exercise or ()] or course.exercises
    known = {each.id: list(find_specimens(course, each)) for each in chosen}
    tallies = {number: Tally(of=_fingerprint(course, number, known[number])) for number in known}
    if options.keep:
        tallies = read_tallies(options.keep, tallies)
    _soak(course, known, tallies, options)
    for number, tally in tallies.items():
        for line in tally.varied():
            print(f"✗ {number} {line}")
        print(
            f"{number}: {tally.rounds} rounds of {len(known[number])} submissions, "
            f"{options.jobs} at a time on {os.cpu_count()} cores, {tally.verdicts} verdicts: "
            f"{len(tally.varied()) or 'none'} varied"
        )
    if not all(tally.verdicts for tally in tallies.values()):
        print("✗ there were no verdicts that could vary")
        return 1
    return 1 if any(tally.varied() for tally in tallies.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--exercise", action="append", help="one exercise alone; may be repeated")
    parser.add_argument("--jobs", type=int, default=4 * (os.cpu_count() or 1))
    parser.add_argument("--whole", action="store_true", help="everything in every round")
    parser.add_argument("--kills", type=int, default=20, help="how often a bulk run is killed")
    parser.add_argument("--keep", type=Path, help="a file with the rounds so far: go on from it")
    return parser.parse_args()


def _fingerprint(course: Course, number: str, specimens: Sequence[Specimen]) -> str:
    """Return a hash of what is judged and what judges; rounds of anything else do not count."""
    hashes = [each.submission.hash for each in specimens]
    parts = [suite_hash(course, course.exercise(number)), *hashes]
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()


def _soak(
    course: Course,
    known: dict[str, list[Specimen]],
    tallies: dict[str, Tally],
    options: argparse.Namespace,
) -> None:
    sweep()
    started = time.monotonic()
    services: set[str] = set()
    for number in known:
        services.update(course.exercise(number).services)
    with ended_by_sigterm(), prepare_services(services) as running:
        how = Grading(course, choose(), 0, running)
        while unfinished := [n for n in known if tallies[n].rounds < options.rounds]:
            chosen = {
                n: known[n] if options.whole else in_round(tallies[n].rounds, known[n])
                for n in unfinished
            }
            submissions = [each.submission for some in chosen.values() for each in some]
            again = replace(how, seed=secrets.randbelow(2**32))
            # All of a round or nothing of it: it may be broken off at any moment.
            reports = [report for _, report in grade_all(submissions, again, options.jobs)]
            for number in unfinished:
                tallies[number].add(report for report in reports if report.exercise == number)
            if options.keep:
                write_tallies(options.keep, tallies)
            minutes = (time.monotonic() - started) / 60
            rounds = ", ".join(f"{n}: {tallies[n].rounds}" for n in unfinished)
            varied = sum(len(each.varied()) for each in tallies.values())
            print(f"rounds {rounds}: {varied} verdicts vary ({minutes:.1f} min)", flush=True)


def in_round(number: int, specimens: Sequence[Specimen]) -> list[Specimen]:
    """Return the right ones, and for each check one of those that are meant to fail it, in turn."""
    chosen, meant = by_check(specimens)
    return chosen + [wrong[number % len(wrong)] for wrong in meant.values()]


if __name__ == "__main__":
    sys.exit(main())
