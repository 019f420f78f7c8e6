"""A `docker` for tests on machines without an engine: it runs the container's command in bubblewrap.

It knows as much of Docker's command line as the sandbox uses, and refuses what it does not know,
so that what the sandbox asks for is carried out and not only written down. What an engine itself
does (images, limits) stays untried.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

HOME = Path(__file__).parent
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc")


def main() -> int:
    """Carry out one docker command."""
    command, *rest = sys.argv[1:]
    with (HOME / "calls").open("a") as log:
        log.write(json.dumps(sys.argv[1:]) + "\n")
    if command == "version":
        print("ok")  # noqa: T201 - this is a command
    elif command == "run":
        run(rest)
    elif command == "top":
        top(rest[0])
    elif command == "rm":
        pid = HOME / rest[-1]
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
    elif command != "ps":
        return 1
    return 0


def run(arguments: list[str]) -> None:
    """Become bubblewrap with what the options ask for."""
    parser = argparse.ArgumentParser()
    for flag in ("--rm", "--read-only"):
        parser.add_argument(flag, action="store_true", required=True)
    for name in ("--label", "--network", "--cap-drop", "--security-opt", "--user", "--pids-limit"):
        parser.add_argument(name, required=True)
    for name in ("--memory", "--memory-swap", "--shm-size", "--ulimit", "--pull", "--name"):
        parser.add_argument(name, required=True)
    for name in ("--tmpfs", "--volume", "--env"):
        parser.add_argument(name, action="append", required=True)
    parser.add_argument("--workdir", required=True)
    parser.add_argument("image")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    (HOME / options.name).write_text(str(os.getpid()))
    uid, gid = options.user.split(":")
    args = ["bwrap", "--unshare-all", "--unshare-user", "--uid", uid, "--gid", gid, "--clearenv"]
    args += ["--as-pid-1", "--die-with-parent", "--proc", "/proc", "--dev", "/dev"]
    python = os.path.realpath(sys.executable)
    for path in (*SYSTEM, os.path.realpath(sys.base_prefix)):
        args += ["--ro-bind-try", path, path]
    args += ["--tmpfs", "/dev/shm"]  # noqa: S108 - inside
    for mount in options.tmpfs:
        args += ["--tmpfs", mount.partition(":")[0]]
    for volume in options.volume:
        source, target, mode = volume.rsplit(":", 2)
        assert mode == "ro"
        args += ["--ro-bind", source, target]
    args += ["--remount-ro", "/", "--remount-ro", "/dev", "--chdir", options.workdir]
    for variable in options.env:
        args += ["--setenv", *variable.split("=", 1)]
    assert options.command[0] == "python"
    assert options.network == "none"
    os.execvp("bwrap", [*args, "--", python, *options.command[1:]])  # noqa: S606


def top(name: str) -> None:
    """The container's processes, as docker top shows them."""
    outer = (HOME / name).read_text()
    listed = subprocess.run(
        ["ps", "-eo", "pid,ppid,sess,stat,comm"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    print(listed[0])  # noqa: T201
    inside = {outer}
    for line in listed[1:]:  # by pid, so that a parent comes before its children
        pid, parent = line.split()[:2]
        if parent in inside:
            inside.add(pid)
            if "bwrap" not in line:
                print(line)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
