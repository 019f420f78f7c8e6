"""A soak that is made in several goes counts every round once, and only rounds of the same."""

from __future__ import annotations

from pathlib import Path

from benchmarks.soak import in_round
from benchmarks.tally import Tally, read_tallies, write_tallies
from grader.authoring.specimens import Specimen
from grader.course import load_course
from grader.report import CheckResult, Outcome, Report
from grader.submission import Submission


def _report(outcome: Outcome, seed: int = 1) -> Report:
    message = "it read nothing" if outcome == Outcome.FAILED else ""
    check = CheckResult(
        id="01.a",
        title="A",
        points=1,
        score=0,
        outcome=outcome,
        message=message,
        hint="",
        seconds=0,
    )
    return Report(
        student="chaff/x",
        exercise="01",
        score=0,
        max_score=1,
        provisional=False,
        sandbox="bubblewrap",
        seed=seed,
        submission_hash="",
        suite_hash="",
        checks=(check,),
    )


def test_a_verdict_that_differs_is_named_with_how_often_it_was_what():
    """Two rounds alike vary in nothing; the third, other one is a line that can be run again."""
    tally = Tally(of="now")
    for seed in (5, 6):
        tally.add([_report(Outcome.FAILED, seed)])
    assert tally.varied() == []
    tally.add([_report(Outcome.PASSED, 7)])
    (line,) = tally.varied()
    assert line == (
        "chaff/x 01.a was 2 times failed (first with seed 5: it read nothing), "
        "1 times passed (first with seed 7)"
    )


def test_rounds_go_on_where_they_were(tmp_path):
    """What was kept is counted on, for each exercise by itself."""
    file = tmp_path / "out" / "soak.json"
    one, other = Tally(of="now"), Tally(of="other")
    one.add([_report(Outcome.FAILED)])
    write_tallies(file, {"01": one})
    write_tallies(file, {"02": other})
    read = read_tallies(file, {"01": Tally(of="now"), "02": Tally(of="other")})
    assert read == {"01": one, "02": other}


def test_rounds_of_another_suite_do_not_count(tmp_path):
    """A change of what judges, or of what is judged, starts from nothing."""
    file = tmp_path / "soak.json"
    tally = Tally(of="before")
    tally.add([_report(Outcome.FAILED)])
    write_tallies(file, {"01": tally})
    assert read_tallies(file, {"01": Tally(of="after")}) == {"01": Tally(of="after")}


def test_a_round_proves_each_check_both_ways_and_rounds_together_use_every_submission():
    """The right ones are always there; of those that fail the same check, one after the other."""
    meant = {"solution": None, "a1": "01.a", "a2": "01.a", "a3": "01.a", "b": "01.b"}
    exercise = load_course(Path(__file__).resolve().parents[2]).exercise("01")
    known = [
        Specimen(name, Submission(name, exercise, {}, {}), frozenset(), check)
        for name, check in meant.items()
    ]
    rounds = [[each.name for each in in_round(number, known)] for number in range(4)]
    assert rounds == [["solution", name, "b"] for name in ("a1", "a2", "a3", "a1")]
