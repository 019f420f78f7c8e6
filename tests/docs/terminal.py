"""Runs the commands of a page one after the other in one shell, as a reader's terminal does."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from accounts import AS_ON_A_TERMINAL, FASTER, FIRST, FIXED_PORTS, NOT_RUN, TOGETHER, UNSOLVED
from pages import ROOT, Command, commands

_SECONDS = 1800
"""A hang ends the test, not the day."""

_LEFT_OUT = shutil.ignore_patterns(".*", "out", "__pycache__", "*.egg-info", "build", "dist")


@dataclass(frozen=True)
class Done:
    """A command that was run."""

    command: Command
    code: int
    printed: str


def fresh_course(folder: Path, page: str) -> Path:
    """A copy of the course as the reader of that page has it, beside nothing else."""
    course = folder / "course"
    shutil.copytree(ROOT, course, ignore=_LEFT_OUT)
    if page not in UNSOLVED:
        shutil.copytree(ROOT / "solutions", course / "exercises", dirs_exist_ok=True)
    with zipfile.ZipFile(course / "download.zip", "w") as download:
        download.write(ROOT / "solutions/01/polling.py", "janedoe_12345_67890_polling.py")
    with zipfile.ZipFile(course / "team-download.zip", "w") as download:
        download.write(
            ROOT / "solutions/01/polling.py", "Team 1_17_assignsubmission_file_/polling.py"
        )
    (course / "teams.csv").write_text("team,student\nTeam 1,Jane Doe\nTeam 1,Bob Ray\n")
    return course


def run_page(page: str, course: Path) -> list[Done]:
    """Run a page's commands, in order, but for those that cannot be run."""
    chosen = [command for command in commands(page) if command.text not in NOT_RUN]
    return run(chosen, course, alone=page.startswith(FIXED_PORTS))


def run(chosen: list[Command], course: Path, *, alone: bool = False) -> list[Done]:
    """Run commands in order; alone: where every port is free."""
    notes = course.parent / "notes"
    notes.mkdir()
    script = notes / "script"
    script.write_text(_script(chosen, notes), encoding="utf-8")
    subprocess.run(
        [*(_alone() if alone else []), "bash", str(script)],
        cwd=course,
        env=_environment(course),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
        timeout=_SECONDS,
    )
    return [
        Done(
            command,
            int((notes / f"{number}.code").read_text()),
            (notes / f"{number}.out").read_text(encoding="utf-8"),
        )
        for number, command in enumerate(chosen)
    ]


def _script(chosen: list[Command], notes: Path) -> str:
    lines = ["trap 'grader services down' EXIT"]  # whatever the page leaves running
    waiting = None
    for number, command in enumerate(chosen):
        text = command.text
        for pattern, replacement in (*FASTER, *AS_ON_A_TERMINAL):
            text = re.sub(pattern, replacement, text)
        out, code = shlex.quote(f"{notes}/{number}.out"), shlex.quote(f"{notes}/{number}.code")
        lines.append(FIRST.get(command.text, ":"))
        if command.text in TOGETHER:
            lines.append(f"{{ {text}\n}} >{out} 2>&1 & waiting=$!")
            if ready := TOGETHER[command.text]:
                unsaid = f"! grep -q {shlex.quote(ready)} {out} && jobs -rp | grep -qx $waiting"
                lines.append(f"while {unsaid}; do sleep 0.02; done")
            waiting = code
            continue
        lines += [f"{{ {text}\n}} >{out} 2>&1", f"echo $? >{code}", f"before={out}"]
        if waiting is not None:
            lines += ["wait $waiting", f"echo $? >{waiting}"]
            waiting = None
    return "\n".join(lines) + "\n"


def _environment(course: Path) -> dict[str, str]:
    """The course's environment active, its copy of the grader in front, a home of its own."""
    home = course.parent / "home"
    home.mkdir(exist_ok=True)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
    given = {name: os.environ[name] for name in ("LANG", "LD_LIBRARY_PATH") if name in os.environ}
    return {**given, "PATH": path, "HOME": str(home), "PYTHONPATH": str(course), "COLUMNS": "100"}


def _alone() -> list[str]:
    """A loopback of the page's own, where every port is free.

    Not processes of its own: a grader there would take those of others for dead, and tidy up.
    """
    bwrap = shutil.which("bwrap")
    assert bwrap is not None, "the demos' ports may be taken; run `sudo apt-get install bubblewrap`"
    return [bwrap, "--dev-bind", "/", "/", "--unshare-net", "--die-with-parent"]
