"""The set-up: the locks, scripts/setup.sh with stand-ins for Python and apt-get, the Makefile."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-instructor.lock")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())

needs_posix = pytest.mark.skipif(sys.platform == "win32", reason="a script for bash")


def locked(lock: str) -> dict[str, list[str]]:
    """The lock's requirements: name to the words of its entry."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / lock).read_text(), flags=re.MULTILINE)
    entries = [line.split() for line in text.replace("\\\n", " ").splitlines()]
    return {entry[0].partition("==")[0]: entry for entry in entries}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_requirement_is_exact_and_hashed(lock: str) -> None:
    """One version each, with at least one SHA-256, so that pip takes nothing else."""
    entries = locked(lock)
    assert len(entries) > 50
    for name, entry in entries.items():
        assert re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", entry[0]), entry[0]
        hashes = [word for word in entry if word.startswith("--hash=sha256:")]
        assert hashes, f"{name} has no hash"


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_packages_come_from(lock: str) -> None:
    """No URL, index or folder: each machine asks the registry that it is set up for."""
    text = (ROOT / lock).read_text()
    assert not re.findall(r".*(?:://|--index|--extra-index|--find-links|--trusted).*", text)


def test_the_locks_satisfy_pyproject() -> None:
    """Every range of pyproject.toml holds the version that is locked for it."""
    groups: dict[str, list[str]] = PROJECT["dependency-groups"]
    base = [*PROJECT["project"]["dependencies"], *groups["dev"], *groups["build"]]
    optional = PROJECT["project"]["optional-dependencies"]
    extra = optional["instructor"] + optional["author"]
    for lock, wanted in ((LOCKS[0], base), (LOCKS[1], base + extra)):
        versions = {name: entry[0].partition("==")[2] for name, entry in locked(lock).items()}
        for requirement in map(Requirement, wanted):
            version = versions[canonicalize_name(requirement.name)]
            assert requirement.specifier.contains(version), f"{requirement}, {lock}: {version}"


def test_the_two_locks_agree() -> None:
    """Installing the instructor's lock over the other changes no version."""
    instructor = locked(LOCKS[1])
    for name, entry in locked(LOCKS[0]).items():
        assert instructor[name][0] == entry[0]


_PYTHON = """\
#!/bin/sh
# Stands in for an interpreter: the venv and pip are recorded, all else is real.
case "$*" in
*"-m venv"*)
    rm -rf .venv
    mkdir -p .venv/bin
    cp "$0" .venv/bin/python
    echo "VIRTUAL_ENV=$PWD/.venv" > .venv/bin/activate
    echo venv >> calls ;;
*"-m pip"*)
    echo pip >> calls
    if [ -e pip-fails ]; then echo "ERROR: no such hash"; exit 1; fi
    touch .venv/bin/grader; chmod +x .venv/bin/grader ;;
*_base_executable*)
    [ -e "$(dirname "$0")/old" ] && exit 1
    echo "$0" ;;
*ensurepip*)
    [ ! -e no-ensurepip ] ;;
*) exec {python} "$@" ;;
esac
"""
_TOOLS = (
    "bash", "cat", "chmod", "cp", "dirname", "env", "flock", "grep", "id", "mkdir", "mv", "rm",
    "sh", "tail", "touch", "uname",
)  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """A folder with the course's set-up, and a PATH with little else than stand-ins."""

    root: Path
    programs: Path

    def program(self, name: str, script: str) -> None:
        """Put a program on PATH, in place of what was there."""
        path = self.programs / name
        path.unlink(missing_ok=True)
        path.write_text(script)
        path.chmod(0o755)

    def setup(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the set-up."""
        return subprocess.run(
            [self.root / "scripts" / "setup.sh", *options],
            env={"PATH": str(self.programs), **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def calls(self) -> list[str]:
        """What was made or installed since the last question."""
        path = self.root / "calls"
        calls = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return calls


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One with a Python, with bubblewrap, and with servers, of an ordinary user."""
    root, programs = tmp_path / "course", tmp_path / "bin"
    for folder in (root / "scripts", programs):
        folder.mkdir(parents=True)
    for name in ("scripts/setup.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, root / name)
    for tool in _TOOLS:
        if found := shutil.which(tool):
            (programs / tool).symlink_to(found)
    machine = Machine(root, programs)
    machine.program("python3", _PYTHON.format(python=sys.executable))
    machine.program("id", "#!/bin/sh\necho 1000\n")
    machine.program("bwrap", "#!/bin/sh\n")
    for server in ("rabbitmq-server", "redis-server"):
        machine.program(server, "#!/bin/sh\n")
    return machine


@needs_posix
def test_a_second_run_does_nothing(machine: Machine) -> None:
    """The first run makes .venv and installs twice (lock, course); the second finds it done."""
    first = machine.setup()
    assert (first.returncode, machine.calls()) == (0, ["venv", "pip", "pip"]), first.stderr
    second = machine.setup()
    assert (second.returncode, machine.calls()) == (0, [])
    assert second.stdout == "setup: ready\n"


@needs_posix
def test_who_asked_for_it_is_told_what_to_type_next(machine: Machine) -> None:
    """`make setup` ends with the next line; the other targets, which run it too, do not."""
    assert machine.setup("--next").stdout.splitlines()[-1] == (
        "setup: ready. Next: source .venv/bin/activate && grader watch"
    )
    said = {
        target: subprocess.run(
            ["make", "-n", "--no-print-directory", target],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.splitlines()[0]
        for target in ("setup", "setup-instructor", "test", "demo")
    }
    assert [target for target, line in said.items() if "--next" in line] == [
        "setup",
        "setup-instructor",
    ]


@needs_posix
@pytest.mark.parametrize("file", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_installs_again(machine: Machine, file: str) -> None:
    """A new lock or a new entry point must reach a .venv that was made before."""
    machine.setup()
    machine.calls()
    with (machine.root / file).open("a") as opened:
        opened.write("# changed\n")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["pip", "pip"]


@needs_posix
def test_a_half_made_venv_is_made_again(machine: Machine) -> None:
    """Whatever .venv holds, when no Python runs in it, it is no reason to give up."""
    (machine.root / ".venv" / "bin").mkdir(parents=True)
    (machine.root / ".venv" / "bin" / "python").write_text("")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_a_course_that_was_moved_gets_a_new_venv(machine: Machine) -> None:
    """The programs in .venv name their interpreter by its whole path."""
    machine.setup()
    moved = Machine(machine.root.rename(machine.root.with_name("moved")), machine.programs)
    moved.calls()
    assert moved.setup().returncode == 0
    assert moved.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_a_failed_install_is_tried_again(machine: Machine) -> None:
    """One line gives pip's reason and the log; the next run does not believe it was done."""
    (machine.root / "pip-fails").touch()
    failed = machine.setup()
    assert failed.returncode == 1
    assert failed.stderr == (
        "setup: pip could not install requirements.lock: ERROR: no such hash"
        " (all of it: out/setup.log)\n"
    )
    (machine.root / "pip-fails").unlink()
    machine.calls()
    assert machine.setup().returncode == 0
    assert machine.calls() == ["pip", "pip"]


@needs_posix
def test_an_old_python_is_one_clear_line(machine: Machine) -> None:
    """It says which version is there, and leaves nothing behind."""
    (machine.programs / "old").touch()
    failed = machine.setup()
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("setup: Python 3.11 or later is needed, and python3 is 3.")
    assert not (machine.root / ".venv").exists()


@needs_posix
def test_a_newer_python_of_another_name_is_found(machine: Machine) -> None:
    """Where python3 is old, python3.12 beside it serves."""
    machine.program("python3.12", (machine.programs / "python3").read_text())
    machine.program("python3", "#!/bin/sh\nexit 1\n")
    assert machine.setup().returncode == 0
    assert machine.calls() == ["venv", "pip", "pip"]


@needs_posix
def test_python_without_venv_says_which_package(machine: Machine) -> None:
    """Debian ships venv apart; who may not install it is told what to run."""
    (machine.root / "no-ensurepip").touch()
    machine.program("apt-get", "#!/bin/sh\nexit 1\n")
    failed = machine.setup()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert failed.returncode == 1
    assert f"run `sudo apt-get install python{version}-venv`" in failed.stderr
    assert machine.calls() == []


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="bubblewrap is a Linux program")
def test_a_missing_program_does_not_stop_the_rest(machine: Machine) -> None:
    """Without the right to install, one line says what is missing and what to run."""
    (machine.programs / "bwrap").unlink()
    machine.program("apt-get", "#!/bin/sh\necho apt-get >> calls\n")
    done = machine.setup()
    assert done.returncode == 0
    (line,) = (line for line in done.stdout.splitlines() if "missing" in line)
    assert line.startswith("setup: bubblewrap is missing, so submissions cannot be graded")
    assert line.endswith("`sudo apt-get install bubblewrap`.")
    assert "apt-get" not in machine.calls()


@needs_posix
@pytest.mark.parametrize(("image", "manifest", "missing"), [(0, 1, 0), (1, 0, 0), (1, 1, 1)])
def test_an_engine_counts_where_it_can_have_the_image(
    machine: Machine, image: int, manifest: int, missing: int
) -> None:
    """One that runs and cannot pull is no RabbitMQ: the server is asked for."""
    (machine.programs / "rabbitmq-server").unlink()
    script = machine.root / "scripts" / "setup.sh"
    path = "PATH=$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin\n"
    text = script.read_text()
    assert path in text
    script.write_text(text.replace(path, ""))  # the machine's own server is not looked for
    shutil.copy(ROOT / "docker-compose.yml", machine.root)
    answers = f"image) exit {image} ;; manifest) exit {manifest} ;; info) exit 0 ;;"
    machine.program("docker", f'#!/bin/sh\ncase "$1" in {answers} *) exit 1 ;; esac\n')
    machine.program("apt-get", "#!/bin/sh\nexit 1\n")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("rabbitmq-server is missing") == missing, done.stdout


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="brew has no policy")
def test_a_missing_redis_is_installed_and_not_started(machine: Machine) -> None:
    """A policy keeps the package from it, and goes afterwards; at boot it is not started either."""
    (machine.programs / "redis-server").unlink()
    policy = machine.root / "policy-rc.d"
    script = machine.root / "scripts" / "setup.sh"
    text = script.read_text()
    assert "policy=/usr/sbin/policy-rc.d\n" in text
    script.write_text(text.replace("policy=/usr/sbin/policy-rc.d\n", f"policy={policy}\n"))
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("true", "#!/bin/sh\n")
    machine.program("tee", '#!/bin/sh\ncat > "$1"\n')
    machine.program("systemctl", '#!/bin/sh\necho "$1-$2" >> calls\n')
    machine.program(
        "apt-get",
        f"#!/bin/sh\n{policy} redis-server start\necho policy-$? >> calls\n"
        'for last; do :; done\necho "$last" >> calls\n',
    )
    done = machine.setup()
    assert "missing" not in done.stdout, done.stdout
    calls = machine.calls()
    assert calls[-3:] == ["policy-101", "redis-server", "disable-redis-server.service"], calls
    assert not policy.exists()


@needs_posix
@pytest.mark.parametrize("program", ["valkey-server", ""])
def test_a_redis_of_another_name_counts(machine: Machine, program: str) -> None:
    """Valkey, or one that runs elsewhere, is as good; nothing is installed, nothing missing."""
    (machine.programs / "redis-server").unlink()
    if program:
        machine.program(program, "#!/bin/sh\n")
    machine.program("apt-get", "#!/bin/sh\necho apt-get >> calls\n")
    elsewhere = {} if program else {"REDIS_URL": "redis://localhost"}
    assert "redis-server is missing" in machine.setup(REDIS_URL="").stdout or program
    done = machine.setup(**elsewhere)
    assert "missing" not in done.stdout, done.stdout
    assert "apt-get" not in machine.calls()


@needs_posix
@pytest.mark.skipif(sys.platform == "darwin", reason="bubblewrap is a Linux program")
def test_package_lists_are_fetched_only_when_needed(machine: Machine) -> None:
    """The install is tried with the lists that are there, then once more with new ones."""
    (machine.programs / "bwrap").unlink()
    machine.program("sudo", '#!/bin/sh\nshift\nexec "$@"\n')
    machine.program("true", "#!/bin/sh\n")
    machine.program(
        "apt-get",
        '#!/bin/sh\necho "$1" >> calls\n[ "$1" = update ] && touch lists\n[ -e lists ]\n',
    )
    assert "missing" not in machine.setup().stdout
    assert machine.calls() == ["venv", "pip", "pip", "install", "update", "install"]
    machine.setup()
    assert machine.calls() == ["install"]


@needs_posix
def test_make_lists_every_target() -> None:
    """`make` alone says what there is; no target shares its name with a file's."""
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    listed = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^  make ([a-z-]+) +\S", listed, flags=re.MULTILINE)
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert phony is not None
    assert targets == phony[1].split()


@pytest.mark.parametrize("command", [["-m", "pytest"], ["-P", "-m", "pytest"]])
def test_pytest_finds_the_package_however_it_is_started(command: list[str]) -> None:
    """-P is `pytest` alone: the root is not on the path, and tests/grader would hide the package."""
    collect = ("--collect-only", "-q", "-p", "no:cacheprovider", "tests/resources/test_events.py")
    done = subprocess.run(
        [sys.executable, *command, *collect],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_ci_runs_the_tests_last() -> None:
    """CI reads pytest's closing line: the tests come last, and both sets of them end with pytest."""
    makes = re.findall(r"^make ([\w-]+)", (ROOT / ".ci" / "run").read_text(), flags=re.MULTILINE)
    assert makes == ["lint", "test"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    makefile = (ROOT / "Makefile").read_text()
    for target in ("test", "test-thorough"):
        recipe = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe is not None
        assert "-m pytest" in recipe[1].splitlines()[-1]


_SKIPPING = """\
import pytest

def test_runs():
    assert True

@pytest.mark.skip(reason="no broker")
def test_skips():
    pass

@pytest.mark.docker
@pytest.mark.skip(reason="no engine")
def test_needs_docker():
    pass

@pytest.mark.xfail(reason="known")
def test_known():
    assert False
"""


@pytest.mark.parametrize(
    ("ci", "module", "counts"),
    [
        ("true", _SKIPPING, "1 passed, 1 skipped, 1 xfailed, 1 error"),
        ("", _SKIPPING, "1 passed, 2 skipped, 1 xfailed"),
        ("true", "import pytest\npytest.importorskip('absent_module')\n", "1 error"),
        ("", "import pytest\npytest.importorskip('absent_module')\n", "1 skipped"),
    ],
)
def test_ci_takes_a_skip_for_a_failure(tmp_path: Path, ci: str, module: str, counts: str) -> None:
    """A service that is gone from CI fails there, and is only skipped elsewhere."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_sample.py").write_text(module)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = docker\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", str(tmp_path)],
        env={**os.environ, "CI": ci},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert counts in done.stdout.splitlines()[-1], done.stdout
