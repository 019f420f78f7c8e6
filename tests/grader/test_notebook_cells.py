"""Which cell of a notebook is a file: one rule for the learner's checks, intake and autograde."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from download import taken
from nbgrader.nbgraderformat import MetadataValidator
from nbgrader.preprocessors import DeduplicateIds
from tiny_course import RIGHT, STUB, write_tiny_course

from grader.course import Course, load_course
from grader.intake.cells import Cell, as_file, file_named, files_of, told
from grader.intake.notebooks import files_of_notebook
from grader.notebooks.build import check_metadata, check_source, solution_metadata
from grader.notebooks.checks import doubtful, run_files, saved_files
from grader.notebooks.order import put_in_order

FILE = ("01", "doubling.py")
NAMED = f"# doubling.py\n{RIGHT}"
STUB_CELL = f"# doubling.py\n{STUB}"
OTHER = NAMED.replace("2 * number", "number + number")
ID = "01-doubling"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: exercise 01 with doubling.py."""
    return load_course(write_tiny_course(tmp_path / "course"))


def notebook(*cells: tuple[str, str]) -> nbformat.NotebookNode:
    """A notebook with a text, and code cells of these sources and grade ids."""
    made = [nbformat.v4.new_markdown_cell("The lesson")]
    for source, grade_id in cells:
        metadata = solution_metadata(grade_id) if grade_id else {}
        made.append(nbformat.v4.new_code_cell(source, metadata=metadata))
    return nbformat.NotebookNode(nbformat.v4.new_notebook(cells=made))


RULE = {
    "by its first line": ([(RIGHT, ""), (NAMED, "")], 1),
    "by its id": ([(RIGHT, ID), ("1 / 0", "")], 0),
    "the line goes before the id": ([(NAMED, ""), (RIGHT, ID)], 0),
    "the last of several": ([(NAMED, ID), (OTHER, ID)], 1),
    "not the copy of the stub below": ([(NAMED, ID), (STUB_CELL, ID)], 0),
    "not the copy of the stub above": ([(STUB_CELL, ID), (NAMED, "")], 1),
    "the stub where there is nothing else": ([(STUB_CELL, ID), ("poll()", "")], 0),
    "its line names another file": ([("# mine.py\n" + RIGHT, ID)], 0),
    "what only speaks of the file is none": (
        [(NAMED, ID), ("# doubling.py: try\ndouble(1)", "")],
        0,
    ),
    "below blank lines": ([("\n\n# doubling.py\n" + RIGHT, "")], 0),
    "with Windows' newlines": ([(NAMED.replace("\n", "\r\n"), "")], 0),
    "written by Jupyter": ([("%%writefile doubling.py\n" + RIGHT, "")], 0),
    "timed by Jupyter": ([("%%time\n" + NAMED, "")], 0),
    "in its folder": ([("# exercises/01/doubling.py\n" + RIGHT, "")], 0),
}


@pytest.mark.parametrize("name", RULE)
def test_the_rule(course: Course, tmp_path: Path, name: str) -> None:
    """The same cell for intake, for the learner's saved notebook, and after autograde's order."""
    cells, wanted = RULE[name]
    nb = notebook(*cells)
    text = as_file(cells[wanted][0])
    assert files_of_notebook(nbformat.writes(nb).encode(), course) == {FILE: text.encode()}
    (tmp_path / "01.ipynb").write_text(nbformat.writes(nb))
    assert saved_files(tmp_path / "01.ipynb")["doubling.py"].text == text
    put_in_order(nb, course.exercise("01"))
    assert files_of_notebook(nbformat.writes(nb).encode(), course)[FILE] == text.encode()
    assert nb.cells[wanted + 1].metadata.nbgrader.grade_id == ID


@pytest.mark.parametrize(
    ("source", "file"),
    [
        (
            "!pip install numpy\n%matplotlib inline\nx = 7 % 4\n",
            "# !pip install numpy\n# %matplotlib inline\nx = 7 % 4\n",
        ),
        ("%%writefile a.py\nx = 1", "# %%writefile a.py\nx = 1"),
        ('text = """\n%s and !\n"""', 'text = """\n%s and !\n"""'),
        ("x = (7\n% 4)", "x = (7\n% 4)"),
        ('# a.py\n# coding: latin-1\nx = "ã"', '# a.py\n# coding: utf-8\nx = "ã"'),
        ("from __future__ import annotations\n", "from __future__ import annotations\n"),
        ("", ""),
    ],
)
def test_jupyters_own_lines_are_no_python(source: str, file: str) -> None:
    """They become comments; everything else stays as it is, and means the same as a file."""
    assert as_file(source) == file
    compile(as_file(source).encode(), "a.py", "exec")


@pytest.mark.parametrize(
    "line", ["# doubling", "doubling.py", "## Notes on doubling.py", "#.py", ""]
)
def test_what_names_no_file(line: str) -> None:
    """A heading, a word, nothing."""
    assert file_named(f"{line}\nx = 1") == ""


def test_several_that_differ_are_told(course: Course, tmp_path: Path) -> None:
    """In intake's copies and in autograde's log; copies that are the same are nothing to tell."""
    line = "several cells of {} are doubling.py and differ: cell 3 counts, not 2"
    nb = notebook((NAMED, ID), (OTHER, ID), (OTHER + "\n", ""))
    nb.cells.pop()
    found = taken(course, tmp_path, {"jane/01/01.ipynb": nbformat.writes(nb).encode()})
    (said,) = found.copies
    assert line.format("jane/01/01.ipynb") in said or line.format("01/01.ipynb") in said
    assert put_in_order(nb, course.exercise("01")) == [line.format("the notebook")]
    same = files_of([Cell(1, NAMED), Cell(2, NAMED + "\n")])
    assert told("doubling.py", same["doubling.py"]) == ""


def test_the_learner_reads_which_cell_counts(tmp_path: Path) -> None:
    """And that another one was tested, where it was run last."""
    nb = notebook((NAMED, ID), (OTHER, ID))
    (tmp_path / "01.ipynb").write_text(nbformat.writes(nb))
    saved = saved_files(tmp_path / "01.ipynb")
    tested = run_files(["x = 1", OTHER, NAMED])
    assert tested == {"doubling.py": NAMED}
    which, ran = doubtful(tested, saved)
    assert which.startswith("Before you hand it in: several cells of the notebook are doubling.py")
    assert which.endswith("differ: cell 3 counts, not 2.")
    assert ran == "The tests above ran cell 2."
    assert len(list(doubtful(run_files([OTHER]), saved))) == 1


@pytest.mark.parametrize("data", ["", "[]", "5", '{"cells": 3}', '{"cells": [{}]}'])
def test_a_saved_notebook_that_cannot_be_read_costs_nothing(tmp_path: Path, data: str) -> None:
    """What was run is tested all the same."""
    (tmp_path / "01.ipynb").write_text(data)
    assert saved_files(tmp_path / "01.ipynb") == {}


def test_of_a_notebook_and_a_file_the_one_that_is_filled_in_counts(
    course: Course, tmp_path: Path
) -> None:
    """The other is what the course gave."""
    for in_notebook, in_file in ((NAMED, STUB), (STUB_CELL, RIGHT)):
        data = nbformat.writes(notebook((in_notebook, ID))).encode()
        files = {"jane/01/01.ipynb": data, "jane/exercises/01/doubling.py": in_file.encode()}
        wanted = in_file if in_notebook == STUB_CELL else in_notebook
        found = taken(course, tmp_path, files)
        assert found.files["jane", "01"] == {"doubling.py": wanted.encode()}
        assert len(found.copies) == 1


def whole(course: Course) -> nbformat.NotebookNode:
    """A notebook of the exercise, solved, as it is handed in."""
    exercise = course.exercise("01")
    nb = notebook((NAMED, ID))
    for check in exercise.checks:
        cell = nbformat.v4.new_code_cell(check_source(check), metadata=check_metadata(check))
        nb.cells.append(cell)
    return nb


def break_metadata(nb: nbformat.NotebookNode, how: Any) -> None:
    """Do something to nbgrader's metadata of each cell."""
    for cell in nb.cells:
        if "nbgrader" in cell.metadata:
            how(cell.metadata)


BROKEN: dict[str, Any] = {
    "whole": lambda nb: None,
    "a copied cell": lambda nb: nb.cells.insert(2, copy.deepcopy(nb.cells[1])),
    "a copied check": lambda nb: nb.cells.append(copy.deepcopy(nb.cells[-1])),
    "no version": lambda nb: break_metadata(nb, lambda m: m.nbgrader.pop("schema_version")),
    "another version": lambda nb: break_metadata(nb, lambda m: m.nbgrader.update(schema_version=9)),
    "a text": lambda nb: break_metadata(nb, lambda m: m.update(nbgrader="x")),
    "nothing": lambda nb: break_metadata(nb, lambda m: m.update(nbgrader={})),
    "an odd id": lambda nb: break_metadata(nb, lambda m: m.nbgrader.update(grade_id=["x"])),
    "no check": lambda nb: nb.cells.__delitem__(slice(2, None)),
    "a check as text": lambda nb: nb.cells[2].update(cell_type="markdown"),
    "no cell": lambda nb: nb.update(cells=[]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_others_did_to_a_notebook_does_not_end_nbgraders_run(
    course: Course, name: str
) -> None:
    """Metadata of another version, which JupyterLab's copies become, ends it for all students."""
    nb = whole(course)
    BROKEN[name](nb)
    put_in_order(nb, course.exercise("01"))
    nb, _ = DeduplicateIds().preprocess(nb, {})
    MetadataValidator().validate_nb(nb)
    ids = [cell.metadata.nbgrader.grade_id for cell in nb.cells if "nbgrader" in cell.metadata]
    solution = [] if name == "no cell" else [ID]
    assert sorted(ids) == sorted([*solution, "01_value", "01_each-event", "01_after-crash"])
    found = files_of_notebook(json.dumps(nb).encode(), course)
    assert found == ({} if name == "no cell" else {FILE: NAMED.encode()})


def test_an_instructors_own_cell_stays(course: Course) -> None:
    """One that a person grades."""
    nb = whole(course)
    about = {"grade_id": "essay", "schema_version": 3, "grade": True, "solution": True}
    about |= {"locked": False, "task": False, "points": 3}
    nb.cells.append(nbformat.v4.new_markdown_cell("Why?", metadata={"nbgrader": about}))
    put_in_order(nb, course.exercise("01"))
    assert nb.cells[-1].metadata.nbgrader == about
