"""What a stored verdict is worth under another course.toml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tiny_course import MANIFEST

from grader.course import Course, LatePolicy, load_course
from grader.report import CheckResult, Outcome, Report, is_provisional
from grader.scoring import rescore

DUE = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
TWENTY_A_DAY = "[late]\npercent_per_day = 20\nat_most_percent = 50\ngrace_minutes = 10\n"


def course(folder: Path, text: str = MANIFEST) -> Course:
    """The course of that text."""
    (folder / "course.toml").write_text(text)
    return load_course(folder)


def graded(course: Course, failed: str = "", submitted: datetime | None = None) -> Report:
    """A stored report in which `failed` failed."""
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, Outcome.FAILED if check.id == failed else Outcome.PASSED, "was seen")
        for check in exercise.checks
    )
    return Report(
        student="ann",
        exercise="01",
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks),
        sandbox="bubblewrap",
        seed=1,
        submission_hash="a",
        suite_hash="b",
        submitted=submitted,
        checks=checks,
    )


def with_due(text: str = MANIFEST) -> str:
    """The manifest with a due date and a late policy."""
    due = f"due = {DUE.isoformat()}\n"
    return text.replace("[limits]", TWENTY_A_DAY + "[limits]").replace(
        'files = ["doubling.py"]\n', 'files = ["doubling.py"]\n' + due
    )


def test_new_points_and_titles_apply_to_a_stored_verdict(tmp_path: Path) -> None:
    """A check's worth changes; what it found stays."""
    report = graded(course(tmp_path), failed="01.value")
    changed = MANIFEST.replace("points = 5", "points = 50").replace("is doubled", "is twice")
    now = rescore(report, course(tmp_path, changed))
    assert (now.score, now.max_score) == (52, 55)
    assert now.checks[0].title == "the value is twice"
    assert [check.outcome for check in now.checks] == [check.outcome for check in report.checks]
    assert not now.provisional


def test_a_new_check_makes_a_stored_verdict_provisional(tmp_path: Path) -> None:
    """Nobody has looked at it yet: an error of ours, not a zero."""
    report = graded(course(tmp_path))
    new = '\n[[exercises.checks]]\nid = "01.new"\ntitle = "new"\npoints = 4\nhint = "New."\n'
    now = rescore(report, course(tmp_path, MANIFEST + new))
    assert now.provisional
    assert now.checks[-1].outcome is Outcome.ERROR
    assert "grade again" in now.checks[-1].message


def test_a_removed_check_takes_its_points_with_it(tmp_path: Path) -> None:
    """And what was undecided because of it alone is decided."""
    before = graded(course(tmp_path))
    last = CheckResult.of(course(tmp_path).exercise("01").checks[-1], Outcome.ERROR, "broke")
    report = before.model_copy(update={"checks": (*before.checks[:-1], last), "provisional": True})
    cut = MANIFEST[: MANIFEST.rindex("[[exercises.checks]]")]
    now = rescore(report, course(tmp_path, cut))
    assert (now.score, now.max_score, now.provisional) == (8, 8, False)


@pytest.mark.parametrize("last", [Outcome.PASSED, Outcome.ERROR])
def test_what_ran_without_a_sandbox_stays_provisional(tmp_path: Path, last: Outcome) -> None:
    """No change of points makes it a grade, nor the end of the one check that was undecided."""
    before = graded(course(tmp_path))
    check = CheckResult.of(course(tmp_path).exercise("01").checks[-1], last)
    report = before.model_copy(
        update={"checks": (*before.checks[:-1], check), "sandbox": "process", "provisional": True}
    )
    cut = course(tmp_path, MANIFEST[: MANIFEST.rindex("[[exercises.checks]]")])
    assert rescore(report, cut).provisional


@pytest.mark.parametrize(
    ("hours", "lost"), [(-1, 0), (0, 0), (0.1, 0), (1, 2), (24, 2), (25, 4), (99, 5)]
)
def test_a_late_submission_loses_a_share_for_each_day_begun(
    tmp_path: Path, hours: float, lost: float
) -> None:
    """20 % of 10 points a day, at most half of them, ten minutes of grace."""
    now = course(tmp_path, with_due())
    report = rescore(graded(now, submitted=DUE + timedelta(hours=hours)), now)
    assert report.penalty == lost
    assert report.final_score == report.score - lost


def test_an_extension_moves_the_due_date_of_one_student(tmp_path: Path) -> None:
    """A day late with a day more is in time."""
    now = course(tmp_path, with_due())
    report = graded(now, submitted=DUE + timedelta(hours=20))
    assert rescore(report, now).penalty == 2
    assert rescore(report, now, timedelta(days=1)).penalty == 0


def test_a_penalty_never_makes_a_score_negative(tmp_path: Path) -> None:
    """Half of ten points off three."""
    now = course(tmp_path, with_due())
    report = graded(now, failed="01.each-event", submitted=DUE + timedelta(days=9))
    report = report.model_copy(update={"score": 3.0, "penalty": 5.0})
    assert report.final_score == 0


def test_without_a_known_time_nobody_is_late(tmp_path: Path) -> None:
    """A folder without a timestamp."""
    now = course(tmp_path, with_due())
    assert rescore(graded(now), now).late == timedelta()


def test_a_day_is_late_from_its_first_minute_after_the_grace() -> None:
    """The grace does not shorten a day."""
    policy = LatePolicy(grace_minutes=60, percent_per_day=10)
    assert policy.penalty(timedelta(minutes=60), 100) == 0
    assert policy.penalty(timedelta(minutes=61), 100) == 10
