"""A failure carries its kind and its cause, and the first one with a reason of its own is shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tiny_course import RIGHT, STUB, SUITE, write_tiny_course

from grader.report import CheckResult, Kind, Outcome, Report

REPO = Path(__file__).resolve().parents[2]
SUITE_OF_PAUSES = """

@pytest.mark.check("01.value", leans_on="01.after-crash")
def test_between_pauses(consumer):
    run = consumer.start("doubling.polls", HANDLE, sleep=SLEEP)
    seen = run.drain()
    assert len(seen) == 2, f"2 events should be handled, {len(seen)} were"


@pytest.mark.check("01.after-crash")
def test_pauses(consumer):
    steps = []
    consumer.start("doubling.polls", HANDLE, sleep=SLEEP).drain(steps.append)
    pauses = sum(isinstance(step, Sleep) for step in steps)
    assert pauses == 1, f"sleep() should be called once, it was called {pauses} times"
"""
CALLED_AGAIN = """

@pytest.mark.check("01.after-crash")
def test_again(consumer):
    consumer.process().call("doubling.double", 3)
"""
POLLS = """

import time


def polls(handle, sleep=time.sleep):
    handle({"event_id": 1})
    sleep(0)
    handle({"event_id": 2})
"""


def write_course(root: Path, more: str = "") -> Path:
    """Write a tiny course whose suite has `more` tests."""
    write_tiny_course(root)
    suite = SUITE.replace("import HANDLE", "import HANDLE, SLEEP, Sleep") + more
    (root / "tests/hidden/01/test_doubling_hidden.py").write_text(suite)
    return root


GRADE = """
import sys
from pathlib import Path
from grader.course import load_course
from grader.grading.one import Grading, grade
from grader.sandbox.process import ProcessSandbox
from grader.submission import Submission

course = load_course(Path.cwd())
how = Grading(
    course, ProcessSandbox, 1, {}, only=frozenset(sys.argv[3].split()) or None,
    waits_once=sys.argv[2] == "once",
)
code = Path(sys.argv[1])
handed_in = Submission("you", course.exercise("01"), {code.name: code.read_bytes()}, {})
print(grade(handed_in, how).model_dump_json())
"""
"""In a process of its own: pytest keeps the suites that it has imported."""


def checked(root: Path, code: str, *, waits_once: bool = False) -> Report:
    """Grade `code` as a learner's own."""
    file = root / "exercises/01/doubling.py"
    file.write_text(code)
    return graded(root, file, "once" if waits_once else "each time")


def graded(root: Path, file: Path, waits: str, *only: str) -> Report:
    """Grade a file by the suite of the course in `root`."""
    done = subprocess.run(
        [sys.executable, "-c", GRADE, str(file), waits, " ".join(only)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Report.model_validate_json(done.stdout.splitlines()[-1])


def rows(report: Report) -> dict[str, CheckResult]:
    """The rows by their checks' names."""
    return {row.id.partition(".")[2]: row for row in report.checks}


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (STUB, Kind.NOT_FILLED_IN, "double() is not filled in yet"),
        (RIGHT.replace("2 * number", "3 * number"), Kind.UNMET, "should be"),
        (RIGHT.replace("2 * number", "2 * nmber"), Kind.CRASHED, "NameError"),
        (RIGHT.replace("return 2 *", "return 2 2 *"), Kind.NOT_IMPORTABLE, "SyntaxError"),
        (RIGHT.replace("def double", "def duoble"), Kind.NOT_IMPORTABLE, "no function double()"),
        (
            RIGHT.replace("    return 2 *", "    import os\n    os._exit(3)\n    return 2 *"),
            Kind.CRASHED,
            "ended its own process",
        ),
        (
            RIGHT.replace("    return 2 *", "    breakpoint()\n    return 2 *"),
            Kind.CRASHED,
            "breakpoint() works with `pytest`",
        ),
    ],
)
def test_a_failure_has_a_kind(tmp_path: Path, code: str, kind: Kind, words: str) -> None:
    """Beside the message, which says it to people."""
    row = rows(checked(write_course(tmp_path), code))["value"]
    assert (row.outcome, row.kind) == (Outcome.FAILED, kind), row.message
    assert words in row.message


def test_what_hangs_says_where_and_is_waited_for_once(tmp_path: Path) -> None:
    """The line and its text; another check that comes to the same function is skipped, not failed."""
    code = RIGHT.replace("    return 2 * number", "    while True:\n        number += 1")
    found = rows(checked(write_course(tmp_path, CALLED_AGAIN), code, waits_once=True))
    assert found["value"].kind is Kind.HUNG
    assert "It stood in line " in found["value"].message
    assert any(text in found["value"].message for text in ("`while True:`", "`number += 1`"))
    assert found["after-crash"].outcome is Outcome.SKIPPED, found["after-crash"]
    assert "double() hung in an earlier check" in found["after-crash"].message


def test_a_grade_waits_each_time(tmp_path: Path) -> None:
    """The sooner end is for a learner's own look; a verdict has its whole time."""
    code = RIGHT.replace("    return 2 * number", "    while True:\n        number += 1")
    found = rows(checked(write_course(tmp_path, CALLED_AGAIN), code))
    assert [found[name].kind for name in ("value", "after-crash")] == [Kind.HUNG, Kind.HUNG]


def test_who_waits_in_a_way_of_their_own_is_told(tmp_path: Path) -> None:
    """time.sleep where a `sleep` was passed: the line, and what to call."""
    code = RIGHT + POLLS.replace("    sleep(0)", "    time.sleep(3600)")
    failure = checked(write_course(tmp_path, SUITE_OF_PAUSES), code, waits_once=True).first_failure
    assert failure is not None
    assert "`time.sleep(3600)`: call the `sleep` that it was given" in failure.message


def test_what_follows_from_another_failure_is_not_the_first(tmp_path: Path) -> None:
    """A test that leans on pauses fails with them; the failure to mend is that of the pauses."""
    course = write_course(tmp_path, SUITE_OF_PAUSES)
    once = POLLS.replace("    sleep(0)\n    handle", "    sleep(0)\n    return\n    handle")
    none = once.replace("    sleep(0)\n", "")
    report = checked(course, RIGHT + none)
    assert rows(report)["value"].because == "01.after-crash"
    assert report.first_failure is not None
    assert report.first_failure.id == "01.after-crash"
    report = checked(course, RIGHT + once)  # the pauses are right: the failure is its own
    assert report.first_failure is not None
    assert (report.first_failure.id, report.first_failure.because) == ("01.value", "")


def test_what_is_written_and_wrong_comes_before_a_stub(tmp_path: Path) -> None:
    """Also within one check; with nothing wrong but the stub, that is what is told."""
    stub = '\n\ndef polls(handle, sleep=None):\n    raise NotImplementedError("poll")\n'
    course = write_course(tmp_path, SUITE_OF_PAUSES)
    failure = checked(course, RIGHT.replace("2 * number", "3 * number") + stub).first_failure
    assert failure is not None
    assert (failure.id, failure.kind) == ("01.value", Kind.UNMET)
    failure = checked(course, RIGHT + stub).first_failure
    assert failure is not None
    assert failure.kind is Kind.NOT_FILLED_IN
    assert "polls() is not filled in yet" in failure.message


def test_what_a_check_printed_is_with_it(tmp_path: Path) -> None:
    """Not what the others printed."""
    code = RIGHT.replace("    return 2 * number", '    print("doubling")\n    return number')
    code = code.replace("    for event", '    print("forwarding")\n    for event')
    row = rows(checked(write_course(tmp_path), code))["value"]
    assert row.printed == "doubling\n"


def test_a_report_of_an_older_version_loads() -> None:
    """Without kinds: nothing is known of them, and the first failure is the first."""
    row = {"title": "t", "points": 1, "score": 0, "outcome": "failed", "message": "m", "hint": "h"}
    about = {"student": "ann", "exercise": "01", "score": 0, "max_score": 2, "provisional": False}
    run = {"sandbox": "bubblewrap", "seed": 1, "submission_hash": "a", "suite_hash": "b"}
    old = about | run | {"checks": [{"id": "01.a", **row}, {"id": "01.b", **row}]}
    report = Report.model_validate(old)
    assert [check.kind for check in report.checks] == [None, None]
    assert report.first_failure == report.checks[0]


def test_no_call_of_sleep_is_told_in_01(tmp_path: Path) -> None:
    """This course's own suite: who forgets sleep() hears of that, and of nothing else."""
    code = (REPO / "solutions/01/polling.py").read_text()
    code = code.replace("            sleep(poll_interval)\n", "            pass\n")
    file = tmp_path / "polling.py"
    file.write_text(code)
    report = graded(REPO, file, "once", "01.missing-file", "01.poll-interval")
    found = rows(report)
    assert found["missing-file"].outcome is Outcome.PASSED
    assert "sleep() was called 0 times" in found["poll-interval"].message
