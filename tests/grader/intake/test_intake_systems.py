"""What each system puts into its download: of all of it the students' own newest work counts."""

from __future__ import annotations

from pathlib import Path

from download import taken

from grader.course import Course

WORK = "doubling.py"


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
    """Of two uploads, the one with the later time before its name."""
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
    assert set(found.teams) == {"Jane Doe", "Zoë 'Z' Ray"}
    assert found.unmatched == []


def test_who_submitted_nothing_to_teams_is_a_line(course: Course, tmp_path: Path) -> None:
    """The draft does not count, and is not passed over in silence."""
    files = {f"Working files/{who}/HW/{WORK}": b"draft" for who in ("Jane Doe", "Bo Li", "Zoe Kim")}
    files |= {f"Submitted files/{who}/HW/Version 1/{WORK}": b"x" for who in ("Jane Doe", "Zoe Kim")}
    found = taken(course, tmp_path, files)
    assert {who for who, _ in found.files} == {"Jane Doe", "Zoe Kim"}
    why = "nothing was submitted: the work lies among the working files alone"
    assert found.unmatched == [f"Bo Li: {why}"]
    assert found.refused == [("Bo Li", "01", why)]
    assert "Bo Li" in found.students
