"""Run the README's commands in another release of Debian, as root and as an ordinary user.

As root on Debian. The release is a root file system by debootstrap, shared read-only below an
overlay; the commands run in a mount namespace of their own, in a clone of the last commit. Its root
is changed by pivot_root: in a plain chroot no sandbox starts, since a process there may make no
user namespace (user_namespaces(7)). The network is this machine's.
"""

from __future__ import annotations

import ast
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from debian_root import NotHereError, main_of, require_root, root_of

ROOT = Path(__file__).resolve().parents[1]
_PACKAGES = ("ca-certificates", "git", "make", "procps", "python3", "python3-venv")
_SUITE = re.compile(r"[a-z]+")
DOCTOR = """\
.venv/bin/python -m grader doctor | tee out/doctor.txt
grep -qE "^walls: (full|reduced)" out/doctor.txt
! grep ✗ out/doctor.txt | grep -v "✗ control group"
"""
"""Fails where anything is missing but the control group, which nobody delegates to a user here."""
_ENTER = """\
set -eu
new=$1 lower=$2 upper=$3
shift 3
mount -t overlay overlay -o "lowerdir=$lower,upperdir=$upper/changes,workdir=$upper/work" "$new"
cd "$new"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 shm dev/shm
mount --rbind /sys sys
for folder; do
    mkdir -p "./$folder"
    mount --rbind "$folder" "./$folder"
done
mkdir -p mnt
pivot_root . mnt
umount -l mnt
exec chroot . /bin/sh -eu /commands
"""
_COMMANDS = """\
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive
as() {
    who=$1 home=$2
    shift 2
    echo "BEGIN $who: $*"
    code=0
    setpriv --reuid="$who" --regid="$who" --init-groups env -i HOME="$home" PATH="$PATH" \
        LANG="$LANG" sh -ec "cd $home/course && $*" </dev/null 2>&1 || code=$?
    echo "END $code"
}
python3 --version
apt-get update --quiet --quiet
id student >/dev/null 2>&1 || useradd --create-home student
for who in root student; do
    home=$(getent passwd "$who" | cut -d: -f6)
    git clone --quiet /repository "$home/course"
    chown -R "$who:" "$home/course"
"""


def settings() -> Iterator[Path]:
    """Yield the files that say how this machine reaches its network."""
    names = ("/etc/resolv.conf", "/etc/hosts", "/etc/ssl/certs/ca-certificates.crt")
    yield from filter(Path.is_file, map(Path, names))


def apt_settings() -> str:
    """Return how apt gets packages here: through which proxy, from lists of which age.

    A mirror that stands still, as a snapshot does, has lists that have expired. Which files are to
    be got is each release's own affair. Source: apt.conf(5), apt-config(8).
    """
    asked = subprocess.run(
        ["apt-config", "dump", "Acquire"],  # noqa: S607
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    lines = asked.stdout.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("Acquire::IndexTargets"))


def pip_settings() -> dict[str, str]:
    """Return pip's settings here, of files and of the environment."""
    asked = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    lines = [line.partition("=") for line in asked.stdout.splitlines()]
    lines.sort(key=lambda line: line[0].startswith(":env:"))  # the environment's win
    return {key.rpartition(".")[2]: str(ast.literal_eval(value)) for key, _, value in lines}


def paths_in(values: Iterable[str]) -> list[Path]:
    """Return the files and folders of this machine that are named in settings."""
    words = [word.removeprefix("file://") for value in values for word in value.split()]
    paths = [Path(word) for word in dict.fromkeys(words) if word.startswith("/")]
    # The pages of an index of packages point to folders beside it.
    return [path.parent if path.name == "simple" else path for path in paths if path.exists()]


def commands(more: list[str]) -> str:
    """Return the script that runs inside: for each user, the README's commands and `more`."""
    wanted = ["make demo", *more]
    lines = [f'    as "$who" "$home" {shlex.quote(command)}' for command in wanted]
    return "\n".join([_COMMANDS.rstrip(), *lines, "done", ""])


def prepare(upper: Path, script: str, pip: dict[str, str]) -> None:
    """Lay out what is added to the root file system."""
    changes = upper / "changes"
    for folder in (changes, upper / "work"):
        folder.mkdir()
    changes.chmod(0o755)
    (changes / "commands").write_text(script, encoding="utf-8")
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(ROOT), str(changes / "repository")],  # noqa: S607
        check=True,
    )
    for file in [*settings(), *filter(Path.is_file, paths_in(pip.values()))]:
        target = changes / file.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    apt = changes / "etc/apt/apt.conf.d/99-as-outside"
    apt.parent.mkdir(parents=True, exist_ok=True)
    apt.write_text(apt_settings(), encoding="utf-8")
    lines = [f"{name} = {' '.join(value.split())}" for name, value in pip.items()]
    text = "\n".join(["[global]", *lines, ""])
    (changes / "etc/pip.conf").write_text(text, encoding="utf-8")


def run(suite: str, more: list[str], log: Path) -> list[tuple[str, int]]:
    """Run all commands; return each, after its user, with its exit code."""
    root = root_of(suite, _PACKAGES)
    pip = pip_settings()
    with tempfile.TemporaryDirectory(prefix="stream-debian-") as folder:
        upper = Path(folder)
        upper.chmod(0o755)
        (upper / "new").mkdir()
        prepare(upper, commands(more), pip)
        # With the machine's own pids, so that one can look on from outside.
        apart = ["unshare", "--mount", "--propagation", "private", "--ipc", "--fork"]
        command = [*apart, "--kill-child", "sh", "-c", _ENTER, "enter", str(upper / "new")]
        command += [
            str(root),
            str(upper),
            *(str(path) for path in paths_in(pip.values()) if path.is_dir()),
        ]
        found: list[tuple[str, int]] = []
        with (
            log.open("w", encoding="utf-8") as file,
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            ) as inside,
        ):
            assert inside.stdout is not None
            name = "what comes before the commands"
            try:
                for line in inside.stdout:
                    file.write(line)
                    file.flush()
                    word, _, rest = line.rstrip("\n").partition(" ")
                    if word == "BEGIN":
                        name = rest
                    elif word == "END":
                        found.append((name, int(rest)))
                        mark = "✗" if int(rest) else "✓"
                        print(f"{mark} Debian's {suite}, {name}", flush=True)
            except KeyboardInterrupt:
                os.killpg(inside.pid, signal.SIGTERM)
                raise
        if inside.returncode:
            raise NotHereError(f"{name} ended with {inside.returncode}; all of it: {log}")
    return found


def main(words: list[str]) -> int:
    """Run the commands in the release named first; the others come after `make demo`."""
    suite, *more = words or ["trixie"]
    if not _SUITE.fullmatch(suite):
        raise NotHereError(f"{suite} is no name of a release, such as trixie")
    require_root("make test-debian")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    log = ROOT / "out" / f"debian-{suite}.log"
    log.parent.mkdir(exist_ok=True)
    more = more or [
        DOCTOR,
        ".venv/bin/python -m grader validate --sample 1 --exercise 01",
        ".venv/bin/python -m pytest -q tests/grader/test_sandbox*.py",
    ]
    found = run(suite, more, log)
    if failed := [name for name, code in found if code]:
        print(f"{len(failed)} of {len(found)} failed; all of it: {log.relative_to(ROOT)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main_of(main, sys.argv[1:]))
