"""Results that are not of now: another suite, other submissions, a run that was broken off."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import grade, grader
from graded_class import graded
from nbgrader.api import Gradebook
from tiny_course import IN_PLACE, REPO, RIGHT, add_submission

from grader.class_folder import find_submissions
from grader.course import Course, load_course
from grader.gradebook.by_hand import Entered
from grader.gradebook.database import default_url
from grader.gradebook.graded import Graded, with_scores
from grader.gradebook.results import Results
from grader.grading.outdated import broken_off, out_of_date
from grader.intake.notebooks import check_cell
from grader.report import Outcome
from grader.reports.class_page import class_html
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.statistics import class_figures
from grader.reports.write import write_pages


@pytest.fixture
def tiny(course: Path) -> Course:
    """The tiny course, with its hidden suite."""
    return load_course(course)


def test_the_suite_and_the_submissions_have_changed(course: Path) -> None:
    """`grader report` and `grader export` say which, and the page does; the same run mends it."""
    for who, text in (("ann", RIGHT), ("bob", IN_PLACE), ("cy", RIGHT)):
        add_submission(course, who, text)
    run = ("grade", "subs", "--out", "out", "--no-gradebook")
    assert grader(course, *run).returncode == 1
    report = ("report", "out", "--submissions", "subs")
    assert grader(course, *report).stderr == ""
    with (course / "tests/hidden/01/test_doubling_hidden.py").open("a") as suite:
        suite.write("# another\n")
    grader(course, *run, "--student", "ann")
    (course / "subs/bob/01/doubling.py").write_text(RIGHT)
    add_submission(course, "dan", RIGHT)
    (course / "subs/cy/01/doubling.py").unlink()
    (course / "subs/cy/01").rmdir()
    (course / "subs/cy").rmdir()
    said = grader(course, *report).stderr
    page = (course / "out/class.html").read_text()
    for line in (
        "1 of 3 results of 01 are of another suite or grader than today's: run the same",
        "changed since it was graded: bob 01; run the same",
        "not graded: dan 01; run the same",
        "no submission any more: cy; remove in out/reports who is to go",
    ):
        assert line in said
        assert line.split(":")[0].replace("'", "&#39;") in page
    done = grader(course, "export", "out", "--format", "csv")
    assert "2 of 3 results of 01 are of another suite" in done.stderr
    assert "2 of 3" not in done.stdout
    said = grader(course, *run).stdout
    assert "out/reports also holds cy, not in subs: remove there who is to be left out" in said
    assert grader(course, *report).stderr == (
        "no submission any more: cy; remove in out/reports who is to go\n"
    )
    (course / "out/reports/cy/01.json").unlink()
    (course / "out/reports/cy").rmdir()
    assert grader(course, *report).stderr == (
        "out/feedback/cy.html and 1 more may go: there are no results of that student any more\n"
    )


def test_a_run_that_was_broken_off_is_known(tmp_path: Path, tiny: Course) -> None:
    """Until a run about the same students has come to its end; one about others changes nothing."""
    results = Results(tmp_path / "out")
    results.save(graded(tiny, "ann", "ppp").report)

    def said() -> bool:
        return any("did not come to its end" in line for line in out_of_date(results, tiny))

    with (
        pytest.raises(KeyboardInterrupt),
        broken_off(results, [("ann", "01"), ("bob", "01")], whole=True),
    ):
        raise KeyboardInterrupt
    assert said()
    with broken_off(results, [("ann", "01")], whole=False):
        pass
    assert said(), "bob is still to be graded"
    with broken_off(results, [("bob", "01")], whole=False):
        pass
    assert not said()


def test_who_is_not_as_graded_is_like_nobody(tmp_path: Path, tiny: Course) -> None:
    """What the page says of copies is of the submissions that it shows."""
    text = (REPO / "solutions/01/polling.py").read_text()
    folder = tmp_path / "class"
    course = load_course(REPO)
    for who, line in (("ann", "# 1\n"), ("bob", "x = 1\n"), ("zoe", "y = [1]\n")):
        place = folder / who / "01"
        place.mkdir(parents=True)
        (place / "polling.py").write_text(text + line)
    checks = "p" * len(course.exercise("01").checks)
    for each in find_submissions(folder, course)[:2]:
        report = graded(course, each.student, checks).report
        Results(tmp_path / "out").save(report.model_copy(update={"submission_hash": each.hash}))
    write_pages(tmp_path / "out", course, folder)
    page = (tmp_path / "out" / "class.html").read_text()
    assert "ann, bob" in page
    assert "zoe" not in page


def by_hand(course: Course, outcomes: str, score: float) -> Graded:
    """A submission whose second check has a person's score."""
    report = graded(course, "ann", outcomes).report
    return with_scores(report, {check_cell("01.each-event"): Entered(score, 0.0)})


def test_feedback_says_what_was_set_by_hand(tiny: Course) -> None:
    """With all points: no failure, no hint. With some: what was seen stays, beside the score."""
    for text in (
        feedback_markdown([by_hand(tiny, "pfp", 5)], tiny),
        feedback_html([by_hand(tiny, "pfp", 5)], tiny),
    ):
        assert "(5/5, set by hand)" in text
        assert "was seen" not in text
        assert "Hint" not in text
        assert "✗" not in text
    text = feedback_markdown([by_hand(tiny, "pfp", 2)], tiny)
    assert "- ✗ handle gets every event (2/5, set by hand)\n  - was seen" in text
    text = feedback_markdown([by_hand(tiny, "pep", 2)], tiny)
    assert "- ✗ handle gets every event (2/5, set by hand)\n- ✓" in text


def test_what_is_undecided_is_no_zero(tiny: Course) -> None:
    """In feedback."""
    text = feedback_markdown([graded(tiny, "ann", "pep")], tiny)
    assert "- ? handle gets every event (not decided yet, 5 points)" in text


def test_a_provisional_score_is_in_no_mean(tiny: Course) -> None:
    """Nor in the median and the histogram; the page says how many are left out."""
    one_class = [graded(tiny, "ann", "ppp"), graded(tiny, "bob", "ffp"), graded(tiny, "cy", "pep")]
    (figures,) = class_figures(one_class, tiny)
    assert (figures.mean, figures.median) == (60, 60)
    page = class_html(one_class, tiny)
    assert "mean 60 %, median 60 % of 2; " in page
    assert "1 provisional, not counted" in page
    assert "no grades yet; " in class_html(one_class[2:], tiny)


@pytest.mark.thorough
def test_a_score_by_hand_is_in_table_and_json(course: Path) -> None:
    """Of the next `grader grade`, with a mark, and the suite's own score stays in the gradebook."""
    add_submission(course, "ann", IN_PLACE)
    code, reports = grade(course, "--out", "out")
    assert (code, reports["ann"]["final_score"]) == (1, 8)
    with Gradebook(default_url(course / "out")) as book:
        submission = book.find_submission("01", "ann")
        (cell,) = [
            each
            for each in submission.notebooks[0].grades
            if each.cell.name == check_cell("01.after-crash")
        ]
        cell.manual_score = 2.0
        book.db.commit()
    done = grader(course, "grade", "subs", "--out", "out", "--json", "out.json")
    assert "10/10" in done.stdout
    assert "by hand" in done.stdout
    assert done.returncode == 0
    (report,) = json.loads((course / "out.json").read_text())["reports"]
    assert (report["score"], report["final_score"]) == (10, 10)
    torn = report["checks"][2]
    assert (torn["score"], torn["by_hand"], torn["outcome"]) == (2, True, Outcome.FAILED)
    with Gradebook(default_url(course / "out")) as book:
        grades = book.find_submission("01", "ann").notebooks[0].grades
        assert sorted(each.auto_score for each in grades) == [0, 3, 5]


def test_the_json_has_what_counts_after_the_penalty(tmp_path: Path, tiny: Course) -> None:
    """Beside the score before it; and what was written is read again."""
    report = graded(tiny, "ann", "ppp").report.model_copy(update={"penalty": 2.0})
    Results(tmp_path).save(report)
    assert json.loads(Results(tmp_path).path("ann", "01").read_text())["final_score"] == 8
    assert Results(tmp_path).load("ann", "01") == report


def test_what_cannot_be_written_has_a_next_step_that_is_there(course: Path) -> None:
    """Make the folder; and a folder of results that is missing is said to be that."""
    done = grader(course, "gradescope", "none/a.zip", "--exercise", "01")
    assert done.returncode == 2
    assert "No such file or directory. Make the folder" in done.stderr
    done = grader(course, "report", "none")
    assert "none is no folder that is there, so it holds no results" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a folder read-only, which only root may")
def test_results_on_a_read_only_disk_have_a_next_step(course: Path, tiny: Course) -> None:
    """`grader report` has no option for where its pages go."""
    Results(course / "out").save(graded(tiny, "ann", "ppp").report)
    mount = "mount --bind out out && mount -o remount,bind,ro out"
    script = f"{mount} && {sys.executable} -m grader report out"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == (
        "grader: out/class.html cannot be written: Read-only file system. "
        "The pages are written into out: make it writable, or name a copy."
    )
