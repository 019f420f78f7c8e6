"""How a folder of submissions is read: whose folder is one, which copy counts, what is said of the rest."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import grade, grader, outcomes
from tiny_course import RIGHT, STUB, add_submission

from grader.class_folder import find_submissions
from grader.course import load_course
from grader.errors import GraderError, did_you_mean
from grader.submission import Submission


def found(course: Path, *students: str) -> tuple[dict[str, Submission], list[str]]:
    """The submissions in `subs` by student, and the lines that were said."""
    lines: list[str] = []
    read = find_submissions(course / "subs", load_course(course), only=students, tell=lines.append)
    return {each.student: each for each in read}, lines


def write(course: Path, path: str, text: str) -> None:
    """A file of somebody's."""
    file = course / "subs" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("copies", "taken"),
    [
        ({"01": STUB, "exercises/01": RIGHT}, "exercises/01"),
        ({"01": RIGHT, "exercises/01": STUB}, "01"),
        ({"01": RIGHT + "# 1\n", "exercises/01": RIGHT + "# 2\n"}, "exercises/01"),
        ({".": RIGHT, "01": STUB}, "."),
        ({".": RIGHT + "# 1\n", "01": RIGHT + "# 2\n"}, "01"),
    ],
)
def test_of_two_copies_the_one_counts_that_intake_takes(
    course: Path, copies: dict[str, str], taken: str
) -> None:
    """What is filled in goes before a stub, then `exercises/01`, then `01`; a line says which."""
    for place, text in copies.items():
        write(course, f"ann/{place}/doubling.py", text)
    read, (line,) = found(course)
    assert read["ann"].files["doubling.py"].decode() == copies[taken]
    assert line.startswith("is there twice and differs: ann 01: ")
    assert f"{Path(taken) / 'doubling.py'} is taken, not " in line
    assert str(course) not in line


def test_two_copies_that_are_one_are_no_line(course: Path) -> None:
    """Nothing is lost by taking either."""
    for place in ("01", "exercises/01"):
        write(course, f"ann/{place}/doubling.py", RIGHT)
    assert found(course)[1] == []


@pytest.mark.parametrize("link", ["bob", "bob/01", "bob/exercises"])
def test_a_linked_folder_has_a_row_and_a_line(course: Path, link: str) -> None:
    """Nobody vanishes: the row says why there is nothing in it."""
    add_submission(course, "ann", RIGHT)
    path = course / "subs" / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(course / "subs" / "ann")
    read, lines = found(course)
    assert not read["bob"].files
    assert f"{link} is a link, which is not followed" in read["bob"].problems["doubling"]
    assert lines == [
        f"is not taken: {link} is a link, which is not followed; put the folder itself there"
    ]


def test_a_link_that_leads_nowhere_is_somebodys_folder(course: Path) -> None:
    """On a disk that is not there; one to a file is nobody's."""
    add_submission(course, "ann", RIGHT)
    (course / "subs" / "bob").symlink_to("/nowhere/bob")
    (course / "subs" / "README").symlink_to(course / "course.toml")
    assert sorted(found(course)[0]) == ["ann", "bob"]


@pytest.mark.parametrize("closed", ["bob", "bob/01", "bob/exercises"])
def test_a_folder_that_cannot_be_read_costs_nobody_elses_row(
    course: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    """It is a line, and no zero: the right to read is this machine's affair."""
    for who in ("ann", "bob"):
        add_submission(course, who, RIGHT)
    (course / "subs" / "bob" / "exercises").mkdir()
    refused = course / "subs" / closed

    def refuse(of: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            if not isinstance(path, int) and Path(path).is_relative_to(refused):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return of(path, *args, **kwargs)

        return call

    monkeypatch.setattr(os, "scandir", refuse(os.scandir))
    monkeypatch.setattr(os, "open", refuse(os.open))
    read, lines = found(course)
    assert read["ann"].files
    assert (read["bob"].unread, lines) == (
        f"{closed} cannot be read: Permission denied",
        [f"is not graded: bob 01: {closed} cannot be read: Permission denied"],
    )


def _closed_to_us(path: Path) -> list[str]:
    """Close a folder; how a command is run that has no more rights than its owner."""
    path.chmod(0)
    if os.geteuid():
        return []
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}"]


def test_whom_nobody_may_read_is_undecided(course: Path) -> None:
    """Exit code 2, the others have their points, and the same command decides it later."""
    for who in ("ann", "bob"):
        add_submission(course, who, RIGHT)
    closed = course / "subs" / "bob" / "01"
    before = _closed_to_us(closed)
    command = ["-m", "grader", "grade", "subs", "--out", "out", "--no-gradebook"]
    done = subprocess.run(
        [*before, sys.executable, *command],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )
    closed.chmod(0o755)
    assert done.returncode == 2, done.stderr
    assert "is not graded: bob 01: bob/01 cannot be read: Permission denied" in done.stdout
    assert "provisional: 01.value: bob/01 cannot be read" in done.stdout
    code, reports = grade(course, "--out", "out", "--no-gradebook")
    assert (code, reports["bob"]["score"]) == (0, 10)


@pytest.mark.parametrize("out", ["subs", "subs/results"])
def test_results_are_not_kept_among_the_submissions(course: Path, out: str) -> None:
    """They would be a student: said before anything is graded, and nothing is made."""
    add_submission(course, "ann", RIGHT)
    done = grader(course, "grade", "subs", "--out", out)
    assert done.returncode == 2
    assert f"{out} lies in subs, where each folder is a student's" in done.stderr
    assert "Name a folder elsewhere with --out." in done.stderr
    assert [path.name for path in (course / "subs").iterdir()] == ["ann"]
    done = grader(course, "export", "subs", out + "/copies", "--format", "jplag")
    assert done.returncode == 2
    assert [path.name for path in (course / "subs").iterdir()] == ["ann"]


@pytest.mark.parametrize("at", [".", "results"])
def test_results_that_lie_there_are_no_student(course: Path, at: str) -> None:
    """Those of an earlier version's run; a student who is called so is one."""
    add_submission(course, "ann", RIGHT)
    out = course / "subs" / at
    (out / "reports" / "ann").mkdir(parents=True)
    (out / ".lock").touch()
    read, lines = found(course)
    assert list(read) == ["ann"]
    assert len(lines) == 1
    assert lines[0].startswith("is no student, as it holds results: ")
    (out / ".lock").unlink()
    assert len(found(course)[0]) == 2


def test_a_name_in_other_letters_case_is_meant() -> None:
    """`S1` is near `s1`, however short."""
    assert did_you_mean("S1", ["s1", "s2"]) == "Did you mean s1?"


def test_a_student_in_capitals_is_asked_about(course: Path) -> None:
    """As with `grader extend`."""
    add_submission(course, "s1", RIGHT)
    with pytest.raises(GraderError, match=r"Did you mean s1\?"):
        found(course, "S1")


SECOND = """
[[exercises]]
id = "02"
title = "Two files"
files = ["one.py", "two.py"]

[[exercises.checks]]
id = "02.both"
title = "both are there"
points = 4
hint = "Two."
"""


def test_an_exercise_that_few_handed_in_is_a_line(course: Path) -> None:
    """It would be a zero for the class; and the zero names every file that is missing."""
    manifest = course / "course.toml"
    manifest.write_text(manifest.read_text() + SECOND)
    (course / "tests/hidden/02").mkdir()
    (course / "tests/hidden/02/test_two_hidden.py").write_text(
        "import pytest\n\n\n@pytest.mark.check('02.both')\ndef test_both():\n    pass\n"
    )
    for who in ("ann", "bob", "cy"):
        add_submission(course, who, RIGHT)
    write(course, "ann/02/one.py", "")
    done = grader(course, "grade", "subs", "--out", "out", "--no-gradebook")
    assert "02 was handed in by 1 of 3 students; the others have 0 in it." in done.stdout
    assert "--exercise" in done.stdout
    assert "one.py and two.py are missing from the submission" in done.stdout
    done = grader(course, "grade", "subs", "--exercise", "01", "--out", "out", "--no-gradebook")
    assert "handed in by" not in done.stdout
    assert grader(course, "report", "out").returncode == 0
    page = (course / "out" / "class.html").read_text()
    assert "3 students, 4 submissions; 2 rows of who did not hand in." in page
    assert page.count('<span class="flag warn">not handed in</span>') == 2


def test_outcomes_of_a_copy_in_its_place(course: Path) -> None:
    """The whole way: a stub beside the work costs no points."""
    write(course, "ann/01/doubling.py", STUB)
    write(course, "ann/exercises/01/doubling.py", RIGHT)
    code, reports = grade(course)
    assert code == 0
    assert set(outcomes(reports["ann"]).values()) == {"passed"}
