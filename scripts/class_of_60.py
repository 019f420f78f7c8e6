"""Plays a class of 60: an LMS's download goes in, everything that an instructor wants comes out.

    python scripts/class_of_60.py FOLDER

FOLDER must be new. Each command is printed as it is typed, with its time and exit code. The
download is laid out as Canvas does: late marks, resubmissions, notebooks, whole repositories as zip
files of any system, a broken archive, a zip bomb, links, what is no program, and files of nobody's.
Then teams hand in: one download that a names file makes rows of, and one name that is in doubt.
"""

from __future__ import annotations

import io
import json
import shlex
import stat
import subprocess
import sys
import tarfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STUDENTS = 60
ODD = 10
"""Of them, whose names or archives are hostile, broken or no program."""
KINDS = ("stub", "wheat", "wheat", *["chaff"] * 7)
PACKED = ("plain", "plain", "plain", "again", "plain", "repository", "notebook", "mac", "tar")
LATE = (4, 7, *[-1] * 11)
"""Of every thirteen students."""
HANGS = {"waits-by-itself"}
"""Waits for three deadlines, which would only make this longer."""
EXPORTS = {
    "csv": "grades.csv",
    "canvas": "canvas.csv",
    "moodle": "moodle.csv",
    "json": "all.json",
    "junit": "all.xml",
    "gradescope": "gradescope",
}


def main(folder: Path) -> int:
    """0 when every command did what it should."""
    folder.mkdir(parents=True)
    (folder / "download.zip").write_bytes(download())
    submissions, results = folder / "submissions", folder / "results"
    (folder / "teams.zip").write_bytes(teams())
    (folder / "doubt.zip").write_bytes(zip_of([("team_3_1103_5103_work.zip", b"PK")]))
    (folder / "teams.csv").write_bytes(members())
    in_teams = ["--exercise", "01", "--teams", folder / "teams.csv"]
    commands: list[tuple[list[object], int]] = [
        (["intake", folder / "doubt.zip", folder / "teams", "--dry-run"], 1),
        (["intake", folder / "teams.zip", folder / "teams", *in_teams], 0),
        (["intake", folder / "download.zip", submissions, "--dry-run"], 1),
        (["intake", folder / "download.zip", submissions], 1),
        (["grade", submissions, "--out", results, "--exercise", "01", "-j", "2"], 1),
        (["grade", submissions, "--out", results, "--exercise", "01", "-j", "2"], 1),
        (["report", results, "--submissions", submissions], 0),
        *(
            (["export", results, folder / name, "--format", kind, "--submissions", submissions], 0)
            for kind, name in EXPORTS.items()
        ),
        (["export", submissions, folder / "copies", "--format", "jplag"], 0),
    ]
    wrong = [command for command, expected in commands if run(command) != expected]
    for command in wrong:
        print("not as expected:", shlex.join(map(str, command)))
    return 1 if wrong else 0


def run(command: list[object]) -> int:
    """Run a command of the grader's; its exit code."""
    words = [str(word) for word in command]
    print(f"\n$ grader {shlex.join(words)}", flush=True)
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "grader", *words], cwd=ROOT, check=False)
    print(f"[exit code {done.returncode}, {time.perf_counter() - start:.1f} s]", flush=True)
    return done.returncode


def download() -> bytes:
    """Return what Canvas gives for "Download Submissions"."""
    return zip_of([*handed_in(), *oddities()])


def teams() -> bytes:
    """Return what Canvas gives where groups hand in, whose names have underscores."""
    work = zipped({"01/polling.py": solution(1)})
    return zip_of([(f"team_{n}_110{n}_510{n}_work.zip", work) for n in (3, 4, 5)])


def members() -> bytes:
    """Return who is in which group, as Excel saves it in half of Europe."""
    lines = [f"Team {n};Student {n}{who}" for n in (3, 4, 5) for who in "ABC"]
    return "\r\n".join(["\ufeffgroup_name;name", *lines, ""]).encode()


def handed_in() -> Iterator[tuple[str, bytes]]:
    """Fifty students: of every ten one hands in the stub, two are right, seven have a bug."""
    for number in range(STUDENTS - ODD):
        code = solution(number)
        late = "_LATE" if number % len(LATE) in LATE else ""
        stem = f"student{number:02}{late}_{1000 + number}_{5000 + number}"
        match PACKED[number % len(PACKED)]:
            case "again":
                yield f"{stem}_polling.py", b"raise SystemExit\n"
                yield f"{stem}_polling-1.py", code
            case "repository":
                yield f"{stem}_work.zip", zipped(repository(code))
            case "mac":
                yield f"{stem}_work.zip", packed_on_a_mac(code)
            case "tar":
                yield f"{stem}_work.tgz", tarred(repository(code))
            case "notebook":
                yield f"{stem}_exercise.ipynb", notebook(code.decode())
            case _:
                yield f"{stem}_polling.py", code


def solution(number: int) -> bytes:
    """Return what that student wrote: a known submission, with a comment of the student's own."""
    kind = KINDS[number % len(KINDS)]
    if kind == "stub":
        source = ROOT / "exercises" / "01"
    else:
        folders = sorted((ROOT / "tests" / "submissions" / kind / "01").iterdir())
        known = [folder for folder in folders if folder.name not in HANGS]
        source = known[number % len(known)]
    return (source / "polling.py").read_bytes() + f"\n# by student {number}\n".encode()


def repository(code: bytes) -> dict[str, bytes]:
    """Return the students' copy as a whole, with an environment and the course's own program."""
    packages = {f"repo/.venv/lib/python3.11/site-packages/m{n}/polling.py": b"" for n in range(50)}
    own = {f"repo/grader/services/{name}.py": b"own" for name in ("sqs", "rabbitmq")}
    return packages | own | {"repo/exercises/01/polling.py": code, "repo/README.md": b""}


def packed_on_a_mac(code: bytes) -> bytes:
    """Return a zip whose names are decomposed UTF-8 without the flag that says so."""
    name = "A\u0308bung/polling.py"
    raw = name.encode()
    files = {"x" * len(raw): code, "__MACOSX/._polling.py": b"\0", ".DS_Store": b"\0"}
    return zipped(files).replace(b"x" * len(raw), raw)


def oddities() -> Iterator[tuple[str, bytes]]:
    """Students whose archive or file cannot be used, odd names, and files of nobody's."""
    yield "rar_1905_5905_work.rar", b"Rar!\x1a\x07\x00"
    yield "writer_1906_5906_report.docx", zipped({"word/document.xml": b"<w/>"})
    yield "typist_1907_text.html", b"<p>def poll</p>"
    yield "zoe\u0308_1908_5908_polling.py", solution(1)
    yield "matryoshka_1909_5909_work.zip", zipped({"a.zip": zipped({"polling.py": solution(2)})})
    yield "broken_1900_5900_work.zip", b"PK\x03\x04 this is no archive"
    yield "bomb_1901_5901_work.zip", zipped({"polling.py": b"0" * (32 << 20)})
    yield "climber_1902_5902_work.zip", zipped({"../../../etc/polling.py": b"x = 1\n"})
    yield "linker_1903_5903_work.zip", linked()
    yield (
        "=cmd'!A0 <b>_1904_5904_polling.py",
        b"print('\x1b]0;owned\x07')\nraise ValueError('<script>')\n",
    )
    yield "instructions.pdf", b"%PDF-1.7"
    yield "student00_1000_5999_holiday.jpg", b"\xff\xd8"


def zipped(files: dict[str, bytes]) -> bytes:
    """Return a zip file."""
    return zip_of(files.items())


def zip_of(files: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a zip file of names, and contents."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return data.getvalue()


def tarred(files: dict[str, bytes]) -> bytes:
    """Return a tar file, packed by gzip."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return data.getvalue()


def linked() -> bytes:
    """Return a zip file with a symbolic link."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("polling.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return data.getvalue()


def notebook(code: str) -> bytes:
    """Return a notebook with the exercise's solution cell, and one that must not run."""
    cells = [("01-polling", code), ("other", "raise SystemExit\n")]
    return json.dumps(
        {
            "nbformat": 4,
            "nbformat_minor": 5,
            "metadata": {},
            "cells": [
                {
                    "cell_type": "code",
                    "id": name,
                    "metadata": {"nbgrader": {"grade_id": name, "solution": True}},
                    "source": source,
                    "outputs": [],
                    "execution_count": None,
                }
                for name, source in cells
            ],
        }
    ).encode()


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and the folder
        sys.exit("usage: python scripts/class_of_60.py FOLDER")
    sys.exit(main(Path(sys.argv[1])))
