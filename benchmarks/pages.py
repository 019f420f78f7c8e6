"""The class's page of a large class: its size, and how soon it can be used."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bulk import make_class
from benchmarks.rows import Row
from grader.course import Course
from grader.gradebook.graded import Graded
from grader.gradebook.results import Results
from grader.report import CheckResult, Outcome, Report
from grader.reports.class_page import class_html

COUNT = 1000
MANY = 10_000
_READY = """<script>addEventListener("load", () => setTimeout(() => {
  const begin = performance.now(); sort(2, table.tHead.rows[0].cells[2]);
  document.body.offsetHeight;
  document.title = [performance.timing.loadEventEnd - performance.timing.navigationStart,
                    performance.now() - begin].join();
}));</script></body>"""


def rows(course: Course, count: int = COUNT) -> Iterator[Row]:
    """Make up `count` results of exercise 01, write the page, and open it where Chromium is."""
    with tempfile.TemporaryDirectory() as folder:
        submissions, out = Path(folder) / "submissions", Path(folder) / "out"
        make_class(course, submissions, count)
        make_results(course, submissions, out)
        command = [sys.executable, "-m", "grader", "report", str(out)]
        name = f"the page of {count} submissions"
        for more, what in (([], "written"), (["--submissions", str(submissions)], "and compared")):
            start = time.perf_counter()
            subprocess.run([*command, *more], cwd=course.root, stdout=subprocess.PIPE, check=True)
            yield Row(f"{name}, {what}, with feedback", time.perf_counter() - start, "s")
        page = out / "class.html"
        yield Row(f"{name}, size", page.stat().st_size / 1e6, "MB", 1)
        if browser := shutil.which("chromium"):
            page.write_text(class_html(_many(course), course))
            loaded, sort = _opened(browser, page)
            yield Row(f"the page of {MANY} submissions, opened in Chromium", loaded, "ms", 2000)
            yield Row(f"the page of {MANY} submissions, sorted anew", sort, "ms", 200)


def make_results(course: Course, submissions: Path, out: Path) -> None:
    """Write a stored report for each of these students."""
    results = Results(out)
    for number, student in enumerate(sorted(submissions.iterdir())):
        results.save(_report(course, student.name, number))


def _many(course: Course) -> Iterator[Graded]:
    for number in range(MANY):
        yield Graded(_report(course, f"student{number:05d}", number), by_hand=False)


def _report(course: Course, student: str, number: int) -> Report:
    """Make up a result of exercise 01: every ninth check failed, another one for each number."""
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, Outcome.FAILED, "expected 5 events in their order, got 4 of them")
        if (number + place) % 9 == 0
        else CheckResult.of(check, Outcome.PASSED)
        for place, check in enumerate(exercise.checks)
    )
    return Report(
        student=student,
        exercise=exercise.id,
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=False,
        sandbox="bubblewrap",
        seed=1,
        submission_hash=student,
        suite_hash="",
        checks=checks,
    )


def _opened(browser: str, page: Path) -> tuple[float, float]:
    """Milliseconds until the page is loaded, and for sorting it."""
    asking = page.with_name("asking.html")
    asking.write_text(page.read_text().replace("</body>", _READY))
    with tempfile.TemporaryDirectory() as profile:
        command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
        command += [f"--user-data-dir={profile}", "--timeout=10000", "--dump-dom", asking.as_uri()]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"<title>([\d.]+),([\d.]+)</title>", done.stdout)
    if found is None:
        raise RuntimeError("the page said nothing of its times")
    return float(found[1]), float(found[2])
