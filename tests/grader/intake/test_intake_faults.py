"""What cannot be read costs its own row: notebooks, archives, and files that are closed."""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from download import taken, zipped
from tiny_course import RIGHT

from grader.course import Course
from grader.intake import archives
from grader.intake.archives import BadArchive, members
from grader.intake.collect import collect


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
    closed = "jane" if what == "folder" else "jane/doubling.py"
    assert problem == f"{closed} cannot be read: Permission denied"
    assert found.unmatched == []
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
    "many": (zipped({f"{n}/doubling.py": b"" for n in range(2001)}), "more than 2000 files"),
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
