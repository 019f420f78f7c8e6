"""A grader that is killed at random moments, and goes on: it ends as one that was not."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.bulk import make_class
from grader.course import Course

COUNT = 40
SEED = 1


def differences(course: Course, kills: int) -> list[str]:
    """Kill a bulk run `kills` times, finish it, and name each row that is not as it should be.

    Compared are the stored reports and what the gradebook holds.
    """
    with tempfile.TemporaryDirectory() as folder:
        submissions = Path(folder) / "submissions"
        make_class(course, submissions, COUNT)
        calm, killed = Path(folder) / "calm", Path(folder) / "killed"
        command = [sys.executable, "-m", "grader", "grade", str(submissions), "--no-details"]
        command += ["--seed", str(SEED), "--out"]
        start = time.monotonic()
        _run(course, [*command, str(calm)])
        longest = time.monotonic() - start
        for _ in range(kills):
            run = subprocess.Popen(
                [*command, str(killed)],
                cwd=course.root,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                # All moments from the start to the tenth result or so; each run gets some further.
                run.wait(random.uniform(0, longest / 4))  # noqa: S311 - not a secret
            except subprocess.TimeoutExpired:
                run.kill()
                run.wait()
            for path in killed.glob("reports/*/*.json"):
                json.loads(path.read_text())  # whole, whenever one looks
        _run(course, [*command, str(killed)])
        wanted = _verdicts(calm) | _gradebook(calm)
        found = _verdicts(killed) | _gradebook(killed)
    return sorted(
        name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)
    )


def _run(course: Course, command: list[str]) -> None:
    subprocess.run(command, cwd=course.root, stdout=subprocess.DEVNULL, check=False)


_ROWS = {
    "submission": """
        SELECT a.name, s.student_id, a.duedate, s.timestamp, s.extension,
               n.flagged, n.late_submission_penalty
        FROM submitted_assignment s JOIN assignment a ON a.id = s.assignment_id
        JOIN submitted_notebook n ON n.assignment_id = s.id""",
    "grade": """
        SELECT c.name, s.student_id, p.max_score,
               g.auto_score, g.manual_score, g.extra_credit, g.needs_manual_grade
        FROM grade g JOIN base_cell c ON c.id = g.cell_id JOIN grade_cells p ON p.id = c.id
        JOIN submitted_notebook n ON n.id = g.notebook_id
        JOIN submitted_assignment s ON s.id = n.assignment_id""",
    "comment": """
        SELECT c.name, s.student_id, m.auto_comment, m.manual_comment
        FROM comment m JOIN base_cell c ON c.id = m.cell_id
        JOIN submitted_notebook n ON n.id = m.notebook_id
        JOIN submitted_assignment s ON s.id = n.assignment_id""",
}
"""What is in the tables that grading fills, with names for the ids, which are random."""


def _gradebook(out: Path) -> dict[str, Any]:
    """Return the rows of the gradebook by a name for each; doubles would be a difference."""
    found: dict[str, Any] = {}
    with closing(sqlite3.connect(f"file:{out / 'gradebook.db'}?mode=ro", uri=True)) as book:
        for table, query in _ROWS.items():
            for cell, student, *values in book.execute(query):
                found.setdefault(f"{table} {cell} {student}", []).append(values)
    return found


def _verdicts(out: Path) -> dict[str, Any]:
    """Return the stored reports without what differs from run to run: times."""
    found = {}
    for path in out.glob("reports/*/*.json"):
        report = json.loads(path.read_text())
        del report["judge_cpu_seconds"], report["judge_memory_mb"]
        for check in report["checks"]:
            del check["seconds"], check["log"]
        found[path.parent.name] = report
    return found
