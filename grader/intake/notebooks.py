"""The code of an exercise out of a notebook, by nbgrader's cell ids; nothing is executed."""

from __future__ import annotations

import json
import re
from typing import Any

from grader.course import Course


def solution_cell(exercise: str, file: str) -> str:
    """The grade id of the cell that holds a file of an exercise, such as `01-polling`."""
    return f"{exercise}-{file.removesuffix('.py')}"


def check_cell(check: str) -> str:
    """The grade id of a check's cell, such as `01_byte-offset`: nbgrader takes no dot in it."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", check)


def files_of_notebook(data: bytes, course: Course) -> dict[tuple[str, str], bytes]:
    """By exercise and file name: the source of the notebook's solution cells.

    Raises:
        ValueError: it is not a notebook, or a cell is not as nbformat has it.
    """
    try:
        notebook = json.loads(data)
        cells: list[dict[str, Any]] = notebook["cells"]
        sources = {
            cell.get("metadata", {}).get("nbgrader", {}).get("grade_id"): cell.get("source", "")
            for cell in cells
            if cell.get("cell_type") == "code"
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"is not a notebook: {error!r}"[:200]) from None
    found = {}
    for exercise in course.exercises:
        for file in exercise.files:
            source = sources.get(solution_cell(exercise.id, file))
            if source is None:
                continue
            cell = solution_cell(exercise.id, file)
            found[exercise.id, file] = _text(source, cell).encode("utf-8", "surrogatepass")
    return found


def _text(source: object, cell: str) -> str:
    match source:
        case str():
            return source
        case list():
            return "".join(map(str, source))
    raise ValueError(f"holds no text in the cell {cell}")
