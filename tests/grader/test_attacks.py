"""Hostile submissions, in one class with honest ones: what each tried did not work.

An attack is contained when its verdict is that of its honest behaviour, nothing outside the
sandbox changed, and every honest submission is graded as ever. An attack prints TRIED when it has
run, and LEAK where it got what it was after; what it printed is in its report.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from grader.course import load_course
from grader.host.processes import runs
from grader.sandbox.bubblewrap import UNPRIVILEGED
from grader.sandbox.docker_run import LABEL
from grader.services.docker_engine import engine_answers
from grader.services.kafka import private as kafka_private
from grader.services.redis import private

pytestmark = pytest.mark.thorough

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
"""Those marked `nightly` are handed in by `make attacks` alone: all together take too long."""
assert CHOSEN == ["all"] or ALL_ATTACKS.keys() >= set(CHOSEN), "ATTACKS names one that is not there"
CANARY_PORT, CANARY_SOCKET = "47813", "grader-attack-canary"
"""Where reaches-host-loopback looks for servers of the host's; each class has its own."""
MOST_PIDS = 1 << 22
"""What a pid may be; see proc(5)."""
ORDINARY = 60918
"""A uid that nothing else uses, other than that of the sandboxes."""
CANARY = f"canary-{secrets.token_hex(8)}"
EXERCISES = [
    each.id
    for each in load_course(REPO).exercises
    if CHOSEN in ([], ["all"]) or any(name.startswith(f"{each.id}-") for name in ATTACKS)
]
"""Those with honest submissions: all, or those that the chosen attacks are about."""
HONEST = ("aaa-honest", "mmm-honest", "zzz-honest")
NAMES = (
    *("=cmd|'calc'!A0", "<img src=x onerror=alert(1)>", "[x](javascript:alert(1))", "-rf"),
    *("\x1b[2J\x1b]0;owned\x07", "two\nlines", "\u202eevil", os.fsdecode(b"\xff\xfe"), "x" * 200),
)
"""What hostile students are called; their code is honest."""
UNBUFFERED = "import functools\n\nprint = functools.partial(print, flush=True)"
"""What an attack prints is seen although its process is killed."""
SLOW = ("07",)
"""Right code takes half a minute for it, and each of its steps takes long where four are graded at a
time: its limits are the course's own."""
SILENT = {"01-hands-in-link", "01-hands-in-device", "01-floods-output", "01-floods-from-child"}
"""They hand in no code, or print so much that the start of it is gone."""


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


def running() -> Iterator[str]:
    """Processes of sandboxes, and servers of submissions, whose grader has ended."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            text = status.read_text()
        except OSError:
            continue
        uid = int(text.partition("\nUid:\t")[2].split("\t")[0])
        pids = [
            uid - base
            for base in (UNPRIVILEGED, private.USERS, kafka_private.USERS)
            if base < uid <= base + MOST_PIDS
        ]
        if uid == ORDINARY or any(not runs(pid) for pid in pids):
            yield text.partition("\t")[2].partition("\n")[0]


def left(paths: Iterable[Path], part: int = 1) -> list[str]:
    """Those of the paths whose grader has ended; its pid is that part of their names."""
    owned = [(path, path.name.split("-")[part]) for path in paths]
    return sorted(str(path) for path, pid in owned if pid.isdigit() and not runs(int(pid)))


def groups() -> Iterator[Path]:
    """Control groups of graders; others' come and go meanwhile, which os.walk does not mind."""
    for folder, names, _ in os.walk("/sys/fs/cgroup"):
        yield from (Path(folder, name) for name in names if re.match("grader-[^-]+-[^-]+-", name))


def state_of_machine() -> dict[str, Any]:
    """What an attack could have changed; without what other graders are doing meanwhile."""
    return {
        "processes": sorted(running()),
        "mounts": Path("/proc/self/mounts").read_text(),
        "core_pattern": Path("/proc/sys/kernel/core_pattern").read_text(),
        "shared memory": sorted(path.name for path in Path("/dev/shm").iterdir()),  # noqa: S108 - the host's
        "sandboxes": left(Path("/tmp").glob("grader-*-*")),  # noqa: S108
        "hostname": socket.gethostname(),
        "message queues": Path("/proc/sysvipc/msg").read_text(),
        "control groups": left(groups(), 2),  # after the namespace of that pid
        "containers": left(map(Path, containers())),
    }


def containers() -> list[str]:
    """Containers of sandboxes, their names beginning as a folder's does."""
    listing = ["docker", "ps", "--all", "--filter", f"label={LABEL}", "--format"]
    row = 'grader-{{.Label "' + LABEL + '"}}-{{.Names}}'
    with suppress(FileNotFoundError):
        said = subprocess.run([*listing, row], capture_output=True, text=True, check=False)
        return said.stdout.split()
    return []


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """What is there afterwards that was not; what else ended meanwhile is nobody's attack."""
    return {
        name: now
        for name, now in after.items()
        if now != before[name] and not (isinstance(now, list) and set(now) <= set(before[name]))
    }


def settled(before: dict[str, Any]) -> dict[str, Any]:
    """The machine once what was killed has gone, which takes the kernel a moment."""
    deadline = time.monotonic() + 5
    while changed(before, found := state_of_machine()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


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
    """What makes root's command that of an ordinary user, for whom all of `root` is writable.

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


USERS = ["root", "ordinary-user"] if os.geteuid() == 0 else ["ordinary-user"]
DOCKER = pytest.param("docker", marks=pytest.mark.docker)


@pytest.fixture(scope="module", params=[*USERS, DOCKER])
def outcome(request: pytest.FixtureRequest) -> Outcome:
    """The graded class, as root and as an ordinary user, and in containers."""
    if request.param == "docker" and not engine_answers():
        pytest.skip("no Docker engine answers")
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory() as folder, listening() as servers:
        root = Path(folder)
        root.chmod(0o755)
        tcp, unix = servers
        prepare(root, tcp.getsockname()[1], unix.getsockname()[1:].decode())
        (root / "out").mkdir()
        if request.param == "docker":
            found = grade(root, [], servers, **without_bubblewrap(root))
            assert {report["sandbox"] for report in found.reports.values()} == {"docker"}
            return found
        ordinary = request.param == "ordinary-user" and os.geteuid() == 0
        return grade(root, as_ordinary_user(root) if ordinary else [], servers)


def report_of(outcome: Outcome, name: str) -> dict[str, Any]:
    """The report of an attack."""
    exercise, _, _ = name.partition("-")
    return outcome.reports[f"{name} {exercise}"]


def test_there_are_enough_attacks() -> None:
    """A corpus that shrinks by accident is noticed."""
    assert len(ALL_ATTACKS) >= 170


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_got_nothing(outcome: Outcome, name: str) -> None:
    """It ran, it leaked nothing, and its verdict is that of what its code honestly does."""
    report = report_of(outcome, name)
    text = json.dumps(report)
    if name not in SILENT:
        assert "TRIED" in report["output"], "the attack did not run"
    assert "LEAK" not in text
    assert CANARY not in text
    found = {check["outcome"] for check in report["checks"]}
    wanted = read(ATTACKS[name])["fails"]
    assert found <= {"passed", "failed", "skipped"}
    if wanted == "none":
        assert found == {"passed"}
        assert report["score"] == report["max_score"]
    elif wanted == "all":
        assert "passed" not in found
        assert report["score"] == 0
    elif isinstance(wanted, list):
        failed = {check["id"] for check in report["checks"] if check["outcome"] == "failed"}
        assert failed == set(wanted)
    else:
        assert wanted == "any"


@pytest.mark.parametrize("exercise", EXERCISES)
@pytest.mark.parametrize("student", HONEST)
def test_honest_submissions_among_attacks_keep_full_marks(
    outcome: Outcome, student: str, exercise: str
) -> None:
    """Before, between and after the attacks."""
    report = outcome.reports[f"{student} {exercise}"]
    failed = [c for c in report["checks"] if c["outcome"] != "passed"]
    assert not failed
    assert not report["provisional"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_hostile_name_is_a_name(outcome: Outcome, name: str) -> None:
    """Whoever is called like that has a row, and full marks for honest code."""
    student = os.fsencode(name).decode("utf-8", "backslashreplace")
    assert outcome.reports[f"{student} 01"]["score"] == 100


def test_no_row_of_a_class_with_attacks_is_lost(outcome: Outcome) -> None:
    """A report for each submission, and the run ends with `something failed`, not with an error."""
    assert len(outcome.reports) >= len(ATTACKS) + len(EXERCISES) * len(HONEST)
    undecided = [
        f"{name}: {check['id']} {check['message']}"
        for name, report in outcome.reports.items()
        for check in report["checks"]
        if check["outcome"] not in ("passed", "failed", "skipped")
    ]
    assert not undecided
    found = {check["outcome"] for r in outcome.reports.values() for check in r["checks"]}
    assert outcome.exit_code == int("failed" in found)


def test_attacks_changed_nothing_outside(outcome: Outcome) -> None:
    """No process, mount, setting, file or connection of theirs is left."""
    assert not changed(outcome.before, outcome.after)
    assert not outcome.connections


def test_attacks_steer_no_terminal(outcome: Outcome) -> None:
    """What they printed and named is shown, not obeyed."""
    assert not [c for c in outcome.said if not c.isprintable() and c != "\n"]
    assert "\x1b" not in outcome.raw
    assert CANARY not in outcome.said
