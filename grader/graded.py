"""A graded class as reports and exports see it: stored verdicts under today's rules."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from grader import gradebook
from grader.course import Course
from grader.report import Report
from grader.results import Results
from grader.scoring import rescore


@dataclass(frozen=True)
class Graded:
    """One submission, with what goes into a list of grades."""

    report: Report
    final: float
    """Points after the late penalty, and after what a person entered in the gradebook."""
    by_hand: bool
    """Whether a person's score is part of it."""

    @property
    def grade(self) -> float | None:
        """The points where they are a grade, or None: provisional, or without a sandbox."""
        if self.report.sandbox == "process" or (self.report.provisional and not self.by_hand):
            return None
        return self.final


def graded_class(out: Path, course: Course) -> Iterator[Graded]:
    """Every submission in a folder of results; one in memory at a time.

    Raises:
        GraderError: there is none, or one cannot be read.
    """
    url = gradebook.default_url(out)
    in_use = (out / gradebook.FILE).exists() and gradebook.available()
    extension = gradebook.lookup(gradebook.extensions(url) if in_use else {})
    by_hand = gradebook.scores_by_hand(url) if in_use else {}
    for stored in Results(out).all():
        report = rescore(stored, course, extension(stored.student, stored.exercise))
        key = (gradebook.student_id(report.student), report.exercise)
        score = by_hand.get(key)
        final = report.final_score if score is None else max(0.0, score - report.penalty)
        yield Graded(report, final, by_hand=score is not None)
