"""The commands and the gradebook: graded into it, exported and reported from it, extended in it."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from command_line import grader
from gradebook_lab import DATED, DUE, graded, make_course, scores
from nbgrader.api import Gradebook
from tiny_course import IN_PLACE, RIGHT, add_submission, write_tiny_course

from grader.gradebook.database import default_url
from grader.gradebook.nbgrader import extend, fill
from grader.gradebook.results import Results


@pytest.mark.thorough
def test_grading_a_class_fills_the_gradebook_that_nbgrader_exports(tmp_path: Path) -> None:
    """`grader grade --out`, then the stock `nbgrader export`: the same points."""
    root = write_tiny_course(tmp_path)
    add_submission(root, "ann", RIGHT)
    add_submission(root, "bob", IN_PLACE)
    done = grader(root, *["grade", "subs", "--out", "out"])
    assert done.returncode == 1, done.stderr
    folder = Path(sys.executable).parent
    subprocess.run(
        [str(folder / "nbgrader"), "export", "--db", default_url(root / "out")],
        cwd=root,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(root)},
    )
    with (root / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert float(rows["ann"]["score"]) == 10
    assert float(rows["bob"]["score"]) == 8
    assert float(rows["bob"]["max_score"]) == 10


@pytest.mark.thorough
def test_an_extension_applies_without_a_run(tmp_path: Path) -> None:
    """`grader extend`, then the same `grader grade`: nothing is run, the penalty is gone.

    With whichever gradebook it was granted in, and also where that is not to be filled.
    """
    root = write_tiny_course(tmp_path)
    (root / "course.toml").write_text(DATED)
    add_submission(root, "ann", RIGHT)
    (root / "subs" / "ann" / "01" / "timestamp.txt").write_text("2026-12-01 13:00:00 UTC")
    grade = ["grade", "subs", "--out", "out"]
    assert "8/10" in grader(root, *grade).stdout
    done = grader(root, *["extend", "out", "ann", "1", "--days", "2"])
    assert "ann may hand in 01 2 days later" in done.stdout
    said = grader(root, *grade).stdout
    assert "0 graded, 1 as before" in said
    assert "10/10" in said
    assert "10/10" in grader(root, *grade, "--no-gradebook").stdout  # which is about writing it
    other = ["--db", f"sqlite:///{root}/other.db"]
    assert "8/10" in grader(root, *grade, *other).stdout
    grader(root, "extend", "out", "ann", "1", "--days", "2", *other)
    assert "10/10" in grader(root, *grade, *other).stdout
    assert scores(other[1]) == {"ann": 10}


@pytest.mark.thorough
@pytest.mark.parametrize("where", ["in OUT", "with --db"])
def test_each_export_has_the_scores_and_extensions_of_the_gradebook(
    tmp_path: Path, where: str
) -> None:
    """Of the gradebook in OUT, and of another one; a score stands beside points of its own kind."""
    course = make_course(tmp_path, DATED)
    out, late = tmp_path / "out", DUE + timedelta(hours=30)
    reports = [graded(course, "ann", "fff", late), graded(course, "bob", "eee")]
    for report in reports:
        Results(out).save(report)
    url = default_url(out if where == "in OUT" else tmp_path)
    db = ["--db", url] if where == "with --db" else []
    fill(reports, course, url)
    extend(url, "ann", course.exercise("01"), timedelta(days=2))
    with Gradebook(url) as book:
        book.find_grade("01_each-event", "01", "01", "ann").manual_score = 3.0
        book.find_grade("01_value", "01", "01", "bob").extra_credit = 0.5
        book.db.commit()
    for kind in ("csv", "json", "gradescope"):
        done = grader(tmp_path, "export", "out", kind, "--format", kind, *db)
        assert "1 submissions are provisional" in done.stderr
    with (tmp_path / "csv").open() as file:
        ann, bob = csv.DictReader(file)
    assert [ann[c] for c in ("raw_score", "late_submission_penalty", "score")] == ["3", "0", "3"]
    assert (bob["score"], bob["provisional"]) == ("", "yes")
    scored, waits = json.loads((tmp_path / "json").read_text())["reports"]
    assert (scored["score"], scored["penalty"], scored["provisional"]) == (3, 0, False)
    assert [check["score"] for check in scored["checks"]] == [0, 3, 0]
    assert waits["provisional"]
    scope = json.loads((tmp_path / "gradescope" / "ann" / "01" / "results.json").read_text())
    assert scope["score"] == 3
    assert grader(tmp_path, "report", "out", *db).returncode == 0
    assert "**3 of 10 points**" in (out / "feedback" / "ann.md").read_text()


def test_each_command_says_that_a_score_by_hand_is_of_other_work(tmp_path: Path) -> None:
    """Once, on standard error, where another program may read what is printed."""
    course = make_course(tmp_path, DATED)
    out, url = tmp_path / "out", default_url(tmp_path / "out")
    report = graded(course, "ann", "pff")
    Results(out).save(report)
    fill([report], course, url)
    with Gradebook(url) as book:
        book.find_grade("01_each-event", "01", "01", "ann").manual_score = 4.0
        book.db.commit()
    Results(out).save(report.model_copy(update={"submission_hash": "another"}))
    said = "ann: the score by hand for 01.each-event, 4 points, was given for another submission."
    (tmp_path / "table.csv").write_text("Username,Grade\nann,\n")
    for command in (
        *(["report", "out"], ["gradebook", "out"], ["export", "out", "f", "--into", "table.csv"]),
        *(["export", "out", "--format", kind] for kind in ("csv", "json")),
        ["export", "out", "scope", "--format", "gradescope"],
    ):
        done = grader(tmp_path, *command)
        assert done.returncode == 0, done.stderr
        assert done.stderr.count(said) == 1, command
        timeless = "01: no time is known for 1 submission, so being late costs them nothing."
        assert (timeless in done.stderr) == (command[0] == "gradebook")


@pytest.mark.parametrize("command", [["report"], ["export", "--format", "csv"]])
def test_a_gradebook_that_is_not_there_is_not_made_by_reading(
    tmp_path: Path, command: list[str]
) -> None:
    """A URL with a slip in it is one sentence, not a class without manual scores."""
    course = make_course(tmp_path)
    Results(tmp_path / "out").save(graded(course, "ann"))
    done = grader(tmp_path, *command, "out", "--db", f"sqlite:///{tmp_path}/slip.db")
    assert done.returncode == 2
    assert done.stderr.startswith(f"grader: there is no gradebook {tmp_path}/slip.db")
    assert not (tmp_path / "slip.db").exists()
    assert not (tmp_path / "out" / "class.html").exists()
