"""What a student gets to read: points, what failed in a sentence each, and a hint.

Nothing of hidden tests, solutions or other students is in a report, so nothing of them is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from grader.course import Course
from grader.gradebook.graded import Graded
from grader.report import UNDECIDED, CheckResult, Outcome
from grader.reports.pages import render
from grader.reports.safe import markdown
from grader.reports.terminal import number
from grader.reports.told import told

_MARK = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}


def feedback_html(graded: Sequence[Graded], course: Course) -> str:
    """Return one student's page: all exercises that were handed in."""
    return render("feedback.html", graded=graded, course=course, mark=mark, told=told, worth=worth)


def feedback_markdown(graded: Sequence[Graded], course: Course) -> str:
    """Return the feedback as Markdown."""
    return "\n".join(_lines(graded, course)) + "\n"


def mark(check: CheckResult) -> str:
    """Return the sign before a check."""
    if check.by_hand:
        return "✓" if check.earned else "✗"
    return _MARK.get(check.outcome, "?")


def worth(check: CheckResult) -> str:
    """Return the points that a check gave, of those that it can give."""
    if check.outcome in UNDECIDED and not check.by_hand:
        extra = f"{number(check.score)} extra; " if check.score else ""
        return f"{extra}not decided yet, {number(check.points)} points"
    by_hand = ", set by hand" if check.by_hand else ""
    return f"{number(check.score)}/{number(check.points)}{by_hand}"


def _lines(graded: Sequence[Graded], course: Course) -> Iterator[str]:
    yield f"# {markdown(course.title)}: {markdown(graded[0].report.student)}"
    for one in graded:
        report, exercise = one.report, course.exercise(one.report.exercise)
        yield f"\n## {exercise.id} {markdown(exercise.title)}\n"
        points = f"**{number(one.final)} of {number(report.max_score)} points**"
        if one.by_hand:
            points += ", with a score that was given by hand"
        if one.grade is None:
            points += f". Provisional: {report.provisional_because}; this is not a grade yet."
        yield points
        if report.penalty:
            days = report.late.total_seconds() / 86400
            yield f"\n{days:.1f} days late: {number(report.penalty)} points less."
        yield ""
        for check, first in told(report.checks):
            yield f"- {mark(check)} {markdown(check.title)} ({worth(check)})"
            if first is not check:
                yield f"  - as for: {markdown(first.title)}"
                continue
            if check.message:
                yield f"  - {markdown(check.message)}"
            if check.hint:
                yield f"  - Hint: {markdown(check.hint)}"
