"""Makes a sample class out of the known submissions, grades it, and writes a report a student."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from grader.course import Course, load_course
from grader.host.standard_streams import printable
from grader.report import ClassReport, Report
from grader.reports.terminal import student_report

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "out" / "demo"

# Who hands in what: the n-th wheat or chaff of every exercise, or something that cannot run.
# No more than takes a minute or two, for whoever looks at the course for the first time.
CLASS = {
    "ada": ("wheat", 0),
    "ben": ("chaff", 0),
    "emil": ("chaff", 9),
    "goran": ("stub", 0),
    "hana": ("syntax error", 0),
    "ines": ("solution", 0),
}
INTERRUPTED = 130
"""The exit code of a shell after Ctrl-C."""


def main() -> int:
    """Exit code 0 when the class was graded."""
    course = load_course(ROOT)
    shutil.rmtree(OUT, ignore_errors=True)
    submissions = OUT / "submissions"
    for student, (kind, number) in CLASS.items():
        for exercise in course.exercises:
            hand_in(course, exercise.id, kind, number, submissions / student / exercise.id)
    results = OUT / "results.json"
    command = [sys.executable, "-m", "grader", "grade", str(submissions), "--json", str(results)]
    print(
        f"$ grader grade {submissions.relative_to(ROOT)} --json {results.relative_to(ROOT)}",
        flush=True,
    )
    done = subprocess.run([*command, "--no-details"], cwd=ROOT, check=False)
    if not results.exists():
        return done.returncode
    graded = ClassReport.model_validate_json(results.read_text(encoding="utf-8"))
    write_reports(graded)
    example = next(r for r in graded.reports if r.student == "ben")
    print("\nOne report of the class:\n", flush=True)
    Console(highlight=False).print(student_report(example))
    print(f"\nA report for each student is in {(OUT / 'reports').relative_to(ROOT)}.")
    return 0


def hand_in(course: Course, exercise: str, kind: str, number: int, target: Path) -> None:
    """Put one submission of `kind` into `target`."""
    names = course.exercise(exercise).files
    if kind in ("wheat", "chaff"):
        known = sorted((ROOT / "tests" / "submissions" / kind / exercise).iterdir())
        source = known[number % len(known)]
    else:
        source = ROOT / ("solutions" if kind == "solution" else "exercises") / exercise
    target.mkdir(parents=True)
    for name in names:
        text = (source / name).read_text(encoding="utf-8")
        if kind == "syntax error":
            text = text.replace(":\n", "\n", 1) if name == names[0] else text
        (target / name).write_text(text, encoding="utf-8")


def write_reports(graded: ClassReport) -> None:
    """One text file a student, with all exercises."""
    folder = OUT / "reports"
    folder.mkdir()
    by_student: dict[str, list[Report]] = {}
    for report in graded.reports:
        by_student.setdefault(report.student, []).append(report)
    for student, reports in by_student.items():
        with (folder / f"{student}.txt").open("w", encoding="utf-8") as file:
            console = Console(file=file, width=100, highlight=False)
            for report in reports:
                console.print(student_report(report))
                console.print()


if __name__ == "__main__":
    with printable():
        try:
            sys.exit(main())
        except KeyboardInterrupt:  # the grader, which it reached too, has said so
            sys.exit(INTERRUPTED)
