"""A submission that does nothing proves nothing: no check of any exercise passes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from grader.course import Exercise, load_course
from grader.grading.many import grade_all
from grader.grading.one import Grading
from grader.grading.services import prepare_services
from grader.report import Outcome
from grader.sandbox.choice import own_code
from grader.submission import Submission

REPO = Path(__file__).resolve().parents[2]
COURSE = load_course(REPO)
BODIES = ("return None", "raise ValueError('no')")


def filled_in(exercise: Exercise, body: str) -> dict[str, bytes]:
    """The stubs, with `body` in each function in place of the exception."""
    files = {}
    for name in exercise.files:
        module = ast.parse((REPO / "exercises" / exercise.id / name).read_text(encoding="utf-8"))
        for node in ast.walk(module):
            if isinstance(node, ast.FunctionDef) and isinstance(node.body[-1], ast.Raise):
                node.body = ast.parse(body).body
        files[name] = ast.unparse(module).encode()
        assert b"NotImplementedError" not in files[name]
    return files


@pytest.mark.parametrize("exercise", COURSE.exercises, ids=lambda exercise: exercise.id)
def test_who_does_nothing_gets_no_point(exercise: Exercise) -> None:
    """Nothing is lost either by who moves no event; that is no promise kept."""
    handed_in = [
        Submission(f"student-{number}", exercise, filled_in(exercise, body), {})
        for number, body in enumerate(BODIES)
    ]
    with prepare_services(exercise.services) as services:
        how = Grading(COURSE, own_code(), 1, services)
        reports = [report for _, report in grade_all(handed_in, how)]
    if any(check.outcome is Outcome.NOT_GRADED for report in reports for check in report.checks):
        pytest.skip("a service is missing")
    for body, report in zip(BODIES, reports, strict=True):
        outcomes = {check.id: check.outcome for check in report.checks}
        assert set(outcomes.values()) == {Outcome.FAILED}, (body, outcomes)
