"""Downloads as the programs' own sources, or those of scripts that read them, build the names."""

from __future__ import annotations

from pathlib import Path

import pytest
from download import taken, zipped

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import Collected, collect

REPO = Path(__file__).resolve().parents[3]
WORK, PIPE = "polling.py", "tail_pipe.py"


@pytest.fixture
def course() -> Course:
    """This course, which has more than one exercise."""
    return load_course(REPO)


def _work(found: Collected) -> dict[str, str]:
    """By student and exercise, `jane 01`: the contents of its files."""
    return {
        f"{who} {exercise}": " ".join(data.decode() for _, data in sorted(files.items()))
        for (who, exercise), files in found.files.items()
    }


def _data(files: dict[str, str | bytes]) -> dict[str, bytes]:
    return {
        name: each if isinstance(each, bytes) else each.encode() for name, each in files.items()
    }


_DUTCH = "Inleveren polling (1e kans)_{}@student.hhs.nl_poging_2026-11-{}-10-11-12"
_FRENCH = "Homework name GitHub_{}_Tentative_2026-11-20-10-11-12"
_ILIAS = ("Doe_Jane_jdoe_1234", "Kim_Zoe_zkim_1235")
_FORM = "Week 1 (File responses)/Upload it (File responses)"
_UNIT = "[1]Section, [1]Subsection, [1]Unit"
READ: dict[str, tuple[dict[str, str | bytes], dict[str, str]]] = {
    "Blackboard in a Dutch course": (
        {
            f"{_DUTCH.format('jan.jansen', 20)}_{WORK}": "old",
            f"{_DUTCH.format('jan.jansen', 21)}_{WORK}": "new",
            f"{_DUTCH.format('jan.jansen', 21)}.txt": "Naam: Jan Jansen",
            f"{_DUTCH.format('an.de.boer', 21)}_{WORK}": "an",
        },
        {"jan.jansen@student.hhs.nl 01": "new", "an.de.boer@student.hhs.nl 01": "an"},
    ),
    "Blackboard in a French course": (
        {
            f"{_FRENCH.format('jdoe')}_{WORK}": "j",
            f"{_FRENCH.format('jdoe')}.txt": "Nom : Jane Doe",
            f"{_FRENCH.format('zkim')}_{WORK}": "z",
        },
        {"jdoe 01": "j", "zkim 01": "z"},
    ),
    "archives with a login and a time": (
        {
            "Doe_Jane_jd32x.edu_2026-10-10_23-43-22.zip": zipped({WORK: b"old"}),
            "Doe_Jane_jd32x.edu_2026-10-11_23-43-22.zip": zipped({WORK: b"new"}),
            "Kim_Zoe_zk1x.edu_2026-10-10_20-00-01.zip": zipped({WORK: b"z"}),
        },
        {"Doe_Jane_jd32x.edu 01": "new", "Kim_Zoe_zk1x.edu 01": "z"},
    ),
    "archives of Google's forms, fetched by a script": (
        {
            "s1234567_2026-11-20T10:11:12+11:00.zip": zipped({WORK: b"old"}),
            "s1234567_2026-11-21T10:11:12+11:00.zip": zipped({WORK: b"new"}),
            "s1234568_2026-11-20T10_11_12+11_00.zip": zipped({WORK: b"z"}),
        },
        {"s1234567 01": "new", "s1234568 01": "z"},
    ),
    "flat files with a time": (
        {
            f"Homework1/janedoe_2026-01-01_120000_{WORK}": "old",
            f"Homework1/janedoe_2026-01-02_120000_{WORK}": "new",
            f"Homework1/johndoe_2026-01-01_130000_{WORK}": "john",
        },
        {"janedoe 01": "new", "johndoe 01": "john"},
    ),
    "archives with a time before what students called theirs": (
        {
            "janedoe_2026-01-01_120000_project.zip": zipped({WORK: b"j"}),
            "johndoe_2026-01-01_130000_project.zip": zipped({WORK: b"john"}),
        },
        {"janedoe 01": "j", "johndoe 01": "john"},
    ),
    "archives with the day of an upload last": (
        {
            "jdoe_Doe_Polling_2026-11-20.zip": zipped({WORK: b"old"}),
            "jdoe_Doe_Polling_2026-11-21.zip": zipped({WORK: b"new"}),
            "zkim_Kim_Polling_2026-11-20.zip": zipped({WORK: b"z"}),
        },
        {"jdoe_Doe 01": "new", "zkim_Kim 01": "z"},
    ),
    "Moodle's renamed submissions, a matriculation number after the name": (
        {
            f"Muster_111111_{WORK}": "1",
            f"Muster_222222_{WORK}": "2",
            "Doe_333333_polling.zip": zipped({WORK: b"3"}),
            "Doe_444444_polling.zip": zipped({WORK: b"4"}),
        },
        {
            "Muster_111111 01": "1",
            "Muster_222222 01": "2",
            "Doe_333333 01": "3",
            "Doe_444444 01": "4",
        },
    ),
    "Moodle's renamed submissions, a folder for each group": (
        {
            f"Group A/Muster_0123456_{WORK}": "m",
            f"Group A/Doe_0123457_{WORK}": "d",
            f"Group B/Kim_0123458_{WORK}": "k",
        },
        {"Muster_0123456 01": "m", "Doe_0123457 01": "d", "Kim_0123458 01": "k"},
    ),
    "edX's open responses": (
        {
            f"{_UNIT}/[1] - jdoe - {WORK}": "j",
            f"{_UNIT}/[1] - jdoe - prompt_0.txt": "",
            f"{_UNIT}/[2] - jdoe - {PIPE}": "pipe",
            f"{_UNIT}/[1] - zkim - {WORK}": "z",
            f"{_UNIT}/[1] - zkim - prompt_0.txt": "",
            "submissions.csv": "",
        },
        {"jdoe 01": "j", "jdoe 02": "pipe", "zkim 01": "z"},
    ),
    "ILIAS, an archive for each student": (
        {
            f"{who}.zip": zipped(
                {
                    f"{who}/Blatt 1/Abgaben/{who}/20261120101112_{WORK}": b"old",
                    f"{who}/Blatt 1/Abgaben/{who}/20261121101112_{WORK}": who.encode(),
                    f"{who}/Blatt 2/Abgaben/{who}/20261120101112_{PIPE}": b"pipe",
                }
            )
            for who in _ILIAS
        },
        {f"{who} 01": who for who in _ILIAS} | {f"{who} 02": "pipe" for who in _ILIAS},
    ),
    "Artemis, the course and the exercise before a number and the login": (
        {
            f"pse-Polling-{n}-{who}.zip": zipped(
                {f"pse-Polling-{n}-{who}/src/{WORK}": who.encode()}
            )
            for n, who in ((4711, "ge12abc"), (4712, "ga34xyz"))
        },
        {"4711-ge12abc 01": "ge12abc", "4712-ga34xyz 01": "ga34xyz"},
    ),
    "archives that end in what teachers abbreviate": (
        {
            "Jane_Doe_816012345_A1.zip": zipped({WORK: b"j"}),
            "Zoe_Kim_816012346_A1.zip": zipped({WORK: b"z"}),
        },
        {"Jane_Doe_816012345 01": "j", "Zoe_Kim_816012346 01": "z"},
    ),
    "Google's Classroom, by a script that puts names to the files": (
        {"Week 1/Jane Doe/Polling_Jane Doe.py": "j", "Week 1/Zoe Kim/Polling_Zoe Kim.py": "z"},
        {"Jane Doe 01": "j", "Zoe Kim 01": "z"},
    ),
    "OneDrive's file request, with a wide space": (
        {f"山田\N{IDEOGRAPHIC SPACE}太郎_{WORK}": "y", f"Doe Jane_{WORK}": "j"},
        {"山田 太郎 01": "y", "Doe Jane 01": "j"},
    ),
    "PrairieLearn's files for manual grading": (
        {
            f"Homework1/jd@x.example_polling_345_{WORK}": "j",
            f"Homework1/zk@x.example_polling_346_{WORK}": "z",
        },
        {"jd@x.example 01": "j", "zk@x.example 01": "z"},
    ),
    "attachments of a quiz of Moodle's, in folders": (
        {
            f"Polling_77/Doe_Jane_1234/Attempt_1/{WORK}": "old",
            f"Polling_77/Doe_Jane_1234/Attempt_2/{WORK}": "new",
            "Polling_77/Doe_Jane_1234/USERINFO.txt": "",
            f"Polling_77/Kim_Zoe_1235/Attempt_1/{WORK}": "z",
            "Polling_77/Kim_Zoe_1235/USERINFO.txt": "",
        },
        {"Doe_Jane_1234 01": "new", "Kim_Zoe_1235 01": "z"},
    ),
    "attachments of a quiz of Moodle's, flat": (
        {
            f"Polling_77/Doe_Jane_1234_Attempt_1_{WORK}": "old",
            f"Polling_77/Doe_Jane_1234_Attempt_2_{WORK}": "new",
            f"Polling_77/Kim_Zoe_1235_Attempt_1_{WORK}": "z",
        },
        {"Doe_Jane_1234 01": "new", "Kim_Zoe_1235 01": "z"},
    ),
    "ILIAS's download for feedback, with a README and lists": (
        {
            "Multi/README.md": "",
            "Multi/status.csv": "",
            "Multi/status.xlsx": "",
            f"Multi/Doe_Jane_jdoe_12/{WORK}": "j",
            f"Multi/Kim_Zoe_zkim_13/{WORK}": "z",
        },
        {"Doe_Jane_jdoe_12 01": "j", "Kim_Zoe_zkim_13 01": "z"},
    ),
    "Sakai, with files of a program for marking": (
        {
            "A 1/grades.csv": "",
            "A 1/grades.xlsx": "",
            "A 1/.settings.json": "",
            "A 1/Doe, Jane(jdoe)/.marks.json": "",
            "A 1/Doe, Jane(jdoe)/Feedback Attachment(s)/polling.py": "marked",
            f"A 1/Doe, Jane(jdoe)/Submission attachment(s)/{WORK}": "j",
            f"A 1/Kim, Zoe(zkim)/Submission attachment(s)/{WORK}": "z",
        },
        {"jdoe 01": "j", "zkim 01": "z"},
    ),
    "Google's forms with one question, and a number in a file's own name": (
        {
            f"{_FORM}/polling - Jane Doe.py": "j",
            f"{_FORM}/polling - Zoe Kim.py": "z",
            f"{_FORM}/notes (1) - Zoe Kim.txt": "",
        },
        {"Jane Doe 01": "j", "Zoe Kim 01": "z"},
    ),
    "a folder for each time, in one of the task's": (
        {
            f"jd@x.example/hw1/2026-11-20T10:11:12/{WORK}": "old",
            f"jd@x.example/hw1/2026-11-21T10:11:12/{WORK}": "new",
            f"zk@x.example/hw1/2026-11-20T10:11:12/{WORK}": "z",
        },
        {"jd@x.example 01": "new", "zk@x.example 01": "z"},
    ),
    "an archive for each time": (
        {
            "jdoe/2026-11-20-10-11-12.zip": zipped({WORK: b"old"}),
            "jdoe/2026-11-21-10-11-12.zip": zipped({WORK: b"new"}),
            "zkim/2026-11-20-10-11-12.zip": zipped({WORK: b"z"}),
        },
        {"jdoe 01": "new", "zkim 01": "z"},
    ),
    "folders with the time before the login": (
        {
            f"20261120_101112_jdoe/{WORK}": "old",
            f"20261121_101112_jdoe/{WORK}": "new",
            f"20261120_101112_zkim/{WORK}": "z",
        },
        {"jdoe 01": "new", "zkim 01": "z"},
    ),
    "a name in brackets after the file's": (
        {"polling_(John_Doe).py": "john", "polling_(Zoe_Kim).py": "z"},
        {"John_Doe 01": "john", "Zoe_Kim 01": "z"},
    ),
}


@pytest.mark.parametrize("case", READ)
def test_an_export_is_read(course: Course, tmp_path: Path, case: str) -> None:
    """Everybody's newest work, nobody else's, and no line that asks for anything."""
    files, wanted = READ[case]
    found = taken(course, tmp_path, _data(files))
    assert _work(found) == wanted
    assert found.students == {key.rpartition(" ")[0] for key in wanted}
    lines = [found.unmatched, found.doubtful, found.problems, found.copies, found.namesakes]
    assert lines == [[], [], [], [], []]


def test_a_full_name_with_numbers_before_the_time_is_asked_about(
    course: Course, tmp_path: Path
) -> None:
    """A quiz of Moodle's puts the attempt's number there; two may have that name as well."""
    quiz = "{}_20261120_101112/Question_1_-_polling/Attachments/polling.py"
    people = ("Doe_John_23", "Doe_John_24", "Kim_Zoe_25")
    found = taken(course, tmp_path, {quiz.format(who): who.encode() for who in people})
    assert _work(found) == {"Kim_Zoe_25 01": "Kim_Zoe_25"}
    assert found.students == {"Doe_John", "Kim_Zoe_25"}
    assert "may be one person's, or two people's" in found.doubtful[0]


def test_a_short_number_before_a_file_s_name_is_no_student_s(
    course: Course, tmp_path: Path
) -> None:
    """`01_polling.py` is what Jane called hers, so that she is told the name."""
    files = {"Jane Doe - 01_polling.py": b"j", "Zoe Kim - polling.py": b"z"}
    found = taken(course, tmp_path, files)
    assert found.students == {"Jane Doe", "Zoe Kim"}
    assert _work(found) == {"Zoe Kim 01": "z"}


def test_a_named_file_in_each_of_two_groups_is_of_the_folder_s_owner(
    course: Course, tmp_path: Path
) -> None:
    """`A/jane_polling.py` beside `B/zoe_polling.py` may be what A and B call their work."""
    found = taken(course, tmp_path, {"A/jane_polling.py": b"j", "B/zoe_polling.py": b"z"})
    assert found.students == {"A", "B"}
    assert _work(found) == {}


@pytest.mark.parametrize("names", [("HW1", "HW2"), ("Seite 2", "Seite 3"), ("Class 1", "Class 2")])
def test_one_of_several_downloads_is_no_student(
    course: Course, tmp_path: Path, names: tuple[str, str]
) -> None:
    """ILIAS packs each assignment: neither becomes a student with everybody's work in it."""
    first, other = names
    files = {
        f"{first}.zip": zipped({f"{who}/{WORK}": who.encode() for who in ("Jane", "Zoe")}),
        f"{other}.zip": zipped({f"Jane/{PIPE}": b"pipe"}),
    }
    found = taken(course, tmp_path, files)
    assert (found.files, found.students) == ({}, set())
    assert found.unmatched == [
        f"{first}.zip holds several people's folders; take it in by itself",
        f"{other}.zip is called like {first}, which holds several people's work",
    ]


def test_copies_in_one_student_s_archive_leave_it_a_student_s(
    course: Course, tmp_path: Path
) -> None:
    """Also beside somebody of the same last name, whom a number of some length tells apart."""
    copies = zipped({"a/polling.py": b"1", "b/polling.py": b"2"})
    lone = zipped({WORK: b"2"})
    found = taken(course, tmp_path, {"Muster_111111.zip": copies, "Muster_222222.zip": lone})
    assert found.students == {"Muster_111111", "Muster_222222"}
    assert found.unmatched == []


def test_parts_of_a_download_are_put_together_first(course: Course, tmp_path: Path) -> None:
    """Taken in one after the other, the second would replace half of the first."""
    part = "drive-download-20261120T101112Z-{}.zip"
    files = {
        part.format("001"): zipped({f"HW/{who}/{PIPE}": b"1" for who in ("Jane", "Zoe")}),
        part.format("002"): zipped({f"HW/{who}/tcp_socket.py": b"2" for who in ("Jane", "Zoe")}),
    }
    found = taken(course, tmp_path, files)
    assert found.files == {}
    assert all("its other parts into one folder" in line for line in found.unmatched)
    assert len(found.unmatched) == len(files)


@pytest.mark.parametrize(
    ("jane", "zoe"), [("polling_jane.py", "polling_zoe.py"), ("polling_Jane Doe.py", WORK)]
)
def test_a_name_that_some_put_to_a_file_is_said(
    course: Course, tmp_path: Path, jane: str, zoe: str
) -> None:
    """What students call theirs stays, and they read the right name."""
    found = taken(course, tmp_path, {f"Jane Doe/{jane}": b"j", f"Zoe Kim/{zoe}": b"z"})
    assert ("Jane Doe", "01", f"{jane} was handed in, and the name is {WORK}") in found.refused
    assert ("Jane Doe", "01") not in found.files


@pytest.mark.parametrize(
    "copy", ["{} 2", "{} - Copy", "{} copy", "Copy of {}", "{} 1", "Kopie von {}"]
)
def test_what_a_system_calls_a_copy_is_asked_about(
    course: Course, tmp_path: Path, copy: str
) -> None:
    """Jane handed in twice, or there are two: neither is graded beside the other."""
    people = ("Jane Doe", copy.format("Jane Doe"), "Zoe Kim")
    files = {f"{who}.zip": zipped({WORK: who.encode()}) for who in people}
    found = taken(course, tmp_path, files)
    assert _work(found) == {"Zoe Kim 01": "Zoe Kim"}
    assert found.students == {"Jane Doe", "Zoe Kim"}
    assert "may be one person's, or two people's" in found.doubtful[0]


def test_numbered_groups_are_groups(course: Course, tmp_path: Path) -> None:
    """`Group 2` beside `Group` is no copy."""
    files = {f"{who}/{WORK}": b"x" for who in ("Group", "Group 2", "Zoe Kim 2")}
    assert taken(course, tmp_path, files).students == {"Group", "Group 2", "Zoe Kim 2"}


def test_files_called_after_teams_are_not_read_as_canvas_s(course: Course, tmp_path: Path) -> None:
    """In PrairieLearn's names for teams numbers follow, as in Canvas's: no two become `1`."""
    files = {
        f"Homework1/team-{team}_1_polling_1_1_2342{n}_{WORK}": team.encode()
        for n, team in enumerate("ab")
    }
    found = taken(course, tmp_path, files)
    assert found.students == {"team-a", "team-b"}
    assert _work(found) == {}


def test_a_second_upload_to_a_form_is_said(course: Course, tmp_path: Path) -> None:
    """Google puts the name after the browser's number: `polling (1) - Zoe Kim.py`."""
    names = ("polling - Jane Doe.py", "polling - Zoe Kim.py", "polling (1) - Zoe Kim.py")
    found = taken(course, tmp_path, {f"{_FORM}/{name}": name.encode() for name in names})
    assert found.students == {"Jane Doe", "Zoe Kim"}
    assert found.unmatched == ["Zoe Kim: polling (1).py lies beside polling.py, which is taken"]


@pytest.mark.parametrize("called", ["hw", "myproject"])
def test_names_that_a_time_alone_tells_apart_are_nobody_s(
    course: Course, tmp_path: Path, called: str
) -> None:
    """They may be a class's: none is taken for an older attempt of another."""
    times = ("2026-11-20_10-11-12", "2026-11-21_10-11-12")
    files = {f"{called}_{time}.zip": zipped({WORK: time.encode()}) for time in times}
    found = taken(course, tmp_path, files)
    assert (found.files, found.students) == ({}, set())
    assert all(f"all are called {called}, with a time" in line for line in found.unmatched)


def test_a_date_of_birth_tells_people_apart(course: Course, tmp_path: Path) -> None:
    """Two who are called Jane Doe are no attempts of one."""
    people = ("Jane Doe 2001-05-06", "Jane Doe 2002-07-08", "Zoe Kim 2001-01-01")
    found = taken(course, tmp_path, {f"{who}/{WORK}": b"x" for who in people})
    assert found.students == {*people}
    assert len(found.files) == len(people)


def test_one_full_name_s_attempts_are_one_person_s(course: Course, tmp_path: Path) -> None:
    """Who takes in a single student is not asked."""
    files = {f"Jane Doe - 2026-11-2{n} 10-11-12/{WORK}": b"%d" % n for n in (1, 2)}
    assert _work(taken(course, tmp_path, files)) == {"Jane Doe 01": "2"}


def test_numbered_parts_of_somebody_s_work_are_no_attempts(course: Course, tmp_path: Path) -> None:
    """`work/2` may be the second part; that both hold the file is said."""
    files = {f"jane/work/{n}/{WORK}": b"%d" % n for n in (1, 2)}
    found = taken(course, tmp_path, files | {f"zoe/{WORK}": b"z"})
    assert len(found.copies) == 1
    assert _work(found)["jane 01"] == "1"


def test_a_year_before_a_file_s_name_is_no_student_s_number(course: Course, tmp_path: Path) -> None:
    """Nobody is called `Jane Doe - 2026`."""
    files = {"Jane Doe - 2026_polling.py": b"j", f"Zoe Kim - {WORK}": b"z"}
    assert taken(course, tmp_path, files).students == {"Jane Doe", "Zoe Kim"}


def test_mail_is_said_to_be_that(course: Course, tmp_path: Path) -> None:
    """In a folder and alone, with what to do instead."""
    mails = ("Jane Doe - HW1.eml", "class.mbox")
    found = taken(course, tmp_path, dict.fromkeys(mails, b"From: jane"))
    assert found.students == set()
    assert sorted(line.split(";")[0] for line in found.unmatched) == [
        f"{name} is an e-mail" for name in mails
    ]
    mail = tmp_path / "class.mbox"
    mail.write_bytes(b"From jane")
    with pytest.raises(GraderError, match="holds mail, and is no archive"):
        collect(mail, course)
