"""At which depth the students' folders lie: a file in two folders side by side is two people's."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.course import Course
from grader.errors import GraderError
from grader.intake.collect import collect

WORK = "doubling.py"
NOT_OPENED = (
    "Bo.7z was not taken: it is packed in a way that is not opened; "
    "hand in the file itself or a zip"
)


def _tar(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


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


def test_what_a_teacher_keeps_beside_is_nobodys(course: Course, tmp_path: Path) -> None:
    """Of nbgrader's course folder `submitted` counts, and no solution becomes a student."""
    files = {f"submitted/{who}/01/{WORK}": b"student" for who in ("jane", "bob")}
    files |= {f"autograded/jane/01/{WORK}": b"old", f"source/01/{WORK}": b"solution"}
    found = taken(course, tmp_path, files)
    assert {who: each[WORK] for (who, _), each in found.files.items()} == {
        "jane": b"student",
        "bob": b"student",
    }
    assert found.students == {"jane", "bob"}


def test_of_teams_what_was_submitted_counts(course: Course, tmp_path: Path) -> None:
    """The newest version of it, by number, and no draft of `Working files`."""
    top = "Student Work"
    files = {f"{top}/Working files/{who}/HW/{WORK}": b"draft" for who in ("Jane D", "Bo N")}
    files |= {f"{top}/Submitted files/Jane D/HW/Version {n}/{WORK}": b"%d" % n for n in (9, 10, 1)}
    files |= {f"{top}/Submitted files/Bo N/HW/Version 1/{WORK}": b"1"}
    found = taken(course, tmp_path, files)
    assert {who: each[WORK] for (who, _), each in found.files.items()} == {
        "Jane D": b"10",
        "Bo N": b"1",
    }
    assert len(found.older) == 2  # of Jane's


def test_numbered_folders_are_attempts(course: Course, tmp_path: Path) -> None:
    """Web-CAT has a folder for each: the last by number counts, not by letter."""
    files = {f"HW/{w}/{n}/{WORK}": b"%d" % n for w in ("jane", "bob") for n in (1, 2, 10)}
    found = taken(course, tmp_path, files)
    assert {who: each[WORK] for (who, _), each in found.files.items()} == {
        "jane": b"10",
        "bob": b"10",
    }
    assert found.copies == []


def test_the_newest_upload_to_ilias_counts(course: Course, tmp_path: Path) -> None:
    """By the time before its name."""
    files = {
        f"A/jane/{time}_{WORK}": time.encode() for time in ("20261120101112", "20261121101112")
    }
    files[f"A/bob/20261120101112_{WORK}"] = b"x"
    found = taken(course, tmp_path, files)
    assert found.files["jane", "01"] == {WORK: b"20261121101112"}


SAKAI = "Assignment 1/{}/Submission attachment(s)/doubling.py"


def test_sakai_s_login_is_the_student(course: Course, tmp_path: Path) -> None:
    """Two of one name have two; what Sakai itself adds is nobody's work, a marked copy included."""
    people = {
        "Doe, Jane(jdoe)": "jdoe",
        "Doe, Jane(jdoe2)": "jdoe2",
        "O'B, C(co@x.org)": "co@x.org",
    }
    files = {"Assignment 1/grades.csv": b'"Assignment 1","Points"\n'}
    for name, login in people.items():
        files[SAKAI.format(name)] = login.encode()
        files[f"Assignment 1/{name}/timestamp.txt"] = b"20261120101112123"
        files[f"Assignment 1/{name}/Feedback Attachment(s)/{WORK}"] = b"marked"
    files["Assignment 1/Li, Al(ali)/timestamp.txt"] = b"20261120101112123"
    found = taken(course, tmp_path, files)
    assert found.kind == "sakai"
    assert {who: each[WORK].decode() for (who, _), each in found.files.items()} == {
        login: login for login in people.values()
    }
    assert found.students == {*people.values(), "ali"}
    assert (found.unmatched, found.copies) == ([], [])


def test_a_marked_copy_beside_is_nobodys_work(course: Course, tmp_path: Path) -> None:
    """Moodle's feedback files carry the student's name, and hold a teacher's version."""
    files = {
        f"Jane Doe_12_assign{of}_file_/{WORK}": of.encode() for of in ("submission", "feedback")
    }
    found = taken(course, tmp_path, files)
    assert found.files == {("Jane Doe", "01"): {WORK: b"submission"}}
    assert found.students == {"Jane Doe"}


def test_gradescope_s_list_names_the_people(course: Course, tmp_path: Path) -> None:
    """Those of a group each get its work; a number of a submission is no student."""
    yaml = """submission_81:
  :submitters:
  - :name: Jane Doe
    :sid: '1001'
    :email: jdoe@uni.example
  - :name: "Zo\\u00EB 'Z' Ray"
    :sid:
    :email: zr@uni.example
  :created_at: 2026-11-20 10:11:12.1 Z
  :results:
    :name: not a person
submission_82:
  :submitters:
  - :name: 'O''Brien, C'
    :sid: '1003'
    :email: co@uni.example
"""
    files = {f"assignment_5_export/submission_{n}/{WORK}": b"%d" % n for n in (81, 82)}
    files["assignment_5_export/submission_metadata.yml"] = yaml.encode()
    found = taken(course, tmp_path, files)
    assert {who: each[WORK] for (who, _), each in found.files.items()} == {
        "Jane Doe": b"81",
        "Zoë 'Z' Ray": b"81",
        "O'Brien, C": b"82",
    }
    assert found.unmatched == []


def test_an_archive_s_name_is_its_student(course: Course, tmp_path: Path) -> None:
    """In a folder as in an archive of archives; what is not opened is its student's to read."""
    packed = {
        "Jane Doe.zip": zipped({f"Jane Doe/{WORK}": b"x"}),
        "Zoë.tar.gz": _tar({f"w/{WORK}": b"x"}),
        "Bo.7z": b"7z",
    }
    for top in ("", "Homework 1/"):
        found = taken(course, tmp_path, {top + name: data for name, data in packed.items()})
        assert {who for who, _ in found.files} == {"Jane Doe", "Zoë"}
        assert found.students == {"Jane Doe", "Zoë", "Bo"}
        assert [why for who, _, why in found.refused if who == "Bo"] == [NOT_OPENED]


@pytest.mark.parametrize("name", ["work", "doubling (2)", "Doubling", "submission_3", "20261120"])
def test_what_an_archive_is_called_need_not_be_a_student(
    course: Course, tmp_path: Path, name: str
) -> None:
    """A name of the work names nobody: it is a line, and the others are taken."""
    inner = zipped({WORK: b"x"})
    found = taken(course, tmp_path, {f"{name}.zip": inner, "Jane.zip": inner})
    assert found.students == {"Jane"}
    assert found.unmatched == [f"{name}.zip lies in no student's folder, and names no student"]


DOWNLOADS = {
    "Moodle": [f"{n}_{i}_assignsubmission_file_/{WORK}" for i, n in enumerate(["Al A", "Bo B"])],
    "several people's folders": [f"{who}/{WORK}" for who in ("Al A", "Bo B")],
}


@pytest.mark.parametrize("case", DOWNLOADS)
def test_a_download_among_downloads_is_no_student(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Two sections' downloads in one folder: a line each says what to do, and no row is made."""
    folder = tmp_path / "sections"
    folder.mkdir()
    for section in ("Group A", "Group B"):
        (folder / f"{section}.zip").write_bytes(zipped(dict.fromkeys(DOWNLOADS[case], b"x")))
    found = collect(folder, course)
    assert (found.files, found.students) == ({}, set())
    assert len(found.unmatched) == 2
    assert all(case in line and "take it in by itself" in line for line in found.unmatched)


def test_a_notebook_without_a_file_is_named(course: Course, tmp_path: Path) -> None:
    """Its student reads that no cell is a file of an exercise, not that no file came."""
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {}}
    files = {"jane/Untitled.ipynb": json.dumps({"cells": [cell]}).encode(), "bob/a.ipynb": b"{"}
    found = taken(course, tmp_path, files)
    why = {who: why for who, _, why in found.refused}
    assert why["jane"] == (
        "Untitled.ipynb was not taken: no code cell in it is a file of an exercise"
    )
    assert why["bob"].startswith("a.ipynb was not taken: it is not a notebook: no JSON (")


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


EMPTY = {
    "Moodle": "{}_1002_assignsubmission_file_/",
    "folders": "{}/",
    "an exercise's folder": "{}/01/",
    "around all of them": "Assignment 01/{}/",
}


@pytest.mark.parametrize("case", EMPTY)
@pytest.mark.parametrize("source", ["class.zip", "class"])
@pytest.mark.parametrize("left", ["", "._doubling.py"], ids=["nothing", "a Mac's ._file"])
def test_whose_folder_is_empty_has_a_row_and_a_line(
    course: Course, tmp_path: Path, case: str, source: str, left: str
) -> None:
    """Somebody handed in nothing that arrived: the instructor reads it, and so does the student."""
    top, here = EMPTY[case], EMPTY[case].removesuffix("01/")
    names = [here.format(who) + WORK for who in ("Ann", "Cy")]
    files = dict.fromkeys([*names, here.format("Ann") + "docs/", top.format("Bo") + left], b"")
    if source.endswith(".zip"):
        (tmp_path / source).write_bytes(zipped(files))
    for name in () if source.endswith(".zip") else files:
        path = tmp_path / source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.touch()
    found = collect(tmp_path / source, course)
    assert found.students == {"Ann", "Bo", "Cy"}
    assert found.unmatched == ["Bo: no file came with it"]
    assert [(who, why) for who, _, why in found.refused] == [("Bo", "no file came with it")]
    assert set(found.files) == {("Ann", "01"), ("Cy", "01")}


def test_an_empty_folder_that_is_nobodys_is_passed_over(course: Course, tmp_path: Path) -> None:
    """Beside a section's folder, in a hidden one, or in a download whose files name people."""
    section = {"A/Ann/doubling.py": b"", "A/Bo/doubling.py": b"", "B/": b"", ".git/refs/tags/": b""}
    for number, files in enumerate([section, {"doeann_1_2_doubling.py": b"", "feedback/": b""}]):
        source = tmp_path / f"{number}.zip"
        source.write_bytes(zipped(files))
        assert collect(source, course).unmatched == []
