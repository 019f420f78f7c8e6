"""A class of hostile submissions with honest ones among them, handed in and graded."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from attack_machine import ORDINARY, settled, state_of_machine

from grader.course import load_course

REPO = Path(__file__).resolve().parents[2]
ALL_ATTACKS = {
    f"{path.parent.parent.name}-{path.parent.name}": path.parent
    for path in sorted((REPO / "tests" / "submissions" / "attacks").glob("*/*/attack.toml"))
}
CHOSEN = os.environ.get("ATTACKS", "").split()
"""Which attacks to hand in, by name (`01-fork-bomb`), or `all`."""
ATTACKS = {
    name: folder
    for name, folder in ALL_ATTACKS.items()
    if CHOSEN == ["all"]
    or name in CHOSEN
    or not (CHOSEN or tomllib.loads((folder / "attack.toml").read_text()).get("nightly"))
}
"""Attacks to hand in. `make attacks` alone takes the `nightly` ones: together they take too long."""
assert CHOSEN == ["all"] or ALL_ATTACKS.keys() >= set(CHOSEN), "ATTACKS names one that is not there"
CANARY_PORT, CANARY_SOCKET = "47813", "grader-attack-canary"
"""Port and socket where reaches-host-loopback looks for servers of the host's; each class has its own."""
CANARY = f"canary-{secrets.token_hex(8)}"
EXERCISES = [
    each.id
    for each in load_course(REPO).exercises
    if CHOSEN in ([], ["all"]) or any(name.startswith(f"{each.id}-") for name in ATTACKS)
]
"""Exercises with honest submissions: all, or those that the chosen attacks are about."""
HONEST = ("aaa-honest", "mmm-honest", "zzz-honest")
NAMES = (
    *("=cmd|'calc'!A0", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "-rf"),
    *("\x1b[2J\x1b]0;owned\x07", "two\nlines", "\u202eevil", os.fsdecode(b"\xff\xfe"), "x" * 200),
)
"""Names such as hostile students have; their code is honest."""
UNBUFFERED = "import functools\n\nprint = functools.partial(print, flush=True)"
"""Prints an attack's words at once: they are seen although its process is killed."""
SLOW = ("07",)
"""Right code takes half a minute for it, and each of its steps takes long where four are graded at a
time: its limits are the course's own."""


@dataclass
class Outcome:
    """A class that was graded, and what the machine looked like before and after."""

    exit_code: int
    said: str
    reports: dict[str, dict[str, Any]]
    raw: str
    connections: list[str]
    before: dict[str, Any]
    after: dict[str, Any]


def prepare(root: Path, port: int, unix: str) -> None:
    """A course with a class of honest and hostile submissions; short deadlines but of the SLOW.

    `port` and `unix` are where the host listens.
    """
    for name in ("exercises", "solutions", "resources", "tests/hidden"):
        shutil.copytree(REPO / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    manifest = (REPO / "course.toml").read_text()
    short = manifest.replace("seconds = 10 ", "seconds = 2 ", 1)
    assert short != manifest
    (root / "course.toml").write_text(short.replace("total_seconds = 180", "total_seconds = 60", 1))
    for name in NAMES:
        shutil.copytree(root / "solutions" / "01", root / "subs" / name / "01")
    for exercise in EXERCISES:
        for student in HONEST:
            target = root / class_of(exercise) / student / exercise
            shutil.copytree(root / "solutions" / exercise, target)
    for name, folder in ATTACKS.items():
        hand_in(root, name, folder, {CANARY_PORT: str(port), CANARY_SOCKET: unix})
    (root / "secret.txt").write_text(CANARY)


def class_of(exercise: str) -> str:
    """The folder of the class in which it is handed in."""
    return "slow" if exercise in SLOW else "subs"


def hand_in(root: Path, name: str, folder: Path, words: dict[str, str]) -> None:
    """Put an attack into the class: the honest code or the stub, and the hostile code behind it.

    `words` are replaced in the hostile code.
    """
    attack = read(folder)
    exercise = folder.parent.name
    base = root / ("solutions" if attack["base"] == "solution" else "exercises") / exercise
    target = root / class_of(exercise) / name / exercise
    target.mkdir(parents=True)
    for source in (root / "solutions" / exercise).glob("*.py"):
        shutil.copy(source, target)
    file = target / attack.get("file", "polling.py")
    if "link" in attack:
        file.unlink()
        file.symlink_to(attack["link"])
    elif "device" in attack:
        file.unlink()
        if os.geteuid() == 0:
            os.mknod(file, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
        else:
            os.mkfifo(file)
    else:
        code = (folder / "attack.py").read_text()
        for old, new in words.items():
            code = code.replace(old, new)
        file.write_text(f"{(base / file.name).read_text()}\n\n{UNBUFFERED}\n\n{code}")
    for more in folder.glob("files/*.txt"):
        shutil.copy(more, target / more.stem)


def read(folder: Path) -> dict[str, Any]:
    """attack.toml: what it tries, the code it adds to, and which checks that code fails.

    `fails` is "none", "all", "any" where it depends, or the ids of those that fail, and no others.
    """
    return tomllib.loads((folder / "attack.toml").read_text())


@contextmanager
def listening() -> Iterator[list[socket.socket]]:
    """Servers on the host that no submission may reach; afterwards one asks who came."""
    with ExitStack() as stack:
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{CANARY_SOCKET}-{secrets.token_hex(4)}")
        unix.listen()
        for server in (tcp, unix):
            server.setblocking(False)
        yield [tcp, unix]


def without_bubblewrap(root: Path) -> dict[str, str]:
    """A PATH on which bubblewrap is, and does not work."""
    programs = root / "programs"
    programs.mkdir()
    (programs / "bwrap").write_text("#!/bin/sh\nexit 1\n")
    (programs / "bwrap").chmod(0o755)
    return {"PATH": f"{programs}:{os.environ['PATH']}"}


def grade(
    root: Path, prefix: list[str], servers: list[socket.socket], **environment: str
) -> Outcome:
    """Grade the class with `prefix` before the command; the machine before and after."""
    command = [*prefix, sys.executable, "-m", "grader", "grade", "-j", "4", "--no-details"]
    before = state_of_machine()
    outcomes = []
    for name in ("subs", "slow"):
        if not (root / name).exists():
            continue
        if name == "slow":
            shutil.copyfile(REPO / "course.toml", root / "course.toml")
        done = subprocess.run(
            [*command, name, "--json", f"out/{name}.json"],
            cwd=root,
            capture_output=True,
            text=True,
            check=False,
            timeout=3600,  # on a busy machine, in containers, half an hour
            env=os.environ
            | {"GRADER_CANARY": CANARY, "PYTHONPATH": str(REPO), "HOME": str(root)}
            | environment,
        )
        assert (root / "out" / f"{name}.json").exists(), done.stderr
        outcomes.append((done, (root / "out" / f"{name}.json").read_text()))
    after = settled(before)
    came = []
    for server in servers:
        with suppress(BlockingIOError):
            came.append(str(server.accept()))
    raw = "\n".join(text for _, text in outcomes)
    rows = [report for _, text in outcomes for report in json.loads(text)["reports"]]
    reports = {f"{r['student']} {r['exercise']}": r for r in rows}
    code = max(done.returncode for done, _ in outcomes)
    said = "".join(done.stdout + done.stderr for done, _ in outcomes)
    return Outcome(code, said, reports, raw, came, before, after)


def as_ordinary_user(root: Path) -> list[str]:
    """Return what makes root's command that of an ordinary user, for whom all of `root` is writable.

    The interpreter may lie below a folder of root's: a private mount namespace shows it there.
    """
    subprocess.run(["chown", "-R", f"{ORDINARY}:{ORDINARY}", str(root)], check=True)
    become = ["setpriv", f"--reuid={ORDINARY}", f"--regid={ORDINARY}", "--clear-groups"]
    prefix = os.path.realpath(sys.base_prefix)
    if not prefix.startswith("/root/"):
        return become
    script = (
        f'mkdir -p "$0/python"; mount --bind {prefix} "$0/python"; mount -t tmpfs tmpfs /root; '
        f'mkdir -p {prefix}; mount --move "$0/python" {prefix}; chmod 755 /root; exec "$@"'
    )
    return [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-ec",
        script,
        str(root),
        *become,
    ]
