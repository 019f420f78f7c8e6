"""Inputs for intake: names, archives, lists of names, notebooks."""

from __future__ import annotations

import io
import json
import tarfile
import tempfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from benchmarks.fuzz.target import Target
from grader.course import load_course
from grader.errors import GraderError
from grader.intake.archives import BadArchive, members
from grader.intake.collect import collect
from grader.intake.notebooks import files_of_notebook
from grader.intake.people import read_numbers, read_teams
from grader.intake.write import write_submissions

COURSE = load_course(Path(__file__).resolve().parents[2])
_PARTS = st.sampled_from(
    [
        *(
            "..",
            ".",
            "",
            "ann",
            "polling.py",
            "01",
            "sqs.py",
            "work.zip",
            "a\\b",
            "C:",
            "con",
            "NUL",
        ),
        *(
            "ann_1234_5678_polling.py",
            "Ann B_123456_assignsubmission_file_",
            "ann-LATE_1_2_polling.py",
        ),
        *(
            "1234-567 - Ann B - Nov 2, 2026 900 AM",
            "exercise-01-ann",
            "x" * 300,
            "é",
            "e\u0301",
            "\u202e",
        ),
    ]
) | st.text(max_size=12)
PATHS = st.lists(_PARTS, min_size=1, max_size=4).map("/".join)
_CONTENTS = st.binary(max_size=40) | st.just(b"def read_new_events(path, offset): ...\n")
FILES = st.lists(st.tuples(PATHS, _CONTENTS), max_size=8)
_DAMAGE = st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6)


def zipped(files: list[tuple[str, bytes]]) -> bytes:
    """Return a zip with files of those names, whatever they are."""
    data = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(data, "w") as archive:
        warnings.simplefilter("ignore")  # the same name twice is one of the cases
        for name, content in files:
            info = zipfile.ZipInfo("x")
            info.filename = name.encode("utf-8", "replace").decode()[:60000]
            archive.writestr(info, content)
    return data.getvalue()


def tarred(files: list[tuple[str, bytes]], kinds: list[bytes]) -> bytes:
    """Return a tar with entries of those names and, one after the other, kinds."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for number, (name, content) in enumerate(files):
            info = tarfile.TarInfo(name.encode("utf-8", "replace").decode())
            info.size = len(content)
            info.type = kinds[number % len(kinds)]
            info.linkname = "../../etc/passwd"
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def _damaged(data: bytes, damage: list[tuple[int, int]]) -> bytes:
    changed = bytearray(data)
    for at, value in damage:
        changed[at % len(changed)] = value
    return bytes(changed)


_KINDS = st.lists(
    st.sampled_from(
        [tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, b"L", b"S"]
    ),
    min_size=1,
    max_size=3,
)
ARCHIVES = st.builds(_damaged, st.builds(zipped, FILES) | st.builds(tarred, FILES, _KINDS), _DAMAGE)
_CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["cells", "cell_type", "source", "metadata", "nbgrader", "grade_id"]),
            inner
            | st.sampled_from(
                ["code", "01-polling", "%%writefile polling.py\nx", "# polling.py\n\ud800"]
            ),
            max_size=4,
        )
    ),
)
NOTEBOOKS = (
    st.builds(lambda cells: json.dumps({"cells": cells}).encode(), st.lists(_CELLS, max_size=5))
    | _CELLS.map(lambda found: json.dumps(found).encode())
    | st.binary(max_size=40)
)
_TABLES = st.binary(max_size=80) | st.lists(
    st.lists(st.sampled_from(["team", "student", "ann", '"', "=1", "", "é"]) | st.text(max_size=5)),
    max_size=5,
).map(lambda rows: "\n".join(";".join(row) for row in rows).encode("utf-8", "replace"))


def _is_taken_in(files: list[tuple[str, bytes]]) -> None:
    """Whatever an upload is called: what is written lies in the folder for it, or one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        upload, target = Path(folder) / "upload.zip", Path(folder) / "submissions"
        upload.write_bytes(zipped(files))
        try:
            write_submissions(collect(upload, COURSE), target)
        except GraderError as error:
            assert str(error)
        assert {path.name for path in Path(folder).iterdir()} <= {"upload.zip", "submissions"}


def _is_an_archive_or_not(data: bytes) -> None:
    """Whatever the bytes, it is files or BadArchive."""
    for name in ("work.zip", "work.tar"):
        try:
            found = members(data, name)
        except BadArchive:
            continue
        assert all(".." not in path.parts for path, _ in found)


def _is_a_notebook_or_not(data: bytes) -> None:
    """Whatever the bytes, it is files or a ValueError."""
    try:
        found: Any = files_of_notebook(data, COURSE)
    except ValueError as error:
        assert str(error)
        return
    assert all(isinstance(content, bytes) for content in found.values())


def _is_a_table_or_not(data: bytes) -> None:
    """Whatever the bytes, it is rows or one sentence."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "people.csv"
        path.write_bytes(data)
        for read in (read_teams, read_numbers):
            try:
                read(path)
            except GraderError as error:
                assert str(error)


TARGETS = (
    Target("intake-names", FILES, _is_taken_in, 15),
    Target("intake-archives", ARCHIVES, _is_an_archive_or_not),
    Target("intake-tables", _TABLES, _is_a_table_or_not),
    Target("notebooks", NOTEBOOKS, _is_a_notebook_or_not),
)
