"""Reports made to break an export cost their own row at most, and little time."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from graded_class import graded
from rich.console import Console
from tiny_course import MANIFEST

from grader.course import Course, load_course
from grader.gradebook import nbgrader
from grader.gradebook.graded import Graded
from grader.intake.collect import collect
from grader.intake.write import write_submissions
from grader.reports.documents import gradescope_json, junit_xml
from grader.reports.feedback import feedback_html, feedback_markdown
from grader.reports.safe import cell, markdown, plain
from grader.reports.tables import canvas_csv, moodle_csv, nbgrader_csv
from grader.reports.terminal import print_class
from grader.scoring import rescore
from grader.submission import read_timestamp

EAST, WEST = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
TIMES = {
    "the last year": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=WEST),
    "the first year": datetime(1, 1, 1, tzinfo=EAST),
    "the last of all": datetime.max.replace(tzinfo=UTC),
    "half a second": datetime(2026, 11, 30, 23, 59, 59, 500000, tzinfo=UTC),
}
TEXTS = {
    "formulas": ";=1+1|@x\t=cmd|' /C calc'!A0;" * 60,
    "quotes": "\"'`" * 600,
    "separators and spaces": ("; " + " " * 40) * 45,
    "brackets": "[" * 900 + "](javascript:x)" + "<!--]]>" * 100,
    "directions": "\u202e\u2066\u200b\ufeff" * 400,
    "surrogates and nulls": "\ud800\x00\x1b]0;x\x07" * 200,
    "combining": "e" + "\u0301" * 1900,
    "lines": "\r\n\u2028\u2029\x85\x0b\x0c" * 250,
}


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course, with a due date."""
    due = MANIFEST.replace('id = "01"\n', 'id = "01"\ndue = 2026-11-30T23:59:00+01:00\n', 1)
    assert due != MANIFEST
    (tmp_path / "course.toml").write_text(due)
    return load_course(tmp_path)


def tables(course: Course) -> dict[str, Callable[[list[Graded]], Iterator[str]]]:
    """The exports that are tables, by name."""
    return {
        "nbgrader": lambda found: nbgrader_csv(found, course),
        "canvas": lambda found: canvas_csv(found, course),
        "moodle": lambda found: moodle_csv(found, course),
    }


@pytest.mark.parametrize("case", TIMES)
def test_a_time_of_submission_costs_nobody_a_row(course: Course, case: str) -> None:
    """Whatever an archive or an LMS says it was: everybody else's grade is as ever."""
    odd = graded(course, "odd", "ppp", "")
    report = odd.report.model_copy(update={"submitted": TIMES[case]})
    again = rescore(report, course, timedelta(days=365 * 100))
    assert 0 <= again.final_score <= again.max_score
    assert type(report).model_validate_json(report.model_dump_json()).submitted == TIMES[case]
    whole = [
        graded(course, "ann", "ppp", ""),
        Graded(again, by_hand=False),
        graded(course, "zoe", "ppp", ""),
    ]
    for name, table in tables(course).items():
        found = list(csv.reader(io.StringIO("".join(table(whole)))))
        assert len([row for row in found if {"ann", "zoe"} & set(row)]) == 2, name
    print_class(Console(file=io.StringIO()), iter([one.report for one in whole]), details=True)


@pytest.mark.parametrize("case", TIMES)
def test_a_gradebook_takes_any_time_or_none(case: str) -> None:
    """In UTC such a year may not be: then it is not known, and the rows after it are written."""
    moment = nbgrader._naive(TIMES[case])  # noqa: SLF001 - what each row is written with
    assert moment is None or moment.tzinfo is None


@pytest.mark.parametrize("year", ["9999-12-31", "0001-01-01"])
def test_a_year_that_no_clock_has_costs_nobody_his_work(
    course: Course, tmp_path: Path, year: str
) -> None:
    """Said by the name of an upload's file: the work is taken, and so is everybody else's."""
    (tmp_path / "class").mkdir()
    for who, day in (("ann", "2026-11-23"), ("eve", year), ("zoe", "2026-11-23")):
        for time_of_day in ("00-00-00", "23-59-59"):
            name = f"Exercise 1_{who}_attempt_{day}-{time_of_day}_doubling.py"
            (tmp_path / "class" / name).write_text("x = 1\n")
    found = collect(tmp_path / "class", course)
    assert set(found.files) == {("ann", "01"), ("eve", "01"), ("zoe", "01")}
    write_submissions(found, tmp_path / "submissions")
    for who in ("ann", "zoe"):
        assert read_timestamp(tmp_path / "submissions" / who / "01") is not None


@pytest.mark.parametrize("case", TEXTS)
def test_a_text_of_a_submissions_ends_no_export_and_takes_no_time(
    course: Course, case: str
) -> None:
    """As a name and as a message, in every format; the neighbours' rows are there."""
    begin = time.process_time()
    evil = graded(course, TEXTS[case].encode("utf-8", "replace").decode(), "pfs", TEXTS[case])
    whole = [graded(course, "ann", "ppp", ""), evil, graded(course, "zoe", "ppp", "")]
    for name, table in tables(course).items():
        text = "".join(table(whole))
        text.encode()
        assert len([row for row in csv.reader(io.StringIO(text)) if {"ann", "zoe"} & set(row)]) == 2
        assert "\x1b" not in text, name
        assert "\u202e" not in text, name
    document = "".join(junit_xml(whole))
    assert len(ET.fromstring(document.split("\n", 1)[1])) == 3  # noqa: S314 - our own
    assert json.loads(gradescope_json([evil.report]))
    assert "<script" not in feedback_html([evil], course)
    feedback_markdown([evil], course).encode()
    print_class(Console(file=io.StringIO()), iter([one.report for one in whole]), details=True)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize("make", [cell, markdown, plain])
@pytest.mark.parametrize("case", TEXTS)
def test_escaping_takes_time_of_the_texts_length(make: Callable[[str], str], case: str) -> None:
    """A hundred times what a report holds of a message, in a second or two."""
    begin = time.process_time()
    make(TEXTS[case] * 100)
    assert time.process_time() - begin < 5
