"""Archives made to break whoever reads them cost their own row, and little memory and time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import resource
import signal
import tarfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from download import zipped

from grader.course import Course
from grader.intake import apart, tar
from grader.intake.collect import collect


def claims(kind: bytes, size: int, behind: bytes = b"") -> bytes:
    """The header of a tar's entry that says that so many bytes follow it."""
    info = tarfile.TarInfo("doubling.py")
    info.type, info.size = kind, size
    return info.tobuf() + behind


def zeros(count: int) -> bytes:
    """So many zero bytes, packed by gzip, a piece at a time."""
    piece = gzip.compress(b"\0" * (64 << 20))
    return piece * (count // (64 << 20))


def many_numbers() -> bytes:
    """A sparse file whose map has a number of thousands of digits."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as archive:
        info = tarfile.TarInfo("doubling.py")
        info.pax_headers = {"GNU.sparse.size": "1" * 4300, "GNU.sparse.numblocks": "9" * 4000}
        archive.addfile(info)
    return data.getvalue()


def chain(count: int) -> bytes:
    """Headers that each describe the next header."""
    return claims(tarfile.XHDTYPE, 0) * count


def bzip2_bomb() -> bytes:
    """A zip whose hundred bytes unpack to 64 MB in one piece."""
    data = io.BytesIO()
    with (
        zipfile.ZipFile(data, "w", zipfile.ZIP_BZIP2, compresslevel=9) as archive,
        archive.open("doubling.py", "w", force_zip64=True) as file,
    ):
        for _ in range(2):
            file.write(b"\0" * (32 << 20))
    return data.getvalue()


def lzma_claim() -> bytes:
    """An .xz whose dictionary is said to be of 1.5 GB."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0}]
    return lzma.compress(b"x", filters=filters).replace(b"\x21\x01\x0c", b"\x21\x01\x27")


HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a pax header of 2 GB": ("work.tgz", lambda: gzip.compress(claims(tarfile.XHDTYPE, 1 << 31)) + zeros(1 << 31)),
    "a long name of 2 GB": ("work.tgz", lambda: gzip.compress(claims(tarfile.GNUTYPE_LONGNAME, 1 << 31)) + zeros(1 << 31)),
    "a negative size": ("work.tar", lambda: claims(tarfile.REGTYPE, 0).replace(b"0" * 11, b"-" + b"1" * 10, 1)),
    "a chain of headers": ("work.tar", lambda: chain(5000)),
    "a number without end": ("work.tar", many_numbers),
    "5 GB before the file": ("work.tgz", lambda: gzip.compress(claims(tarfile.REGTYPE, 5 << 30)) + zeros(5 << 30)),
    "megabytes in one piece of bzip2": ("work.zip", bzip2_bomb),
    "a dictionary of gigabytes": ("work.tar.xz", lzma_claim),
    "bzip2 of nothing": ("work.tar.bz2", lambda: bz2.compress(b"\0" * (1 << 20)) * 50),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_costs_its_own_row(course: Course, tmp_path: Path, case: str) -> None:
    """A line for it, everybody else's work, and no more memory in this process."""
    name, made = HOSTILE[case]
    jane = tmp_path / "class" / "jane"
    jane.mkdir(parents=True)
    (jane / name).write_bytes(made())
    for who in ("alan", "zoe"):
        (tmp_path / "class" / who).mkdir()
        (tmp_path / "class" / who / "doubling.py").write_text("x = 1\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = collect(tmp_path / "class", course)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert set(found.files) == {("alan", "01"), ("zoe", "01")}
    assert len(found.problems) + len(found.unmatched) == 1, (found.problems, found.unmatched)
    assert found.students == {"alan", "jane", "zoe"}
    assert grown < 100_000, f"{grown} KB more"


def test_what_is_passed_over_in_a_tar_is_counted(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tar is unpacked to find its files: that has a limit of its own, in bytes."""
    monkeypatch.setattr(tar, "_MAX_UNPACKED", 1 << 20)
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for entry, size in (("big", 2 << 20), ("doubling.py", 1)):
            info = tarfile.TarInfo(entry)
            info.size = size
            archive.addfile(info, io.BytesIO(b"\0" * size))
    (tmp_path / "class" / "jane").mkdir(parents=True)
    (tmp_path / "class" / "jane" / "work.tgz").write_bytes(data.getvalue())
    found = collect(tmp_path / "class", course)
    assert found.problems == ["jane: work.tgz holds more than 0 GB"]


def dies() -> None:
    """End this process as the kernel does."""
    os.kill(os.getpid(), signal.SIGKILL)


DEATHS: dict[str, tuple[Callable[[], object], str]] = {
    "killed": (dies, "cannot be read"),
    "left": (lambda: os._exit(0), "cannot be read"),
    "stuck": (lambda: time.sleep(60), "takes more than 3 s to read"),
    "out of memory": (lambda: bytearray(8 << 30), "takes more memory"),
}


@pytest.mark.parametrize("case", DEATHS)
def test_whatever_the_reader_dies_of_costs_one_row(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    """The rest is read by another one."""
    death, said = DEATHS[case]
    right, here = zipfile.ZipFile.open, os.getpid()

    def opened(self: zipfile.ZipFile, name: zipfile.ZipInfo, **more: object) -> object:
        if os.getpid() != here and name.file_size == 3:
            death()
        return right(self, name, **more)  # type: ignore[call-overload]

    source = tmp_path / "download.zip"
    source.write_bytes(
        zipped(
            {
                f"{who}_{n}_2{n}_doubling.py": who.encode()
                for n, who in enumerate(("alan", "eve", "zoey"), 1)
            }
        )
    )
    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    monkeypatch.setattr(apart, "SECONDS", 3.0 if case == "stuck" else apart.SECONDS)
    found = collect(source, course)
    assert set(found.files) == {("alan", "01"), ("zoey", "01")}
    (problem,) = found.problems
    assert problem.startswith(f"eve_2_22_doubling.py {said}")
    assert found.students == {"alan", "eve", "zoey"}


def children() -> Iterator[str]:
    """Processes that this one has started and not collected."""
    yield from Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()


def test_no_reader_is_left(course: Course, tmp_path: Path) -> None:
    """Neither after a whole intake, nor where it breaks off."""
    before = set(children())
    source = tmp_path / "download.zip"
    source.write_bytes(zipped({"ann_1_2_doubling.py": b"x", "bob_2_3_doubling.py": b"x"}))
    collect(source, course)

    def work(start: int) -> Iterator[apart.Said]:
        for task in range(start, 9):
            yield {"task": task}, b""

    said = apart.apart(work, 9, lambda task, why: ({"task": task, "fault": why}, b""))
    next(said)
    said.close()  # type: ignore[attr-defined]  # it is a generator
    assert set(children()) == before
