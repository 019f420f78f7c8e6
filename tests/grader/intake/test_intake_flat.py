"""A flat folder of files whose names say whose they are, and files that are called nearly right."""

from __future__ import annotations

from pathlib import Path

import pytest
from download import taken, zipped

from grader.course import Course, load_course
from grader.intake.collect import Collected

REPO = Path(__file__).resolve().parents[3]
WORK = "polling.py"


@pytest.fixture
def course() -> Course:
    """This course, which has more than one exercise."""
    return load_course(REPO)


def _by_student(found: Collected) -> dict[str, set[bytes]]:
    work: dict[str, set[bytes]] = {}
    for (student, _), files in found.files.items():
        work.setdefault(student, set()).update(files.values())
    return work


FLAT = {
    "Google Drive": ("Jane Doe - {}", "Zoe Kim - {}"),
    "Stud.IP": ("Doe_Jane_{}", "Kim_Zoe_{}"),
    "saved from e-mails": ("jane-{}", "zoe {}"),
    "numbers of students": ("20231234_{}", "20235678_{}"),
}


@pytest.mark.parametrize("top", ["", "Exercise 01/"])
@pytest.mark.parametrize("case", FLAT)
def test_a_name_before_the_file_s_is_its_student(
    course: Course, tmp_path: Path, case: str, top: str
) -> None:
    """Two files of one name are one person's, and a line says who was read out of names."""
    jane, zoe = FLAT[case]
    files = {
        f"{top}{jane.format(WORK)}": b"jane",
        f"{top}{jane.format('tail_pipe.py')}": b"jane too",
        f"{top}{zoe.format(WORK)}": b"zoe",
        f"{top}grades.csv": b"",
    }
    found = taken(course, tmp_path, files)
    assert sorted(_by_student(found).values(), key=len) == [{b"zoe"}, {b"jane", b"jane too"}]
    assert found.named == sorted(found.students)
    assert found.unmatched == []


NOT_NAMES = {
    "one person tells too little": [f"jane_{WORK}"],
    "copies": [f"old_{WORK}", f"final_{WORK}"],
    "an exercise": [f"exercise01_{WORK}", "hw1_sqs.py"],
    "the folder's own name": [f"Jane Doe/jane_{WORK}", "Jane Doe/doe_sqs.py"],
    "folders beside": [f"jane_{WORK}", f"zoe_{WORK}", f"Al/{WORK}"],
    "a file without a name": [f"jane_{WORK}", f"zoe_{WORK}", WORK],
    "attempts": [f"1_{WORK}", f"2_{WORK}"],
}


@pytest.mark.parametrize("case", NOT_NAMES)
def test_what_may_be_no_name_makes_no_student(course: Course, tmp_path: Path, case: str) -> None:
    """Those files are a line, as ever."""
    found = taken(course, tmp_path, dict.fromkeys(NOT_NAMES[case], b"x"))
    assert found.named == []
    assert found.students <= {"Jane Doe", "Al"}
    assert found.unmatched


ADDRESSES = {
    "Autolab": ("jd_oe@cs.x.edu_{}_polling.py", ["2", "10", "9"], "10"),
    "PrairieLearn": ("jd_oe@cs.x.edu_1_read_a_file_{}_polling.py", ["1_2", "2_1", "1_11"], "2_1"),
    "Autolab, an archive": ("jd_oe@cs.x.edu_{}_handin.zip", ["2", "10", "9"], "10"),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_is_its_student_and_the_newest_attempt_counts(
    course: Course, tmp_path: Path, case: str
) -> None:
    """By the number after it, as a number."""
    name, attempts, newest = ADDRESSES[case]
    pack = name.endswith(".zip")
    files = {
        name.format(each): zipped({WORK: each.encode()}) if pack else each.encode()
        for each in attempts
    }
    other = name.replace("jd_oe", "zoe").format(attempts[0])
    files[other] = zipped({WORK: b"zoe"}) if pack else b"zoe"
    found = taken(course, tmp_path, files)
    assert _by_student(found) == {"jd_oe@cs.x.edu": {newest.encode()}, "zoe@cs.x.edu": {b"zoe"}}


MEANT = [
    *("polling (1).py", "polling-1.py", "polling copy.py", "polling_final.py", "Polling.py"),
    *("polling.py.txt", "exercise01_polling.py", "polling - Kopie.py", "Copy of polling.py"),
]


@pytest.mark.parametrize("name", MEANT)
def test_a_name_that_was_meant_is_said_to_both(course: Course, tmp_path: Path, name: str) -> None:
    """The instructor reads what to rename, and so does the student, at that exercise alone."""
    found = taken(course, tmp_path, {f"jane/{name}": b"x", f"zoe/{WORK}": b"x"})
    why = f"{name} was handed in, and the name is {WORK}"
    assert found.unmatched == [f"jane: {why}"]
    assert found.refused == [("jane", "01", why)]


@pytest.mark.parametrize("name", ["poll.py", "polling_zoe.py", "test_polling.py", "polling.md"])
def test_another_name_was_not_meant(course: Course, tmp_path: Path, name: str) -> None:
    """Of a word that is no copy's nothing is concluded."""
    found = taken(course, tmp_path, {f"jane/{name}": b"x", f"zoe/{WORK}": b"x"})
    assert found.unmatched == [f"jane: {name} is no file of an exercise"]


def test_a_second_copy_beside_the_file_is_a_line(course: Course, tmp_path: Path) -> None:
    """Moodle and browsers write `polling (1).py` for what was uploaded, or saved, again."""
    files = {f"jane/{WORK}": b"old", "jane/polling (1).py": b"new", "jane/test_polling.py": b"x"}
    found = taken(course, tmp_path, files | {f"zoe/{WORK}": b"x"})
    assert found.files["jane", "01"] == {WORK: b"old"}
    assert found.unmatched == ["jane: polling (1).py lies beside polling.py, which is taken"]


def test_an_lms_s_table_is_nobodys_work(course: Course, tmp_path: Path) -> None:
    """ILIAS's status files and a teacher's list make no line; a text may be a student's."""
    tables = ("status.xlsx", "status.csv", "Sheet/grades.ODS")
    files = {f"Sheet/{who}/{WORK}": b"x" for who in ("jane", "zoe")} | dict.fromkeys(tables, b"x")
    assert taken(course, tmp_path, files).unmatched == []
    found = taken(course, tmp_path, files | {"Sheet/notes.txt": b"x"})
    assert found.unmatched == ["notes.txt lies in no student's folder, and names no student"]


DEEP = "Takeout/Drive/Classroom/CS 101/{}/{}"


def test_names_deep_in_a_drive_are_read(course: Course, tmp_path: Path) -> None:
    """What else lies there is a line, and hides nobody."""
    files = {
        DEEP.format("Polling", f"Jane Doe - {WORK}"): b"jane",
        DEEP.format("Polling", f"Zoe Kim - {WORK}"): b"zoe",
        "Takeout/archive_browser.html": b"",
    }
    found = taken(course, tmp_path, files)
    assert _by_student(found) == {"Jane Doe": {b"jane"}, "Zoe Kim": {b"zoe"}}
    why = "lies in no student's folder, and names no student"
    assert found.unmatched == [f"archive_browser.html {why}"]
    files[DEEP.format("Events", "Zoe Kim - events.py")] = b"events"
    assert _by_student(taken(course, tmp_path, files))["Zoe Kim"] == {b"zoe", b"events"}


@pytest.mark.parametrize("folder", ["jane/project/v2", "Course/src", "a/b/exercises/01"])
@pytest.mark.parametrize("name", ["stage one_{}", "jdoe_{}"])
def test_deep_in_a_folder_less_is_concluded(
    course: Course, tmp_path: Path, folder: str, name: str
) -> None:
    """Files of one person's may begin with such words, too."""
    files = {f"{folder}/{name.format(WORK)}": b"1", f"{folder}/{'two words_' + WORK}": b"2"}
    found = taken(course, tmp_path, files)
    assert (found.files, found.named) == ({}, [])
    assert found.unmatched
