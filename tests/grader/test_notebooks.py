"""Notebooks: the stock nbgrader commands run on the course, and points are those of the sandbox."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest
from command_line import grader
from nbgrader.api import Gradebook
from nbgrader_lab import Notebook, formgrader, nbgrader, solve

from grader.intake.notebooks import check_cell

pytestmark = pytest.mark.thorough
REPO = Path(__file__).parents[2]
CHAFF = REPO / "tests" / "submissions" / "chaff" / "01" / "counts-characters" / "polling.py"
SOLUTION = REPO / "solutions" / "01" / "polling.py"
FORGED = {"output_type": "execute_result", "data": {"text/plain": "12.0"}, "metadata": {}}


def cheat(notebook: Notebook, canary: Path) -> None:
    """Code that leaves a trace when it is executed, and points that nobody gave."""
    trace = f"open({str(canary)!r}, 'w').close()"
    solve(notebook, trace)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade"):
            cell["source"], cell["outputs"] = trace, [FORGED | {"execution_count": 1}]
            cell["metadata"]["nbgrader"]["points"] = 1000
    extra = {"cell_type": "code", "id": "extra", "metadata": {}, "source": trace}
    notebook["cells"].insert(0, extra | {"outputs": [], "execution_count": None})


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course's notebooks, exercise 01 released, handed in by three, graded and exported."""
    folder = tmp_path_factory.mktemp("nbgrader") / "course"
    done = grader(REPO, "notebooks", str(folder))
    assert done.returncode == 0, done.stderr
    nbgrader(folder, "generate_assignment", "01")
    hand_in: dict[str, Callable[[Notebook], None]] = {
        "sol": lambda notebook: solve(notebook, SOLUTION.read_text()),
        "cy": lambda notebook: solve(notebook, CHAFF.read_text()),
        "mallory": lambda notebook: cheat(notebook, folder / "canary"),
    }
    for student, edit in hand_in.items():
        notebook = json.loads((folder / "release/01/01.ipynb").read_text())
        edit(notebook)
        submitted = folder / "submitted" / student / "01"
        submitted.mkdir(parents=True)
        (submitted / "01.ipynb").write_text(json.dumps(notebook))
    (submitted / "timestamp.txt").write_text("2026-11-30 13:00:00 UTC\n")
    nbgrader(folder, "autograde", "01")
    nbgrader(folder, "generate_feedback", "01")
    nbgrader(folder, "export")
    return folder


def lines(*texts: str) -> set[str]:
    """The lines of those texts that are long enough to be somebody's."""
    found = {line.strip() for text in texts for line in text.splitlines()}
    return {line for line in found if len(line) > 20}


def test_a_released_notebook_has_the_lesson_and_the_stub_and_no_answer(course: Path) -> None:
    """No line of the solution's code that the stub has not, and nothing of the hidden suite."""
    released = {path.name: path.read_text() for path in (course / "release").rglob("*.*")}
    assert sorted(released) == [
        "01.ipynb",
        "cells.py",
        "checks.py",
        "patience.py",
        "test_polling.py",
    ]
    cells = json.loads(released["01.ipynb"])["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells)
    stub = (REPO / "exercises/01/polling.py").read_text()
    lesson = (REPO / "exercises/01/README.md").read_text()
    assert stub[stub.index("import os") :].strip() in text
    assert all(line in text for line in lesson.splitlines())
    public = [stub, lesson, (REPO / "exercises/01/test_polling.py").read_text()]
    suite = [path.read_text() for path in (REPO / "tests/hidden/01").glob("*.py")]
    private = lines(SOLUTION.read_text(), *suite) - lines(*public)
    assert len(private) > 100
    assert not private & lines(text, *released.values())


def test_points_agree_with_the_sandbox_check_by_check(course: Path, tmp_path: Path) -> None:
    """`nbgrader autograde` and `grader grade` on the same folder of submissions."""
    grader(REPO, "intake", str(course / "submitted"), str(tmp_path / "sorted"))
    grader(REPO, *["grade", str(tmp_path / "sorted"), "--json", str(tmp_path / "all.json")])
    document = json.loads((tmp_path / "all.json").read_text())
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        found = {
            (student, grade.name): grade.auto_score
            for student in ("sol", "cy", "mallory")
            for grade in book.find_submission("01", student).notebooks[0].grades
        }
    wanted = {
        (report["student"], check_cell(check["id"])): check["score"]
        for report in document["reports"]
        for check in report["checks"]
    }
    assert found == wanted
    totals = {report["student"]: report["score"] for report in document["reports"]}
    assert (totals["sol"], totals["mallory"]) == (100, 0)
    assert 0 < totals["cy"] < 100
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == "01"}
    assert {name: float(row["score"]) for name, row in rows.items()} == totals
    assert rows["mallory"]["timestamp"].startswith("2026-11-30 13:00")


def test_points_come_from_the_cells_as_nbgrader_reads_them(course: Path) -> None:
    """A float for a check that passed, an error with the sentence for one that failed."""
    outputs = {}
    for student in ("sol", "cy"):
        notebook = nbformat.read(course / "autograded" / student / "01/01.ipynb", 4)
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                (output,) = cell.outputs
                outputs[student, cell.metadata.nbgrader.grade_id] = output
    assert outputs["sol", "01_byte-offset"].data["text/plain"] == "8.0"
    assert outputs["cy", "01_byte-offset"].output_type == "error"
    assert "Open the file in binary mode" in outputs["cy", "01_byte-offset"].traceback[-1]


def test_nothing_that_was_handed_in_is_executed_outside_of_the_sandbox(course: Path) -> None:
    """Not by `autograde`, not for the feedback."""
    assert not (course / "canary").exists()


def test_feedback_says_what_was_seen(course: Path) -> None:
    """The sentence and the hint, in the page that nbgrader makes for the student."""
    page = (course / "feedback/cy/01/01.html").read_text()
    assert "The offset counts bytes" in page
    assert "Open the file in binary mode" in page
    assert "BEGIN SOLUTION" not in page


def test_what_a_person_enters_in_the_formgrader_survives_a_regrade(course: Path) -> None:
    """A score and a comment, over `nbgrader autograde --force` and over `grader gradebook`."""
    url = f"sqlite:///{course / 'gradebook.db'}"
    with Gradebook(url) as book:
        notebook = book.find_submission("01", "cy").notebooks[0].id
    with formgrader(course) as ask:
        assert {each["name"] for each in ask("api/assignments")} >= {"01"}
        assert "01_byte-offset" in ask(f"submissions/{notebook}")
        grades = {each["name"]: each for each in ask(f"api/grades?submission_id={notebook}")}
        before = grades["01_byte-offset"]
        assert (before["auto_score"], before["manual_score"]) == (0, None)
        ask(f"api/grade/{before['id']}", {"manual_score": 5, "extra_credit": 1})
        (comment,) = ask(f"api/comments?submission_id={notebook}")
        ask(f"api/comment/{comment['id']}", {"manual_comment": "seen in the lab"})
    nbgrader(course, "autograde", "01", "--student", "cy", "--force")
    filled = grader(REPO, "gradebook", str(course / "results"), "--db", url)
    assert filled.returncode == 0, filled.stderr
    with Gradebook(url) as book:
        grade = book.find_grade("01_byte-offset", "01", "01", "cy")
        assert (grade.auto_score, grade.manual_score, grade.score) == (0, 5, 6)
        assert not grade.needs_manual_grade
        assert book.find_comment("01-polling", "01", "01", "cy").comment == "seen in the lab"


def test_the_same_again_leaves_what_others_put_there(course: Path) -> None:
    """Submissions and the gradebook stay when the course is built once more."""
    before = (course / "source/01/01.ipynb").read_bytes()
    assert grader(REPO, "notebooks", str(course)).returncode == 0
    assert (course / "source/01/01.ipynb").read_bytes() == before
    assert (course / "submitted/cy/01/01.ipynb").is_file()


def test_cells_show_a_student_the_public_tests(course: Path) -> None:
    """In Jupyter: what passes, what fails and how, and what no public test shows."""
    notebook = nbformat.read(course / "release/01/01.ipynb", 4)
    wanted = ["01-polling", None, "01_reads-appended", "01_byte-offset", "01_torn-offset"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [
        cell for cell in code if cell.metadata.get("nbgrader", {}).get("grade_id") in wanted
    ]
    notebook.cells[0].source = f"# polling.py\n{CHAFF.read_text()}".replace(
        "from __future__ import annotations\n", ""
    )
    nbclient.NotebookClient(
        notebook,
        allow_errors=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(course / "release/01")}},
    ).execute()
    said = ["".join(map(str, cell.outputs)) for cell in notebook.cells[2:]]
    assert "2 passed" in said[0]
    assert "'ã' is one character and two bytes" in said[1]
    assert "AssertionError" in said[1]
    assert "No public test shows 01.torn-offset" in said[2]
