"""course.toml: the one manifest of exercises, checks, points and limits.

Longer than most modules: the manifest's nouns and what each refuses, which are read together.
"""

from __future__ import annotations

import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from grader.errors import CourseError
from grader.plugins import PLACE
from grader.services.catalog import OWN_KINDS

MANIFEST = "course.toml"
EXERCISES = "exercises"
"""The folder of what students read and write, with a folder for each exercise."""

SpecimenKind = Literal["wheat", "chaff"]
KINDS: tuple[SpecimenKind, ...] = ("wheat", "chaff")
"""Of known submissions: right ones, and each with one mistake."""
Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(gt=0, strict=True)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Model):
    """One promise of an exercise, worth `points` when every test of it passes."""

    id: Text
    title: Text
    points: Annotated[float, Field(ge=0, strict=True)]
    hint: Text
    """A nudge: the first step of `grader hint`, and what reports and feedback say."""
    concept: Text | None = None
    """The second step: what is behind it."""
    lesson: Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")] | None = None
    """Where the lesson says more: its heading as a link names it, `bytes-not-characters`."""
    nearly: Text | None = None
    """The last step: almost the answer, never all of it."""
    requires: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _hints_build_up(self) -> Check:
        if self.concept is None and (self.lesson is not None or self.nearly is not None):
            raise ValueError("lesson and nearly come with a concept: hints go step by step")
        return self

    @property
    def exercise(self) -> str:
        """The id of the exercise that the check belongs to, `03` of `03.redis-ready`."""
        return self.id.partition(".")[0]

    @property
    def name(self) -> str:
        """The id without its exercise, `redis-ready` of `03.redis-ready`."""
        return self.id.partition(".")[2]


class Limits(_Model):
    """The limits for one submission; the sandbox enforces them."""

    seconds: Count = 10
    """The longest wait for one step of a consumer; only a wrong submission reaches it."""
    total_seconds: Count = 180
    """The longest that one submission may take for all checks of one exercise."""
    judge_cpu_seconds: Count = 60
    """CPU time of the judge's own process for one submission of one exercise."""
    judge_memory_mb: Count = 200
    """Memory that it may hold for it, beyond what it begins with."""
    memory_mb: Count = 1024
    processes: Count = 64
    output_kb: Count = 8192
    """A run that prints more is killed."""
    file_kb: Count = 256
    """The largest file that is accepted as part of a submission."""


class LatePolicy(_Model):
    """The penalty for a late submission: a share of the exercise's points for each day begun."""

    grace_minutes: Annotated[int, Field(ge=0, strict=True)] = 0
    """A submission that is this late is still in time."""
    percent_per_day: Annotated[float, Field(ge=0, le=100)] = 0
    at_most_percent: Annotated[float, Field(ge=0, le=100)] = 100

    def penalty(self, late: timedelta, max_score: float) -> float:
        """Return the points that a submission loses that came `late` after its due date."""
        if late <= timedelta(minutes=self.grace_minutes):
            return 0.0
        days = -(late // -timedelta(days=1))  # a day begun counts
        return max_score * min(self.percent_per_day * days, self.at_most_percent) / 100


class Exercise(_Model):
    """One technique: the files a student hands in, the services behind it, its checks."""

    id: Annotated[str, Field(pattern=r"^[0-9]{2}$")]
    title: Text
    files: Annotated[tuple[Text, ...], Field(min_length=1)]
    optional: tuple[Text, ...] = ()
    """Files that a student may hand in beside them, such as helpers.py; theirs to import."""
    services: tuple[Text, ...] = ()
    """Kinds of services: by name, or another course's own by where it lies, `package.module:Class`;
    a module in the course's folder is found."""
    proved: Text | None = None
    """Says what full marks in the hidden suite prove, to a learner who has just got them."""
    due: AwareDatetime | None = None
    """With its offset from UTC, such as 2026-11-30T23:59:00+01:00."""
    checks: Annotated[tuple[Check, ...], Field(min_length=1)]

    @field_validator("services")
    @classmethod
    def _known_services(cls, services: tuple[str, ...]) -> tuple[str, ...]:
        for name in services:
            if name not in OWN_KINDS and not PLACE.fullmatch(name):
                raise ValueError(
                    f"{name!r} is none of {', '.join(OWN_KINDS)}, nor `package.module:Class`"
                )
        return services

    @field_validator("due", mode="before")
    @classmethod
    def _is_a_day(cls, due: object) -> object:
        """Refuse `due = 12`, which would be twelve seconds into 1970."""
        if isinstance(due, int | float) or (isinstance(due, str) and "-" not in due):
            raise ValueError("no day")
        return due

    @field_validator("files", "optional")
    @classmethod
    def _plain_names(cls, files: tuple[str, ...]) -> tuple[str, ...]:
        for name in files:
            if not name.removesuffix(".py").isidentifier() or not name.endswith(".py"):
                raise ValueError(f"{name!r} is not the name of a Python module such as polling.py")
            if name.removesuffix(".py") in sys.stdlib_module_names:
                raise ValueError(f"{name!r} is the name of a module of Python's own")
        return files

    @model_validator(mode="after")
    def _optional_files_are_others(self) -> Exercise:
        for name in self.optional:
            if name in self.files:
                raise ValueError(f"{name!r} is in `files`, so it is not optional")
            if name == "conftest.py" or name.startswith("test_"):
                raise ValueError(f"{name!r} would be taken for a file of the public tests")
        return self

    @model_validator(mode="after")
    def _checks_belong_here(self) -> Exercise:
        known: set[str] = set()
        for check in self.checks:
            if check.exercise != self.id:
                raise ValueError(f"check {check.id!r} does not start with {self.id + '.'!r}")
            for required in check.requires:
                if required not in known:
                    raise ValueError(
                        f"check {check.id!r} requires {required!r}, which is not a check before it"
                    )
            known.add(check.id)
        return self

    @property
    def all_files(self) -> tuple[str, ...]:
        """Return the names that are taken from a student: the files, then the optional ones."""
        return self.files + self.optional

    @property
    def max_score(self) -> float:
        """The points of all its checks."""
        return sum(check.points for check in self.checks)

    def check(self, check_id: str) -> Check | None:
        """Return the check of that id, or None."""
        return next((check for check in self.checks if check.id == check_id), None)

    def named(self, name: str) -> Check:
        """Return the check of that id; its part behind the dot is enough.

        Raises:
            CourseError: there is none.
        """
        for check in self.checks:
            if name in (check.id, check.name):
                return check
        known = ", ".join(check.name for check in self.checks)
        raise CourseError(f"exercise {self.id} has no check {name!r}", f"It has {known}.")


class Course(_Model):
    """The whole manifest."""

    format_version: Literal[1]
    title: Text
    limits: Limits = Limits()
    late: LatePolicy = LatePolicy()
    exercises: Annotated[tuple[Exercise, ...], Field(min_length=1)]
    techniques: tuple[Text, ...] = ()
    """What `grader compare` measures, in this order: by name, or another course's own by where it
    lies, as services are."""
    _root: Path = Path()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Course:
        exercises = Counter(exercise.id for exercise in self.exercises)
        checks = Counter(check.id for exercise in self.exercises for check in exercise.checks)
        for kind, counts in (("exercise", exercises), ("check", checks)):
            twice = [name for name, count in counts.items() if count > 1]
            if twice:
                raise ValueError(f"{kind} id {twice[0]!r} is used twice")
        return self

    @property
    def own_services(self) -> tuple[str, ...]:
        """The kinds of services that are named by where they lie, each once."""
        named = (name for exercise in self.exercises for name in exercise.services)
        return _places(named)

    @property
    def own_classes(self) -> tuple[str, ...]:
        """All classes that are named by where they lie, each once: services and techniques."""
        return _places([*self.own_services, *self.techniques])

    @property
    def root(self) -> Path:
        """The folder that course.toml lies in."""
        return self._root

    def exercise(self, exercise_id: str) -> Exercise:
        """Return the exercise of that id; a bare number such as `3` is understood.

        Raises:
            CourseError: there is none.
        """
        wanted = exercise_id.zfill(2)
        for exercise in self.exercises:
            if exercise.id == wanted:
                return exercise
        known = ", ".join(exercise.id for exercise in self.exercises)
        raise CourseError(f"there is no exercise {exercise_id!r}", f"The course has {known}.")

    def lesson(self, exercise: Exercise) -> Path:
        """Return the exercise's lesson."""
        return self.folder(exercise) / "README.md"

    def folder(self, exercise: Exercise) -> Path:
        """Return the folder of the lesson, the public tests and the student's files."""
        return self._root / EXERCISES / exercise.id

    def solution(self, exercise: Exercise) -> Path:
        """Return the folder of the exercise's solution; absent in a students' copy."""
        return self._root / "solutions" / exercise.id

    def hidden_suite(self, exercise: Exercise) -> Path:
        """Return the folder of the exercise's hidden suite; absent in a students' copy."""
        return self._root / "tests" / "hidden" / exercise.id

    def specimens(self, exercise: Exercise, kind: SpecimenKind) -> Path:
        """Return the folder of the submissions that prove the suite, right or wrong ones."""
        return self._root / "tests" / "submissions" / kind / exercise.id


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds course.toml.

    Raises:
        CourseError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / MANIFEST).is_file():
            return folder
    raise CourseError(
        f"no {MANIFEST} in {start} or above it", "Run this inside the course's folder."
    )


def load_course(root: Path) -> Course:
    """Read `root`/course.toml.

    Raises:
        CourseError: it is missing, not TOML, or not a course; one line that names the key.
    """
    path = root / MANIFEST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} is not valid TOML: {error}") from None
    try:
        course = Course.model_validate(data)
    except ValidationError as error:
        raise CourseError(f"{path}: {_first_fault(error, data)}") from None
    course._root = root  # noqa: SLF001 - not part of the file, so not of its constructor
    folder = str(root.resolve())  # where a course has its own services and techniques
    if course.own_classes and folder not in sys.path:
        sys.path.append(folder)
    return course


def _places(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if PLACE.fullmatch(name)))


def _first_fault(error: ValidationError, data: object) -> str:
    fault = error.errors(include_url=False)[0]
    where = _place(fault["loc"], data)
    reason = fault["msg"].removeprefix("Value error, ")
    match fault["type"]:
        case "extra_forbidden":
            return f"unknown key {where}"
        case "missing":
            return f"{where} is missing"
        case _ if fault["loc"][-1:] == ("due",):
            return (
                f"{where} is {fault['input']}; write the day, the time and its offset from UTC, "
                "such as 2026-11-30T23:59:00+01:00"
            )
        case "value_error":
            return f"{where}: {reason}" if where else reason
    return f"{where} is {fault['input']!r}: {reason[0].lower()}{reason[1:]}"


def _place(loc: tuple[int | str, ...], data: object) -> str:
    """Return a path that a person can follow: ids in place of positions where there are ids."""
    parts: list[str] = []
    for step in loc:
        try:
            data = data[step]  # type: ignore[index]  # walks the untyped TOML alongside the path
        except (KeyError, IndexError, TypeError):
            data = None
        if isinstance(step, int):
            name = data.get("id") if isinstance(data, dict) else None
            parts[-1] += f"[{name or step}]"
        else:
            parts.append(step)
    return ".".join(parts)
