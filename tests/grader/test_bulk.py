"""`grader grade --out`: a class graded in several goes, and never twice without a reason."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from command_line import grader, wait_for
from tiny_course import IN_PLACE, RIGHT, SUITE, add_submission, write_tiny_course

from grader.course import load_course
from grader.grading import many, repeat
from grader.grading.one import Grading, failed_report
from grader.grading.repeat import grade_repeatedly
from grader.report import CheckResult, Outcome, Report
from grader.sandbox.process import ProcessSandbox
from grader.submission import Submission, read_submission

STUDENTS = {
    "ann": RIGHT,
    "bob": IN_PLACE,
    "cy": RIGHT.replace("2 * number", "2 + number"),
    "dan": RIGHT.replace("in events:", "in events[:-1]:"),
    "eve": "def double(:\n",
    "fay": RIGHT + "# other\n",
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course with six submissions."""
    root = write_tiny_course(tmp_path)
    for student, code in STUDENTS.items():
        add_submission(root, student, code)
    return root


def stored(root: Path) -> dict[str, dict[str, Any]]:
    """The reports in `root`/out, by student."""
    paths = sorted((root / "out" / "reports").glob("*/*.json"))
    return {path.parent.name: json.loads(path.read_text()) for path in paths}


def seeds(root: Path) -> dict[str, int]:
    """The seed of each stored report: another one means that it was run again."""
    return {student: report["seed"] for student, report in stored(root).items()}


def grade(root: Path, *args: str) -> str:
    """Grade into `root`/out; what was printed."""
    done = grader(root, "grade", "subs", "--out", "out", "--no-gradebook", *args)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def rows(root: Path) -> dict[str, Any]:
    """The stored reports without what differs from run to run: times."""
    found = stored(root)
    for report in found.values():
        del report["judge_cpu_seconds"], report["judge_memory_mb"]
        for check in report["checks"]:
            del check["seconds"], check["log"]
    return found


def test_what_has_not_changed_is_not_run_again(course: Path) -> None:
    """The second run grades nothing; a changed file costs its own run alone."""
    assert "6 graded, 0 as before" in grade(course)
    first = seeds(course)
    assert "0 graded, 6 as before" in grade(course)
    assert seeds(course) == first
    (course / "subs" / "eve" / "01" / "doubling.py").write_text(RIGHT)
    assert "1 graded, 5 as before" in grade(course)
    second = seeds(course)
    assert {student for student in first if first[student] != second[student]} == {"eve"}
    assert stored(course)["eve"]["score"] == 10


def test_a_team_that_became_known_needs_no_run(course: Path) -> None:
    """It is stored, of a submission that is graded and of one that was."""
    team = "a: ann, bob"
    (course / "subs" / "ann" / "01" / "team.txt").write_text(f"{team}\n")
    grade(course)
    assert (stored(course)["ann"]["team"], stored(course)["bob"]["team"]) == (team, "")
    (course / "subs" / "bob" / "01" / "team.txt").write_text(f"{team}\n")
    assert "0 graded, 6 as before" in grade(course)
    assert stored(course)["bob"]["team"] == team


def test_a_changed_suite_grades_all_again(course: Path) -> None:
    """A verdict is that of one suite."""
    grade(course)
    suite = course / "tests" / "hidden" / "01" / "test_doubling_hidden.py"
    suite.write_text(SUITE + "\n# changed\n")
    assert "6 graded, 0 as before" in grade(course)


def test_another_seed_and_regrade_run_again(course: Path) -> None:
    """A seed that was asked for is not met by another one's verdict."""
    grade(course, "--seed", "1")
    assert "0 graded, 6 as before" in grade(course, "--seed", "1")
    assert "6 graded, 0 as before" in grade(course, "--seed", "2")
    assert "6 graded, 0 as before" in grade(course, "--regrade")


def test_new_points_and_due_dates_need_no_run_and_no_sandbox(course: Path) -> None:
    """The stored verdicts are worth what course.toml says now, even where nothing could run."""
    grade(course)
    for student in ("ann", "bob"):
        stamp = course / "subs" / student / "01" / "timestamp.txt"
        stamp.write_text("2026-11-30 13:00:00 UTC\n")
    manifest = course / "course.toml"
    changed = manifest.read_text().replace("points = 3", "points = 13")
    changed = changed.replace("[limits]", "[late]\npercent_per_day = 10\n\n[limits]")
    changed = changed.replace('["doubling.py"]', '["doubling.py"]\ndue = 2026-11-30T12:00:00Z')
    manifest.write_text(changed)
    done = grader(
        course,
        *["grade", "subs", "--out", "out", "--no-gradebook", "--json", "all.json"],
        env={"PATH": str(course / "none")},
    )
    assert done.returncode == 1, done.stderr
    assert "0 graded, 6 as before" in done.stdout
    assert "01: no time is known for " in done.stdout
    document = json.loads((course / "all.json").read_text())
    found = {report["student"]: report for report in document["reports"]}
    assert (found["ann"]["score"], found["ann"]["max_score"]) == (20, 20)
    assert found["ann"]["penalty"] == 2
    assert found["fay"]["penalty"] == 0
    assert re.search(r"ann +01 +18/20", done.stdout)


def test_a_killed_run_goes_on_and_ends_as_one_that_was_not(course: Path) -> None:
    """kill -9 after each number of results; the end equals that of an undisturbed run."""
    grade(course, "--seed", "5")
    undisturbed = rows(course)
    (course / "out").rename(course / "undisturbed")
    reports = course / "out" / "reports"
    for number in range(1, len(STUDENTS)):
        run = subprocess.Popen(
            [
                sys.executable,
                *[
                    "-m",
                    "grader",
                    "grade",
                    "subs",
                    "--out",
                    "out",
                    "--no-gradebook",
                    "--seed",
                    "5",
                    "-j",
                    "1",
                ],
            ],
            cwd=course,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_for(lambda number=number: len(list(reports.glob("*/01.json"))) >= number)
        run.kill()
        run.wait()
        for path in reports.glob("*/01.json"):
            json.loads(path.read_text())
    assert "as before" in grade(course, "--seed", "5")
    assert rows(course) == undisturbed


def test_ctrl_c_says_how_far_it_came(course: Path) -> None:
    """What is graded is kept, and the next run goes on with the rest."""
    add_submission(course, "zoe", "while True: pass\n")
    manifest = course / "course.toml"
    patient = re.sub(r"(?m)^seconds = .*$", "seconds = 120", manifest.read_text())
    manifest.write_text(patient)  # zoe is still under way when the signal comes, however late
    command = ["-m", "grader", "grade", "subs", "--out", "out", "-j", "1"]
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=course,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as run:
        wait_for(lambda: len(list((course / "out").glob("reports/*/01.json"))) == len(STUDENTS))
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "6 of 7 are graded; the same command goes on with the rest." in said
    (course / "subs" / "zoe" / "01" / "doubling.py").write_text(RIGHT)
    assert "1 graded, 6 as before" in grade(course)


def test_two_runs_into_one_folder_are_refused(course: Path) -> None:
    """The second is told in one line, and the first goes on."""
    grade(course)
    script = "import sys, pathlib; from grader.gradebook.results import Results\n"
    script += "with Results(pathlib.Path('out')).lock(): print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=course,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        done = grader(course, "grade", "subs", "--out", "out")
        other.communicate()
    assert done.returncode == 2
    assert "another run is writing to out" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.thorough
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system, which only root may")
def test_a_full_disk_is_one_sentence_and_leaves_nothing_half_written(course: Path) -> None:
    """On a file system of 24 KB: exit 2, every file whole, and with more room the run goes on."""
    out = course / "out"
    out.mkdir()
    script = (
        "mount -t tmpfs -o size=24k tmpfs out && "
        f"{sys.executable} -m grader grade subs --out out --no-gradebook --json out/all.json -j 1; code=$?; "
        "cp -r out saved; exit $code"
    )
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
        cwd=course,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stderr
    assert "No space left on device" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    saved = [path for path in (course / "saved").rglob("*") if path.is_file()]
    assert not [path for path in saved if path.name.startswith(".") and path.name != ".lock"]
    for path in saved:
        if path.suffix == ".json":
            json.loads(path.read_text())
    (course / "saved").rename(course / "out2")
    done = grader(course, *["grade", "subs", "--out", "out2"])
    assert done.returncode == 1
    assert len(list((course / "out2").glob("reports/*/01.json"))) == len(STUDENTS)


def test_a_failure_that_repeats_stays_a_failure(course: Path) -> None:
    """`--repeat` runs what failed, and the checks it requires, with the same verdicts."""
    grade(course, "--seed", "3")
    before = rows(course)
    grade(course, "--seed", "3", "--repeat", "2", "--regrade")
    assert rows(course) == before


def test_a_verdict_that_varies_is_an_error_and_no_zero(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Failed first and passed later: provisional, with a sentence that says how often."""
    tiny = load_course(course)
    exercise = tiny.exercise("01")
    submission = read_submission("flo", exercise, [course / "solutions" / "01"], 256)
    how = Grading(tiny, ProcessSandbox, 1, {}, repeat=2)
    runs = iter([Outcome.FAILED, Outcome.PASSED, Outcome.FAILED])
    asked = []

    def grade_as_told(_: Submission, how: Grading) -> Report:
        asked.append(how.only)
        outcome = next(runs)
        checks = [CheckResult.of(check, Outcome.PASSED) for check in exercise.checks]
        checks[2] = CheckResult.of(exercise.checks[2], outcome, "was torn")
        return failed_report(submission, how, "").model_copy(
            update={"checks": tuple(checks), "score": 8.0, "provisional": False}
        )

    monkeypatch.setattr(repeat, "grade", grade_as_told)
    report = grade_repeatedly(submission, how)
    assert asked == [None, *[frozenset({"01.each-event", "01.after-crash"})] * 2]
    assert report.provisional
    assert report.score == 8
    assert report.checks[2].outcome is Outcome.ERROR
    assert "failed in 2 of 3 runs" in report.checks[2].message
    assert "was torn" in report.checks[2].message


def test_a_grading_process_ends_with_the_grader_that_it_reports_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report is longer than a pipe holds, and nobody reads it any more after a kill -9."""
    course = load_course(write_tiny_course(tmp_path))
    submission = Submission("ann", course.exercise("01"), {"doubling.py": RIGHT.encode()}, {})

    class Long:
        def model_dump_json(self) -> str:
            return "x" * (1 << 20)

    monkeypatch.setattr(many, "grade_repeatedly", lambda *_: Long())
    ours, theirs = os.pipe()
    if os.fork() == 0:
        try:
            _, process = many.begin(submission, Grading(course, ProcessSandbox, 1, {}))
            os.write(theirs, str(process.pid).encode())
        finally:
            os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    ended = os.pidfd_open(int(os.read(ours, 20)))
    try:
        assert select.select([ended], [], [], 20)[0], "it still waits for somebody to read"
    finally:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(ended, signal.SIGKILL)
        for each in (ended, ours, theirs):
            os.close(each)
