"""Whose a file is: the names of each LMS's download, and two people of one name."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import pytest
from command_line import grader
from download import taken, zipped
from tiny_course import write_tiny_course

from grader.class_folder import find_submissions
from grader.course import Course, load_course
from grader.intake.names import FORMATS
from grader.intake.students import clean_name, folders

REPO = Path(__file__).resolve().parents[3]


NAMES = {
    ("canvas", "doejane_12345_67890_polling.py"): ("doejane", "polling.py", False),
    ("canvas", "doejane_LATE_12345_67890_polling-2.py"): ("doejane", "polling.py", True),
    ("canvas", "doejane_12345_67890_redis_pubsub.py"): ("doejane", "redis_pubsub.py", False),
    ("canvas", "anon_12345_67890_work.tar.gz"): ("anon-12345", "work.tar.gz", False),
    ("canvas", "anon_aB3dE_67890_polling.py"): ("anon-aB3dE", "polling.py", False),
    ("canvas", "LATE_anon_xYz12_67890_redis_pubsub-1.py"): ("anon-xYz12", "redis_pubsub.py", True),
    ("canvas", "LATE_anon_xYz12_text.html"): ("anon-xYz12", "text.html", True),
    ("canvas", "doejane_12345_text.html"): ("doejane", "text.html", False),
    ("canvas", "doejane_12345_67890_text.html"): ("doejane", "text.html", False),
    ("canvas", "doejane_LATE_12345_link.html"): ("doejane", "link.html", True),
    ("moodle", "Jane Doe_123_assignsubmission_file_/polling.py"): ("Jane Doe", "polling.py", False),
    ("moodle", "Jane Doe_123_assignsubmission_file_polling.py"): ("Jane Doe", "polling.py", False),
    ("moodle", "Group A-Jane Doe_123_assignsubmission_file_/a/polling.py"): ("Group A-Jane Doe", "a/polling.py", False),
    ("moodle", "Participant_123_assignsubmission_file_/polling.py"): ("Participant 123", "polling.py", False),
    ("brightspace", "123-456 - Jane Doe - Nov 3, 2026 1159 PM/polling.py"): ("Jane Doe", "polling.py", False),
    ("brightspace", "123-456 - Jane Doe- Nov 23, 2026 959 AM - polling.py"): ("Jane Doe", "polling.py", False),
    ("blackboard", "Exercise 1_jdoe_attempt_2026-11-23-23-59-00_polling.py"): ("Exercise 1_jdoe", "polling.py", False),
    ("folder", "jane/01/polling.py"): ("jane", "01/polling.py", False),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_names_of_a_download_tell_whose_it_is(kind: str, name: str) -> None:
    """Student, file and late mark, for each LMS."""
    found = FORMATS[kind](PurePosixPath(name))
    assert found is not None
    assert (found.student, str(found.path), found.late) == NAMES[kind, name]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("canvas", "notes.txt"),
        ("canvas", "12345_67890_polling.py"),
        ("canvas", "doejane_12345_notes.html"),
        ("moodle", "Jane Doe/polling.py"),
        ("brightspace", "index.html"),
        ("blackboard", "jdoe_attempt_2026-11-23-23-59-00_polling.py"),
        ("folder", "polling.py"),
    ],
)
def test_other_names_belong_to_nobody(kind: str, name: str) -> None:
    """They are reported, never guessed."""
    assert FORMATS[kind](PurePosixPath(name)) is None


def test_a_classroom_s_prefix_is_no_part_of_a_name(course: Course, tmp_path: Path) -> None:
    """exercise-1-jane and exercise-1-bob are jane and bob."""
    files = {f"exercise-1-{who}/exercises/01/doubling.py": b"x" for who in ("jane", "bob")}
    assert set(taken(course, tmp_path, files, "github").files) == {("jane", "01"), ("bob", "01")}


MOODLE_NAMES = {
    "two groups": (["A-Jane Doe", "A-Bob Ray", "B-Cy Ng", "B-Di Oz"], ["Bob Ray", "Cy Ng", "Di Oz", "Jane Doe"]),
    "one is in no group": (["A-Jane Doe", "A-Bob Ray", "Cy Ng"], ["A-Bob Ray", "A-Jane Doe", "Cy Ng"]),
    "a double name": (["Anne-Lise Ray", "Jean-Luc Doe"], ["Anne-Lise Ray", "Jean-Luc Doe"]),
    "two of one name": (["A-Jane", "A-Bob", "B-Jane", "B-Di"], ["A-Bob", "A-Jane", "B-Di", "B-Jane"]),
}  # fmt: skip


@pytest.mark.parametrize("case", MOODLE_NAMES)
def test_a_groups_name_is_no_part_of_a_students(course: Course, tmp_path: Path, case: str) -> None:
    """Moodle puts it first; where that is in doubt, or would make one of two, it stays."""
    names, students = MOODLE_NAMES[case]
    files = {
        f"{name}_{number}_assignsubmission_file_/doubling.py": b"x"
        for number, name in enumerate(names)
    }
    found = taken(course, tmp_path, files)
    assert found.kind == "moodle"
    assert sorted(found.students) == students
    assert len(found.files) == len(names)


BLACKBOARDS_NAMES = {
    "underscores": (["Exercise 1_j_smith", "Exercise 1_a_smith"], ["a_smith", "j_smith"]),
    "an underscore in the title": (["E_1_jdoe", "E_1_jane", "E_1_a_b"], ["a_b", "jane", "jdoe"]),
    "one student": (["E_1_jdoe"], ["jdoe"]),
    "two downloads in one": (["One_jdoe", "Two_jdoe", "Two_bob"], ["bob", "jdoe"]),
}


@pytest.mark.parametrize("case", BLACKBOARDS_NAMES)
def test_an_assignments_title_is_no_part_of_a_login(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Blackboard puts it first, and both may hold underscores: what all begin with is the title."""
    names, students = BLACKBOARDS_NAMES[case]
    files = {f"{name}_attempt_2026-11-03-23-59-00_doubling.py": b"x" for name in names}
    found = taken(course, tmp_path, files)
    assert found.kind == "blackboard"
    assert sorted(found.students) == students
    assert sorted(found.files) == [(student, "01") for student in students]
    assert not found.namesakes


def test_blackboards_own_text_is_nobodys_file(course: Course, tmp_path: Path) -> None:
    """One comes with each attempt: no line for it; who handed in no file has a line and a row."""
    files = {
        "E_jane_attempt_2026-11-03-23-59-00_doubling.py": b"x",
        "E_jane_attempt_2026-11-03-23-59-00.txt": b"Name: Jane (jane)",
        "E_bob_attempt_2026-11-03-23-59-00.txt": b"Name: Bob (bob)",
    }
    found = taken(course, tmp_path, files)
    assert found.unmatched == ["bob: no file came with it"]
    assert found.students == {"bob", "jane"}
    assert set(found.files) == {("jane", "01")}


def test_brightspaces_own_list_is_nobodys_file(course: Course, tmp_path: Path) -> None:
    """Each download has one: no line for it."""
    files = {"1-2 - Jane Doe - Nov 3, 2026 1159 PM/doubling.py": b"x", "index.html": b"<html>"}
    found = taken(course, tmp_path, files)
    assert found.kind == "brightspace"
    assert not found.unmatched
    assert found.students == {"Jane Doe"}


NAMESAKES = {
    "canvas": ("smithjohn_1001_20_doubling.py", "smithjohn_2002_21_doubling.py"),
    "moodle": (
        "John Smith_1001_assignsubmission_file_/doubling.py",
        "John Smith_2002_assignsubmission_file_/doubling.py",
    ),
    "brightspace": (
        "1001-5 - John Smith - Nov 3, 2026 1159 PM/doubling.py",
        "2002-5 - John Smith - Nov 23, 2026 959 AM/doubling.py",
    ),
}


@pytest.mark.parametrize("kind", NAMESAKES)
def test_two_of_one_name_stay_two(course: Course, tmp_path: Path, kind: str) -> None:
    """The LMS's numbers tell them apart, and it is said who got one."""
    files = dict(zip(NAMESAKES[kind], (b"first", b"second"), strict=True))
    found = taken(course, tmp_path, files)
    name = "smithjohn" if kind == "canvas" else "John Smith"
    assert found.files == {
        (f"{name}-1001", "01"): {"doubling.py": b"first"},
        (f"{name}-2002", "01"): {"doubling.py": b"second"},
    }
    assert sorted(found.namesakes) == [f"{name}-1001", f"{name}-2002"]
    assert not found.older


def test_everybody_keeps_the_same_folder(tmp_path: Path) -> None:
    """Also when a namesake hands in later, alone or beside the first one."""
    root = write_tiny_course(tmp_path)
    one, other = NAMESAKES["canvas"]
    for download in ({one: b"1"}, {other: b"2"}, {one: b"3", other: b"4"}):
        (root / "download.zip").write_bytes(zipped(download))
        done = grader(root, "intake", "download.zip", "subs")
        assert done.returncode == 0, done.stderr
    assert "has a namesake, so a number: smithjohn-2002" in done.stdout
    found = find_submissions(root / "subs", load_course(root))
    kept = {each.student: each.files["doubling.py"] for each in found}
    assert kept == {"smithjohn": b"3", "smithjohn-2002": b"4"}


CLEANED_ALIKE = {
    "no system takes it": ("ann:b", "ann?b"),
    "cut": ("a" * 100 + "b", "a" * 100 + "c"),
    "in other letters": ("Ann", "ann"),
    "a number of one's own": ("ann_", "ann*", "ann_-6735285232d7"),
}


@pytest.mark.parametrize("case", CLEANED_ALIKE)
def test_no_two_names_become_one_folder(case: str) -> None:
    """By what is done to them, or on a system that knows no case; and again the same ones."""
    people = [(name, "") for name in CLEANED_ALIKE[case]]
    chosen = folders(people, {}, ())
    assert len({folder.casefold() for folder in chosen.values()}) == len(people)
    assert chosen == folders(people[::-1], {}, ())


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../x", "_x"),
        ("a/b", "a_b"),
        ("\x1b[2J", "_[2J"),
        ("..", "_"),
        ("Zoë Ö", "Zoë Ö"),
        ("a" * 300, "a" * 100),
        ("ä" * 300, "ä" * 100),
        ("漢" * 300, "漢" * 66),
    ],
)
def test_no_name_leads_out_of_the_folder(name: str, clean: str) -> None:
    """Names by strangers become folders."""
    assert clean_name(name) == clean


@pytest.mark.parametrize("people", [["j_doe"], ["j_doe", "j_kim"], ["j_doe", "doe"]])
def test_blackboards_own_text_says_the_login(
    course: Course, tmp_path: Path, people: list[str]
) -> None:
    """Where the title ends, no name tells of one student, or of logins that begin alike."""
    files = {}
    for login in people:
        name = f"HW_1_{login}_attempt_2026-11-03-23-59-00"
        files[f"{name}_doubling.py"] = login.encode()
        files[f"{name}.txt"] = f"\ufeffName: Jane (Jo) Doe ({login})\r\nAssignment: HW_1".encode()
    found = taken(course, tmp_path, files)
    assert {who: each["doubling.py"].decode() for (who, _), each in found.files.items()} == {
        login: login for login in people
    }


@pytest.mark.parametrize("text", [b"", b"Name: Jane (other)", b"\xff\xfe", b"no name (j_doe)"])
def test_a_text_that_says_no_login_changes_nothing(
    course: Course, tmp_path: Path, text: bytes
) -> None:
    """A login that the name does not end with is not that attempt's."""
    name = "HW_1_doe_attempt_2026-11-03-23-59-00"
    found = taken(course, tmp_path, {f"{name}_doubling.py": b"x", f"{name}.txt": text})
    assert found.students == {"doe"}
