"""The gradebook is nbgrader's: what a person entered stays, and stock commands work on it."""

from __future__ import annotations

import csv
import functools
import json
import os
import pwd
import secrets
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from command_line import grader
from nbgrader import api
from nbgrader.api import Gradebook
from tiny_course import IN_PLACE, MANIFEST, RIGHT, add_submission, write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.gradebook.database import default_url
from grader.gradebook.nbgrader import extend, extensions, fill
from grader.gradebook.results import Results
from grader.host.ports import free_ports
from grader.report import CheckResult, Outcome, Report, is_provisional

DUE = datetime(2026, 11, 30, 12, tzinfo=UTC)
DATED = MANIFEST.replace(
    "[limits]", "[late]\npercent_per_day = 10\n\n[limits]"
).replace('["doubling.py"]\n', f'["doubling.py"]\ndue = {DUE.isoformat()}\n')  # fmt: skip


def make_course(folder: Path, text: str = MANIFEST) -> Course:
    """The course of that text."""
    (folder / "course.toml").write_text(text)
    return load_course(folder)


def graded(
    course: Course, student: str, outcomes: str = "ppp", submitted: datetime | None = None
) -> Report:
    """A report: p passed, f failed, e error, for each check."""
    kinds = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR}
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, kinds[letter], "" if letter == "p" else "was <seen>")
        for check, letter in zip(exercise.checks, outcomes, strict=True)
    )
    return Report(
        student=student,
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


def private_postgresql(programs: Path, folder: Path) -> Iterator[str]:
    """A server of this test's own on the loopback; it refuses root, so root becomes nobody."""
    become = []
    data = folder / "postgresql"
    data.mkdir()
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        folder.chmod(0o755)
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        become = [
            "setpriv",
            f"--reuid={nobody.pw_uid}",
            f"--regid={nobody.pw_gid}",
            "--clear-groups",
        ]
    (port,) = free_ports(0)
    log = data / "log"
    initdb = [*become, str(programs / "initdb"), "-D", str(data / "db"), "-A", "trust", "-U", "me"]
    subprocess.run(initdb, check=True, capture_output=True, cwd=data)
    options = f"-h 127.0.0.1 -p {port} -k {data}"
    control = [*become, str(programs / "pg_ctl"), "-D", str(data / "db"), "-l", str(log), "-w"]
    subprocess.run(
        [*control, "-o", options, "start"], check=True, stdout=subprocess.DEVNULL, cwd=data
    )
    try:
        yield f"postgresql://me@127.0.0.1:{port}"
    finally:
        subprocess.run(
            [*control, "-m", "immediate", "stop"], check=True, stdout=subprocess.DEVNULL, cwd=data
        )


def scores(url: str) -> dict[str, float]:
    """By student: the score, with what a person entered."""
    with Gradebook(url) as book:
        return {each["student"]: each["score"] for each in book.submission_dicts("01")}


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
    """No second submission, no second grade."""
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
    """Granted before or after the submission came; zero days end it."""
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


@pytest.mark.parametrize("use", [extensions, lambda url: fill([], make_course(Path(url)), url)])
def test_without_nbgrader_it_says_what_to_install(
    use: Callable[[str], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is asked of the gradebook."""
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
