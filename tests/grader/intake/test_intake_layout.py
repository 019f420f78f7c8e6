"""At which depth the students' folders lie: a file in two folders side by side is two people's."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.course import Course
from grader.errors import GraderError

WORK = "doubling.py"
AROUND = {
    "an assignment's folder": "Assignment 01/{}/doubling.py",
    "two folders": "Course/Assignment 01/{}/doubling.py",
    "Stud.IP, ILIAS": "Abgaben/{}/doubling.py",
    "ILIAS: a time before each file": "multi_feedback_1_47/{}/20261120101112_doubling.py",
    "Teams": "Student Work/Submitted files/{}/01 Doubling/Version 1/doubling.py",
    "OpenOLAT": "Task_1/{}/1_submissions/doubling.py",
    "Vocareum": "course_2026-11-20/{}/work/doubling.py",
    "gh classroom clone": "01-submissions/{}/exercises/01/doubling.py",
    "nbgrader zip_collect": "downloaded/01/extracted/{}/doubling.py",
    "no folder": "{}/doubling.py",
}


@pytest.mark.parametrize("case", AROUND)
def test_what_lies_around_the_students_folders_is_nobodys_name(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Everybody is a row with the own work, whatever the source puts around all of them."""
    names = ["Doe, Jane", "Zoë Ray", "Ng_Bo_bng_33"]
    found = taken(course, tmp_path, {AROUND[case].format(n): n.encode() for n in names})
    assert {who: files[WORK].decode() for (who, _), files in found.files.items()} == {
        name: name for name in names
    }
    assert found.copies == []
    assert found.students == set(names)


def test_what_lies_around_is_said(course: Course, tmp_path: Path) -> None:
    """Whoever runs it sees which folders were taken for nobody's."""
    found = taken(course, tmp_path, {f"A/B/{who}/{WORK}": b"x" for who in ("jane", "bob")})
    assert found.around == ["A/B"]


@pytest.mark.parametrize("top", ["Week {}", "Section {}"])
def test_several_folders_around_are_put_together(course: Course, tmp_path: Path, top: str) -> None:
    """Sections of a class, each in a folder of its own, are one class."""
    inside = {(1, "jane"), (1, "bob"), (2, "cy"), (2, "di")}
    files = {f"{top.format(n)}/{who}/{WORK}": who.encode() for n, who in inside}
    found = taken(course, tmp_path, files)
    assert {who: each[WORK].decode() for (who, _), each in found.files.items()} == {
        who: who for _, who in inside
    }


def test_one_name_in_two_sections_is_asked_about(course: Course, tmp_path: Path) -> None:
    """It may be two people's: sections that share some names are not put together."""
    files = {f"{top}/{who}/{WORK}": top.encode() for top, who in (("A", "jane"), ("A", "bob"))}
    files |= {f"B/{who}/{WORK}": b"B" for who in ("jane", "cy")}
    with pytest.raises(GraderError, match="may hold several people's folders"):
        taken(course, tmp_path, files)


@pytest.mark.parametrize(("outer", "inner"), [("ab", "xyz"), ("xyz", "ab")])
def test_folders_that_recur_in_all_others_are_asked_about(
    course: Course, tmp_path: Path, outer: str, inner: str
) -> None:
    """Weeks of a class, with work handed in again, look like people with the same copies each."""
    files = {f"{o}/{i}/{WORK}": f"{o}{i}".encode() for o in outer for i in inner}
    with pytest.raises(GraderError, match="may hold several people's folders"):
        taken(course, tmp_path, files)
    assert taken(course, tmp_path, files, "folder").students == {*outer}


def test_one_name_in_two_numbered_folders_is_nobodys(course: Course, tmp_path: Path) -> None:
    """It may be two people's: each of them reads why nothing was taken, the others are graded."""
    files = {f"{n}/{who}/{WORK}": b"%d" % n for n in (1, 2) for who in ("jane", f"bob{n}")}
    found = taken(course, tmp_path, files)
    assert {who for who, _ in found.files} == {"bob1", "bob2"}
    assert found.doubtful == ["1 and 2 both hold doubling.py of jane"]
    assert ("jane", "", "it may be somebody else's, who has that name too") in [
        (who, "", why) for who, _, why in found.refused
    ]


def test_a_matriculation_number_is_a_name(course: Course, tmp_path: Path) -> None:
    """And no attempt: within the assignment's folder everybody has the own work."""
    numbers = ["1234", "12345", "123456"]
    found = taken(course, tmp_path, {f"HW/{n}/{WORK}": n.encode() for n in numbers})
    assert {who: each[WORK].decode() for (who, _), each in found.files.items()} == {
        number: number for number in numbers
    }


MAY_BE_BOTH = {
    "numbers": [f"HW/{n}/{WORK}" for n in (1, 2, 3)],
    "a loose file": [f"HW/{WORK}", f"HW/jane/{WORK}", f"HW/bob/{WORK}"],
}


@pytest.mark.parametrize("case", MAY_BE_BOTH)
def test_what_may_be_attempts_or_people_is_asked_about(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Nothing becomes HW's work unless whoever runs it says so."""
    files = dict.fromkeys(MAY_BE_BOTH[case], b"x")
    with pytest.raises(GraderError, match="HW may be a student, or the folder around"):
        taken(course, tmp_path, files)
    assert taken(course, tmp_path, files, "folder").students == {"HW"}


def test_a_loose_file_hides_no_folders(course: Course, tmp_path: Path) -> None:
    """It is nobody's, a line, and what lies in sections is found all the same."""
    files = {f"{s}/{who}/{WORK}": b"x" for s, who in ("Aj", "Ab", "Bc", "Bd")} | {WORK: b"x"}
    found = taken(course, tmp_path, files)
    assert found.students == {"j", "b", "c", "d"}
    assert found.unmatched == [f"{WORK} lies in no student's folder, and names no student"]


def test_a_section_of_one_is_asked_about(course: Course, tmp_path: Path) -> None:
    """Where half of the folders hold several people's, the class is not graded as two people."""
    files = {f"{top}/{who}/{WORK}": b"x" for top, who in (("A", "jane"), ("A", "zoe"), ("B", "al"))}
    with pytest.raises(GraderError, match="A may hold several people's folders"):
        taken(course, tmp_path, files)


def test_one_student_s_folders_move_nobody_else(course: Course, tmp_path: Path) -> None:
    """Whatever one of a class puts side by side, the others are students, and so is that one."""
    files = {f"{who}/{WORK}": b"x" for who in ("jane", "bob", "cy")}
    files |= {f"mallory/{part}/{WORK}": part.encode() for part in ("jane", "bob")}
    found = taken(course, tmp_path, files)
    assert found.students == {"jane", "bob", "cy", "mallory"}
    assert found.files["jane", "01"] == {WORK: b"x"}
    assert len(found.copies) == 1


def test_a_single_person_s_copies_are_no_people(course: Course, tmp_path: Path) -> None:
    """`old` and `final` are nobody's name, also where nothing else was handed in."""
    found = taken(course, tmp_path, {f"jane/{part}/{WORK}": b"x" for part in ("old", "final")})
    assert found.students == {"jane"}


def test_of_one_folder_in_another_is_asked_whose_it_is(course: Course, tmp_path: Path) -> None:
    """`Homework/Jane Doe/` alone may be either's; --format folder says that it is the first."""
    files = {f"Homework/Jane Doe/{WORK}": b"x"}
    with pytest.raises(GraderError, match="Homework or Jane Doe may be the student"):
        taken(course, tmp_path, files)
    assert taken(course, tmp_path, files, "folder").students == {"Homework"}


NO_QUESTION = [
    f"jane/src/{WORK}",
    f"jane/01/{WORK}",
    f"jane/course-main/exercises/01/{WORK}",
    f"jane/{WORK}",
]


@pytest.mark.parametrize("path", NO_QUESTION)
def test_of_one_person_s_repository_nothing_is_asked(
    course: Course, tmp_path: Path, path: str
) -> None:
    """A folder that work has is no name."""
    assert taken(course, tmp_path, {path: b"x"}).students == {"jane"}


def test_around_and_questions_reach_whoever_runs_it(tmp_path: Path) -> None:
    """A line and exit code 0 for a folder around; a line and 2 for a question."""
    root = write_tiny_course(tmp_path / "course")
    (tmp_path / "a.zip").write_bytes(zipped({f"HW/{who}/{WORK}": b"x" for who in ("al", "bo")}))
    done = grader(root, "intake", str(tmp_path / "a.zip"), "out")
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        0,
        "lies around the students' folders: HW",
    )
    (tmp_path / "b.zip").write_bytes(zipped({f"HW/al/{WORK}": b"x"}))
    asked = grader(root, "intake", str(tmp_path / "b.zip"), "out2")
    assert (asked.returncode, len(asked.stderr.splitlines())) == (2, 1)
    assert not (root / "out2").exists()
