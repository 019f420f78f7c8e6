"""Notebooks where something is wrong or unusual: folders, lessons, cells, settings, no sandbox."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from command_line import grader
from nbgrader.api import Gradebook
from nbgrader_lab import PROGRAMS, environment, nbgrader, solve
from tiny_course import RIGHT, write_tiny_course

from grader.errors import GraderError
from grader.notebooks.autograde import GradeInSandbox
from grader.notebooks.checks import public_tests

pytestmark = pytest.mark.thorough
REPO = Path(__file__).parents[2]


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    """One line, exit code 2, nothing written."""
    (tmp_path / "mine").write_text("kept")
    done = grader(REPO, "notebooks", str(tmp_path))
    assert done.returncode == 2
    assert "holds something else than an nbgrader course of ours" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_course_without_solutions_is_one_line(tmp_path: Path) -> None:
    """A students' copy cannot make notebooks; nothing is written."""
    root = write_tiny_course(tmp_path)
    (root / "exercises/01/README.md").write_text("# Doubling\n\n## Your turn\n\nDouble it.\n")
    shutil.rmtree(root / "solutions")
    done = grader(root, "notebooks", "book")
    assert done.returncode == 2
    assert "solutions/01/doubling.py cannot be read" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (root / "book").exists()


def test_a_lesson_with_two_turns_comes_whole_before_the_cells(tmp_path: Path) -> None:
    """Exercise 03 has one for each broker: its cells follow the second."""
    assert grader(REPO, "notebooks", str(tmp_path / "book")).returncode == 0
    notebook = nbformat.read(tmp_path / "book/source/03/03.ipynb", 4)
    sources = [cell.source for cell in notebook.cells]
    first_file = next(
        n for n, source in enumerate(sources) if source.startswith("# redis_pubsub.py")
    )
    turns = [n for n, source in enumerate(sources) if source.startswith("## Your turn")]
    assert len(turns) == 2
    assert turns[-1] < first_file
    assert any(source.startswith("## Head to head") for source in sources[first_file:])


def test_a_broken_notebook_costs_its_own_grade_alone(tmp_path: Path) -> None:
    """One run of autograde over notebooks of every kind: those that can be read are graded."""
    root = write_tiny_course(tmp_path / "course")
    (root / "exercises/01/README.md").write_text("# Doubling\n\n## Your turn\n\nDouble it.\n")
    folder = tmp_path / "nbgrader"
    assert grader(root, "notebooks", str(folder)).returncode == 0
    nbgrader(folder, "generate_assignment", "01")
    released = json.loads((folder / "release/01/01.ipynb").read_text())

    def hand_in(student: str, text: str) -> None:
        place = folder / "submitted" / student / "01"
        place.mkdir(parents=True)
        (place / "01.ipynb").write_text(text)

    def edited(edit: Callable[[list[Any]], None]) -> str:
        notebook = json.loads(json.dumps(released))
        solve(notebook, f"# doubling.py\n{RIGHT}")
        edit(notebook["cells"])
        return json.dumps(notebook)

    def copies(cells: list[Any]) -> None:
        (place,) = [
            n
            for n, cell in enumerate(cells)
            if cell["source"][:1] == "#" and RIGHT in cell["source"]
        ]
        (stub,) = [
            cell for cell in released["cells"] if "".join(cell["source"]).startswith("# doubling")
        ]
        cells.insert(place + 1, stub | {"id": "copied"})

    def no_versions(cells: list[Any]) -> None:
        for cell in cells:
            cell["metadata"].get("nbgrader", {}).pop("schema_version", None)

    hand_in("a-not-json", '{"cells": [')
    hand_in("b-not-nbformat", "[]")
    hand_in("c-copied-cell", edited(copies))
    hand_in("d-no-versions", edited(no_versions))
    hand_in(
        "e-only-code",
        edited(
            lambda cells: cells.__setitem__(slice(None), [c for c in cells if RIGHT in c["source"]])
        ),
    )
    hand_in("f-nbformat-9", json.dumps(json.loads(edited(lambda cells: None)) | {"nbformat": 9}))
    hand_in("z-plain", edited(lambda cells: None))
    done = subprocess.run(
        [str(PROGRAMS / "nbgrader"), "autograde", "01"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=environment(folder),
    )
    assert done.returncode != 0, "three could not be read, and that is said"
    assert "c-copied-cell: several cells of the notebook are doubling.py and differ" in done.stderr
    with Gradebook(f"sqlite:///{folder / 'gradebook.db'}") as book:
        scores = {
            student: book.find_submission("01", student).score
            for student in ("c-copied-cell", "d-no-versions", "e-only-code", "z-plain")
        }
    assert set(scores.values()) == {10}, scores
    for student in ("a-not-json", "b-not-nbformat", "f-nbformat-9"):
        assert f"for student '{student}'" in done.stderr
        assert not (folder / "autograded" / student / "01").exists()


def test_without_the_courses_settings_autograde_gives_no_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A grade cell that says nothing is worth full marks to nbgrader: this one raises."""
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(RuntimeError, match=r"use the nbgrader_config\.py of the course"):
        public_tests("01.byte-offset")


def test_without_a_sandbox_nothing_is_graded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No zero, no full marks: an error that says whose notebook, and what to install."""
    root = write_tiny_course(tmp_path / "course")
    cell = nbformat.v4.new_code_cell(RIGHT, metadata={"nbgrader": {"grade_id": "01-doubling"}})
    judge = GradeInSandbox(course=str(root))
    resources = {
        "nbgrader": {"student": "ann", "assignment": "01"},
        "metadata": {"path": str(tmp_path)},
    }
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GraderError, match=r"ann's notebook 01 was not graded: .*bubblewrap"):
        judge.preprocess(nbformat.v4.new_notebook(cells=[cell]), resources)
