"""The mutants that are no mistake: equivalent to what they were made of, each with its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from grader.course import Course, Exercise
from grader.errors import CourseError

FOLDER = Path("tests") / "submissions" / "mutants"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Equivalent(_Model):
    """Mutants that nobody can tell from the original, for one reason."""

    reason: Annotated[str, Field(min_length=10)]
    mutants: Annotated[tuple[str, ...], Field(min_length=1)]
    """Ids, or patterns of ids in which `*` stands for anything."""


class _Document(_Model):
    equivalent: tuple[Equivalent, ...] = ()


@dataclass(frozen=True)
class Record:
    """The equivalent mutants of one exercise."""

    path: Path
    entries: tuple[Equivalent, ...]

    def reason(self, mutant_id: str) -> str | None:
        """Return why this mutant is no mistake; None where nobody has said so."""
        for entry in self.entries:
            if any(fnmatchcase(mutant_id, pattern) for pattern in entry.mutants):
                return entry.reason
        return None

    def stale(self, ids: Collection[str], sources: Collection[str]) -> Iterator[str]:
        """Yield a sentence for each entry of `sources` that no mutant of `ids` answers to."""
        for entry in self.entries:
            for pattern in entry.mutants:
                concerned = any(_may_be_of(pattern, source) for source in sources)
                if concerned and not any(fnmatchcase(each, pattern) for each in ids):
                    yield f"{self.path}: there is no mutant {pattern}"


def read_record(course: Course, exercise: Exercise) -> Record:
    """Return what is written down for `exercise`; nothing where there is no file.

    Raises:
        CourseError: the file cannot be read, or an entry lacks its reason.
    """
    path = course.root / FOLDER / f"{exercise.id}.toml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Record(path, ())
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    try:
        document = _Document.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise CourseError(f"{path} is not valid TOML: {error}") from None
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise CourseError(f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}") from None
    return Record(path, document.equivalent)


def _may_be_of(pattern: str, source: str) -> bool:
    """Tell whether the pattern is of mutants of this source, `01/solution` or `01/wheat/NAME`."""
    wanted, known = pattern.split("/"), source.split("/")
    return len(wanted) > len(known) and all(
        fnmatchcase(name, part) for part, name in zip(wanted, known, strict=False)
    )
