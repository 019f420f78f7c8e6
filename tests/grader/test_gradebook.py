"""The gradebook is nbgrader's: reports become rows, and what a person entered stays."""

from __future__ import annotations

import functools
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from gradebook_lab import (
    DATED,
    DUE,
    graded,
    make_course,
    private_postgresql,
    scores,
)
from nbgrader import api
from nbgrader.api import Gradebook
from tiny_course import MANIFEST

from grader.errors import GraderError
from grader.gradebook.database import default_url
from grader.gradebook.graded import remarks
from grader.gradebook.nbgrader import extend, extensions, fill
from grader.report import Report


@pytest.fixture(autouse=True, scope="module")
def one_question_to_alembic() -> None:
    """nbgrader asks another program for its tables' version with each new database; once will do."""
    api.get_alembic_version = functools.cache(api.get_alembic_version)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return default_url(tmp_path)
    server = request.getfixturevalue("postgresql")
    name = f"course{secrets.token_hex(4)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{server.replace('postgresql', 'postgresql+psycopg', 1)}/{name}"


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A private PostgreSQL server; its URL without a database."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        pytest.skip("no PostgreSQL server: `apt-get install postgresql`")
    # pytest's own folders are closed to the user that the server runs as.
    with tempfile.TemporaryDirectory() as folder:
        yield from private_postgresql(programs[-1], Path(folder))


def test_reports_become_rows(tmp_path: Path, url: str) -> None:
    """An assignment, a cell a check, a student, a submission with its time and its penalty."""
    course = make_course(tmp_path, DATED)
    late = DUE + timedelta(hours=30)
    assert fill([graded(course, "ann"), graded(course, "bob", "pfp", late)], course, url) == 2
    assert scores(url) == {"ann": 10, "bob": 5}
    with Gradebook(url) as book:
        assert book.find_assignment("01").duedate == DUE.replace(tzinfo=None)
        bob = book.find_submission("01", "bob")
        assert bob.timestamp == late.replace(tzinfo=None)
        assert bob.late_submission_penalty == 2
        grades = {
            grade.name: (grade.auto_score, grade.max_score) for grade in bob.notebooks[0].grades
        }
        comments = [comment.comment for comment in bob.notebooks[0].comments]
    assert grades == {"01_value": (3, 3), "01_each-event": (0, 5), "01_after-crash": (2, 2)}
    assert comments == ["handle gets every event: was <seen>"]


def test_filling_again_changes_nothing(tmp_path: Path, url: str) -> None:
    """The same reports once more leave every score as it was, and nobody with two."""
    course = make_course(tmp_path)
    reports = [graded(course, "ann", "ppf"), graded(course, "bob")]
    fill(reports, course, url)
    before = scores(url)
    fill(reports, course, url)
    assert scores(url) == before == {"ann": 8, "bob": 10}


def test_what_a_person_entered_survives_a_regrade(tmp_path: Path, url: str) -> None:
    """A manual score, extra credit and a manual comment, over two more runs."""
    course = make_course(tmp_path)
    fill([graded(course, "ann", "pff")], course, url)
    with Gradebook(url) as book:
        grade = book.find_grade("01_each-event", "01", "01", "ann")
        grade.manual_score, grade.extra_credit = 4.0, 1.0
        book.find_comment("01-doubling", "01", "01", "ann").manual_comment = "seen in the lab"
        book.db.commit()
    for outcomes in ("fff", "ppf"):
        fill([graded(course, "ann", outcomes)], course, url)
    assert scores(url) == {"ann": 8}
    with Gradebook(url) as book:
        assert book.find_comment("01-doubling", "01", "01", "ann").comment == "seen in the lab"


def enter(url: str, score: float | None) -> None:
    """Give ann's second check a score by hand, or take it back."""
    with Gradebook(url) as book:
        book.find_grade("01_each-event", "01", "01", "ann").manual_score = score
        book.db.commit()


def test_a_score_by_hand_of_another_submission_is_said(tmp_path: Path, url: str) -> None:
    """It stays and counts, and a line says that it was given for other work until it is given anew."""
    course = make_course(tmp_path)
    first = graded(course, "ann", "pff")
    second = first.model_copy(update={"submission_hash": "another"})
    said = "ann: the score by hand for 01.each-event, 4 points, was given for another submission."

    def told(report: Report) -> bool:
        lines = list(remarks([report], course, url))
        assert len(lines) <= 1
        return bool(lines) and lines[0].startswith(said)

    fill([first], course, url)
    enter(url, 4.0)
    assert not told(first)
    assert told(second)  # before the gradebook has it, as with --no-gradebook
    for _ in range(2):
        fill([second], course, url)
        assert told(second)
    assert scores(url) == {"ann": 7}
    fill([first], course, url)  # handed in again what was looked at
    assert not told(first)
    fill([second], course, url)
    enter(url, 3.0)
    assert not told(second)
    enter(url, None)
    fill([second], course, url)
    enter(url, 4.0)
    fill([second], course, url)
    assert not told(second)


def test_a_gradebook_of_an_earlier_version_knows_no_hashes(tmp_path: Path) -> None:
    """Its scores by hand are read, and are said of nobody until the submission changes."""
    course, url = make_course(tmp_path), default_url(tmp_path)
    first = graded(course, "ann", "pff")
    fill([first], course, url)
    enter(url, 4.0)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as database:
        database.execute("DROP TABLE grader_submission_hash")
        database.commit()
    second = first.model_copy(update={"submission_hash": "another"})
    assert list(remarks([second], course, url)) == []
    fill([first], course, url)
    assert list(remarks([first], course, url)) == []
    assert len(list(remarks([second], course, url))) == 1


def test_a_score_by_hand_above_the_check_s_points_is_said(tmp_path: Path) -> None:
    """Also where course.toml lowered them afterwards; extra credit may go beyond."""
    course, url = make_course(tmp_path), default_url(tmp_path)
    report = graded(course, "ann", "pff")
    fill([report], course, url)
    enter(url, 5.0)
    assert list(remarks([report], course, url)) == []
    lower = make_course(tmp_path, MANIFEST.replace("points = 5", "points = 4"))
    (line,) = remarks([report], lower, url)
    assert line.startswith(
        "ann: the score by hand for 01.each-event, 5 points, is more than the check's 4."
    )
    with Gradebook(url) as book:
        grade = book.find_grade("01_each-event", "01", "01", "ann")
        grade.manual_score, grade.extra_credit = 4.0, 1.0
        book.db.commit()
    assert list(remarks([report], lower, url)) == []


def test_due_dates_that_take_nothing_are_said(tmp_path: Path) -> None:
    """Of whom no time is known, and something could be taken; where being late costs something."""
    some = [("ann", "ppp", None), ("bob", "fff", None), ("cyd", "ppp", DUE), ("dan", "pff", None)]

    def lines(text: str) -> list[str]:
        course = make_course(tmp_path, text)
        reports = [graded(course, who, outcomes, time) for who, outcomes, time in some]
        return list(remarks(reports, course, None))

    (line,) = lines(DATED)
    assert line.startswith("01: no time is known for 2 submissions, so being late costs them")
    assert lines(DATED.replace("percent_per_day = 10", "percent_per_day = 0")) == []
    assert lines(MANIFEST) == []


def test_what_is_not_decided_waits_for_a_person(tmp_path: Path, url: str) -> None:
    """An error of ours is no zero: no score, and marked for manual grading until it has one."""
    course = make_course(tmp_path)
    unsafe = graded(course, "uma").model_copy(update={"sandbox": "process", "provisional": True})
    fill([graded(course, "ann", "pep"), unsafe], course, url)
    with Gradebook(url) as book:
        grade = book.find_grade("01_each-event", "01", "01", "ann")
        assert (grade.auto_score, grade.needs_manual_grade) == (None, True)
        assert "Provisional" in book.find_comment("01-doubling", "01", "01", "ann").comment
        assert book.find_grade("01_value", "01", "01", "uma").auto_score is None
        grade.manual_score = 5.0
        book.db.commit()
    fill([graded(course, "ann", "pep")], course, url)
    with Gradebook(url) as book:
        assert not book.find_grade("01_each-event", "01", "01", "ann").needs_manual_grade


def test_an_extension_takes_the_penalty_back(tmp_path: Path, url: str) -> None:
    """Granted before the submission is filled in; zero days end it."""
    course = make_course(tmp_path, DATED)
    late = graded(course, "ann", submitted=DUE + timedelta(hours=30))
    extend(url, "ann", course.exercise("01"), timedelta(days=2))
    assert extensions(url) == {("ann", "01"): timedelta(days=2)}
    fill([late], course, url)
    with Gradebook(url) as book:
        assert book.find_submission("01", "ann").late_submission_penalty == 0
    extend(url, "ann", course.exercise("01"), timedelta())
    fill([late], course, url)
    with Gradebook(url) as book:
        assert book.find_submission("01", "ann").late_submission_penalty == 2


def test_new_points_and_checks_reach_the_gradebook(tmp_path: Path, url: str) -> None:
    """A check that is new has no score yet; one that is gone counts nothing."""
    course = make_course(tmp_path)
    report = graded(course, "ann")
    fill([report], course, url)
    text = MANIFEST.replace("points = 3", "points = 30").replace("01.after-crash", "01.torn")
    changed = make_course(tmp_path, text)
    fill([report], changed, url)
    with Gradebook(url) as book:
        assert book.find_assignment("01").max_score == 37
        assert book.find_grade("01_torn", "01", "01", "ann").needs_manual_grade


def test_a_locked_database_is_one_sentence(tmp_path: Path) -> None:
    """Nothing is written, and the sentence says what to do."""
    course = make_course(tmp_path)
    url = default_url(tmp_path) + "?timeout=0.1"
    fill([graded(course, "ann")], course, url)
    with closing(sqlite3.connect(tmp_path / "gradebook.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(GraderError, match=r"database is locked.*run `grader gradebook`"):
            fill([graded(course, "ann", "fff")], course, url)
    assert scores(url) == {"ann": 10}


@pytest.mark.parametrize("bad", ["nonsense", "oracle9://x/y", "sqlite:////no/such/folder/a.db"])
def test_a_database_that_cannot_be_used_is_one_sentence(tmp_path: Path, bad: str) -> None:
    """No traceback of SQLAlchemy's."""
    course = make_course(tmp_path)
    with pytest.raises(GraderError) as caught:
        fill([graded(course, "ann")], course, bad)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("use", [extensions, lambda url: fill([], make_course(Path(url)), url)])
def test_without_nbgrader_it_says_what_to_install(
    use: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading extensions and filling alike end in one error that names the package."""
    monkeypatch.setitem(sys.modules, "nbgrader", None)
    with pytest.raises(GraderError, match="needs nbgrader, which is not installed"):
        use(str(tmp_path))


def test_what_it_need_not_import_is_not_imported_and_not_lost() -> None:
    """The parser that takes longer than all of nbgrader; who wants it later can have it."""
    code = """
import sys
from grader.gradebook import database
assert database.available()
assert "jsonschema" in sys.modules and "lark" not in sys.modules
import rfc3987_syntax
assert "lark" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
