"""Names that are written in two ways: one person's, or two people's, which nothing but asking tells."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import grader
from download import taken
from tiny_course import write_tiny_course

from grader.course import Course
from grader.intake.collected import Collected

WORK = "doubling.py"
ALIKE = {
    "quotes": ("Sean O\u2019Neil", "Sean O'Neil"),
    "spaces": ("Zoe  Kim", "Zoe Kim"),
    "a space that does not break": ("Zoe\u00a0Kim", "Zoe Kim"),
    "a mark of direction": ("\u200eZoe Kim", "Zoe Kim"),
    "the last name first": ("Kim, Zoe", "Zoe Kim"),
    "a dash": ("Zoe Kim\u2013Lee", "Zoe Kim-Lee"),
}


def _class(*names: str) -> dict[str, bytes]:
    return {f"{name}/{WORK}": name.encode() for name in names}


@pytest.mark.parametrize("case", ALIKE)
def test_names_that_are_read_alike_are_asked_about(
    course: Course, tmp_path: Path, case: str
) -> None:
    """Side by side in one folder: neither is graded for the other, and no other is lost."""
    found = taken(course, tmp_path, _class(*ALIKE[case], "Bo Li"))
    assert {who for who, _ in found.files} == {"Bo Li"}
    (line,) = found.doubtful
    assert "are read alike" in line
    assert "put one person's files into one folder" in line


LATER = {
    **{case: ALIKE[case] for case in ("quotes", "spaces", "the last name first", "a dash")},
    "the other name first": ("Doe_Jane", "Jane Doe"),
    "capitals": ("MAX", "max"),
    "a browser's number": ("jdoe", "jdoe (1)"),
    "Windows's word": ("jdoe", "jdoe - Copy"),
    "a student's number beside": ("Jane Doe", "Doe_Jane_12345"),
    "no more number beside": ("Doe_Jane_12345", "Jane Doe"),
}


def _taken_twice(tmp_path: Path, first: list[str], second: list[str]) -> tuple[int, str, set[str]]:
    """Exit code and lines of the second download, and the folders after it."""
    root = write_tiny_course(tmp_path)
    for number, names in enumerate((first, second)):
        for name in names:
            (root / f"d{number}" / name).mkdir(parents=True)
            (root / f"d{number}" / name / WORK).write_text(f"x = {number}\n")
        done = grader(root, "intake", f"d{number}", "subs")
    return done.returncode, done.stdout, {path.name for path in (root / "subs").iterdir()}


@pytest.mark.parametrize("case", LATER)
def test_a_name_that_is_written_otherwise_later_is_asked_about(tmp_path: Path, case: str) -> None:
    """Two folders of one person would be two rows, each without the other's exercises."""
    before, now = LATER[case]
    code, said, there = _taken_twice(tmp_path, [before, "Bo Li"], [now, "Bo Li"])
    assert code == 1
    assert f"{now} may be {before}, whose folder is there; if they are one person, rename" in said
    assert there == {before, "Bo Li"}
    (tmp_path / "subs" / now).mkdir()  # as the line says, for two people
    assert grader(tmp_path, "intake", "d1", "subs").returncode == 0
    assert (tmp_path / "subs" / now / "01" / WORK).is_file()


@pytest.mark.parametrize(
    ("before", "now"), [("Doe_Jane_12345", "Doe_Jane_54321"), ("j.doe", "jdoe"), ("Ann", "Ann Lee")]
)
def test_another_name_is_another_person(tmp_path: Path, before: str, now: str) -> None:
    """Numbers tell namesakes apart, and of a part of a name nothing is concluded."""
    code, _, there = _taken_twice(tmp_path, [before, "Bo Li"], [now, "Bo Li"])
    assert (code, there) == (0, {before, now, "Bo Li"})


def test_who_is_in_both_downloads_is_nobody_else(tmp_path: Path) -> None:
    """Lee Kim, who comes later, is not Kim Lee where that one is in the download too."""
    code, said, there = _taken_twice(tmp_path, ["Kim Lee", "Bo Li"], ["Kim Lee", "Lee Kim"])
    assert (code, "may be" in said) == (0, False)
    assert there == {"Kim Lee", "Lee Kim", "Bo Li"}


def test_a_mark_that_nobody_sees_is_no_part_of_a_name(tmp_path: Path) -> None:
    """Pasted from a web page into the name of a folder, it makes no second student."""
    code, _, there = _taken_twice(tmp_path, ["\u200eJane Doe", "Bo"], ["Jane Doe\u200f", "Bo"])
    assert (code, there) == (0, {"Jane Doe", "Bo"})


@pytest.mark.parametrize("name", ["Jane Doe - LATE", "Jane Doe (late)", "Jane Doe_LATE"])
def test_what_came_late_beside_other_work_is_asked_about(
    course: Course, tmp_path: Path, name: str
) -> None:
    """Which of the two counts is not said; alone it is its student's, and late."""
    found = taken(course, tmp_path, _class("Jane Doe", name, "Bo Li"))
    assert {who for who, _ in found.files} == {"Bo Li"}
    assert f"Jane Doe and {name} may be one person's" in found.doubtful[0]
    alone: Collected = taken(course, tmp_path, _class(name, "Bo Li"))
    assert {who for who, _ in alone.files} == {"Jane Doe", "Bo Li"}
    assert alone.late == {("Jane Doe", "01")}


def test_folders_of_a_file_system_are_nobody_s(course: Course, tmp_path: Path) -> None:
    """On a stick: indexes and bins are no line, and what was found without a name is one."""
    files = {
        **_class("Jane Doe", "Bo Li", "lost+found"),
        "FOUND.000/FILE0000.CHK": b"",
        "System Volume Information/WPSettings.dat": b"",
        f".stversions/{WORK}": b"older",
    }
    found = taken(course, tmp_path, files)
    assert {who for who, _ in found.files} == found.students == {"Jane Doe", "Bo Li"}
    assert [line.partition(" ")[0] for line in sorted(found.unmatched)] == [
        "FOUND.000",
        "lost+found",
    ]
