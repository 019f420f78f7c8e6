"""`grader doctor`: what works on this machine, what is missing, and what mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from pydantic import BaseModel
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.errors import GraderError, SandboxError
from grader.services.catalog import OWN_KINDS, service_kinds

if TYPE_CHECKING:
    from grader.sandbox.probe import Wall

_PROJECT = "stream-course"
_APPARMOR = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
_PROFILE = (
    "Ubuntu 24.04 and later let only programs with an AppArmor profile make user namespaces: "
    "install one for bubblewrap with `sudo apt-get install apparmor-profiles && sudo ln -s "
    "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/ && "
    "sudo systemctl reload apparmor`, or grade as root."
)
SWITCHES = (
    (_APPARMOR, "1", _PROFILE),
    (
        Path("/proc/sys/kernel/unprivileged_userns_clone"),
        "0",
        (
            "This system lets no ordinary user make namespaces: allow it with "
            "`sudo sysctl kernel.unprivileged_userns_clone=1`, or grade as root."
        ),
    ),
    (
        Path("/proc/sys/user/max_user_namespaces"),
        "0",
        (
            "This system allows no user namespaces: allow them with "
            "`sudo sysctl user.max_user_namespaces=15000`."
        ),
    ),
)
"""What may forbid namespaces, the value with which it does, and what to do. See namespaces(7)."""
BY_HAND = (
    "Run `bwrap --unshare-all --ro-bind / / true`: where that fails too, this machine or container "
    "forbids namespaces, and another machine, or a Docker engine on this one, can grade."
)


class Finding(BaseModel):
    """One thing that somebody needs, and whether it is there."""

    part: str
    """`learning` or `grading`: who needs it."""
    name: str
    works: bool
    said: str
    remedy: str = ""


class Diagnosis(BaseModel):
    """All findings, and how well submissions are walled in."""

    tier: str
    """`full`, `reduced` (a wall that is not essential is missing) or `none` (nothing is graded).

    Empty where nobody looked, as in a students' copy.
    """
    findings: list[Finding]

    @property
    def well(self) -> bool:
        """Tell whether nothing is missing."""
        return all(finding.works for finding in self.findings)


def diagnose(services: Iterable[str] = OWN_KINDS, *, grading: bool = True) -> Diagnosis:
    """Look at this machine, and for each of `services` at what a run would use.

    Without `grading` at nothing that only submissions of others need.
    """
    tier, walls = _walls() if grading else ("", [])
    tools = [look() for look in (_python, _packages, _tail)]
    used = [_try("learning", kind.title, kind.look) for kind in service_kinds(services)]
    return Diagnosis(tier=tier, findings=[*tools, *used, _docker(), *walls])


def print_diagnosis(diagnosis: Diagnosis, console: Console) -> None:
    """A line for each finding; under it, where something is missing, what to do."""
    parts = {"learning": "To learn"}
    if diagnosis.tier:
        parts["grading"] = "To grade submissions by others"
    for part, title in parts.items():
        console.print(Text(title, "bold"))
        table = Table.grid(padding=(0, 1))
        table.add_column(width=3, justify="right")
        table.add_column(no_wrap=True)
        table.add_column()
        for finding in diagnosis.findings:
            if finding.part != part:
                continue
            mark = Text("✓", "green") if finding.works else Text("✗", "red")
            table.add_row(mark, finding.name, Text(finding.said, "" if finding.works else "red"))
            if finding.remedy and not finding.works:
                table.add_row("", "", Text(finding.remedy, "cyan"))
        console.print(table)
        console.print()
    if diagnosis.tier:
        console.print(f"walls: {diagnosis.tier}")


def _python() -> Finding:
    enough = sys.version_info >= (3, 11)
    return Finding(
        part="learning",
        name="Python",
        works=enough,
        said=f"{platform.python_version()} on {platform.system()}",
        remedy="Install Python 3.11 or later, then run `make setup`.",
    )


def _packages() -> Finding:
    missing = list(_missing_packages())
    return Finding(
        part="learning",
        name="packages",
        works=not missing,
        said=", ".join(missing) or "as pyproject.toml asks for",
        remedy="Run `make setup`, or `pip install .`.",
    )


def _missing_packages() -> Iterator[str]:
    try:
        lines = requires(_PROJECT) or ()
    except PackageNotFoundError:
        yield "the course itself is not installed"
        return
    for line in lines:
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            yield f"{wanted.name} is missing"
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            yield f"{wanted.name} is {found}, wanted is {wanted.specifier}"


def _tail() -> Finding:
    found = shutil.which("tail")
    return Finding(
        part="learning",
        name="tail",
        works=found is not None,
        said=found or "is not in PATH; exercise 02 follows a file with it",
        remedy="On Windows work in WSL2, which has it.",
    )


def _docker() -> Finding:
    from grader.services.docker_engine import engine_problem  # noqa: PLC0415 - pika's import

    problem = engine_problem()
    return Finding(
        part="learning",
        name="Docker",
        works=True,  # nothing needs it
        said=f"{problem}; nothing here needs one" if problem else "an engine runs",
    )


def _try(part: str, name: str, look: Callable[[], str]) -> Finding:
    try:
        said = look()
    except GraderError as error:
        return Finding(part=part, name=name, works=False, said=error.message, remedy=error.help)
    return Finding(part=part, name=name, works=True, said=said)


def _walls() -> tuple[str, list[Finding]]:
    try:
        walls = _probe()
    except SandboxError as error:
        said = error.message
        return "none", [
            Finding(part="grading", name="sandbox", works=False, said=said, remedy=_remedy(error))
        ]
    findings = [
        Finding(
            part="grading",
            name=wall.name,
            works=wall.holds,
            said=wall.promise if wall.holds else f"{wall.promise}: not here ({wall.found})",
            remedy=wall.remedy
            or "Nothing is graded until it holds: please report it (SECURITY.md).",
        )
        for wall in walls
    ]
    if any(wall.essential and not wall.holds for wall in walls):
        return "none", findings
    return "full" if all(wall.holds for wall in walls) else "reduced", findings


def _probe() -> list[Wall]:
    """The walls of bubblewrap, else of a container; bubblewrap's error where there is neither."""
    if not hasattr(os, "fork"):
        raise SandboxError("submissions are graded on Linux", "Use a Linux machine, or WSL2.")
    from grader.sandbox import docker, probe  # noqa: PLC0415 - Unix only
    from grader.sandbox.choice import require_bubblewrap  # noqa: PLC0415

    try:
        require_bubblewrap()
        return probe.probe()
    except SandboxError:
        try:
            docker.require_engine()
        except SandboxError:
            pass
        else:
            return probe.probe(docker.DockerSandbox)
        raise


def _remedy(error: SandboxError) -> str:
    """What mends a sandbox that does not start: by the system's switches, where one forbids it."""
    for switch, forbids, remedy in SWITCHES:
        try:
            if switch.read_text(encoding="utf-8").strip() == forbids:
                return remedy
        except OSError:
            continue
    # Elsewhere the help is to ask this command.
    return BY_HAND if "grader doctor" in error.help else error.help
