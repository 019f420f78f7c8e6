"""What more programs make of a class's uploads: whose each file is, and which attempt counts."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake.collect import Collected, collect
from grader.intake.tops import without_shared_words

REPO = Path(__file__).resolve().parents[3]
WORK, PIPE = "polling.py", "tail_pipe.py"
_FILE = "assignsubmission_file"


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


_VPL, _OLAT = "Jane Doe 11 jdoe", "ita_Task_2026-11-20/{}"
DOWNLOADS: dict[str, tuple[dict[str, str | bytes], dict[str, str]]] = {
    "an upload in a quiz of Canvas's": (
        {
            f"doe_jane1001_question_77_8801_{WORK}": "j",
            f"doe_jane1001_question_78_8802_{PIPE}": "pipe",
            f"van_dam-ray_zoe1002_question_77_8803_{WORK}": "z",
        },
        {"doejane 01": "j", "doejane 02": "pipe", "vandamrayzoe 01": "z"},
    ),
    "two assignments of Moodle's side by side": (
        {
            f"HW1-101/Jane Doe_11_{_FILE}/{WORK}": "j1",
            f"HW1-101/Zoë Kim_12_{_FILE}/{WORK}": "z1",
            f"HW2-102/Jane Doe_51_{_FILE}/{PIPE}": "j2",
            f"HW2-102/Zoë Kim_52_{_FILE}/{PIPE}": "z2",
        },
        {"Jane Doe 01": "j1", "Jane Doe 02": "j2", "Zoë Kim 01": "z1", "Zoë Kim 02": "z2"},
    ),
    "VPL, a folder for each time": (
        {
            f"{_VPL}/2026-11-20-10-11-12/{WORK}": "old",
            f"{_VPL}/2026-11-22-10-11-12/{WORK}": "new",
            f"{_VPL}/2026-11-22-10-11-12.ceg/execution.txt": "",
            f"Zoe Kim 12 zkim/2026-11-21-10-11-12/{WORK}": "z",
        },
        {f"{_VPL} 01": "new", "Zoe Kim 12 zkim 01": "z"},
    ),
    "CodeGrade, a time after the name": (
        {
            f"Jane Doe - 2026-11-20 10:11:12/{WORK}": "old",
            f"Jane Doe - 2026-11-22T10:11:12.345/{WORK}": "new",
            f"Zoe Kim - 2026-11-21 10:11:12/{WORK}": "z",
        },
        {"Jane Doe 01": "new", "Zoe Kim 01": "z"},
    ),
    "saved attachments, each mail's time without seconds first": (
        {
            f"2026-11-20 1011 Jane Doe/{WORK}": "old",
            f"2026-11-22 09.30 Jane Doe/{WORK}": "new",
            f"2026-11-21 1213 Zoe Kim/{WORK}": "z",
            f"2026-11-21 1213/{WORK}": "a number",
        },
        {"Jane Doe 01": "new", "Zoe Kim 01": "z", "1213 01": "a number"},
    ),
    "OpenOLAT, with corrections, a revision and a solution": (
        {
            _OLAT.format(f"Doe_Jane_jd/1_task/{WORK}"): "task",
            _OLAT.format(f"Doe_Jane_jd/2_submissions/{WORK}"): "first",
            _OLAT.format(f"Doe_Jane_jd/3_corrections/{WORK}"): "tutor",
            _OLAT.format(f"Doe_Jane_jd/4_revisions_1/{WORK}"): "revised",
            _OLAT.format(f"Doe_Jane_jd/5_corrections_1/{WORK}"): "tutor",
            _OLAT.format(f"Kim_Zoe_zk/2_submissions/{WORK}"): "z",
            _OLAT.format(f"solutions/{WORK}"): "sample",
        },
        {"Doe_Jane_jd 01": "revised", "Kim_Zoe_zk 01": "z"},
    ),
    "Google Forms, the name after the file's": (
        {
            f"Week (File responses)/Ex 1 (File responses)/{WORK[:-3]} - Jane Doe.py": "j",
            f"Week (File responses)/Ex 1 (File responses)/{WORK[:-3]} - Zoe Kim.py": "z",
            f"Week (File responses)/Ex 2 (File responses)/{PIPE[:-3]} - Jane Doe.py": "pipe",
        },
        {"Jane Doe 01": "j", "Jane Doe 02": "pipe", "Zoe Kim 01": "z"},
    ),
    "Microsoft Forms": (
        {"Question/polling_Jane Doe.py": "j", "Question/polling_Zoe Kim.py": "z"},
        {"Jane Doe 01": "j", "Zoe Kim 01": "z"},
    ),
    "flat, in a folder for each exercise": (
        {
            f"Exercise 01/Jane Doe - {WORK}": "j1",
            f"Exercise 01/Zoe Kim - {WORK}": "z1",
            f"Exercise 02/Jane Doe - {PIPE}": "j2",
        },
        {"Jane Doe 01": "j1", "Jane Doe 02": "j2", "Zoe Kim 01": "z1"},
    ),
    "Replit's archives": (
        {
            "Jane Doe - Polling.zip": zipped({WORK: b"j"}),
            "Zoe Kim - Polling.zip": zipped({WORK: b"z"}),
        },
        {"Jane Doe 01": "j", "Zoe Kim 01": "z"},
    ),
    "archives called after student and homework": (
        {
            "Doe_Jane_HW1.zip": zipped({WORK: b"j"}),
            "Kim_Zoe_HW1.zip": zipped({WORK: b"z"}),
        },
        {"Doe_Jane 01": "j", "Kim_Zoe 01": "z"},
    ),
    "folders called after exercise and student": (
        {f"Exercise 01 - Jane Doe/{WORK}": "j", f"Exercise 01 - Al/{WORK}": "a"},
        {"Jane Doe 01": "j", "Al 01": "a"},
    ),
    "an archive for each exercise": (
        {
            "Jane/ex1.zip": zipped({WORK: b"1"}),
            "Jane/ex2.zip": zipped({PIPE: b"2"}),
            "Zoe/ex1.zip": zipped({WORK: b"z"}),
        },
        {"Jane 01": "1", "Jane 02": "2", "Zoe 01": "z"},
    ),
    "students' archives in exercises' folders": (
        {
            "01/Jane Doe.zip": zipped({WORK: b"j"}),
            "01/Zoe Kim.zip": zipped({WORK: b"z"}),
            "02/Jane Doe.zip": zipped({PIPE: b"pipe"}),
        },
        {"Jane Doe 01": "j", "Jane Doe 02": "pipe", "Zoe Kim 01": "z"},
    ),
    "two students, one of whom packed it": (
        {"HW/Jane/work.zip": zipped({WORK: b"j"}), f"HW/Zoe/{WORK}": "z"},
        {"Jane 01": "j", "Zoe 01": "z"},
    ),
    "a zip of .NET's, with folders as entries": (
        {"HW\\Jane Doe\\": "", f"HW\\Jane Doe\\{WORK}": "j", f"HW\\Zoe Kim\\{WORK}": "z"},
        {"Jane Doe 01": "j", "Zoe Kim 01": "z"},
    ),
}


@pytest.mark.parametrize("case", DOWNLOADS)
def test_a_program_s_download_is_read(course: Course, tmp_path: Path, case: str) -> None:
    """Everybody's newest work, nobody else's, and no line that asks for anything."""
    files, wanted = DOWNLOADS[case]
    data = {
        name: each if isinstance(each, bytes) else each.encode() for name, each in files.items()
    }
    found = taken(course, tmp_path, data)
    assert _work(found) == wanted
    assert found.students == {key.rpartition(" ")[0] for key in wanted}
    lines = [found.unmatched, found.doubtful, found.problems, found.copies, found.namesakes]
    assert lines == [[], [], [], [], []]


def test_schoology_s_revisions_are_attempts(course: Course, tmp_path: Path) -> None:
    """The last one by number, and what Schoology says of it: late or in time."""
    jane, zoe = "HW/Doe, Jane - 0A1", "HW/Kim, Zoe - 0A2"
    files = {f"{jane}/Revision {n} - On Time/{WORK}": b"%d" % n for n in (2, 9)}
    files |= {f"{jane}/Revision 10 - Late/{WORK}": b"10"}
    files |= {f"{zoe}/Revision 1 - Late/{WORK}": b"1", f"{zoe}/Revision 2 - On Time/{WORK}": b"2"}
    found = taken(course, tmp_path, files)
    assert _work(found) == {"Doe, Jane - 0A1 01": "10", "Kim, Zoe - 0A2 01": "2"}
    assert found.late == {("Doe, Jane - 0A1", "01")}


def test_a_student_s_dated_folder_is_no_attempt(course: Course, tmp_path: Path) -> None:
    """Beside the work it is a copy: the work is taken, and a line says so."""
    files = {f"Jane/{WORK}": b"now", f"Jane/2026-11-20-10-11-12/{WORK}": b"copy"}
    found = taken(course, tmp_path, files | {f"Zoe/{WORK}": b"z"})
    assert _work(found) == {"Jane 01": "now", "Zoe 01": "z"}
    assert len(found.copies) == 1


def test_a_file_in_two_assignments_of_moodle_s_is_nobody_else_s(
    course: Course, tmp_path: Path
) -> None:
    """Of Jane's two nothing says which counts, and in one assignment two are called Bo."""
    people = {("HW1", "Jane", 11), ("HW2", "Jane", 55), ("HW1", "Bo", 12), ("HW1", "Bo", 13)}
    files = {f"{top}/{who}_{n}_{_FILE}/{WORK}": b"%d" % n for top, who, n in people}
    files[f"HW2/Bo_56_{_FILE}/{PIPE}"] = b"56"
    found = taken(course, tmp_path, files)
    assert _work(found) == {
        "Jane-11 01": "11",
        "Jane-55 01": "55",
        "Bo-12 01": "12",
        "Bo-13 01": "13",
        "Bo-56 02": "56",
    }


def test_openolat_s_corrections_make_no_work(course: Course, tmp_path: Path) -> None:
    """Who handed in something else is not graded with what the tutor wrote."""
    files = {
        f"Doe_Jane_jd/1_submissions/{WORK}": b"j",
        "Kim_Zoe_zk/1_submissions/notes.txt": b"z",
        f"Kim_Zoe_zk/2_corrections/{WORK}": b"tutor",
    }
    found = taken(course, tmp_path, files)
    assert _work(found) == {"Doe_Jane_jd 01": "j"}
    assert found.unmatched == ["Kim_Zoe_zk: notes.txt is no file of an exercise"]


def test_a_folder_of_that_name_elsewhere_is_a_student_s(course: Course, tmp_path: Path) -> None:
    """Where folders lie otherwise than OpenOLAT lays them, none is a tutor's."""
    files = {f"jane/3_corrections/{WORK}": b"j", f"bo/1_submissions/{WORK}": b"b"}
    found = taken(course, tmp_path, files | {f"zoe/{WORK}": b"z"})
    assert found.students == {"jane", "bo", "zoe"}
    assert len(found.files) == len(found.students)


_LIST = """---
submission_81:
  :submitters:
  - :name: Jane Doe
    :sid: '1001'
    :email: jd@x.example
  :created_at: 2026-11-20 17:34:00.861687000 Z
  :history:
  - :id: 70
    :created_at: 2026-11-01 17:34:00.861687000 Z
submission_82:
  :submitters:
  - :name: Zoe Kim
    :sid: '1002'
    :email: zk@x.example
  :created_at: 2026-11-21 09:34:00 -08:00
"""


def test_gradescope_s_list_says_when_and_where(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time of the submission that counts; its folders are people's where one has no work."""
    monkeypatch.setenv("TZ", "UTC")
    top = "assignment_5_export"
    files = {
        f"{top}/submission_81/{WORK}": b"j",
        f"{top}/submission_82/notes.txt": b"z",
        f"{top}/submission_metadata.yml": _LIST.encode(),
    }
    found = taken(course, tmp_path, files)
    assert _work(found) == {"Jane Doe 01": "j"}
    assert found.students == {"Jane Doe", "Zoe Kim"}
    files[f"{top}/submission_82/{WORK}"] = b"z"
    found = taken(course, tmp_path, files)
    times = {who: stamp.decode()[:19] for (who, _), stamp in found.stamps.items()}
    assert times == {"Jane Doe": "2026-11-20 17:34:00", "Zoe Kim": "2026-11-21 17:34:00"}


@pytest.mark.parametrize("listed", ["--- [broken\n  x: : :", None])
def test_gradescope_s_export_without_its_list_is_refused(
    course: Course, tmp_path: Path, listed: str | None
) -> None:
    """Whose a submission is, nothing else tells; nobody is called `submission_81`."""
    top = "assignment_5_export"
    files = {f"{top}/submission_{n}/{WORK}": b"x" for n in (81, 82)}
    if listed is not None:
        files[f"{top}/submission_metadata.yml"] = listed.encode()
    with pytest.raises(GraderError, match=r"submission_metadata\.yml") as refused:
        taken(course, tmp_path, files)
    assert "submission_81 and submission_82" in refused.value.message
    assert "Export the submissions again" in refused.value.help


def test_a_student_s_own_list_decides_nothing(course: Course, tmp_path: Path) -> None:
    """In somebody's folder it names nobody, and moves nobody's files."""
    own = {"jane/submission_metadata.yml": _LIST.encode(), f"jane/submission_81/{WORK}": b"j"}
    found = taken(course, tmp_path, own | {f"zoe/{WORK}": b"z"})
    assert _work(found) == {"jane 01": "j", "zoe 01": "z"}


def test_archives_of_one_name_are_looked_into(tmp_path: Path) -> None:
    """At a level that was said: the same file in two is in doubt, other exercises are not."""
    root = write_tiny_course(tmp_path / "course")
    packed, other = zipped({"doubling.py": b"x"}), zipped({"notes.txt": b"x"})
    files = {"A/Jane.zip": packed, "B/Jane.zip": packed, "A/Bo.zip": packed, "B/Bo.zip": other}
    (root / "a.zip").write_bytes(zipped(files))
    done = grader(root, "intake", "a.zip", "out", "--level", "2")
    assert done.returncode == 1
    assert "A and B both hold doubling.py of Jane\n" in done.stdout
    assert {path.name for path in (root / "out").iterdir()} == {"Jane", "Bo"}
    assert (root / "out" / "Bo" / "01" / "doubling.py").is_file()
    assert not (root / "out" / "Jane" / "01" / "doubling.py").exists()


def test_flat_files_of_one_name_in_two_folders_are_asked_about(
    course: Course, tmp_path: Path
) -> None:
    """They may be two people's, or one person's twice: nothing becomes `Group 1`'s work."""
    people = {("HW 1", "Jane Doe"), ("HW 1", "Bo Ng"), ("HW 2", "Jane Doe"), ("HW 2", "Al Oz")}
    files = {f"{top}/{who} - {WORK}": top.encode() for top, who in people}
    with pytest.raises(GraderError, match="may be two people's, or one person's twice"):
        taken(course, tmp_path, files)


def test_a_notebook_beside_a_file_is_asked_about(course: Course, tmp_path: Path) -> None:
    """It may hold the same file: two people's work is never put together."""
    files = {"HW/Jane/a.ipynb": b'{"cells": []}', f"HW/Zoe/{WORK}": b"z"}
    with pytest.raises(GraderError, match="HW may be a student, or the folder around Jane and Zoe"):
        taken(course, tmp_path, files)


def test_a_folder_and_an_archive_of_everybody_s_are_no_people(
    course: Course, tmp_path: Path
) -> None:
    """`part1/` and `part2.zip` in each student's folder are that student's."""
    people = ("Jane", "Zoe")
    files = {f"{who}/part1/{WORK}": who.encode() for who in people}
    files |= {f"{who}/part2.zip": zipped({PIPE: b"pipe"}) for who in people}
    assert _work(taken(course, tmp_path, files)) == {
        f"{who} {exercise}": text
        for who in people
        for exercise, text in (("01", who), ("02", "pipe"))
    }


NOT_SHARED = [
    ("Anna Kim", "Otto Kim"),
    ("Jane_HW1", "Zoe"),
    ("Team 1", "Team 2"),
    ("hw1-1", "hw1-2"),
]


@pytest.mark.parametrize("names", NOT_SHARED)
def test_what_is_no_exercise_s_name_stays(names: tuple[str, str]) -> None:
    """A last name that all have, what one lacks, and what leaves no name."""
    assert without_shared_words(names) == {}


@pytest.mark.parametrize("names", [("polling_fast.py", "polling_test.py"), ("polling - old.py",)])
def test_a_word_after_the_file_s_name_is_nobody(
    course: Course, tmp_path: Path, names: tuple[str, ...]
) -> None:
    """It is what people call a variant; a full name, or one after a dash, is somebody's."""
    found = taken(course, tmp_path, {f"Jane/{name}": b"x" for name in names})
    assert (found.students, found.files) == ({"Jane"}, {})


def test_what_is_of_another_exercise_is_said_to_be_that(course: Course, tmp_path: Path) -> None:
    """With --exercise a file may be one, and not of that exercise."""
    source = tmp_path / "a.zip"
    source.write_bytes(zipped({f"Jane/{WORK}": b"x", f"Zoe/{PIPE}": b"x"}))
    found = collect(source, course, exercise="01")
    assert found.unmatched == [f"Zoe: {PIPE} is no file of exercise 01"]
