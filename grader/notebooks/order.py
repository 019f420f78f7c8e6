"""Puts a submitted notebook's nbgrader metadata in order before nbgrader reads it.

JupyterLab copies metadata with a cell, and other programs drop or change it. nbgrader ends its
whole run at metadata of another version, and takes the last of several cells of one id.
"""

from __future__ import annotations

from nbformat import NotebookNode, v4

from grader.course import Check, Exercise
from grader.intake.cells import Cell, Taken, files_of, told
from grader.intake.notebooks import check_cell, solution_cell
from grader.notebooks.build import check_metadata, check_source, solution_metadata

_SCHEMA = 3


def put_in_order(nb: NotebookNode, exercise: Exercise) -> list[str]:
    """Give the course's cells their metadata, and none twice; what was doubtful, a line each.

    A file is the cell that `files_of` takes. A check's cell that is missing is added at the end.
    Cells that an instructor added keep theirs, as long as it is nbgrader's.
    """
    taken = files_of(
        Cell(number, cell.source, grade_id(cell))
        for number, cell in enumerate(nb.cells, start=1)
        if cell.cell_type == "code"
    )
    wanted = {
        taken[name].cell.number - 1: solution_metadata(solution_cell(exercise.id, name))
        for name in exercise.files
        if name in taken
    }
    for check in exercise.checks:
        wanted[_place_of(check, nb)] = check_metadata(check)
    ours = {metadata["nbgrader"]["grade_id"] for metadata in wanted.values()}
    ours |= {solution_cell(exercise.id, name) for name in exercise.files}
    seen: set[str] = set()
    for number in reversed(range(len(nb.cells))):
        cell = nb.cells[number]
        if number in wanted:
            cell.metadata.update(NotebookNode(wanted[number]))
            continue
        name = grade_id(cell)
        if not name or name in ours | seen or _version(cell) != _SCHEMA:
            cell.metadata.pop("nbgrader", None)
        seen.add(name)
    return _doubts(exercise, taken)


def _place_of(check: Check, nb: NotebookNode) -> int:
    """Return where the check's cell is, a new one if need be."""
    name = check_cell(check.id)
    for number, cell in enumerate(nb.cells):
        if cell.cell_type == "code" and grade_id(cell) == name:
            return number
    nb.cells.append(v4.new_code_cell(check_source(check)))
    if nb.nbformat_minor < 5:  # noqa: PLR2004 - cells have ids from 4.5 on
        del nb.cells[-1]["id"]
    return len(nb.cells) - 1


def grade_id(cell: NotebookNode) -> str:
    """Return nbgrader's id of a cell; empty where it has none, or none that is text."""
    about = cell.metadata.get("nbgrader")
    found = about.get("grade_id") if isinstance(about, dict) else None
    return found if isinstance(found, str) else ""


def _version(cell: NotebookNode) -> object:
    return cell.metadata["nbgrader"].get("schema_version")


def _doubts(exercise: Exercise, taken: dict[str, Taken]) -> list[str]:
    lines = [told(name, taken[name]) for name in exercise.files if name in taken]
    return [line for line in lines if line]
