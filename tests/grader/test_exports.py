"""Tables and documents for other programs: each as that program takes it, and no grade that is none."""

from __future__ import annotations

import csv
import inspect
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from graded_class import graded, six
from rich.console import Console
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.gradebook.by_hand import Entered
from grader.gradebook.graded import Graded, with_scores
from grader.report import Outcome
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.safe import cell
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv
from grader.reports.terminal import print_class


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: checks of 3, 5 and 2 points."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    return load_course(tmp_path)


@pytest.fixture
def the_class(course: Course) -> list[Graded]:
    """Six submissions: one of an evil name and message, one provisional."""
    return six(course)


def rows(lines: Iterator[str]) -> list[dict[str, str]]:
    """A CSV's lines by the names of their columns."""
    return list(csv.DictReader(io.StringIO("".join(lines))))


def parsed(lines: Iterator[str]) -> ET.Element:
    """A document of ours as a parser reads it."""
    return ET.fromstring("".join(lines).split("\n", 1)[1])  # noqa: S314 - our own


def test_a_provisional_result_is_no_grade_in_any_export(
    the_class: list[Graded], course: Course
) -> None:
    """Marked, and without points where a program would take them for a grade."""
    dan = rows(nbgrader_csv(the_class, course))[4]
    assert (dan["student_id"], dan["score"], dan["provisional"]) == ("dan", "", "yes")
    canvas = next(r for r in rows(canvas_csv(the_class, course)) if r["SIS Login ID"] == "dan")
    assert (canvas["01 Doubling"], canvas["Student"]) == ("", "dan (provisional: 01)")
    moodle = next(row for row in rows(moodle_csv(the_class, course)) if row["username"] == "dan")
    assert (moodle["01 Doubling"], "provisional" in moodle["01 Doubling (feedback)"]) == ("", True)
    suite = parsed(junit_xml(the_class))[4]
    assert suite.find("properties/property[@name='provisional']").attrib["value"] == "true"
    scope = json.loads(gradescope_json([the_class[4].report]))
    assert (scope["score"], "PROVISIONAL" in scope["output"]) == (0, True)
    assert "Provisional" in feedback_html([the_class[4]], course)
    assert "Provisional" in feedback_markdown([the_class[4]], course)


def test_canvas_takes_its_table(the_class: list[Graded], course: Course) -> None:
    """The columns that its importer asks for, in their order; behind Section only assignments."""
    head, points, *students = csv.reader(io.StringIO("".join(canvas_csv(the_class, course))))
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "01 Doubling"]
    assert points[0].strip() == "Points Possible"
    assert float(points[5]) == 10
    assert all(row[5] == "" or float(row[5]) >= 0 for row in students)


def test_canvas_finds_students_by_its_own_numbers(the_class: list[Graded], course: Course) -> None:
    """Where they are known: what a download calls a student is no login."""
    dan, bob = (
        next(
            row
            for row in rows(canvas_csv(the_class, course, {"dan": "1011"}))
            if who in row["Student"]
        )
        for who in ("dan", "bob")
    )
    assert (dan["ID"], dan["SIS Login ID"], dan["Student"]) == ("1011", "", "dan (provisional: 01)")
    assert (bob["ID"], bob["SIS Login ID"]) == ("", "bob")


def test_moodle_takes_its_table(the_class: list[Graded], course: Course) -> None:
    """A user field first, then a grade and a feedback for each exercise; a grade is a number."""
    head, *students = csv.reader(io.StringIO("".join(moodle_csv(the_class, course))))
    assert head == ["username", "01 Doubling", "01 Doubling (feedback)"]
    assert all(row[1] == "" or float(row[1]) >= 0 for row in students)


def test_nbgraders_columns_are_nbgraders(the_class: list[Graded], course: Course) -> None:
    """Those that its own exporter writes, in its order, and two more behind them."""
    head = next(csv.reader(io.StringIO("".join(nbgrader_csv(the_class, course)))))
    exporter = pytest.importorskip("nbgrader.plugins.export")
    source = inspect.getsource(exporter.CsvExportPlugin.export)
    columns = re.findall(r'^ +"(\w+)",?$', source, re.MULTILINE)
    assert head == [*columns, "provisional", "not_taken"]


GRADESCOPE_TEST = {
    "score": (int, float),
    "max_score": (int, float),
    "status": str,
    "name": str,
    "number": str,
    "output": str,
    "output_format": str,
}
GRADESCOPE = {
    "score": (int, float),
    "execution_time": int,
    "output": str,
    "output_format": str,
    "visibility": str,
    "stdout_visibility": str,
    "extra_data": dict,
    "tests": list,
}


def test_gradescope_takes_its_document(the_class: list[Graded]) -> None:
    """Known keys of known types, points within bounds; what is not decided is not `failed`."""
    for one in the_class:
        found = json.loads(gradescope_json([one.report]))
        assert all(isinstance(value, GRADESCOPE[key]) for key, value in found.items())
        assert found["visibility"] == "visible"
        assert found["stdout_visibility"] == "hidden"
        for test, check in zip(found["tests"], one.report.checks, strict=True):
            assert all(isinstance(value, GRADESCOPE_TEST[key]) for key, value in test.items())
            decided = check.outcome is not Outcome.ERROR
            assert ("status" in test) == ("score" in test) == decided
            assert test.get("status", "passed") in ("passed", "failed")
            assert 0 <= test.get("score", 0) <= test["max_score"]


def test_each_document_says_what_being_late_costs(the_class: list[Graded]) -> None:
    """`score` in JUnit's and Gradescope's is after `penalty`; in a report, and so in JSON, before."""
    late = the_class[2].report.model_copy(update={"penalty": 2.0})
    assert (json.loads(late.model_dump_json())["score"], late.final_score) == (5, 3)
    suite = parsed(junit_xml([Graded(late, by_hand=False)]))[0]
    said = {each.attrib["name"]: each.attrib["value"] for each in suite.iter("property")}
    assert (said["score"], said["penalty"], said["max_score"]) == ("3", "2", "10")
    scope = json.loads(gradescope_json([late]))
    assert (scope["score"], scope["extra_data"]["penalty"]) == (3, 2)


def test_junit_counts_are_those_of_its_cases(the_class: list[Graded]) -> None:
    """tests, failures, errors and skipped of each suite, as CI systems add them up."""
    for suite in parsed(junit_xml(the_class)):
        cases = suite.findall("testcase")
        assert int(suite.attrib["tests"]) == len(cases)
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{tag}"))
        assert all(case.get("classname") and case.get("name") for case in cases)


def test_a_run_without_a_sandbox_is_never_a_grade(the_class: list[Graded], course: Course) -> None:
    """Whatever a person entered beside it; and each page says that this is the reason."""
    report = the_class[1].report.model_copy(update={"sandbox": "process", "provisional": True})
    one = with_scores(report, {"01_value": Entered(3.0, 1.0)})
    assert (one.grade, one.by_hand) == (None, True)
    console = Console(record=True, width=100, file=io.StringIO())
    print_class(console, [report], details=True)
    for text in (
        *(feedback_html([one], course), feedback_markdown([one], course)),
        *(gradescope_json([report]), console.export_text()),
    ):
        assert "it ran without a sandbox" in text
        assert "could be decided" not in text


@pytest.mark.parametrize(
    ("entered", "grade"),
    [
        ({"01_each-event": Entered(4.0, 0.0)}, 9),
        ({"01_each-event": Entered(4.0, 0.5)}, 9.5),
        ({"01_each-event": Entered(None, 0.5)}, None),
        ({"01_value": Entered(2.0, 0.0)}, None),
    ],
)
def test_a_persons_score_makes_an_undecided_check_a_grade(
    the_class: list[Graded], entered: dict[str, Entered], grade: float | None
) -> None:
    """The score of that check: another one, or extra credit, makes no zero of an error of ours."""
    one = with_scores(the_class[4].report, entered)
    assert (one.grade, one.by_hand) == (grade, True)


def test_points_arrive_in_each_table(the_class: list[Graded], course: Course) -> None:
    """nbgrader's columns in nbgrader's order; a column for each exercise in Canvas and Moodle."""
    bob = rows(nbgrader_csv(the_class, course))[2]
    assert (bob["assignment"], bob["raw_score"], bob["score"], bob["max_score"]) == (
        "01",
        "5",
        "5",
        "10",
    )
    head, bob_in_canvas = (rows(canvas_csv(the_class, course))[i] for i in (0, 3))
    assert head["01 Doubling"] == "10"
    assert (bob_in_canvas["SIS Login ID"], bob_in_canvas["01 Doubling"]) == ("bob", "5")
    bob_in_moodle = rows(moodle_csv(the_class, course))[2]
    assert bob_in_moodle["01 Doubling (feedback)"] == "Not yet: handle gets every event"


def test_no_cell_of_a_spreadsheet_is_a_formula(the_class: list[Graded], course: Course) -> None:
    """Names and titles that begin like one get an apostrophe; numbers stay numbers."""
    for lines in (nbgrader_csv, canvas_csv, moodle_csv):
        for row in csv.reader(io.StringIO("".join(lines(the_class, course)))):
            for text in row:
                assert not text.startswith(("=", "+", "-", "@", "\t", "\r")), text
                assert "\x1b" not in text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1", "\uff1d1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    """Also behind a space, and in the wide form of East Asian keyboards."""
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Doe;=1+1", "Doe; =1+1", 'Doe;"=1+1', "Doe|@x", ";-1"])
def test_nor_does_what_a_spreadsheet_may_take_for_the_next_cell(text: str) -> None:
    """Where the comma is for decimals, a semicolon ends a cell, whatever wrote the file."""
    for part in cell(text).replace("|", ";").split(";"):
        assert not part.lstrip('" ').startswith(("=", "+", "-", "@")), part
    assert cell(text).replace("'", "") == text


def test_a_plain_name_stays_as_it_is() -> None:
    """Also with the characters in it."""
    for name in ("O'Neil; A.", "Anna-Lena", "a=b", "x@example.org", "Zoë 李"):
        assert cell(name) == name


def test_junit_is_xml_whatever_a_message_holds(course: Course) -> None:
    """Control characters, which XML cannot hold, come as escapes."""
    evil = graded(course, "a\x00b\ufffe", "pfs", "\x00\x1b]]>&<x>")
    (suite,) = parsed(junit_xml([evil]))
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["skipped"] == "1"
    assert "<x>" in suite.find("testcase/failure").attrib["message"]
