"""What a learner's last check of an exercise found, kept in the course's folder."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter, ValidationError

from grader.course import Course, Exercise
from grader.files import make_folder, write_whole
from grader.report import CheckResult, Report
from grader.submission import Submission, read_submission

FOLDER = ".grader"
YOU = "you"


_GRAVEST_FIRST = ("failed", "skipped", "passed")
Tests = dict[str, dict[str, str]]
"""By check and then by test: `passed`, `failed` or `skipped`."""


class PublicRun(BaseModel):
    """The findings of the public tests."""

    submission_hash: str
    tests: Tests
    rows: dict[str, CheckResult] = {}
    """By test: what it showed, as a row of the check that it is about."""
    running: str = ""
    """The test that is under way."""
    finished: bool = True
    """Whether no test is left of those that were to run."""

    @property
    def checks(self) -> dict[str, str]:
        """By check: the gravest of its tests."""
        return by_check(self.tests)


_HINTS = "hints.json"
_SHOWN = TypeAdapter(dict[str, int])


def your_files(course: Course, exercise: Exercise) -> Submission:
    """Return the learner's files as they are now."""
    folder = course.folder(exercise)
    return read_submission(YOU, exercise, [folder], course.limits.file_kb)


def keep(course: Course, report: Report) -> None:
    """Keep a report for `grader status` and `grader replay`.

    Raises:
        GraderError: it cannot be written.
    """
    _write(course, f"{report.exercise}.json", report.model_dump_json(indent=1))


def last_report(course: Course, exercise: Exercise) -> Report | None:
    """Return what was kept last, or None: nothing, or something of an older version."""
    try:
        return Report.model_validate_json(
            (course.root / FOLDER / f"{exercise.id}.json").read_bytes()
        )
    except (OSError, ValidationError):
        return None


def by_check(tests: Tests) -> dict[str, str]:
    """Return what became of each check: the gravest of its tests is the check's."""
    return {check: min(said.values(), key=_GRAVEST_FIRST.index) for check, said in tests.items()}


def keep_public(course: Course, exercise: Exercise, run: PublicRun) -> None:
    """Keep what public tests found; what others found before stays, if the files are the same.

    Raises:
        GraderError: it cannot be written.
    """
    before = last_public(course, exercise)
    if before is not None and before.submission_hash == run.submission_hash:
        kept = before.tests
        tests = kept | {check: kept.get(check, {}) | said for check, said in run.tests.items()}
        run = run.model_copy(update={"tests": tests, "rows": before.rows | run.rows})
    _write(course, _public(exercise), run.model_dump_json(indent=1))


def last_public(course: Course, exercise: Exercise) -> PublicRun | None:
    """Return what the public tests found last, or None."""
    try:
        return PublicRun.model_validate_json(
            (course.root / FOLDER / _public(exercise)).read_bytes()
        )
    except (OSError, ValidationError):
        return None


def hints_shown(course: Course) -> dict[str, int]:
    """Return how many steps of a check's hints were shown, by the check's id."""
    try:
        return _SHOWN.validate_json((course.root / FOLDER / _HINTS).read_bytes())
    except (OSError, ValidationError):
        return {}


def keep_hints(course: Course, shown: dict[str, int]) -> None:
    """Keep what :func:`hints_shown` gives.

    Raises:
        GraderError: it cannot be written.
    """
    _write(course, _HINTS, _SHOWN.dump_json(shown, indent=1))


def _public(exercise: Exercise) -> str:
    return f"{exercise.id}.public.json"


def _write(course: Course, name: str, content: str | bytes) -> None:
    folder = course.root / FOLDER
    make_folder(folder)
    write_whole(folder / name, content)
