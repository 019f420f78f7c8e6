"""What a program prints: to a reader that goes away, to a full disk, to nobody, in any encoding."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_course import RIGHT, add_submission, write_tiny_course

from grader.host.standard_streams import READER_GONE, printable, write_data

REPO = Path(__file__).resolve().parents[2]
GENERATOR = ("resources/event_generator.py", "file", "--interval", "0", "--path")
ZONE = "Brás ✓ 李"
POLLING = """\
import json
def read_new_events(path, offset): ...
def poll(path, handle, **_):
    for line in open(path, "rb"):
        handle(json.loads(line))
    return 0
"""


def run(
    *words: str, root: Path = REPO, env: dict[str, str] | None = None, **more: object
) -> subprocess.CompletedProcess[bytes]:
    """A program of the course, its output in bytes."""
    return subprocess.run(
        [sys.executable, *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(REPO)} | (env or {}),
        timeout=120,
        check=False,
        **({"capture_output": True} | more),  # type: ignore[call-overload]
    )


def stop_reading(*words: str, lines: int, root: Path = REPO) -> tuple[bytes, int, bytes]:
    """As `| head -LINES`: what was read, the exit code, and standard error."""
    with subprocess.Popen(
        [sys.executable, *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = b"".join(process.stdout.readline() for _ in range(lines))
        process.stdout.close()
        errors = process.stderr.read()
    return said, process.returncode, errors


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A tiny course and two submissions."""
    root = write_tiny_course(tmp_path)
    add_submission(root, "ann", RIGHT)
    add_submission(root, "bob", RIGHT)
    return root


# The programs besides `grader` -------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_the_generator_names_any_file(tmp_path: Path, encoding: str) -> None:
    """A path with characters that the terminal lacks."""
    path = str(tmp_path / ZONE)
    done = run(*GENERATOR, path, "--count", "2", env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"+ \\u674e" in done.stdout
    assert len(Path(path).read_bytes().splitlines()) == 2


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_demo_prints_any_zone(tmp_path: Path, encoding: str) -> None:
    """Its handler must not fail for what the terminal lacks: a broker would deliver again."""
    (tmp_path / "polling.py").write_text(POLLING)
    (tmp_path / "demo.py").write_bytes((REPO / "exercises/01/demo.py").read_bytes())
    event = f'{{"pickup_zone": "{ZONE}", "fare_estimate": 1}}\n'
    (tmp_path / "trips").write_text(event, encoding="utf-8")
    done = run("demo.py", "trips", root=tmp_path, env={"PYTHONIOENCODING": encoding})
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"+ \\u674e" in done.stdout


@pytest.mark.parametrize("program", sorted((REPO / "exercises").glob("*/demo.py")))
def test_every_demo_is_printable(program: Path) -> None:
    """As the one above, of which the others are copies in this."""
    assert "    with printable():\n        sys.exit(main())\n" in program.read_text(
        encoding="utf-8"
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_pytest_says_its_summary_on_any_terminal(course: Path, encoding: str) -> None:
    """A check's title may have characters that the terminal lacks."""
    manifest = course / "course.toml"
    text = manifest.read_text().replace("the value is doubled", ZONE)
    manifest.write_text(text, encoding="utf-8")
    done = run("-m", "pytest", "exercises/01", root=course, env={"PYTHONIOENCODING": encoding})
    assert done.returncode == 1
    assert b"FAILED  value:" in done.stdout
    assert b"Traceback" not in done.stdout + done.stderr
    assert b"Encode" not in done.stdout + done.stderr


# A reader that goes away ---------------------------------------------------------------------


def test_work_goes_on_when_nobody_reads(course: Path) -> None:
    """`grader grade ... --json FILE | true` has graded, and written the file."""
    words = ("-m", "grader", "grade", "subs", "--details", "--json", "reports.json")
    _, code, errors = stop_reading(*words, lines=0, root=course)
    assert (code, errors) == (0, b"")
    assert (course / "reports.json").read_bytes().startswith(b"{")


def test_a_producer_without_end_ends_with_its_reader(tmp_path: Path) -> None:
    """`event_generator.py ... | head -1`: it stops, without a traceback."""
    line, code, errors = stop_reading(*GENERATOR, str(tmp_path / "trips"), lines=1)
    assert line.startswith(b"[file] Sending events")
    assert (code, errors) == (READER_GONE, b"")


def test_a_full_disk_is_a_line(course: Path) -> None:
    """What was printed is not complete: exit code 2, whatever the command's own is."""
    with Path("/dev/full").open("wb") as full:
        done = run("-m", "grader", "status", root=course, stdout=full, stderr=subprocess.PIPE,
                   capture_output=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"standard output cannot be written: No space left on device\n"


def test_a_producer_stops_where_the_disk_is_full(tmp_path: Path) -> None:
    """Nobody sees that it goes on."""
    with Path("/dev/full").open("wb") as full:
        done = run(*GENERATOR, str(tmp_path / "trips"), stdout=full, stderr=subprocess.PIPE,
                   capture_output=False)  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_without_standard_streams_no_file_takes_their_place(course: Path, closed: str) -> None:
    """As some schedulers start programs: nothing is printed into the results."""
    command = f'exec "$0" -m grader grade subs --out out --no-gradebook {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable],
        cwd=course,
        env=os.environ | {"PYTHONPATH": str(REPO)},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    for report in (course / "out" / "reports").glob("*/*.json"):
        assert report.read_bytes().startswith(b"{")
    watched = ["sh", "-c", f'exec "$0" -m grader watch {closed}', sys.executable]
    done = subprocess.run(watched, cwd=course, capture_output=True, timeout=60, check=False)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr


# In this process -------------------------------------------------------------------------------


def test_data_stays_utf_8_beside_text(capfd: pytest.CaptureFixture[str], monkeypatch) -> None:
    """In the order in which both were written; a byte of a file's name is shown as one."""
    stream = open(os.dup(1), "w", encoding="ascii")  # noqa: PTH123, SIM115 - closed below
    monkeypatch.setattr(sys, "stdout", stream)
    with printable():
        sys.stdout.write("✓ ü \udcff\n")
        write_data("✓ ü\n")
        sys.stdout.write("…\n")
    stream.close()
    assert capfd.readouterr().out == "+ \\xfc \\xff\n✓ ü\n~\n"
