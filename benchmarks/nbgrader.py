"""The same class graded side by side: by stock `nbgrader autograde`, and by `grader grade`.

nbgrader's notebooks hold what it is made for: a solution cell, and for each of the 13 checks of
exercise 01 a cell that calls the student's functions in the kernel and asserts. They kill nothing
(a kill is an exception there), look at one case where the hidden suite looks at many, and run
without a sandbox. That is less work than `grader grade` does on the same 20 submissions.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import nbformat
from nbformat import v4

from benchmarks.bulk import HANGS
from benchmarks.rows import Row, seconds
from grader.authoring.specimens import find_specimens
from grader.course import Course

COUNT = 20
JOBS = 2
AT_LEAST = 4
BESIDE = (
    "both on the same {count} submissions: stock nbgrader {theirs:.0f} s, its cells assert in the "
    "kernel, without a sandbox or a kill; grader grade -j {jobs} {ours:.0f} s"
)
SETUP = """\
import json, os, tempfile
from pathlib import Path
here = Path(tempfile.mkdtemp())
stream, kept = here / "trips", here / "offset"
trips = [{"event_id": 100000 + n, "pickup_zone": "São Paulo Plaza"} for n in range(5)]
rows = [json.dumps(trip, ensure_ascii=False).encode() + b"\\n" for trip in trips]
class Killed(BaseException): pass
def fresh(*lines):
    for path in here.iterdir(): path.unlink()
    stream.write_bytes(b"".join(lines))
def polled(failing=None, error=Killed, **how):
    seen = []
    def handle(trip):
        if trip == failing: raise error
        seen.append(trip)
    try:
        poll(stream, handle, **{"max_polls": 1, "offset_path": kept, "sleep": lambda s: None} | how)
    except error:
        pass
    return seen
"""
CELLS = {
    "01.reads-appended": """\
fresh(*rows[:2])
events, offset = read_new_events(stream, 0)
assert events == trips[:2]
with stream.open("ab") as file: file.write(rows[2])
assert read_new_events(stream, offset)[0] == trips[2:3]""",
    "01.byte-offset": "fresh(rows[0])\nassert read_new_events(stream, 0)[1] == len(rows[0])",
    "01.partial-line": """\
fresh(rows[0], rows[1][:20])
assert read_new_events(stream, 0) == (trips[:1], len(rows[0]))""",
    "01.missing-file": "fresh(); stream.unlink()\nassert read_new_events(stream, 500) == ([], 0)",
    "01.truncated-file": "fresh(rows[0])\nassert read_new_events(stream, 9999)[0] == trips[:1]",
    "01.bad-line": """\
fresh(rows[0], b"{oops\\n42\\n\\xff\\n", rows[1])
assert read_new_events(stream, 0)[0] == trips[:2]""",
    "01.reads-only-new": """\
fresh(*rows * 2_000)
import time
begun = time.perf_counter(); read_new_events(stream, 0); whole = time.perf_counter() - begun
begun = time.perf_counter(); read_new_events(stream, stream.stat().st_size)
assert time.perf_counter() - begun < whole / 5""",
    "01.poll-interval": """\
fresh(rows[0])
slept = []
polled(max_polls=3, poll_interval=2.0, sleep=slept.append)
assert slept == [2.0, 2.0]""",
    "01.resumes": """\
fresh(*rows[:2])
assert polled() == trips[:2]
with stream.open("ab") as file: file.write(rows[2])
assert polled() == trips[2:3]""",
    "01.fresh-start": 'fresh(rows[0]); kept.write_text("")\nassert polled() == trips[:1]',
    "01.crash-loses-nothing": """\
fresh(*rows)
seen = polled(failing=trips[3]) + polled()
assert all(trip in seen for trip in trips)""",
    "01.torn-offset": """\
fresh(*rows[:2]); polled()
before, real = kept.read_bytes(), (os.replace, Path.replace)
def torn(*_): raise Killed
os.replace = Path.replace = torn
try:
    with stream.open("ab") as file: file.write(rows[2])
    polled()
finally:
    os.replace, Path.replace = real
assert kept.read_bytes() == before""",
    "01.handler-error": """\
fresh(*rows)
assert polled(trips[3], ValueError) + polled() == trips""",
}


def rows(course: Course) -> Iterator[Row]:
    """Return how many times as many submissions `grader grade` does in the same time."""
    with tempfile.TemporaryDirectory() as folder:
        submissions, book = Path(folder) / "submissions", Path(folder) / "book"
        theirs, ours = measure(course, submissions, book)
    beside = BESIDE.format(count=COUNT, theirs=theirs, ours=ours, jobs=JOBS)
    yield Row(
        "times nbgrader's throughput",
        theirs / ours,
        "times",
        AT_LEAST,
        at_least=True,
        beside=beside,
    )


def measure(course: Course, submissions: Path, book: Path) -> tuple[float, float]:
    """Seconds that nbgrader and that the grader take for the same submissions."""
    exercise = course.exercise("01")
    known = [each for each in find_specimens(course, exercise) if each.name not in HANGS]
    sources = {
        f"student{number:02}": specimen.submission.files["polling.py"]
        for number, specimen in enumerate(islice(known, COUNT))
    }
    _write_notebook(course, book / "source" / "01", "def poll(): ...")
    _nbgrader(book, "generate_assignment")
    for student, source in sources.items():
        _write_notebook(course, book / "submitted" / student / "01", source.decode())
        (submissions / student / "01").mkdir(parents=True)
        (submissions / student / "01" / "polling.py").write_bytes(source)
    theirs = seconds(lambda: _nbgrader(book, "autograde"))
    command = [sys.executable, "-m", "grader", "grade", str(submissions), "-j", str(JOBS)]
    ours = seconds(
        lambda: subprocess.run(
            [*command, "--no-details"], cwd=course.root, check=False, stdout=subprocess.DEVNULL
        )
    )
    return theirs, ours


def _write_notebook(course: Course, folder: Path, source: str) -> None:
    """Write a notebook of 01 with that code in its solution cell."""

    def kind(name: str, **more: object) -> dict[str, object]:
        cell = {"grade_id": name, "schema_version": 3, "task": False}
        return {"nbgrader": cell | {"grade": False, "solution": False, "locked": False} | more}

    cells = [v4.new_code_cell(source, metadata=kind("polling", solution=True))]
    cells.append(v4.new_code_cell(SETUP, metadata=kind("setup", locked=True)))
    for check in course.exercise("01").checks:
        more = kind(check.id.replace(".", "_"), grade=True, locked=True, points=check.points)
        cells.append(v4.new_code_cell(CELLS[check.id], metadata=more))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    folder.mkdir(parents=True)
    nbformat.write(
        v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / "01.ipynb"
    )


def _nbgrader(book: Path, command: str) -> None:
    programs = Path(sys.executable).parent
    subprocess.run(
        [str(programs / "nbgrader"), command, "01"],
        cwd=book,
        check=True,
        capture_output=True,
        env=os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "HOME": str(book)},
    )
