"""The autograder for Gradescope, unpacked and run in folders laid out as Gradescope does."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import pytest
from command_line import grader
from tiny_course import IN_PLACE, RIGHT, write_tiny_course

from grader.host.processes import look_at

REPO = Path(__file__).resolve().parents[2]
OUTSIDE = """\
import os


def double(number):
    for name in ("source", "results", "submission"):
        try:
            raise ValueError("read " + str(os.listdir(ROOT + "/" + name)))
        except PermissionError:
            pass
    os.kill(os.getppid(), 0)  # the first process inside is the student's own
    if os.getuid() == 0 or os.environ.get("SECRET"):
        raise ValueError("root, or the judge's environment")
    said, says = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open("/tmp/GRADESCOPE_TEST_PID", "w") as file:
                file.write(str(os.getpid()))
            os.write(says, b"x")
            while True:
                pass
        os._exit(0)
    os.read(said, 1)
    return 2 * number
"""


def unpacked(course: Path, root: Path, *args: str) -> Path:
    """The archive of a course where Gradescope unpacks it; the folder /autograder is."""
    archive = root.with_suffix(".zip")
    done = grader(course, "gradescope", str(archive), *args)
    assert done.returncode == 0, done.stderr
    assert "give it to no student" in done.stdout
    for name in ("submission", "results"):
        (root / name).mkdir(parents=True)
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(root / "source")
        modes = {info.filename: info.external_attr >> 16 & 0o777 for info in opened.infolist()}
    assert modes["run_autograder"] == modes["setup.sh"] == 0o755
    shutil.copy(root / "source" / "run_autograder", root / "run_autograder")
    (root / "run_autograder").chmod(0o755)
    return root


def run(root: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the autograder on what lies in `root`/submission."""
    own = {"AUTOGRADER_ROOT": str(root), "AUTOGRADER_PYTHON": sys.executable}
    return subprocess.run(
        [str(root / "run_autograder")],
        cwd=root,
        env=os.environ | own | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def results(root: Path) -> dict[str, Any]:
    """What Gradescope reads."""
    found: dict[str, Any] = json.loads((root / "results" / "results.json").read_text())
    return found


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The tiny course as an autograder, unpacked."""
    return unpacked(write_tiny_course(tmp_path / "course"), tmp_path / "autograder")


def test_the_points_are_those_of_grader_grade(tmp_path: Path) -> None:
    """Exercise 01 on a known-wrong submission: the same score, check by check."""
    root = unpacked(REPO, tmp_path / "autograder", "--exercise", "01")
    wrong = REPO / "tests/submissions/chaff/01/counts-characters/polling.py"
    shutil.copy(wrong, root / "submission")
    (tmp_path / "class" / "jane" / "01").mkdir(parents=True)
    shutil.copy(wrong, tmp_path / "class" / "jane" / "01")
    done = run(root)
    assert done.returncode == 0, done.stdout + done.stderr
    grader(REPO, "grade", str(tmp_path / "class"), "--json", str(tmp_path / "all.json"))
    (report,) = json.loads((tmp_path / "all.json").read_text())["reports"]
    found = results(root)
    assert found["score"] == report["score"] < report["max_score"]
    scores = {test["number"]: test["score"] for test in found["tests"]}
    assert scores == {check["id"]: check["score"] for check in report["checks"]}
    failed = next(test for test in found["tests"] if test["number"] == "01.byte-offset")
    assert failed["status"] == "failed"
    assert "Hint: " in failed["output"]


def test_the_archive_holds_what_it_needs_and_no_solution(tmp_path: Path) -> None:
    """The suites of the chosen exercise alone; the programs that its services need."""
    root = unpacked(REPO, tmp_path / "autograder", "--exercise", "03")
    inside = root / "source" / "course"
    assert [path.name for path in (inside / "tests/hidden").iterdir() if path.is_dir()] == ["03"]
    assert not (inside / "solutions").exists()
    assert not (inside / "tests/submissions").exists()
    assert "rabbitmq-server" in (root / "source/packages.txt").read_text().split()
    for name in ("requirements.lock", "pyproject.toml", "README.md", "grader/gradescope/setup.sh"):
        assert (inside / name).is_file()
    for script in ("setup.sh", "run_autograder"):
        subprocess.run(["bash", "-n", str(root / "source" / script)], check=True)


def test_a_missing_file_is_said_in_every_check(tiny: Path) -> None:
    """Nothing usable was uploaded: no points, and the reason."""
    (tiny / "submission" / "notes.txt").write_text("x")
    done = run(tiny)
    assert done.returncode == 0, done.stdout + done.stderr
    found = results(tiny)
    assert found["score"] == 0
    assert all("doubling.py is missing" in test["output"] for test in found["tests"])


def test_a_repository_is_looked_into(tiny: Path) -> None:
    """Files where a GitHub upload has them."""
    (tiny / "submission/exercises/01").mkdir(parents=True)
    (tiny / "submission/exercises/01/doubling.py").write_text(RIGHT)
    run(tiny)
    assert results(tiny)["score"] == 10


def test_without_walls_there_are_no_results(tiny: Path, tmp_path: Path) -> None:
    """No bubblewrap and no other user: no points are given, and instructors read why."""
    (tiny / "submission/doubling.py").write_text(RIGHT)
    (tiny / "results/results.json").write_text("old")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "env"):
        (programs / name).symlink_to(shutil.which(name) or name)
    done = run(tiny, PATH=str(programs))
    assert done.returncode == 2
    assert "not graded: student code cannot be run as another user here" in done.stdout
    assert not (tiny / "results/results.json").exists()


def test_what_could_not_be_decided_is_no_result(tiny: Path) -> None:
    """An error of the suite's costs nobody a point."""
    (tiny / "submission/doubling.py").write_text(RIGHT)
    suite = tiny / "source/course/tests/hidden/01/test_doubling_hidden.py"
    suite.write_text(suite.read_text().replace("assert left in", "1 / 0\n    assert left in"))
    done = run(tiny)
    assert done.returncode == 2
    assert "could not be decided" in done.stdout
    assert not (tiny / "results/results.json").exists()


def in_reach(paths: list[Path], scratch: Path, command: list[str]) -> list[str]:
    """`command` where any user reaches `paths`: mounts of its own put them past closed folders."""
    lines = [f"mount --rbind / {scratch}"]
    closed = {
        next(each for each in reversed(path.parents) if not each.stat().st_mode & 0o001)
        for path in paths
        if any(not each.stat().st_mode & 0o001 for each in path.parents)
    }
    for folder in closed:
        lines.append(f"mount -t tmpfs -o mode=755 tmpfs {folder}")
        for path in paths:
            if path.is_relative_to(folder):
                lines += [f"mkdir -p {path}", f"mount --bind {scratch}{path} {path}"]
    script = "\n".join([*lines, f"cd {REPO}", f"exec {shlex.join(command)}"])
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]


@pytest.fixture
def without_bubblewrap(tmp_path: Path) -> Path:
    """A folder for PATH with what a bare container has."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "env", "setpriv", "sh", "kill"):
        (programs / name).symlink_to(shutil.which(name) or name)
    return programs


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root may")
def test_without_namespaces_another_user_runs_the_code(
    tiny: Path, tmp_path: Path, without_bubblewrap: Path
) -> None:
    """As in Gradescope's container: what is the judge's stays closed, and verdicts are the same."""
    left = Path("/tmp/GRADESCOPE_TEST_PID")  # noqa: S108 - where anybody may write
    left.unlink(missing_ok=True)
    code = OUTSIDE.replace("ROOT", repr(str(tiny))) + IN_PLACE[IN_PLACE.index("\n\ndef forward") :]
    (tiny / "submission/doubling.py").write_text(code)
    env = {
        "AUTOGRADER_ROOT": str(tiny),
        "AUTOGRADER_PYTHON": sys.executable,
        "PATH": str(without_bubblewrap),
        "SECRET": "the judge's",
    }
    needed = [REPO, Path(sys.base_prefix), Path(sysconfig.get_path("purelib")), tmp_path]
    needed = [*dict.fromkeys(path.resolve() for path in needed if path != Path("/usr"))]
    command = ["env", *(f"{k}={v}" for k, v in env.items()), str(tiny / "run_autograder")]
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(
            in_reach(needed, Path(scratch), command),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "01: sandbox user" in done.stdout
    found = results(tiny)
    scores = {test["number"]: (test["score"], test["output"]) for test in found["tests"]}
    assert scores["01.value"] == (3, ""), scores
    assert scores["01.each-event"] == (5, ""), scores
    assert scores["01.after-crash"][0] == 0
    assert found["extra_data"]["runs"][0]["sandbox"] == "user"
    behind = look_at(int(left.read_text()))
    left.unlink()
    assert behind is None or behind.zombie


def test_a_course_without_suites_makes_no_autograder(tmp_path: Path) -> None:
    """As in the students' copy: one line, and no file."""
    course = write_tiny_course(tmp_path / "course")
    shutil.rmtree(course / "tests")
    done = grader(course, "gradescope", "out.zip")
    assert done.returncode == 2
    assert "there is no hidden suite of exercise 01 here" in done.stderr
    assert not (course / "out.zip").exists()
