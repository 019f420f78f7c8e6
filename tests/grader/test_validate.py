"""`grader validate` finds what is wrong with a course, and passes one that is right."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from _pytest.reports import CollectReport
from command_line import grader
from rich.console import Console
from tiny_course import IN_PLACE, PUBLIC_TEST, RIGHT, STUB, add_submission, write_tiny_course

from grader.authoring.validate import matrix
from grader.course import load_course
from grader.report import Outcome
from grader.sandbox.process import ProcessSandbox
from grader.sandbox.setup import Setup
from grader.suite.plugin import SuitePlugin
from grader.suite.session import Session

REPO = Path(__file__).resolve().parents[2]
CHAFF = "tests/submissions/chaff/01"
WHEAT = "tests/submissions/wheat/01"
SUITE = "tests/hidden/01/test_doubling_hidden.py"


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course in which everything is as it should be."""
    return write_tiny_course(tmp_path)


def change(root: Path, name: str, old: str, new: str) -> None:
    """Replace text in a file of the course."""
    path = root / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_course_that_is_right_passes_and_shows_who_fails_where(course: Path) -> None:
    """Exit code 0, the matrix, and how many submissions were judged."""
    done = grader(course, "validate")
    assert done.returncode == 0, done.stdout
    assert "5 submissions judged as expected" in done.stdout
    rows = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines() if line.strip()}
    assert rows["solution"] == ["·", "·", "·"]
    assert rows["stub"] == ["✗", "✗", "-"] or rows["stub"] == ["x", "x", "-"]
    assert rows["chaff/adds-two"] == ["✗", "·", "·"]
    assert rows["chaff/drops-last"] == ["·", "✗", "-"]


def test_the_matrix_of_21_checks_fits_into_80_columns() -> None:
    """Every mark and every number is there, beside a name that is too long."""
    exercise = load_course(REPO).exercise("03")
    rows = [SimpleNamespace(id=check.id, outcome=Outcome.PASSED) for check in exercise.checks]
    specimen = SimpleNamespace(name="chaff/" + "a-long-name" * 5, meant=rows[0].id)
    graded: Any = [(specimen, SimpleNamespace(checks=rows))]
    said = io.StringIO()
    Console(width=80, file=said).print(matrix(exercise, graded))
    *_, tens, units, row = said.getvalue().splitlines()
    assert len(rows) == 21
    assert row.count("·") == 21
    assert units.split()[1:] == [str(number % 10) for number in range(1, 22)]
    assert tens.split() == ["1"] * 10 + ["2"] * 2


def test_without_a_sandbox_the_last_line_says_so_and_ci_refuses(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The walls change what a submission can do, so what was proved without them is less."""
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CI", raising=False)
    done = grader(course, "validate")
    assert done.returncode == 0, done.stdout
    assert done.stdout.rstrip().endswith(", without a sandbox)")
    monkeypatch.setenv("CI", "true")
    done = grader(course, "validate")
    assert done.returncode == 2
    assert "judged as expected" not in done.stdout


def test_a_solution_that_fails_is_named(course: Path) -> None:
    """The check and the sentence are in the fault."""
    (course / "solutions/01/doubling.py").write_text(IN_PLACE)
    done = grader(course, "validate")
    assert done.returncode == 1
    assert "solution: 01.after-crash should be passed, it is failed" in done.stdout


def test_a_wheat_that_fails_is_named(course: Path) -> None:
    """A right submission in another style that the suite refuses is the suite's fault."""
    folder = course / "tests/submissions/wheat/01/other"
    folder.mkdir(parents=True)
    (folder / "doubling.py").write_text(IN_PLACE)
    (folder / "expected.toml").write_text('about = "x"\n')
    done = grader(course, "validate")
    assert "wheat/other: 01.after-crash should be passed" in done.stdout


def test_a_sample_has_a_right_one_and_one_wrong_one_of_each_check(course: Path) -> None:
    """Drawn by the seed, so that runs with new seeds come to all of them."""
    for name in ("adds-three", "adds-four"):
        shutil.copytree(course / CHAFF / "adds-two", course / CHAFF / name)
    for name in ("one", "another"):
        (course / WHEAT / name).mkdir(parents=True)
        (course / WHEAT / name / "doubling.py").write_text(RIGHT)
        (course / WHEAT / name / "expected.toml").write_text(
            'about = "Right, written otherwise."\n'
        )
    shown = [
        grader(course, "validate", "--sample", "1", "--seed", str(seed)) for seed in (1, 2, 3, 4)
    ]
    drawn = []
    for done in shown:
        assert done.returncode == 0, done.stdout
        assert "6 submissions judged as expected" in done.stdout
        assert done.stdout.count("wheat/") == 1
        drawn.append(next(w for w in done.stdout.split() if w.startswith("chaff/a")))
    assert len(set(drawn)) > 1
    again = grader(course, "validate", "--sample", "1", "--seed", "1")
    assert drawn[0] in again.stdout


def test_what_belongs_to_mutants_is_refused_without_them(course: Path) -> None:
    """An option that changes nothing would be taken for one that did."""
    done = grader(course, "validate", "--source", "solution")
    assert done.returncode == 2
    assert "go with --mutants or --rewrites" in done.stderr


def test_a_check_without_a_chaff_is_named(course: Path) -> None:
    """A check that nothing proves may be one that cannot fail."""
    for path in (course / CHAFF / "adds-two").iterdir():
        path.unlink()
    (course / CHAFF / "adds-two").rmdir()
    done = grader(course, "validate")
    assert done.returncode == 1
    assert "no chaff proves 01.value" in done.stdout


def test_a_chaff_that_passes_its_check_is_named(course: Path) -> None:
    """The suite misses the mistake."""
    (course / CHAFF / "adds-two" / "doubling.py").write_text(RIGHT)
    done = grader(course, "validate")
    assert "chaff/adds-two: 01.value should be failed, it is passed" in done.stdout


def test_a_check_that_no_test_proves_is_an_error(course: Path) -> None:
    """course.toml lists it, the suite does not."""
    change(course, SUITE, '@pytest.mark.check("01.value")', '@pytest.mark.check("01.each-event")')
    done = grader(course, "validate")
    assert done.returncode == 1
    assert (
        "01.value should be passed, it is error (no test of the suite proves this check)"
        in done.stdout
    )


def test_a_test_that_names_no_check_is_an_error(course: Path) -> None:
    """The suite has a check that course.toml lacks."""
    change(course, SUITE, '@pytest.mark.check("01.value")', '@pytest.mark.check("01.vlaue")')
    done = grader(course, "validate")
    assert "test_value names no check of course.toml" in done.stdout


def test_an_assertion_without_a_sentence_is_an_error(course: Path) -> None:
    """A student would read nothing."""
    change(course, SUITE, ', f"3 events should be handled, {len(seen)} were"', "")
    done = grader(course, "validate")
    assert "chaff/drops-last: 01.each-event should be failed, it is error" in done.stdout
    sentence = "the suite failed without a sentence; the suite stood at test_doubling_hidden.py:"
    assert sentence in done.stdout


def test_no_message_names_a_file_of_a_suite_that_broke(course: Path) -> None:
    """Students read messages; where the suite stood is in the log, for authors."""
    change(course, SUITE, "    number = rng", "    {}[0]\n    number = rng")
    add_submission(course, "ann", RIGHT)
    grader(course, "grade", "subs", "--json", "all.json")
    (report,) = json.loads((course / "all.json").read_text())["reports"]
    row = next(check for check in report["checks"] if check["id"] == "01.value")
    assert (row["outcome"], row["message"]) == ("error", "KeyError: 0")
    assert row["log"][-1]["what"].startswith("the suite stood at test_doubling_hidden.py:")


def test_no_message_quotes_a_suite_that_cannot_be_read(course: Path) -> None:
    """It would show lines of it."""
    exercise = load_course(course).exercise("01")
    session = Session(exercise, lambda: ProcessSandbox(Setup(files={})), {}, {})
    plugin = SuitePlugin(exercise)
    plugin.pytest_collectreport(
        CollectReport("test_doubling_hidden.py", "failed", "E   import pytest as", [])
    )
    plugin.begin(session, 1, 10)
    for row in plugin.results():
        assert (row.outcome, row.message) == (Outcome.ERROR, "the suite cannot be read")
        assert "import pytest as" in row.log[-1]["what"]


def test_a_stub_that_earns_points_is_named(course: Path) -> None:
    """The stub must get nothing."""
    stub = STUB.replace('raise NotImplementedError("double it")', "return 2 * number")
    (course / "exercises/01/doubling.py").write_text(stub)
    done = grader(course, "validate")
    assert "stub: 01.value should be failed, it is passed" in done.stdout


def test_public_tests_must_pass_on_the_solution_and_fail_on_the_stub(course: Path) -> None:
    """Both directions."""
    test = course / "exercises/01/test_doubling.py"
    test.write_text(PUBLIC_TEST.replace("== 4", "== 5"))
    assert (
        "01: the public tests do not all pass on the solution" in grader(course, "validate").stdout
    )
    test.write_text("def test_nothing():\n    assert True\n")
    assert "01: the public tests pass on the stub" in grader(course, "validate").stdout


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('about = "x"\n', "a chaff names the check in `fails`"),
        ('about = "x"\nfails = "01.nothing"\n', "exercise 01 has no check '01.nothing'"),
        ('fails = "01.value"\n', "about: Field required"),
        ("about", "cannot be read"),
    ],
)
def test_a_bad_expected_toml_is_one_line(course: Path, text: str, sentence: str) -> None:
    """What is wrong with which file, exit code 2."""
    (course / CHAFF / "adds-two" / "expected.toml").write_text(text)
    done = grader(course, "validate")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "expected.toml" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
