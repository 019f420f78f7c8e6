"""`grader notebooks`: an nbgrader course, made of the lessons, the stubs and the solutions.

An exercise is an assignment with one notebook: the lesson, a solution cell for each file, and an
autograder cell for each check. A solution cell holds the stub and, in the region that `nbgrader
generate_assignment` takes out, the solution, whose definitions replace the stub's.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grader.course import Check, Course, Exercise
from grader.errors import CourseError, GraderError
from grader.files import write_whole
from grader.intake import cells
from grader.intake.notebooks import check_cell, solution_cell
from grader.learn import patience
from grader.notebooks import checks

CONFIG = "nbgrader_config.py"
RESULTS = "results"
"""Where the course keeps verdicts, as `grader grade --out` does."""
_SIGNATURE = "# Written by `grader notebooks`"
_YOUR_TURN = "## Your turn"
"""Begins the heading of what is to be done; a lesson on two things has two of them."""
_BEGIN, _END = "### BEGIN SOLUTION", "### END SOLUTION"
_FUTURE = re.compile(r"^from __future__ import .*\n+", re.MULTILINE)
_HOW = """\
## In this notebook

A code cell whose first line is the name of a file *is* that file: write all of it there, imports
and helpers too. Where several cells begin with one name, the last one in which nothing is left to
fill in counts. Run it, then the cells below it, which show the public tests of each check. Points
come from the hidden suite. It runs your code as a file, in a sandbox, and kills it in places where
a notebook cannot. The commands of the lesson belong into a terminal, in the course's folder.
"""


def build_notebooks(course: Course, directory: Path) -> list[Path]:
    """Write the nbgrader course into `directory`, new or written by this before; the notebooks.

    What others put there (submissions, the gradebook, results) stays.

    Raises:
        GraderError: nbformat is missing, the folder holds something else, or cannot be written.
        CourseError: a lesson, stub or solution is missing.
    """
    try:
        import nbformat  # noqa: PLC0415 - comes with nbgrader, which learners do not need
    except ImportError:
        raise GraderError(
            "notebooks need nbgrader, which is not installed", "Run `make setup-instructor`."
        ) from None
    _require_ours(directory)
    books = {each.id: nbformat.writes(_notebook(course, each)) for each in course.exercises}
    try:
        directory.mkdir(parents=True, exist_ok=True)
        write_whole(directory / CONFIG, _config(course))  # first: it says whose the folder is
        for exercise in course.exercises:
            source = directory / "source" / exercise.id
            source.mkdir(parents=True, exist_ok=True)
            for file in _public_files(course, exercise):
                shutil.copy(file, source / file.name)
    except OSError as error:
        raise GraderError(
            f"{error.filename or directory} cannot be written: {error.strerror}",
            "Name a folder of yours.",
        ) from None
    paths = []
    for number, text in books.items():
        paths.append(directory / "source" / number / f"{number}.ipynb")
        write_whole(paths[-1], text + "\n")
    return paths


def _require_ours(directory: Path) -> None:
    config = directory / CONFIG
    if not directory.exists() or (directory.is_dir() and not any(directory.iterdir())):
        return
    if config.is_file() and config.read_text(errors="replace", encoding="utf-8").startswith(
        _SIGNATURE
    ):
        return
    raise GraderError(
        f"{directory} holds something else than an nbgrader course of ours", "Name a new folder."
    )


def _config(course: Course) -> str:
    """nbgrader's settings: nothing of a submission is executed outside the sandbox."""
    return f"""\
{_SIGNATURE}, and written again by it; your own settings: ~/.jupyter/nbgrader_config.py
c = get_config()
# First, what JupyterLab and others did to the cells' metadata is put in order.
c.Autograde.sanitize_preprocessors = [
    "grader.notebooks.autograde.PutInOrder",
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.DeduplicateIds",
    "nbgrader.preprocessors.OverwriteKernelspec",
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
# In the place of `Execute`, which would run submissions unprotected, with the suites in reach, and
# of `AssignLatePenalties`: course.toml has the late policy.
c.Autograde.autograde_preprocessors = [
    "grader.notebooks.autograde.GradeInSandbox",
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "grader.notebooks.autograde.RecordVerdicts",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.PutInOrder.course = {str(course.root.resolve())!r}
c.GradeInSandbox.course = {str(course.root.resolve())!r}
c.RecordVerdicts.course = {str(course.root.resolve())!r}
# The stub stands outside of the solution's region, which leaves nothing behind.
c.ClearSolutions.code_stub = {{"python": ""}}
"""


def _public_files(course: Course, exercise: Exercise) -> Iterator[Path]:
    """Yield what lies beside the notebook: the public tests, and what runs them; never a module.

    nbgrader copies these over a student's files of the same names.
    """
    yield Path(checks.__file__)
    yield Path(cells.__file__)
    yield Path(patience.__file__)
    yield from sorted((course.folder(exercise)).glob("test_*.py"))
    fixtures = course.folder(exercise) / "conftest.py"
    if fixtures.exists():
        yield fixtures


def _notebook(course: Course, exercise: Exercise) -> Any:
    from nbformat import v4  # noqa: PLC0415 - see build_notebooks

    before, after = _lesson(course, exercise)
    parts = [*map(v4.new_markdown_cell, before), v4.new_markdown_cell(_HOW)]
    parts += [
        v4.new_code_cell(_solution(course, exercise, file), metadata=solution_metadata(name))
        for file in exercise.files
        for name in [solution_cell(exercise.id, file)]
    ]
    parts.append(v4.new_code_cell("from checks import public_tests"))
    parts += [
        v4.new_code_cell(check_source(check), metadata=check_metadata(check))
        for check in exercise.checks
    ]
    parts += map(v4.new_markdown_cell, after)
    for number, cell in enumerate(parts):  # the same notebook each time it is built
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return v4.new_notebook(
        cells=parts, metadata={"kernelspec": kernel, "language_info": {"name": "python"}}
    )


def _lesson(course: Course, exercise: Exercise) -> tuple[list[str], list[str]]:
    """Return the lesson's sections up to where all is at hand to work, and those after it."""
    text = _read(course.lesson(exercise))
    parts = [part.strip() for part in re.split(r"^(?=## )", text, flags=re.MULTILINE)]
    turns = [number for number, part in enumerate(parts) if part.startswith(_YOUR_TURN)]
    cut = turns[-1] if turns else len(parts) - 1
    return parts[: cut + 1], parts[cut + 1 :]


def _solution(course: Course, exercise: Exercise, file: str) -> str:
    """Return the stub, and the solution in a region of nbgrader's."""
    stub = _without_docstring(_read(course.folder(exercise) / file))
    solution = _without_docstring(_read(course.solution(exercise) / file))
    solution = _FUTURE.sub("", solution)  # only legal at the top, where the stub has it
    return f"# {file}\n{stub.rstrip()}\n\n\n{_BEGIN}\n{solution.strip()}\n{_END}"


def _without_docstring(source: str) -> str:
    """Return the module without its docstring, which speaks of files and folders."""
    first = ast.parse(source).body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        return "".join(source.splitlines(keepends=True)[first.end_lineno :]).lstrip("\n")
    return source


def check_source(check: Check) -> str:
    """Return what a check's cell holds."""
    return f'# {check.id}, {check.points:g} points: {check.title}\npublic_tests("{check.id}")'


def solution_metadata(name: str) -> dict[str, Any]:
    """Return nbgrader's metadata of the cell that is a file."""
    return {"nbgrader": _cell(name, solution=True)}


def check_metadata(check: Check) -> dict[str, Any]:
    """Return nbgrader's metadata of a check's cell."""
    return {
        "nbgrader": _cell(check_cell(check.id), grade=True, locked=True) | {"points": check.points}
    }


def _cell(
    name: str, *, grade: bool = False, solution: bool = False, locked: bool = False
) -> dict[str, Any]:
    """nbgrader's metadata of a cell, version 3 of its schema."""
    return {
        "grade": grade,
        "grade_id": name,
        "locked": locked,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CourseError(
            f"{path} cannot be read: {error.strerror}",
            "Notebooks are built from a whole course, with its solutions.",
        ) from None
