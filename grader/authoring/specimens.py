"""Submissions whose outcome is known: the solution, the stub, wheats and chaffs."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, ValidationError

from grader.course import KINDS, Course, Exercise
from grader.errors import CourseError
from grader.grading.one import require_suite
from grader.submission import Submission, read_submission

EXPECTED = "expected.toml"


class Expectation(BaseModel):
    """expected.toml of a wheat or chaff."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    about: str
    fails: str | None = None
    """The check that a chaff is meant to fail; a wheat has none."""
    also_fails: tuple[str, ...] = ()


@dataclass(frozen=True)
class Specimen:
    """A submission whose outcome is known."""

    name: str
    """`solution`, `stub`, `wheat/NAME` or `chaff/NAME`."""
    submission: Submission
    fails: frozenset[str]
    meant: str | None = None


def find_specimens(course: Course, exercise: Exercise) -> Iterator[Specimen]:
    """Yield the solution, the stub, and every wheat and chaff of an exercise.

    Raises:
        CourseError: an expected.toml cannot be read.
    """
    require_suite(course, exercise)
    every = frozenset(check.id for check in exercise.checks)
    kb = course.limits.file_kb
    for name, folder, fails in (
        ("solution", course.solution(exercise), frozenset[str]()),
        ("stub", course.folder(exercise), every),
    ):
        yield Specimen(name, read_submission(name, exercise, [folder], kb), fails)
    for kind in KINDS:
        home = course.specimens(exercise, kind)
        for folder in sorted(path for path in home.glob("*") if path.is_dir()):
            name = f"{kind}/{folder.name}"
            expected = read_expectation(folder / EXPECTED, exercise, chaff=kind == "chaff")
            fails = frozenset(f for f in (expected.fails, *expected.also_fails) if f)
            submission = read_submission(name, exercise, [folder], kb)
            yield Specimen(name, submission, fails, expected.fails)


def by_check(specimens: Sequence[Specimen]) -> tuple[list[Specimen], dict[str, list[Specimen]]]:
    """Return those that are meant for no check, and by check those that are meant to fail it."""
    others = [each for each in specimens if each.meant is None]
    wrong: dict[str, list[Specimen]] = {}
    for each in specimens:
        if each.meant is not None:
            wrong.setdefault(each.meant, []).append(each)
    return others, wrong


def draw(specimens: Sequence[Specimen], count: int, seed: int) -> list[Specimen]:
    """Return solution, stub, `count` wheats, and for each check `count` that should fail it."""
    others, wrong = by_check(specimens)
    wheats = [each for each in others if each.name.startswith("wheat/")]
    chosen = [each for each in others if each not in wheats]
    for what, known in [("right", wheats), *sorted(wrong.items())]:
        drawn = Random(f"{seed} {what}").sample(known, min(count, len(known)))  # noqa: S311 - not a secret
        chosen += sorted(drawn, key=known.index)
    return chosen


def read_expectation(path: Path, exercise: Exercise, *, chaff: bool) -> Expectation:
    """Return the outcome that an author wrote down for a wheat or chaff.

    Raises:
        CourseError: it is missing, or names what does not exist.
    """
    try:
        expected = Expectation.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise CourseError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    if chaff != (expected.fails is not None):
        raise CourseError(f"{path}: a chaff names the check in `fails`, a wheat names none")
    for check_id in (expected.fails, *expected.also_fails):
        if check_id is not None and exercise.check(check_id) is None:
            raise CourseError(f"{path}: exercise {exercise.id} has no check {check_id!r}")
    return expected
