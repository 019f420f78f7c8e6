"""The release as a student's machine and a class's CI meet it: installed afresh, its lines typed.

No network: what `pip install .` would fetch is taken from this environment.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import grader

from grader.services.rabbitmq.broker import rabbitmq_url

REPO = Path(__file__).resolve().parents[2]
GITHUB = REPO / "release/.github/workflows/public-checks.yml"
GITLAB = REPO / "release/.gitlab-ci.yml"
PINNED = re.compile(r"[\w./-]+@[0-9a-f]{40}")


def job(path: Path) -> dict[str, Any]:
    """The one job of a CI's file."""
    document = yaml.safe_load(path.read_text())
    found: dict[str, Any] = document.get("jobs", document)["public-checks"]
    return found


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables under which `python` is that of a new virtual environment."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    # Paths that a .pth file adds are searched last, and the .pth files in them are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return {
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "VIRTUAL_ENV": str(folder),
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "false",
        "PIP_ROOT_USER_ACTION": "ignore",
    }


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """The students' copy of this course."""
    done = grader(REPO, "release", str(tmp_path / "course"))
    assert done.returncode == 0, done.stderr
    return tmp_path / "course"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The URL of a RabbitMQ, as a CI's service container has one."""
    with rabbitmq_url() as url:
        yield url


def solve(release: Path, exercise: str) -> None:
    """Fill in the stubs of an exercise."""
    for path in (REPO / "solutions" / exercise).glob("*.py"):
        shutil.copy(path, release / "exercises" / exercise)


def typed(line: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """What a shell makes of a line."""
    return subprocess.run(
        ["sh", "-ec", line],
        cwd=folder,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_a_fresh_install_runs_exercise_03(
    release: Path, environment: dict[str, str], broker: str
) -> None:
    """`pip install .`, then `pytest exercises/03`: the stubs fail, the solution passes."""
    env = environment | {"RABBITMQ_URL": broker}
    done = typed("python -m pip install .", release, env)
    assert done.returncode == 0, done.stdout + done.stderr
    # -P: the grader that was installed, not the one in this folder.
    where = typed("python -P -c 'import grader; print(grader.__file__)'", release, env)
    assert where.stdout.startswith(environment["VIRTUAL_ENV"])
    stubs = typed("python -P -m pytest exercises/03", release, env)
    assert stubs.returncode == 1
    assert "failed as stubs" in stubs.stdout
    assert " passed" not in stubs.stdout.splitlines()[-1]
    assert " error" not in stubs.stdout.splitlines()[-1]
    solve(release, "03")
    done = typed("python -P -m pytest exercises/03 -W error", release, env)
    assert done.returncode == 0, done.stdout
    assert "skipped" not in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(("exercise", "solved"), [("01", False), ("03", True)])
def test_the_github_workflow_runs(
    release: Path, environment: dict[str, str], broker: str, exercise: str, *, solved: bool
) -> None:
    """Each `run` line, as written, for a stub and for a solution; then the step summary."""
    if solved:
        solve(release, exercise)
    env = environment | {"RABBITMQ_URL": broker, "GITHUB_STEP_SUMMARY": str(release / "page.md")}
    steps = job(GITHUB)["steps"]
    codes = {}
    for step in steps:
        if "run" in step:
            line = step["run"].replace("${{ matrix.exercise }}", exercise)
            done = typed(line, release, env)
            codes[step["name"]] = done.returncode
            assert "${{" not in line
    assert codes == {"Install": 0, "Public tests": int(not solved), "Summary": 0}
    page = (release / "page.md").read_text()
    found = re.match(r"### Public tests: (\d+) of (\d+) pass", page)
    assert found
    assert (found[1] == found[2]) == solved
    (artifact,) = (step["with"]["path"] for step in steps if "upload" in step.get("uses", ""))
    assert (release / artifact.replace("${{ matrix.exercise }}", exercise)).is_file()


def test_the_gitlab_pipeline_runs(release: Path, environment: dict[str, str], broker: str) -> None:
    """The lines of its script, as one shell runs them, and those after it."""
    solve(release, "02")
    env = environment | {"RABBITMQ_URL": broker, "EXERCISE": "02"}
    found = job(GITLAB)
    done = typed("\n".join(found["script"]), release, env)
    assert done.returncode == 0, done.stdout + done.stderr
    done = typed("\n".join(found["after_script"]), release, env)
    assert done.stdout.startswith("### Public tests: ")
    for pattern in (found["artifacts"]["reports"]["junit"], *found["artifacts"]["paths"]):
        assert list(release.glob(pattern)), pattern


def test_the_workflows_are_pinned_and_name_what_there_is() -> None:
    """Actions by commit, images by version, every exercise, and the compose file's RabbitMQ."""
    github, gitlab = job(GITHUB), job(GITLAB)
    for step in github["steps"]:
        assert "uses" not in step or PINNED.fullmatch(step["uses"]), step
    exercises = sorted(path.name for path in (REPO / "exercises").glob("[0-9][0-9]"))
    assert github["strategy"]["matrix"]["exercise"] == exercises
    assert gitlab["parallel"]["matrix"] == [{"EXERCISE": exercises}]
    compose = yaml.safe_load((REPO / "docker-compose.yml").read_text())
    image = compose["services"]["rabbitmq"]["image"]
    assert github["services"]["rabbitmq"]["image"] == image
    assert [each["name"] for each in gitlab["services"]] == [image]
    assert yaml.safe_load(GITHUB.read_text())["permissions"] == {"contents": "read"}
