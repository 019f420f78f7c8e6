"""Grades the same submissions over and over on a machine that is busy: no verdict may vary."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.kills import differences
from grader.course import load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.sandbox.choice import choose, sweep
from grader.validate import find_specimens

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    """Exit code 0 when every verdict was the same in every round."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--exercise", action="append", help="one exercise alone; may be repeated")
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    parser.add_argument("--kills", type=int, default=20, help="how often a bulk run is killed")
    options = parser.parse_args()
    course = load_course(ROOT)
    if different := differences(course, options.kills):
        print(f"✗ killed {options.kills} times and resumed: {', '.join(different)} differ")
        return 1
    print(f"killed {options.kills} times and resumed: every row as in an undisturbed run")
    numbers = options.exercise or [each.id for each in course.exercises]
    exercises = [course.exercise(number) for number in numbers]
    specimens = [each for exercise in exercises for each in find_specimens(course, exercise)]
    submissions = [each.submission for each in specimens]
    seen: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    sweep()
    started = time.monotonic()
    names: set[str] = set()
    for exercise in exercises:
        names.update(exercise.services)
    with prepare_services(names) as services, busy_cores():
        how = Grading(course, choose(), 0, services)
        for number in range(1, options.rounds + 1):
            again = replace(how, seed=secrets.randbelow(2**32))
            for submission, report in grade_all(submissions, again, options.jobs):
                for check in report.checks:
                    key = (f"{submission.exercise} {submission.student}", check.id)
                    seen[key][check.outcome] += 1
            varied = [key for key, outcomes in seen.items() if len(outcomes) > 1]
            minutes = (time.monotonic() - started) / 60
            print(f"round {number}: {len(varied)} verdicts vary ({minutes:.1f} min)", flush=True)
    for name, check_id in varied:
        print(f"✗ {name}: {check_id} was {dict(seen[name, check_id])}")
    print(
        f"{options.rounds} rounds of {len(submissions)} submissions, {len(seen)} verdicts each, "
        f"{os.cpu_count()} cores kept busy: {len(varied) or 'none'} varied"
    )
    return 1 if varied else 0


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with a process that does nothing else."""
    spinners = [
        multiprocessing.get_context("spawn").Process(target=_spin, args=(os.getpid(),), daemon=True)
        for _ in range(os.cpu_count() or 1)
    ]
    for spinner in spinners:
        spinner.start()
    try:
        yield
    finally:
        for spinner in spinners:
            spinner.terminate()
            spinner.join()


def _spin(parent: int) -> None:
    while os.getppid() == parent:
        for _ in range(1_000_000):
            pass


if __name__ == "__main__":
    sys.exit(main())
