"""What `nbgrader autograde` does with a submitted notebook: the hidden suite, in the sandbox.

Named in the nbgrader_config.py that `build` writes, in the place of nbgrader's `Execute` and
`AssignLatePenalties`. No cell of a submission is executed here; a grade cell's output is written
into it, as nbgrader reads points: a float is the points, an error is none.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode, v4
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade
from traitlets import Unicode

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.gradebook import nbgrader
from grader.intake.notebooks import check_cell, files_of_notebook
from grader.notebooks.build import RESULTS
from grader.notebooks.order import put_in_order
from grader.report import UNDECIDED, CheckResult, ClassReport, Outcome, Report

Resources = dict[str, Any]
"""nbconvert's: `nbgrader` tells the student, the assignment and the database."""


class _Preprocessor(NbGraderPreprocessor):  # type: ignore[misc]  # nbgrader has no types
    course = Unicode(help="The folder of course.toml.").tag(config=True)


class PutInOrder(_Preprocessor):
    """Gives the cells of a submitted notebook the metadata that the course gave them."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Put the metadata in order; say in nbgrader's log which of several cells counts."""
        about = resources["nbgrader"]
        exercise = load_course(Path(self.course)).exercise(about["assignment"])
        for line in put_in_order(nb, exercise):
            self.log.warning("%s: %s", about["student"], line)
        return nb, resources


class GradeInSandbox(_Preprocessor):
    """Has the notebook's files graded, and writes the verdicts into its grade cells."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Grade the notebook of `resources`.

        Raises:
            GraderError: it could not be graded; nbgrader then keeps no grade of it.
        """
        report = _graded(nb, resources, load_course(Path(self.course)))
        resources["grader"] = report.model_dump_json()
        results = {check_cell(check.id): check for check in report.checks}
        for cell in filter(is_grade, nb.cells):
            result = results.get(cell.metadata["nbgrader"]["grade_id"])
            cell.outputs = [_output(result, float(cell.metadata["nbgrader"]["points"]))]
        return nb, resources


class RecordVerdicts(_Preprocessor):
    """Writes into the gradebook what points alone cannot say.

    Comments, penalties by course.toml, and that an undecided check is no zero but waits for
    a person.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> tuple[NotebookNode, Resources]:
        """Write the report that GradeInSandbox left in `resources`."""
        report = Report.model_validate_json(resources["grader"])
        course = load_course(Path(self.course))
        nbgrader.fill([report], course, resources["nbgrader"]["db_url"])
        return nb, resources


def _graded(nb: NotebookNode, resources: Resources, course: Course) -> Report:
    """Grade the notebook by `grader grade`, in a process of its own.

    A verdict that is known, from here or from `grader grade --out results`, costs no run.
    """
    student = resources["nbgrader"]["student"]
    exercise = course.exercise(resources["nbgrader"]["assignment"])
    stamp = Path(resources["metadata"]["path"]) / "timestamp.txt"
    files = files_of_notebook(nbformat.writes(nb).encode("utf-8", "surrogatepass"), course)
    with tempfile.TemporaryDirectory(prefix="grader-") as temporary:
        folder = Path(temporary) / "submitted" / student / exercise.id
        folder.mkdir(parents=True)
        for (number, name), data in files.items():
            if number == exercise.id:
                (folder / name).write_bytes(data)
        if stamp.is_file() and not stamp.is_symlink():
            shutil.copy(stamp, folder)
        document = Path(temporary) / "report.json"
        command = ["grade", str(folder.parents[1]), "--exercise", exercise.id, "--no-gradebook"]
        command += ["--out", str(Path(RESULTS).resolve()), "--json", str(document), "--no-details"]
        done = subprocess.run(  # noqa: S603 - our own command
            [sys.executable, "-m", "grader", *command],
            cwd=course.root,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        if not document.exists():
            said = done.stderr.strip().rpartition("\n")[2].removeprefix("grader: ")
            raise GraderError(f"{student}'s notebook {exercise.id} was not graded: {said}")
        (report,) = ClassReport.model_validate_json(document.read_bytes()).reports
        return report


def _output(result: CheckResult | None, points: float) -> Any:
    """Return a grade cell's output: its points, or the sentence for the student."""
    if result is not None and result.outcome is Outcome.PASSED:
        shown = {"text/plain": repr(min(result.points, points))}
        return v4.new_output("execute_result", shown, execution_count=None)
    if result is None:
        name, lines = "NotGraded", ["This check is not part of the course any more."]
    else:
        name = "NotDecided" if result.outcome in UNDECIDED else "CheckFailed"
        lines = [line for line in (result.title, result.message, result.hint) if line]
    return v4.new_output("error", ename=name, evalue=lines[0], traceback=lines)
