"""Reports and exports of a class, with everything that came from a submission as hostile as can be."""

from __future__ import annotations

import csv
import inspect
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command_line import grader
from rich.console import Console
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.graded import Graded, with_scores
from grader.report import CheckResult, Outcome, Report, is_provisional
from grader.report_command import write_pages
from grader.reports.class_page import class_html
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.safe import cell, markdown, plain
from grader.reports.statistics import class_figures, correlation
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv
from grader.reports.terminal import print_class
from grader.results import Results

REPO = Path(__file__).resolve().parents[2]
EVIL = "=cmd|'/C calc'!A0 <script>alert(1)</script> [x](javascript:a) \x1b]0;owned\x07 \u202eabc ![](http://e)"
KINDS = {"p": Outcome.PASSED, "f": Outcome.FAILED, "e": Outcome.ERROR, "s": Outcome.SKIPPED}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: checks of 3, 5 and 2 points."""
    (tmp_path / "course.toml").write_text(MANIFEST)
    return load_course(tmp_path)


def graded(course: Course, student: str, outcomes: str, message: str = "was seen") -> Graded:
    """A submission: p passed, f failed, e error, s skipped, for each check."""
    exercise = course.exercise("01")
    checks = tuple(
        CheckResult.of(check, KINDS[letter], "" if letter == "p" else message)
        for check, letter in zip(exercise.checks, outcomes, strict=True)
    )
    report = Report(
        student=student,
        exercise="01",
        score=sum(check.score for check in checks),
        max_score=exercise.max_score,
        provisional=is_provisional(checks),
        sandbox="bubblewrap",
        seed=1,
        submission_hash=outcomes,
        suite_hash="b",
        checks=checks,
    )
    return Graded(report, by_hand=False)


@pytest.fixture
def the_class(course: Course) -> list[Graded]:
    """Six submissions: one of an evil name and message, one provisional."""
    return [
        graded(course, EVIL, "pff", EVIL),
        graded(course, "ann", "ppp"),
        graded(course, "bob", "pfp"),
        graded(course, "cy", "ffs"),
        graded(course, "dan", "pep"),
        graded(course, "eve", "ppp"),
    ]


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
    """Those that its own exporter writes, in its order, and one more behind them."""
    head = next(csv.reader(io.StringIO("".join(nbgrader_csv(the_class, course)))))
    exporter = pytest.importorskip("nbgrader.plugins.export")
    source = inspect.getsource(exporter.CsvExportPlugin.export)
    columns = re.findall(r'^ +"(\w+)",?$', source, re.MULTILINE)
    assert head == [*columns, "provisional"]


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
"""Of Gradescope's autograder specification: the keys that are used here, and their types."""


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
    one = with_scores(report, {"01_value": (3.0, 1.0)})
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
        ({"01_each-event": (4.0, 0.0)}, 9),
        ({"01_each-event": (4.0, 0.5)}, 9.5),
        ({"01_each-event": (None, 0.5)}, None),
        ({"01_value": (2.0, 0.0)}, None),
    ],
)
def test_a_persons_score_makes_an_undecided_check_a_grade(
    the_class: list[Graded], entered: dict[str, tuple[float | None, float]], grade: float | None
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


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", " =1"])
def test_what_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    """Also behind a space."""
    assert cell(text) == f"'{text}"


def test_no_html_of_a_submission_is_markup(the_class: list[Graded], course: Course) -> None:
    """In the class's page and in feedback; and the pages ask for nothing outside of them."""
    for page in (class_html(the_class, course), feedback_html(the_class[:1], course)):
        assert "alert(1)" in page
        assert "<script>alert" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "default-src 'none'" in page
        own = re.sub(
            r"<td>.*?</td>|<p.*?</p>|<li>.*?</li>|<title>.*?</title>", "", page, flags=re.DOTALL
        )
        assert not re.search(r"src\s*=|href\s*=\s*[\"'](?!#)|url\(|@import", own)


def test_no_markdown_of_a_submission_is_markup(the_class: list[Graded], course: Course) -> None:
    """No link, image, code, HTML or heading of a student's making."""
    text = feedback_markdown(the_class[:1], course)
    assert "<script" not in re.sub(r"\\<", "", text)
    assert not re.search(r"(?<!\\)\]\(", text)
    assert "\x1b" not in text
    assert markdown("# a\n`b`") == "\\# a \\`b\\`"


def test_junit_is_xml_whatever_a_message_holds(course: Course) -> None:
    """Control characters, which XML cannot hold, come as escapes."""
    evil = graded(course, "a\x00b\ufffe", "pfs", "\x00\x1b]]>&<x>")
    (suite,) = parsed(junit_xml([evil]))
    assert suite.attrib["failures"] == "1"
    assert suite.attrib["skipped"] == "1"
    assert "<x>" in suite.find("testcase/failure").attrib["message"]


def test_feedback_says_a_thing_once(course: Course) -> None:
    """A file that cannot be imported fails every check, for one reason and with one hint."""
    one = graded(course, "ann", "fff", "doubling.py could not be imported")
    for text in (feedback_html([one], course), feedback_markdown([one], course)):
        assert text.count("could not be imported") == 1
        assert text.count("as for: the value is doubled") == 2
        assert text.count("Hint: ") == 1


def test_feedback_says_what_failed_and_nothing_of_others(
    the_class: list[Graded], course: Course
) -> None:
    """The sentence and the hint; no other student, no seed to repeat the hidden content with."""
    for text in (feedback_html([the_class[2]], course), feedback_markdown([the_class[2]], course)):
        assert "was seen" in text
        assert "One call an event" in text
        assert "ann" not in text.replace("cannot", "")
        assert "seed" not in text


def test_a_late_penalty_is_explained(the_class: list[Graded], course: Course) -> None:
    """How late, and what it cost."""
    late = {"late": timedelta(hours=36), "penalty": 2.0}
    one = Graded(the_class[1].report.model_copy(update=late), by_hand=False)
    page = re.sub(r"<[^>]+>", "", feedback_html([one], course))
    assert "8 of 10 points: 10, less 2 for being 1.5 days late." in page
    assert "**8 of 10 points**" in feedback_markdown([one], course)


def test_figures_of_a_class(the_class: list[Graded], course: Course) -> None:
    """Pass rates over what was decided, the histogram, and who handed in the same files."""
    (figures,) = class_figures(the_class, course)
    rates = {check.id: (check.passed, check.decided) for check in figures.checks}
    assert rates == {"01.value": (5, 6), "01.each-event": (2, 5), "01.after-crash": (4, 6)}
    assert sum(figures.histogram) == 6
    assert figures.histogram[9] == 2
    assert figures.twins == [["ann", "eve"]]


@pytest.mark.parametrize(
    ("message", "flags"),
    [
        ("the program ended the sandbox that it ran in (it was killed)", ["hostile"]),
        ("the program sent more to redis than any exercise needs, and was cut off", ["hostile"]),
        ("poll() sent something that is no message: a line is too long", ["hostile"]),
        ("importing polling.py sent something that is no message: no JSON", ["hostile"]),
        ("poll() sent a message of an unknown kind", ["hostile"]),
        ("expected consume() to return; it raised OSError: cut off the connection", []),
        ("polling.py could not be imported: it sent something that is no message: x", []),
        ("poll() is not filled in yet: poll() sent a message of an unknown kind", []),
    ],
)
def test_hostile_is_what_the_grader_says_not_what_it_quotes(
    course: Course, message: str, flags: list[str]
) -> None:
    """A student's own exception may hold any words."""
    (figures,) = class_figures([graded(course, "ann", "pff", message)], course)
    assert figures.rows[0].flags == flags


def test_a_check_that_separates_has_a_high_figure(course: Course) -> None:
    """Strong students pass it, weak ones do not; one that all pass has none."""
    one_class = [graded(course, f"s{n}", "ppp" if n % 2 else "pff") for n in range(10)]
    (figures,) = class_figures(one_class, course)
    found = [check.discrimination for check in figures.checks]
    assert found == [None, pytest.approx(1), pytest.approx(1)]
    assert figures.together == [("01.each-event", "01.after-crash", 5, pytest.approx(1))]


def test_correlation_is_pearsons() -> None:
    """Against values worked out by hand; none from too few."""
    assert correlation([1, 2, 3, 4, 5], [2, 4, 6, 8, 10]) == pytest.approx(1)
    assert correlation([1, 2, 3, 4, 5], [5, 3, 4, 1, 2]) == pytest.approx(-0.8)
    assert correlation([1, 1, 1, 1, 1], [1, 2, 3, 4, 5]) is None
    assert correlation([1, 2], [1, 2]) is None


def test_plain_keeps_letters_and_lines() -> None:
    """Of every script; what steers is shown."""
    assert plain("Zoë 李\n\x07") == "Zoë 李\n\\u0007"


def save(course: Course, out: Path, the_class: list[Graded]) -> None:
    """Keep a class's reports as `grader grade --out` does."""
    for one in the_class:
        Results(out).save(one.report)


def test_the_commands_write_pages_and_exports(
    tmp_path: Path, course: Course, the_class: list[Graded]
) -> None:
    """`grader report` and `grader export`, on results that lie on disk."""
    save(course, tmp_path / "out", the_class)
    later = MANIFEST[MANIFEST.index("[[exercises]]") :].replace("01", "02")
    (tmp_path / "course.toml").write_text(MANIFEST + later.replace("Doubling", "Later"))
    done = grader(tmp_path, "report", "out")
    assert done.returncode == 0, done.stderr
    assert "<title>A tiny course" in (tmp_path / "out" / "class.html").read_text()
    assert len(list((tmp_path / "out" / "feedback").glob("*.html"))) == 6
    done = grader(tmp_path, "export", "out", "grades.csv", "--format", "csv")
    assert done.returncode == 0
    assert "1 submissions are provisional" in done.stderr
    assert len((tmp_path / "grades.csv").read_text().splitlines()) == 7
    for kind in ("canvas", "moodle"):
        done = grader(tmp_path, "export", "out", "--format", kind)
        assert "01 Doubling" in done.stdout
        assert "02 Later" not in done.stdout
    done = grader(tmp_path, "export", "out", "--format", "json")
    assert json.loads(done.stdout)["provisional"]
    done = grader(tmp_path, "export", "out", "scope", "--format", "gradescope")
    assert len(list((tmp_path / "scope").glob("*/01/results.json"))) == 6


def test_a_folder_in_whose_place_a_file_lies_is_one_line(
    tmp_path: Path, course: Course, the_class: list[Graded]
) -> None:
    """Exit code 2, for each command that makes one."""
    out, file = tmp_path / "out", tmp_path / "file"
    save(course, out, the_class[1:2])
    stub = tmp_path / "subs" / "ann" / "01" / "doubling.py"
    stub.parent.mkdir(parents=True)
    for path in (file, out / "feedback", stub):
        path.write_text("")
    for command in (
        *(["report", "out"], ["export", "out", "file/x", "--format", "gradescope"]),
        ["export", "subs", "file/x", "--format", "jplag"],
    ):
        done = grader(tmp_path, *command)
        assert done.returncode == 2
        assert re.fullmatch(r"grader: \S+ cannot be made: .+\n", done.stderr)


def test_without_results_it_is_one_line(tmp_path: Path, course: Course) -> None:
    """Exit code 2 and what to run."""
    assert course.exercises
    for command in (["report", "out"], ["export", "out", "--format", "csv"]):
        done = grader(tmp_path, *command)
        assert done.returncode == 2
        assert "holds no results" in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_another_folder_than_the_graded_one_is_refused(tmp_path: Path) -> None:
    """To look at nothing and say that nobody copied would be a lie."""
    course = load_course(REPO)
    report = graded(course, "ann", "p" * len(course.exercise("01").checks)).report
    (tmp_path / "out").mkdir()
    Results(tmp_path / "out").save(report)
    handed_in = tmp_path / "subs" / "ann" / "02"
    handed_in.mkdir(parents=True)
    (handed_in / "tail_pipe.py").write_text("x = 1\n")
    with pytest.raises(GraderError, match="holds no submission of exercise 01"):
        write_pages(tmp_path / "out", course, tmp_path / "subs")
    assert not (tmp_path / "out" / "class.html").exists()
