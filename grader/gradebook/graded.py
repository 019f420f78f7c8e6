"""A graded class as reports and exports see it: stored verdicts under today's rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from grader.course import Course
from grader.gradebook import database, nbgrader
from grader.gradebook.by_hand import Entered
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
    doubts: tuple[str, ...] = ()
    """Scores by hand that may not be meant for it; a line each."""

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
    extension = nbgrader.lookup(nbgrader.extensions(url, database.AGAIN) if url else {})
    for stored in Results(out).all():
        report = rescore(stored, course, extension(stored.student, stored.exercise))
        key = (nbgrader.student_id(report.student), report.exercise)
        yield with_scores(report, entered.get(key, {}))


def telling_doubts(graded: Iterable[Graded], tell: Callable[[str], None]) -> Iterator[Graded]:
    """Yield the results, and tell what is doubtful about their scores by hand."""
    for one in graded:
        for line in one.doubts:
            tell(line)
        yield one


def with_scores(report: Report, entered: Mapping[str, Entered]) -> Graded:
    """Return `report` with a person's scores, by cell: a manual score decides a check."""
    cells = {check.id: check_cell(check.id) for check in report.checks}
    checks, waiting = [], report.unsafe
    for check in report.checks:
        manual, extra, _ = entered.get(cells[check.id], Entered(None, 0.0))
        waiting |= manual is None and check.outcome in UNDECIDED
        score = (check.score if manual is None else manual) + extra
        checks.append(check.model_copy(update={"score": score, "by_hand": manual is not None}))
    total = sum(check.score for check in checks)
    update = {"checks": tuple(checks), "score": total, "provisional": waiting}
    return Graded(
        report.model_copy(update=update),
        by_hand=any(c in entered for c in cells.values()),
        doubts=tuple(_doubts(report, {check: entered.get(cell) for check, cell in cells.items()})),
    )


def remarks(reports: Iterable[Report], course: Course, url: str | None) -> Iterator[str]:
    """Yield lines about stored results that a person should look at, with the next step.

    Scores by hand that may not be meant for what was handed in, and due dates that take nothing
    since no time is known.

    Raises:
        GraderError: the gradebook at `url` is not there, or cannot be used.
    """
    entered = nbgrader.scores_by_hand(url) if url else {}
    timeless: Counter[str] = Counter()
    for report in (rescore(each, course) for each in reports):
        found = entered.get((nbgrader.student_id(report.student), report.exercise))
        if found:
            yield from with_scores(report, found).doubts
        due = course.exercise(report.exercise).due
        counts = due is not None and course.late.percent_per_day > 0 and report.score > 0
        timeless[report.exercise] += counts and report.submitted is None
    for exercise, count in sorted(timeless.items()):
        if count:
            yield (
                f"{exercise}: no time is known for {count} submission{'s' * (count > 1)}, so being "
                f"late costs them nothing. Put it into STUDENT/{exercise}/timestamp.txt, or let "
                "your LMS take the points off."
            )


def _doubts(report: Report, entered: Mapping[str, Entered | None]) -> Iterator[str]:
    """Yield a line for each score by hand that is of other work, or more than the points."""
    for check in report.checks:
        one = entered[check.id]
        if one is None:
            continue
        points = f"{(one.score or 0) + one.extra:g}"
        said = f"{report.student}: the score by hand for {check.id}, {points} points,"
        if one.given_for not in ("", report.submission_hash):
            yield (
                f"{said} was given for another submission. Look at this one, then clear the score "
                "or enter another."
            )
        if one.score is not None and one.score > check.points:
            yield (
                f"{said} is more than the check's {check.points:g}. Enter another; points beyond "
                "them are extra credit."
            )
