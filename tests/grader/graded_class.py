"""Graded submissions to make pages and exports of, one of them with evil names and messages."""

from __future__ import annotations

from grader.course import Course
from grader.gradebook.graded import Graded
from grader.report import CheckResult, Kind, Outcome, Report, is_provisional

EVIL = "=cmd|'/C calc'!A0 <script>alert(1)</script> [x](javascript:a) \x1b]0;owned\x07 \u202eabc ![](http://e)"
KINDS = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR, "s": Outcome.SKIPPED}


def graded(
    course: Course, student: str, outcomes: str, message: str = "was seen", kind: Kind = Kind.UNMET
) -> Graded:
    """A submission: p passed, f failed, e error, s skipped, for each check."""
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, KINDS[letter], "" if letter == "p" else message, kind=kind)
        for check, letter in zip(exercise.checks, outcomes, strict=True)
    )
    report = Report(
        student=student,
        exercise="01",
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks),
        sandbox="bubblewrap",
        seed=1,
        submission_hash=outcomes,
        suite_hash="b",
        checks=checks,
    )
    return Graded(report, by_hand=False)


def six(course: Course) -> list[Graded]:
    """One of an evil name and message, one provisional."""
    return [
        graded(course, EVIL, "pff", EVIL),
        graded(course, "ann", "ppp"),
        graded(course, "bob", "pfp"),
        graded(course, "cy", "ffs"),
        graded(course, "dan", "pep"),
        graded(course, "eve", "ppp"),
    ]
