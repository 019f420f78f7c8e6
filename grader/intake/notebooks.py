"""The code of an exercise out of a notebook, by the rule of `cells`; nothing is executed."""

from __future__ import annotations

import json
import re

from grader.course import Course
from grader.intake.cells import Cell, Taken, files_of


def solution_cell(exercise: str, file: str) -> str:
    """Return the grade id of the cell that holds a file of an exercise, such as `01-polling`."""
    return f"{exercise}-{file.removesuffix('.py')}"


def check_cell(check: str) -> str:
    """Return the grade id of a check's cell, `01_byte-offset`: nbgrader takes no dot in it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", check)


def files_of_notebook(data: bytes, course: Course) -> dict[tuple[str, str], bytes]:
    """By exercise and file name: the source of the notebook's cells that are files.

    Raises:
        ValueError: it is not a notebook, or a cell is not as nbformat has it.
    """
    return {key: in_bytes(taken) for key, taken in taken_of_notebook(data, course).items()}


def in_bytes(taken: Taken) -> bytes:
    """Return the cell's text as a file has it."""
    return taken.text.encode("utf-8", "surrogatepass")


def taken_of_notebook(data: bytes, course: Course) -> dict[tuple[str, str], Taken]:
    """By exercise and file name: the cell that was taken, and which were not.

    Raises:
        ValueError: it is not a notebook, or a cell is not as nbformat has it.
    """
    taken = files_of(code_cells(data))
    return {
        (exercise.id, name): taken[name]
        for exercise in course.exercises
        if any(name in taken for name in exercise.files)
        for name in exercise.all_files
        if name in taken
    }


def code_cells(data: bytes) -> list[Cell]:
    """Return the code cells of a notebook.

    Raises:
        ValueError: it is not a notebook, or a cell is not as nbformat has it.
    """
    try:
        cells = json.loads(data)["cells"]
        found = [(number, cell) for number, cell in enumerate(cells, start=1) if _is_code(cell)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        said = f"no JSON ({error})" if isinstance(error, ValueError) else "of another form"
        raise ValueError(f"is not a notebook: {said}"[:200]) from None
    return [
        Cell(number, _text(cell.get("source", ""), number), _grade_id(cell))
        for number, cell in found
    ]


def _is_code(cell: dict[str, object]) -> bool:
    return cell.get("cell_type") == "code"


def _grade_id(cell: dict[str, object]) -> str:
    """nbgrader's id of the cell; what is no id is none."""
    found: object = cell
    for key in ("metadata", "nbgrader", "grade_id"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


def _text(source: object, number: int) -> str:
    match source:
        case str():
            return source
        case list():
            return "".join(map(str, source))
    raise ValueError(f"holds no text in cell {number}")
