"""Intake: whose file it is, which attempt counts, and what archives by strangers may not do."""

from __future__ import annotations

import csv
import errno
import importlib.util
import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from command_line import grader
from tiny_course import RIGHT, write_tiny_course

from grader.course import Course, load_course
from grader.errors import GraderError
from grader.intake import archives
from grader.intake.archives import BadArchive, members
from grader.intake.collect import Collected, collect
from grader.intake.names import FORMATS
from grader.intake.students import clean_name, folders
from grader.intake.write import write_submissions
from grader.submission import find_submissions

REPO = Path(__file__).resolve().parents[2]


@pytest.fixture
def course(tmp_path: Path) -> Course:
    """The tiny course: exercise 01 with doubling.py."""
    return load_course(write_tiny_course(tmp_path / "course"))


@pytest.fixture
def course_of_two() -> Course:
    """This course, whose exercise 02 has two files."""
    return load_course(REPO)


def zipped(files: dict[str, bytes]) -> bytes:
    """A zip of those files."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def taken(course: Course, tmp_path: Path, files: dict[str, bytes], kind: str = "auto") -> Collected:
    """What intake makes of a download with those files."""
    source = tmp_path / "download.zip"
    source.write_bytes(zipped(files))
    return collect(source, course, kind)


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


ATTEMPTS = {
    "canvas": ("jane_1_20_doubling.py", "jane_LATE_1_21_doubling-1.py"),
    "brightspace": (
        "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
        "1-2 - Jane - Nov 23, 2026 959 AM/doubling.py",
    ),
    "blackboard": (
        "E_jane_attempt_2026-11-03-23-59-00_doubling.py",
        "E_jane_attempt_2026-11-23-09-59-00_doubling.py",
    ),
}


@pytest.mark.parametrize("kind", ATTEMPTS)
@pytest.mark.parametrize("order", [1, -1])
def test_the_newest_attempt_counts(course: Course, tmp_path: Path, kind: str, order: int) -> None:
    """Whatever the order in the download; the format is recognised by the names."""
    old, new = ATTEMPTS[kind]
    files = {old: b"old", new: b"new"}
    found = taken(course, tmp_path, dict(list(files.items())[::order]))
    assert found.kind == kind
    ((who, files_of_who),) = found.files.items()
    assert who[1] == "01"
    assert files_of_who == {"doubling.py": b"new"}
    assert len(found.older) == 1


def test_canvas_numbers_file_by_file(course_of_two: Course, tmp_path: Path) -> None:
    """One file of two was handed in again: the other one still counts."""
    files = {
        "jane_1_19_tail_pipe.py": b"old",
        "jane_1_20_tail_pipe-1.py": b"new",
        "jane_1_21_tcp_socket.py": b"other",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new", "tcp_socket.py": b"other"}}
    assert found.older == ["jane 02: an older tail_pipe.py"]


def test_an_attempt_with_a_time_is_taken_whole(course_of_two: Course, tmp_path: Path) -> None:
    """A file that was handed in earlier only is no part of it."""
    files = {
        "E_jane_attempt_2026-11-03-23-59-00_tcp_socket.py": b"old",
        "E_jane_attempt_2026-11-23-09-59-00_tail_pipe.py": b"new",
    }
    found = taken(course_of_two, tmp_path, files)
    assert found.files == {("jane", "02"): {"tail_pipe.py": b"new"}}
    assert found.older == ["jane 02: an older attempt"]


TIMES = {
    "brightspace": "1-2 - Jane - Nov 3, 2026 1159 PM/doubling.py",
    "blackboard": "E_Jane_attempt_2026-11-03-23-59-00_doubling.py",
}


@pytest.mark.parametrize("kind", TIMES)
def test_a_time_in_a_name_becomes_the_time_of_handing_in(
    course: Course, tmp_path: Path, kind: str
) -> None:
    """As nbgrader writes it, in this machine's zone; late penalties follow from it."""
    write_submissions(taken(course, tmp_path, {TIMES[kind]: b"x = 1\n"}), tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 23, 59).astimezone()


def test_nbgraders_own_timestamps_are_kept(course: Course, tmp_path: Path) -> None:
    """Its `submitted` folder, with the time beside the work."""
    files = {"jane/01/doubling.py": b"x = 1\n", "jane/01/timestamp.txt": b"2026-11-03 10:00:00 UTC"}
    found = taken(course, tmp_path, files)
    assert found.kind == "nbgrader"
    assert not found.unmatched
    write_submissions(found, tmp_path / "subs")
    (submission,) = find_submissions(tmp_path / "subs", course)
    assert submission.submitted == datetime(2026, 11, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("place", ["exercises/01", "01", "01/src"])
def test_no_student_writes_the_time_of_handing_in(
    course: Course, tmp_path: Path, place: str
) -> None:
    """In repositories a timestamp.txt is the student's own: it is reported, and says nothing."""
    files = {
        "bob/exercises/01/doubling.py": b"x = 1\n",
        "jane/exercises/01/doubling.py": b"x = 1\n",
        f"jane/{place}/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    found = taken(course, tmp_path, files)
    assert found.kind == "folder"
    assert not found.stamps
    assert found.unmatched == [f"jane: {place}/timestamp.txt is no file of an exercise"]


def test_nbgraders_stamp_lies_right_beside_the_work(course: Course, tmp_path: Path) -> None:
    """Deeper down it is something that the student handed in."""
    files = {
        "jane/01/doubling.py": b"x = 1\n",
        "jane/01/notes/timestamp.txt": b"2020-01-01 00:00:00 UTC",
    }
    assert not taken(course, tmp_path, files, "nbgrader").stamps


def test_a_late_mark_without_a_time_stays_with_the_newest_attempt(
    course: Course, tmp_path: Path
) -> None:
    """Canvas says LATE and not when; an attempt that was in time and is replaced does not count."""
    files = {
        "jane_1_20_doubling.py": b"x = 1\n",
        "jane_LATE_1_21_doubling-1.py": b"x = 2\n",
        "bob_3_4_doubling.py": b"x = 3\n",
    }
    found = taken(course, tmp_path, files)
    assert found.late == {("jane", "01")}
    write_submissions(found, tmp_path / "subs")
    late = {each.student: each.marked_late for each in find_submissions(tmp_path / "subs", course)}
    assert late == {"bob": False, "jane": True}
    write_submissions(taken(course, tmp_path, {"jane_1_20_doubling.py": b"x"}), tmp_path / "subs")
    again = find_submissions(tmp_path / "subs", course)
    assert not any(each.marked_late for each in again)


def test_a_students_archive_and_repository_are_looked_into(course: Course, tmp_path: Path) -> None:
    """An archive inside of the download, and the folders of a repository in it."""
    inner = zipped({"repo/exercises/01/doubling.py": b"mine", "repo/README.md": b"x"})
    found = taken(course, tmp_path, {"jane_1_2_work.zip": inner, "bob_3_4_doubling.py": b"his"})
    assert found.files["jane", "01"] == {"doubling.py": b"mine"}
    assert found.files["bob", "01"] == {"doubling.py": b"his"}
    assert not found.unmatched


COPIES = {
    "the course's layout": (
        ["backup/01/doubling.py", "exercises/01/doubling.py", "zz_old/01/doubling.py"],
        "exercises/01/doubling.py is taken, not backup/01/doubling.py or 1 more",
    ),
    "the exercise's folder": (
        ["01/doubling.py", "doubling.py"],
        "01/doubling.py is taken, not doubling.py",
    ),
    "the less deep one": (
        ["a/b/doubling.py", "src/doubling.py"],
        "src/doubling.py is taken, not a/b/doubling.py",
    ),
}


@pytest.mark.parametrize("inside", ["folder", "zip"])
@pytest.mark.parametrize("case", COPIES)
def test_of_two_copies_the_one_in_its_place_is_taken(
    course: Course, tmp_path: Path, case: str, inside: str
) -> None:
    """Whatever sorts first or last, in a folder and in an archive; and it is said which one."""
    paths, said = COPIES[case]
    right = said.partition(" is taken")[0]
    files = {path: b"right" if path == right else b"stub" for path in paths}
    if inside == "zip":
        files = {"work.zip": zipped({path.replace("/", "\\"): files[path] for path in files})}
        said = "work.zip/" + said.replace("not ", "not work.zip/")
    found = taken(course, tmp_path, {f"jane/{path}": data for path, data in files.items()})
    assert found.files == {("jane", "01"): {"doubling.py": b"right"}}
    assert found.copies == [f"jane 01: {said}"]


def test_two_copies_are_a_line_where_they_differ(tmp_path: Path) -> None:
    """Then the exit code is 1; equal ones, and what `grader reset` put aside, are none."""
    root = write_tiny_course(tmp_path)
    for where in ("exercises/01", "old", ".grader/before-reset/20261101-100000/01"):
        (root / "class/jane" / where).mkdir(parents=True)
        (root / "class/jane" / where / "doubling.py").write_text(RIGHT)
    (root / "class/jane/.grader/before-reset/20261101-100000/01/doubling.py").write_text("stub\n")
    assert grader(root, "intake", "class", "subs").returncode == 0
    (root / "class/jane/old/doubling.py").write_text("stub\n")
    done = grader(root, "intake", "class", "subs")
    assert done.returncode == 1
    assert "is there twice and differs: jane 01: exercises/01/doubling.py is taken" in done.stdout


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
    """One comes with each attempt: no line for it, and a row for who handed in no file."""
    files = {
        "E_jane_attempt_2026-11-03-23-59-00_doubling.py": b"x",
        "E_jane_attempt_2026-11-03-23-59-00.txt": b"Name: Jane (jane)",
        "E_bob_attempt_2026-11-03-23-59-00.txt": b"Name: Bob (bob)",
    }
    found = taken(course, tmp_path, files)
    assert not found.unmatched
    assert found.students == {"bob", "jane"}
    assert set(found.files) == {("jane", "01")}


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


def notebook(cells: list[tuple[str, str]]) -> bytes:
    """A notebook with cells of those grade ids and sources."""
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "metadata": {"nbgrader": {"grade_id": name, "solution": True}},
                    "source": source.splitlines(keepends=True),
                }
                for name, source in cells
            ],
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
        }
    ).encode()


def test_a_notebooks_solution_cell_is_the_file(course: Course, tmp_path: Path) -> None:
    """By its grade id; other cells are left alone and nothing is executed."""
    data = notebook([("01-doubling", RIGHT), ("other", "raise SystemExit\n")])
    found = taken(course, tmp_path, {"jane/01/01.ipynb": data})
    assert found.files == {("jane", "01"): {"doubling.py": RIGHT.encode()}}


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"cells": [1]}'),
        notebook([("01-doubling", "")]).replace(b"[]", b"5"),
    ],
)
def test_what_is_no_notebook_is_a_problem_of_its_own_row(
    course: Course, tmp_path: Path, data: bytes
) -> None:
    """The others are taken."""
    found = taken(course, tmp_path, {"jane/01/x.ipynb": data, "bob/01/doubling.py": b"x"})
    assert len(found.problems) == 1
    assert set(found.files) == {("bob", "01")}
    assert found.students == {"jane", "bob"}


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_may_not_be_read_is_a_problem_of_its_own_row(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A file or a whole folder; root could read both, so it is the system's answer that is set."""
    for who in ("jane", "bob"):
        (tmp_path / "class" / who).mkdir(parents=True)
        (tmp_path / "class" / who / "doubling.py").write_bytes(b"x")
    refused = tmp_path / "class" / "jane"

    def refuse(of: Callable[..., Any]) -> Callable[..., Any]:
        def call(path: Any, *args: Any) -> Any:
            if Path(path).is_relative_to(refused):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return of(path, *args)

        return call

    if what == "folder":
        monkeypatch.setattr(os, "scandir", refuse(os.scandir))
    else:
        monkeypatch.setattr(Path, "read_bytes", refuse(Path.read_bytes))
    found = collect(tmp_path / "class", course)
    (problem,) = found.problems
    assert problem.startswith("jane/")
    assert problem.endswith("cannot be read: Permission denied")
    assert found.students == {"jane", "bob"}
    assert set(found.files) == {("bob", "01")}


def linked() -> bytes:
    """A zip with a symbolic link."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("doubling.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return data.getvalue()


def encrypted() -> bytes:
    """A zip that says that its member is encrypted."""
    data = bytearray(zipped({"doubling.py": b"x"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


BAD = {
    "broken": (b"PK\x03\x04 nonsense", "cannot be read"),
    "climbing": (zipped({"../../doubling.py": b"x"}), "leads elsewhere"),
    "absolute": (zipped({"/etc/doubling.py": b"x"}), "leads elsewhere"),
    "drive": (zipped({"C:doubling.py": b"x"}), "leads elsewhere"),
    "backslashes": (zipped({"..\\..\\doubling.py": b"x"}), "leads elsewhere"),
    "bomb": (zipped({"doubling.py": b"0" * (8 << 20)}), "grows more than"),
    "large": (zipped({"doubling.py": os.urandom(1 << 20) * 17}), "more than 16 MB"),
    "many": (zipped({f"{n}.py": b"" for n in range(2001)}), "more than 2000 files"),
    "link": (linked(), "link or a device"),
    "encrypted": (encrypted(), "is encrypted"),
}


@pytest.mark.parametrize("name", BAD)
def test_one_bad_archive_costs_its_own_row(course: Course, tmp_path: Path, name: str) -> None:
    """A sentence for it, an empty row for its student, and everybody else's work taken."""
    data, reason = BAD[name]
    with pytest.raises(BadArchive, match=reason):
        members(data, "work.zip")
    source = tmp_path / "class"
    (source / "jane").mkdir(parents=True)
    (source / "jane" / "work.zip").write_bytes(data)
    (source / "bob").mkdir()
    (source / "bob" / "doubling.py").write_text("x = 1\n")
    found = collect(source, course)
    assert [reason in line or "larger than 16 MB" in line for line in found.problems] == [True]
    assert set(found.files) == {("bob", "01")}
    assert "jane" in found.students


def test_one_bad_member_of_a_download_costs_its_own_row(course: Course, tmp_path: Path) -> None:
    """The download itself is read on."""
    files = {"jane_1_2_doubling.py": b"0" * (8 << 20), "bob_3_4_doubling.py": b"x"}
    found = taken(course, tmp_path, files)
    assert set(found.files) == {("bob", "01")}
    assert "grows more than" in found.problems[0]
    assert found.students == {"jane", "bob"}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_one_damaged_member_of_a_download_costs_its_own_row(
    course: Course, tmp_path: Path, method: int
) -> None:
    """However it is packed: a bit that tipped over is found by the checksum or before."""
    work = os.urandom(1000)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("jane_1_2_doubling.py", work)
        archive.writestr("bob_3_4_doubling.py", b"x")
    data = bytearray(packed.getvalue())
    data[len("jane_1_2_doubling.py") + 500] ^= 0xFF
    (tmp_path / "download.zip").write_bytes(data)
    found = collect(tmp_path / "download.zip", course)
    (problem,) = found.problems
    assert problem.startswith("jane_1_2_doubling.py cannot be read: ")
    assert set(found.files) == {("bob", "01")}
    assert found.students == {"jane", "bob"}


def test_a_class_hands_in_as_many_files_as_it_likes(course: Course, tmp_path: Path) -> None:
    """The cap is one person's: 60 repositories of 40 files are no bomb."""
    files = {f"s{who}/exercises/{n}.md": b"" for who in range(60) for n in range(40)}
    files |= {f"s{who}/exercises/01/doubling.py": b"x" for who in range(60)}
    assert len(taken(course, tmp_path, files, "github").files) == 60


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE]
)
def test_a_tar_with_anything_but_files_is_refused(kind: bytes) -> None:
    """Links, devices and pipes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        info = tarfile.TarInfo("doubling.py")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(BadArchive, match="link or a device"):
        members(data.getvalue(), "work.tar.gz")


def test_the_total_of_an_archive_is_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many bearable files are together too much."""
    monkeypatch.setattr(archives, "MAX_TOTAL", 1 << 20)
    data = zipped({f"{n}.py": os.urandom(1 << 18) for n in range(5)})
    with pytest.raises(BadArchive, match="holds more than 1 MB"):
        members(data, "work.zip")


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


def test_from_an_lms_to_grades(tmp_path: Path) -> None:
    """`grader intake`, dry and for real and again, then `grader grade` on what it wrote."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(
        zipped(
            {
                "jane_1_2_doubling.py": RIGHT.encode(),
                "bob_LATE_3_4_doubling.py": b"def double(:\n",
                "eve_5_6_work.zip": b"nonsense",
                "instructions.pdf": b"x",
            }
        )
    )
    dry = grader(root, "intake", "download.zip", "subs", "--dry-run")
    assert dry.returncode == 1
    assert not (root / "subs").exists()
    done = grader(root, "intake", "download.zip", "subs")
    assert done.returncode == 1
    assert "canvas: 2 submissions of 2 students are in subs" in done.stdout
    assert "instructions.pdf: no student's name is in it" in done.stdout
    assert "eve: work.zip cannot be read" in done.stdout
    assert "is marked late: bob 01" in done.stdout
    assert grader(root, "intake", "download.zip", "subs").stdout == done.stdout
    assert not list((root / "subs").glob(".*"))
    grader(root, "grade", "subs", "--json", "all.json")
    scores = {
        r["student"]: r["score"] for r in json.loads((root / "all.json").read_text())["reports"]
    }
    assert scores == {"jane": 10, "bob": 0, "eve": 0}


def test_from_canvas_to_canvas(tmp_path: Path) -> None:
    """The number in the download's names is the ID of the table that goes back."""
    root = write_tiny_course(tmp_path)
    (root / "download.zip").write_bytes(zipped({"doejane_1011_2_doubling.py": RIGHT.encode()}))
    grader(root, "intake", "download.zip", "subs")
    grader(root, "grade", "subs", "--out", "results", "--no-gradebook")
    export = ("export", "results", "--format", "canvas", "--submissions")
    (*_, jane) = csv.reader(grader(root, *export, "subs").stdout.splitlines())
    assert jane == ["doejane", "1011", "", "", "", "10"]
    done = grader(root, *export, "results")
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds no student with a number of Canvas's" in done.stderr


def missing(root: Path) -> dict[str, str]:
    """By student: what is said of doubling.py, of those who have none."""
    found = find_submissions(root / "subs", load_course(root))
    return {each.student: each.problems["doubling"] for each in found if each.problems}


@pytest.mark.parametrize("option", [[], ["--exercise", "01"]])
def test_who_handed_in_something_else_reads_why_it_does_not_count(
    tmp_path: Path, option: list[str]
) -> None:
    """Not only that a file is missing, until it comes."""
    root = write_tiny_course(tmp_path)
    download = {
        "ann_1_1_doubling.py": RIGHT.encode(),
        "bob_2_2_Doubling (1).py.txt": RIGHT.encode(),
        "cy_3_3_work.zip": zipped({"../../doubling.py": RIGHT.encode()}),
        "di_4_4_work.zip": zipped({"a/Doubling.py": RIGHT.encode(), "README.md": b"x"}),
        "eve_5_5_notes.txt": b"x",
        "flo_6_6_\x7f<b>.zip": b"",
    }
    (root / "download.zip").write_bytes(zipped(download))
    assert grader(root, "intake", "download.zip", "subs", *option).returncode == 1
    text = "doubling.py is missing from the submission"
    assert missing(root) == {
        "bob": f"{text}; Doubling (1).py.txt was handed in, and the name is doubling.py",
        "cy": f"{text}; work.zip was not taken: it holds a name that leads elsewhere: "
        "'../../doubling.py'",
        "di": f"{text}; Doubling.py was handed in, and the name is doubling.py",
        "eve": text,
        "flo": f"{text}; \x7f<b>.zip was not taken: it cannot be read: File is not a zip file",
    }
    for name in ("bob_2_7_doubling.py", "cy_3_8_doubling.py"):
        download[name] = RIGHT.encode()
    (root / "download.zip").write_bytes(zipped(download))
    grader(root, "intake", "download.zip", "subs", *option)
    assert set(missing(root)) == {"di", "eve", "flo"}


def test_why_something_does_not_count_is_one_bounded_line(course: Course, tmp_path: Path) -> None:
    """Whatever a student names it; and it makes nobody a submission of an exercise."""
    jane = tmp_path / "class" / "jane"
    jane.mkdir(parents=True)
    (tmp_path / "class" / "bob").mkdir()
    (tmp_path / "class" / "bob" / "doubling.py").write_text(RIGHT)
    for number in range(5):
        (jane / f"{number}\n\udcff{'x' * 200}.zip").write_bytes(b"")
    found = collect(tmp_path / "class", course, exercise="01")
    write_submissions(found, tmp_path / "subs")
    _, of_jane = find_submissions(tmp_path / "subs", course)
    said = of_jane.problems["doubling"]
    assert said.startswith("doubling.py is missing from the submission; 0 \\udcffxxx")
    assert "\n" not in said
    assert len(said) < 700
    found.files.clear()
    write_submissions(found, tmp_path / "others")
    assert (tmp_path / "others/jane/01/not-taken.txt").is_file()
    with pytest.raises(GraderError, match="holds a file of an exercise"):
        find_submissions(tmp_path / "others", course)


@pytest.mark.parametrize(
    ("source", "sentence"), [("nowhere.zip", "does not exist"), ("course.toml", "is no zip")]
)
def test_a_source_that_cannot_be_read_is_one_line(
    tmp_path: Path, source: str, sentence: str
) -> None:
    """Exit code 2, and nothing is written."""
    root = write_tiny_course(tmp_path)
    done = grader(root, "intake", source, "subs")
    assert done.returncode == 2
    assert sentence in done.stderr
    assert not (root / "subs").exists()


@pytest.mark.parametrize(
    ("source", "target"),
    [("subs", "subs"), ("subs", "subs/sorted"), ("subs/.", "."), ("link", "subs")],
)
def test_a_folder_is_not_sorted_into_itself(tmp_path: Path, source: str, target: str) -> None:
    """It would lose what else students have there; refused also when dry, and by another name."""
    root = write_tiny_course(tmp_path)
    work = root / "subs/jane/01"
    work.mkdir(parents=True)
    (work / "doubling.py").write_text(RIGHT)
    (work / "notes.txt").write_text("mine")
    (root / "link").symlink_to("subs")
    for dry in ([], ["--dry-run"]):
        done = grader(root, "intake", source, target, *dry)
        assert done.returncode == 2
        assert "are one folder, or one lies in the other" in done.stderr
    assert {path.name for path in work.iterdir()} == {"doubling.py", "notes.txt"}
    assert [path.name for path in (root / "subs").iterdir()] == ["jane"]


def test_the_class_of_60_is_60_students(tmp_path: Path) -> None:
    """scripts/class_of_60.py, which plays a whole class: everybody has a row, the broken ones too."""
    spec = importlib.util.spec_from_file_location("class_of_60", REPO / "scripts/class_of_60.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    source = tmp_path / "download.zip"
    source.write_bytes(script.download())
    found = collect(source, load_course(REPO), exercise="01")
    assert found.kind == "canvas"
    assert len(found.students) == 60
    assert len(found.files) == 56
    assert len(found.problems) == 4
    assert len(found.unmatched) == 2
    assert len(found.older) == len(found.late) == 8
