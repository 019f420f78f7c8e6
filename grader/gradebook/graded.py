"""A graded class as reports and exports see it: stored verdicts under today's rules."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.course import Course
from grader.gradebook import database, nbgrader
from grader.gradebook.results import Results
from grader.intake.notebooks import check_cell
from grader.report import UNDECIDED, Report
from grader.scoring import rescore


@dataclass(frozen=True)
class Graded:
    """One submission, with what goes into a list of grades."""

    report: Report
    """With the scores that a person entered in the gradebook, in place of those of the suite."""
    by_hand: bool
    """Whether a person's score is part of it."""

    @property
    def final(self) -> float:
        """Points after the late penalty."""
        return self.report.final_score

    @property
    def grade(self) -> float | None:
        """The points where they are a grade, or None: provisional, or without a sandbox."""
        return None if self.report.provisional else self.final


def graded_class(out: Path, course: Course, url: str | None = None) -> Iterator[Graded]:
    """Yield every submission in a folder of results; one in memory at a time.

    Extensions and scores are those of the gradebook at `url`, or of the one in the folder.

    Raises:
        GraderError: there is none, or one cannot be read, or the gradebook cannot.
    """
    url = url or database.existing_url(out)
    entered = nbgrader.scores_by_hand(url) if url else {}
    extension = nbgrader.lookup(nbgrader.extensions(url) if url else {})
    for stored in Results(out).all():
        report = rescore(stored, course, extension(stored.student, stored.exercise))
        key = (nbgrader.student_id(report.student), report.exercise)
        yield with_scores(report, entered.get(key, {}))


def with_scores(report: Report, entered: Mapping[str, tuple[float | None, float]]) -> Graded:
    """Return `report` with a person's scores, by cell: a manual score decides a check."""
    cells = {check.id: check_cell(check.id) for check in report.checks}
    checks, waiting = [], report.unsafe
    for check in report.checks:
        manual, extra = entered.get(cells[check.id], (None, 0.0))
        waiting |= manual is None and check.outcome in UNDECIDED
        score = (check.score if manual is None else manual) + extra
        checks.append(check.model_copy(update={"score": score, "by_hand": manual is not None}))
    total = sum(check.score for check in checks)
    update = {"checks": tuple(checks), "score": total, "provisional": waiting}
    return Graded(
        report.model_copy(update=update), by_hand=any(c in entered for c in cells.values())
    )
