"""Whose an archive is, by its name; and what lies empty, or holds no file of an exercise."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from download import taken, zipped

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


CLASS = {"jdoe.zip": zipped({WORK: b"j"}), "akim.zip": zipped({WORK: b"a"})}
AROUND = {
    "weeks": {"Course/Week1.zip": zipped(CLASS), "Course/Week2.zip": zipped(CLASS)},
    "sections": {
        "A/download.zip": zipped({f"jdoe/{WORK}": b"j", f"akim/{WORK}": b"a"}),
        "B/download.zip": zipped({f"bli/{WORK}": b"b", f"cho/{WORK}": b"c"}),
    },
    "downloads of Canvas's": {
        f"{top}/submissions.zip": zipped({f"doejane_1_2_{WORK}": b"j", f"kimzoe_3_4_{WORK}": b"z"})
        for top in ("Section A", "Section B")
    },
}


@pytest.mark.parametrize("case", AROUND)
def test_a_folder_around_downloads_is_no_student(course: Course, tmp_path: Path, case: str) -> None:
    """One person's work would be that folder's, and everybody else's would be lost."""
    with pytest.raises(
        GraderError, match=r"a folder around .* holds several people's work"
    ) as told:
        taken(course, tmp_path, AROUND[case])
    assert "by itself, or say --level" in str(told.value.help)


def test_one_of_several_students_may_hand_in_copies(course: Course, tmp_path: Path) -> None:
    """Who has folders with the same file in an archive is no section where others have none."""
    copies = zipped({f"a/{WORK}": b"1", f"b/{WORK}": b"2"})
    files = {"jane/work.zip": copies, "zoe/work.zip": zipped({WORK: b"z"})}
    found = taken(course, tmp_path, files)
    assert {who for who, _ in found.files} == {"jane", "zoe"}
    assert len(found.copies) == 1
