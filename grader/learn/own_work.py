"""What a learner's last check of an exercise found, kept in the course's folder."""

from __future__ import annotations

from pydantic import BaseModel, TypeAdapter, ValidationError

from grader.course import Check, Course, Exercise
from grader.errors import GraderError
from grader.files import make_folder, write_whole
from grader.report import Outcome, Report
from grader.submission import Submission, read_submission

FOLDER = ".grader"
YOU = "you"


_GRAVEST_FIRST = ("failed", "skipped", "passed")
Tests = dict[str, dict[str, str]]
"""By check and then by test: `passed`, `failed` or `skipped`."""


class PublicRun(BaseModel):
    """What the public tests found."""

    submission_hash: str
    tests: Tests

    @property
    def checks(self) -> dict[str, str]:
        """By check: the gravest of its tests."""
        return by_check(self.tests)


_HINTS = "hints.json"
_SHOWN = TypeAdapter(dict[str, int])


def your_files(course: Course, exercise: Exercise) -> Submission:
    """The learner's files as they are now."""
    folder = course.root / "exercises" / exercise.id
    return read_submission(YOU, exercise, [folder], course.limits.file_kb)


def keep(course: Course, report: Report) -> None:
    """Keep a report for `grader status` and `grader replay`.

    Raises:
        GraderError: it cannot be written.
    """
    _write(course, f"{report.exercise}.json", report.model_dump_json(indent=1))


def last_report(course: Course, exercise: Exercise) -> Report | None:
    """What was kept last, or None: nothing, or something of an older version."""
    try:
        return Report.model_validate_json(
            (course.root / FOLDER / f"{exercise.id}.json").read_bytes()
        )
    except (OSError, ValidationError):
        return None


def by_check(tests: Tests) -> dict[str, str]:
    """What became of each check: the gravest of its tests is the check's."""
    return {check: min(said.values(), key=_GRAVEST_FIRST.index) for check, said in tests.items()}


def keep_public(course: Course, exercise: Exercise, tests: Tests) -> None:
    """Keep what public tests found; what others found before stays, if the files are the same.

    Raises:
        GraderError: it cannot be written.
    """
    now = your_files(course, exercise).hash
    before = last_public(course, exercise)
    if before is not None and before.submission_hash == now:
        kept = before.tests
        tests = kept | {check: kept.get(check, {}) | said for check, said in tests.items()}
    run = PublicRun(submission_hash=now, tests=tests)
    _write(course, _public(exercise), run.model_dump_json(indent=1))


def last_public(course: Course, exercise: Exercise) -> PublicRun | None:
    """What the public tests found last, or None."""
    try:
        return PublicRun.model_validate_json(
            (course.root / FOLDER / _public(exercise)).read_bytes()
        )
    except (OSError, ValidationError):
        return None


def first_failure(course: Course, exercise: Exercise) -> Check | None:
    """The first check that failed last: in the hidden suite, where it ran, else in public."""
    report = last_report(course, exercise)
    if report is not None:
        failed = {check.id for check in report.checks if check.outcome is Outcome.FAILED}
    else:
        public = last_public(course, exercise)
        failed = (
            {name for name, said in public.checks.items() if said == "failed"} if public else set()
        )
    return next((check for check in exercise.checks if check.id in failed), None)


def hints_shown(course: Course) -> dict[str, int]:
    """How many steps of a check's hints were shown, by the check's id."""
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


def require_report(course: Course, exercise: Exercise) -> Report:
    """What was kept last.

    Raises:
        GraderError: nothing was.
    """
    report = last_report(course, exercise)
    if report is None and not course.hidden_suite(exercise).is_dir():
        raise GraderError(
            f"exercise {exercise.id} has no hidden suite in this copy, so nothing was recorded",
            f"`pytest exercises/{exercise.id} --pdb` stops where a public test fails.",
        )
    if report is None:
        raise GraderError(
            f"exercise {exercise.id} was not checked yet", f"Run `grader check {exercise.id}`."
        )
    return report


def _public(exercise: Exercise) -> str:
    return f"{exercise.id}.public.json"


def _write(course: Course, name: str, content: str | bytes) -> None:
    folder = course.root / FOLDER
    make_folder(folder)
    write_whole(folder / name, content)
