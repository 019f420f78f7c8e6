"""Grades filled into the table that an LMS exported: whose row, which column, nothing else."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from command_line import grader
from graded_class import graded
from tiny_course import write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.gradebook.graded import Graded
from grader.gradebook.results import Results
from grader.reports.fill import Filled, fill

MOODLE = (
    "Identifier,Full name,Email address,Status,Grade,Maximum grade,Grade can be changed,"
    "Last modified (submission),Last modified (grade),Feedback comments"
)
BY_NUMBER = "; --submissions finds it by Moodle's number"


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: exercise 01, "Doubling", of 10 points."""
    return load_course(write_tiny_course(tmp_path / "course"))


def _class(course: Course, *students: str, outcomes: str = "pfp") -> list[Graded]:
    """Everybody with 5 of 10 points."""
    return [graded(course, student, outcomes) for student in students]


def _filled(
    tmp_path: Path,
    course: Course,
    data: bytes | str,
    some: list[Graded],
    numbers: dict[str, str] | None = None,
    participants: dict[str, set[str]] | None = None,
) -> Filled:
    path = tmp_path / "table.csv"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return fill(path, some, course, numbers, participants)


def _rows(data: bytes, encoding: str = "utf-8", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(encoding), newline=""), delimiter=delimiter))


CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,01 {title} (4711),Essay (4712),Current Score
    Points Possible,,,,,10,20,(read only)
"Doe, Jane",1001,u1,jdoe,Monday,,17,85
"Müller-Ray, Zoë",1002,u2,zray,Tuesday,3,,
"O'Brien, Conor",1003,u3,cobrien,Monday,,,
"Student, Test",1099,,abc,Monday,,,
"""


def test_canvas_s_gradebook(tmp_path: Path, course: Course) -> None:
    """Found by the name of its downloads, or by its number; two sections; the rest stays."""
    title = course.exercise("01").title
    text = CANVAS.format(title=title)
    some = _class(course, "doejane", "müllerrayzoë", "somebody")
    found = _filled(tmp_path, course, text, some, {"somebody": "1003"})
    before, after = _rows(text.encode()), _rows(found.data)
    assert [row[5] for row in after] == [f"01 {title} (4711)", "10", "5", "5", "5", ""]
    assert [row[:5] + row[6:] for row in after] == [row[:5] + row[6:] for row in before]
    assert (found.without_row, found.without_work) == ([], 1)


def test_moodle_s_worksheet_in_german(tmp_path: Path, course: Course) -> None:
    """A semicolon, a comma for decimals, a byte-order mark: all as they came."""
    head = "ID;Vollständiger Name;E-Mail-Adresse;Status;Bewertung;Maximale Bewertung;Feedback als Kommentar"
    text = f"{head}\r\nTeilnehmer/in 11;Zoë Ray;z@x;Zur Bewertung;;10,00;\r\nTeilnehmer/in 12;Bo Ng;b@x;;7,50;10,00;fine\r\n"
    some = [graded(course, "Zoë Ray", "pfp")]
    half = some[0].report.model_copy(
        update={"checks": tuple(c.model_copy(update={"score": c.score / 2}) for c in some[0].report.checks), "score": 2.5}
    )  # fmt: skip
    found = _filled(
        tmp_path, course, b"\xef\xbb\xbf" + text.encode(), [Graded(half, by_hand=False)]
    )
    assert found.data.startswith(b"\xef\xbb\xbfID;Vollst")
    rows = _rows(found.data, "utf-8-sig", ";")
    assert rows[1][4] == "2,5"
    assert rows[1][6].startswith("Not yet: ")
    assert rows[2] == ["Teilnehmer/in 12", "Bo Ng", "b@x", "", "7,50", "10,00", "fine"]


def test_who_moodle_will_pass_over_is_said(tmp_path: Path, course: Course) -> None:
    """A grade that was changed in the gradebook is locked; the worksheet says so, in either language."""
    for heading, yes, no in (
        ("Grade can be changed", "Yes", "No"),
        ("Bewertung kann geändert werden", "Ja", "Nein"),
    ):
        text = f"Identifier,Full name,Grade,{heading}\nParticipant 11,ada,,{yes}\nParticipant 12,bob,,{no}\n"
        found = _filled(tmp_path, course, text, _class(course, "ada", "bob"))
        assert [row[2] for row in _rows(found.data)[1:]] == ["5", "5"]
        assert found.locked == ["bob"]


def test_moodle_s_namesakes_are_told_apart_by_number(tmp_path: Path, course: Course) -> None:
    """The number in its download is that of the worksheet; without it nobody's row is taken."""
    people = "".join(f"Participant {n},Jane Doe,j{n}@x,,,10.00,Yes,-,-,\n" for n in (11, 12))
    text = f"{MOODLE}\n{people}"
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe-12"))
    assert [row[4] for row in _rows(found.data)[1:]] == ["", "5"]
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe"))
    assert [row[4] for row in _rows(found.data)[1:]] == ["", ""]
    assert found.without_row == [f"Jane Doe: 2 rows have that name{BY_NUMBER}"]


@pytest.mark.parametrize(
    ("head", "word", "folder"),
    [
        ("Identifier", "Participant ", "Participant"),
        ("ID", "Teilnehmer/in", "Teilnehmerin"),
        ("ID", "Teilnehmer/in ", "Teilnehmerin"),
        ("ID", "Teilnehmer/in", "Participant"),
        ("Identifiant", "Participant", "Participant"),
        ("Identificador", "Participante", "Participante"),
        ("识别码", "参与者", "参与者"),
        ("Tunniste", "Hlubba", "Hlubba"),
    ],
)
def test_moodle_s_blind_marking(
    tmp_path: Path, course: Course, head: str, word: str, folder: str
) -> None:
    """Where markers see no names, the participant's number is the row.

    The word before it has a space after it in Moodle's English alone, and may be another in the
    download than in the worksheet.
    """
    people = "".join(f"{word}{n},,,,,10.00,Yes,-,-,\n" for n in (11, 12))
    text = f"{MOODLE.replace('Identifier', head)}\n{people}"
    found = _filled(tmp_path, course, text, _class(course, f"{folder} 12"))
    assert [row[4] for row in _rows(found.data)[1:]] == ["", "5"]


@pytest.mark.parametrize("head", ["Identifier", "ID", "Identifiant", "Tunniste"])
def test_moodle_s_blind_worksheet_has_no_names(tmp_path: Path, course: Course, head: str) -> None:
    """Its columns are not there at all then; German numbers stand in quotation marks."""
    text = f'{head},Status,Bewertung,Bestwertung,X\nTeilnehmer/in11,,,"10,00",\nTeilnehmer/in12,,,"10,00",\n'
    (half,) = _class(course, "Teilnehmerin 12")
    found = _filled(tmp_path, course, text, [half])
    assert [row[2] for row in _rows(found.data)[1:]] == ["", "5"]
    assert found.without_row == []


@pytest.mark.parametrize("between", ["", " "])
def test_german_namesakes_are_told_apart_by_number(
    tmp_path: Path, course: Course, between: str
) -> None:
    """Whether or not a space stands before the number; a login that ends with it is no number."""
    people = "".join(f"Teilnehmer/in{between}{n},Jane Doe,j12,,,10.00,,,,\n" for n in (11, 12))
    text = f"{MOODLE.replace('Identifier', 'ID')}\n{people}"
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe-12"))
    assert [row[4] for row in _rows(found.data)[1:]] == ["", "5"]


def test_who_was_graded_is_not_counted_among_those_who_were_not(
    tmp_path: Path, course: Course
) -> None:
    """Namesakes' rows stay as they are, and a line says why: another says nothing of them."""
    people = "".join(f"Participant {n},Jane Doe,j{n}@x,,,10.00,,,,\n" for n in (11, 12))
    text = f"{MOODLE}\n{people}Participant 13,Bo Ng,b@x,,,10.00,,,,\n"
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe"))
    assert found.without_row == [f"Jane Doe: 2 rows have that name{BY_NUMBER}"]
    assert found.without_work == 1


def test_a_tutor_s_comment_stays_and_a_replaced_grade_is_said(
    tmp_path: Path, course: Course
) -> None:
    """What an earlier export wrote is replaced, also where Moodle made HTML of it."""
    title = course.exercise("01").checks[1].title
    text = MOODLE + "".join(
        f"\nParticipant {n},{name},x{n},,{grade},10.00,,,,{comment}"
        for n, (name, grade, comment) in enumerate(
            [
                ("Ann", "3.50", "Oral exam"),
                ("Bob", "5.00", "All checks passed."),
                ("Cyd", "", f"<p>Not yet: {title}</p>"),
                ("Dan", "", f"Not yet: {title}. Come and see me!"),
            ]
        )
    )
    found = _filled(tmp_path, course, text, _class(course, "Ann", "Bob", "Cyd", "Dan"))
    after = _rows(found.data)[1:]
    assert [row[4] for row in after] == ["5", "5", "5", "5"]
    told = f"Not yet: {title}"
    assert [row[9] for row in after] == ["Oral exam", told, told, f"{told}. Come and see me!"]
    assert found.replaced == ['Ann: 3.50 in the column "Grade" by 5']
    assert found.kept == ["Ann: Oral exam", f"Dan: {told}. Come and see me!"]


def test_blackboard_s_is_utf_16_with_tabs(tmp_path: Path, course: Course) -> None:
    """What it calls an .xls: the login is the row, and the form stays."""
    title = course.exercise("01").title
    head = f'"Last Name"\t"First Name"\t"Username"\t"Student ID"\t"01 {title} [Total Pts: 10 Score] |998"'
    text = f'{head}\r\n"Doe"\t"Jane"\t"jdoe"\t"1"\t""\r\n"Ray"\t"Zoë"\t"z.ray"\t"2"\t"1"\r\n'
    found = _filled(tmp_path, course, text.encode("utf-16"), _class(course, "z.ray"))
    assert [row[4] for row in _rows(found.data, "utf-16", "\t")[1:]] == ["", "5"]


def test_brightspace_s_export(tmp_path: Path, course: Course) -> None:
    """It marks logins with a #, and its download has first and last name."""
    title = course.exercise("01").title
    text = (
        f"OrgDefinedId,Username,Last Name,First Name,01 {title} Points Grade <Numeric MaxPoints:10>,"
        "End-of-Line Indicator\n#1001,#jdoe,Doe,Jane,,#\n#1002,#zray,Müller - Ray,Zoë,,#\n"
    )
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe", "Zoë Müller - Ray"))
    assert _rows(found.data)[1:] == [
        ["#1001", "#jdoe", "Doe", "Jane", "5", "#"],
        ["#1002", "#zray", "Müller - Ray", "Zoë", "5", "#"],
    ]


def test_gradescope_s_grades(tmp_path: Path, course: Course) -> None:
    """One column of several that begin with the title is the score."""
    title = course.exercise("01").title
    text = (
        f"First Name,Last Name,SID,Email,Sections,01 {title},01 {title} - Max Points,"
        f"01 {title} - Submission Time\nJane,Doe,1001,jd@x,A,,10,\nBo,Ng,1002,bo@x,B,,10,\n"
    )
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe", "bo@x", "Cy Oz"))
    assert [row[5] for row in _rows(found.data)[1:]] == ["5", "5"]
    assert found.without_row == ["Cy Oz: no row has that name"]


def test_two_students_never_share_a_row(tmp_path: Path, course: Course) -> None:
    """By login one, by name the other: neither is entered."""
    text = f"{MOODLE}\nParticipant 1,Jane Doe,jdoe@x,,,10.00,Yes,-,-,\n"
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe", "jdoe@x"))
    assert _rows(found.data)[1][4] == ""
    assert found.without_row == [
        f"{who}: one row may be that of Jane Doe and jdoe@x" for who in ("Jane Doe", "jdoe@x")
    ]


PEOPLE = """Username,Last Name,First Name,Email,Grade
jd,Doe,Jane,jdoe@x.example,
zk,Kim,Zoe,zkim@x.example,
jd2,Doe,Jane,jd2@x.example,
"""
FOLDERS = {
    "Doe_Jane_jd": "jd",
    "Kim_Zoe_zk_1234": "zk",
    "Jane Doe 11 jd2": "jd2",
    "Jane Doe _jdoe@x.example_": "jd",
    "Kim, Zoe - zk": "zk",
    "Kim_Zoe_jd": "",
    "Kim_Zoe_1234": "",
}
"""By what ILIAS, OpenOLAT, VPL, a mail program and Schoology call a folder, whose row it is."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_name_and_login_is_the_row_of_both(
    tmp_path: Path, course: Course, folder: str
) -> None:
    """Where name and login are two people's, or no login is there, nothing is entered."""
    found = _filled(tmp_path, course, PEOPLE, _class(course, folder))
    entered = [row[0] for row in _rows(found.data)[1:] if row[4]]
    assert entered == ([FOLDERS[folder]] if FOLDERS[folder] else [])
    assert bool(found.without_row) == (not FOLDERS[folder])


def test_a_last_name_first_is_found_among_full_names(tmp_path: Path, course: Course) -> None:
    """`Doe, Jane` is Jane Doe of Moodle's worksheet, and another last name nobody there."""
    text = f"{MOODLE}\nParticipant 1,Jane Doe,jdoe@x,,,10.00,Yes,-,-,\n"
    found = _filled(tmp_path, course, text, _class(course, "Doe, Jane"))
    assert _rows(found.data)[1][4] == "5"
    found = _filled(tmp_path, course, text, _class(course, "Moe, Jane"))
    assert found.without_row == [f"Moe, Jane: no row has that name{BY_NUMBER}"]


def test_a_last_name_first_is_nobody_else_s_row(tmp_path: Path, course: Course) -> None:
    """`Lee, Kim` is Kim Lee, though `Lee Kim` has the same letters in the same order."""
    text = f"{MOODLE}\n" + "".join(
        f"Participant {n},{name},x{n},,,10.00,Yes,-,-,\n"
        for n, name in enumerate(["Kim Lee", "Lee Kim"])
    )
    found = _filled(tmp_path, course, text, _class(course, "Kim Lee", "Lee, Kim"))
    assert [row[4] for row in _rows(found.data)[1:]] == ["5", ""]
    assert found.without_row == [f"Lee, Kim: 2 rows have that name{BY_NUMBER}"]


def test_what_is_provisional_stays_as_it_was(tmp_path: Path, course: Course) -> None:
    """An earlier grade is not made a zero, nor an empty cell."""
    text = f"{MOODLE}\nParticipant 1,Jane Doe,jdoe@x,,4.00,10.00,Yes,-,-,\n"
    found = _filled(tmp_path, course, text, _class(course, "Jane Doe", outcomes="pep"))
    assert _rows(found.data)[1][4] == "4.00"
    assert found.undecided == 1


WRONG = {
    "no people": ("a,b\n1,2\n", "no column of students: a, b"),
    "empty": ("\n", "no column of students: it is empty"),
    "no such assignment": ("Student,ID,Essay (1)\nJ,1,\n", "no column for"),
    "other points": (f"{MOODLE}\nParticipant 1,Jane,j@x,,,100.00,Yes,-,-,\n", "of 100 points"),
    "other points in German": (
        "ID;Vollständiger Name;Bewertung;Bestwertung\nTeilnehmer/in1;Jane;;100,00\n",
        "of 100 points",
    ),
    "other points between commas": (
        'ID,Bewertung,Bestwertung\nTeilnehmer/in1,,"100,00"\n',
        "of 100 points",
    ),
    "other points in any language": (
        "Id,Name,Note,Foo\nParticipant1,Jane,,100.00\n",
        "of 100 points",
    ),
    "other points of Gradescope's": (
        "First Name,Last Name,01 Doubling,01 Doubling - Max Points\nJane,Doe,,50.0\n",
        "of 50 points",
    ),
    "other points of Blackboard's": (
        "Username\t01 Doubling [Gesamtpunktzahl: 50 Punktestand] |7\njane\t\n",
        "of 50 points",
    ),
    "other points of Sakai's": ("Student ID,Name,01 Doubling [50]\nj,Jane,\n", "of 50 points"),
    "a scale": (
        "ID,Vollständiger Name,Bewertung,Skala\nTeilnehmer/in1,Jane,,gut schlecht\n",
        "a scale of words",
    ),
    "two columns": ("Student,Grade,Points\nJ,,\n", "several columns for"),
}


@pytest.mark.parametrize("case", WRONG)
def test_another_table_is_refused(tmp_path: Path, course: Course, case: str) -> None:
    """Points never go into a column that is not theirs, or is of another scale."""
    text, said = WRONG[case]
    with pytest.raises(GraderError) as refused:
        _filled(tmp_path, course, text, _class(course, "Jane"))
    assert said in str(refused.value)


def test_from_the_command_line(tmp_path: Path) -> None:
    """A graded class into a worksheet; who has no row is a line and exit code 1."""
    root = write_tiny_course(tmp_path / "course")
    for one in _class(load_course(root), "jane", "bob"):
        Results(root / "out").save(one.report)
    (root / "m.csv").write_text(f"{MOODLE}\nParticipant 1,Jane,jane,,4.00,10.00,Yes,-,-,Oral\n")
    into = ("export", "out", "filled.csv", "--into", "m.csv", "--exercise", "01")
    done = grader(root, *into)
    assert done.returncode == 1, done.stderr
    assert "is not filled in: bob: no row has that name" in done.stderr
    assert 'a grade is replaced: jane: 4.00 in the column "Grade" by 5' in done.stderr
    assert "a comment stays, and no feedback is entered: jane: Oral" in done.stderr
    assert _rows((root / "filled.csv").read_bytes())[1][4] == "5"
    assert grader(root, "export", "out", "m.csv", "--into", "m.csv").returncode == 2
    assert grader(root, "export", "out", "x.csv").returncode == 2


def test_moodle_s_number_finds_the_row(tmp_path: Path, course: Course) -> None:
    """Of one of two namesakes, and of who has another name now; where it is of this assignment."""
    rows = ["Participant 11,Jane Smith", "Participant 16,Kim Lee", "Participant 17,Kim Lee"]
    rows.append("Participant 12,Bo Ng")
    text = "\n".join([MOODLE, *(f"{row},x@x,,,10.00,Yes,-,-," for row in rows)])
    some = _class(course, "Jane Doe", "Kim Lee", "Bo Ng")
    numbers = {"Jane Doe": {"11", "111"}, "Kim Lee": {"17"}, "Bo Ng": {"99"}}
    found = _filled(tmp_path, course, text, some, participants=numbers)
    grades = {row[0]: row[4] for row in _rows(found.data)[1:]}
    of = dict(zip(["11", "16", "17", "12"], grades.values(), strict=True))
    assert of == {"11": "5", "16": "", "17": "5", "12": "5"}
    assert found.without_row == []
    without = _filled(tmp_path, course, text, some)
    assert (
        "Kim Lee: 2 rows have that name; --submissions finds it by Moodle's number"
        in without.without_row
    )
