"""`grader extend`: whom it grants nothing, and what it says then."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from command_line import grader
from gradebook_lab import graded
from tiny_course import write_tiny_course

from grader.course import load_course
from grader.gradebook.database import default_url
from grader.gradebook.nbgrader import extensions
from grader.gradebook.results import Results

NO_EXTENSION = {
    "a mistyped student": (("out", "anna"), "2", "out holds no results of anna. Did you mean ann?"),
    "nobody like that": (("out", "zoe"), "2", "out holds no results of zoe. Add --new for"),
    "a mistyped folder": (("aut", "ann"), "2", "aut holds no results of ann. Add --new for"),
    "no number": (("out", "ann"), "nan", "nan is not a number of days from 0 to 3650"),
    "no time left": (("out", "ann"), "1e12", "1e+12 is not a number of days from 0 to 3650"),
    "no place": (("course.toml/x", "ann", "--new"), "2", "course.toml/x cannot be made: Not a dir"),
}


@pytest.mark.parametrize("case", NO_EXTENSION)
def test_an_extension_of_nobody_is_refused(tmp_path: Path, case: str) -> None:
    """A sentence and exit code 2; neither a student nor a folder is made of a typing error."""
    root = write_tiny_course(tmp_path)
    (root / "out/reports/ann").mkdir(parents=True)
    (root / "out/reports/ann/01.json").touch()
    (folder, student, *more), days, sentence = NO_EXTENSION[case]
    done = grader(root, "extend", folder, student, "01", "--days", days, *more)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert not (root / "aut").exists()
    assert not (root / "out" / "gradebook.db").exists()


@pytest.mark.thorough
def test_somebody_without_results_can_get_an_extension(tmp_path: Path) -> None:
    """Before anything is graded, when that is what one wants."""
    root = write_tiny_course(tmp_path)
    done = grader(root, "extend", "out", "zoe", "01", "--days", "2", "--new")
    assert done.stdout == "zoe may hand in 01 2 days later\n"
    assert extensions(default_url(root / "out")) == {("zoe", "01"): timedelta(days=2)}


@pytest.mark.parametrize(
    "command", [["extend", "out", "ann", "01", "--days", "2"], ["report", "out"]]
)
def test_a_gradebook_that_cannot_be_used_is_no_extension(
    tmp_path: Path, command: list[str]
) -> None:
    """The next step is the same command: `grader gradebook` would grant nothing, and print nothing."""
    root = write_tiny_course(tmp_path)
    Results(root / "out").save(graded(load_course(root), "ann"))
    (root / "out" / "gradebook.db").write_text("this is no database")
    done = grader(root, *command)
    assert done.returncode == 2
    *_, line = done.stderr.splitlines()  # of results of another suite a line comes first
    assert "gradebook.db cannot be used: file is not a database" in line
    assert line.endswith("Once it can be, run the same command again.")
    assert ("The extension was not changed." in line) == (command[0] == "extend")
