"""A `docker` for tests on machines without an engine: it runs the container's command in bubblewrap.

It knows as much of Docker's command line as the sandbox uses, and refuses what it does not know,
so that what the sandbox asks for is carried out and not only written down. What an engine itself
does (images, limits) stays untried.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import signal
import sys
from pathlib import Path

HOME = Path(__file__).parent
SYSTEM_LINKS = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")


def main() -> int:
    """Carry out one docker command."""
    command, *rest = sys.argv[1:]
    with (HOME / "calls").open("a") as log:
        log.write(json.dumps(sys.argv[1:]) + "\n")
    if command == "version":
        print("ok")  # noqa: T201 - this is a command
    elif command == "info":
        print("cgroupfs")  # noqa: T201
    elif command == "image":
        return not (HOME / "image").exists()
    elif command == "import":
        (HOME / "image").write_bytes(sys.stdin.buffer.read())
    elif command == "run":
        run(rest)
    elif command == "rm":
        pid = HOME / rest[-1]
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGKILL)
    elif command not in ("ps", "events"):
        return 1
    return 0


def options_of(arguments: list[str]) -> argparse.Namespace:
    """What `docker run` is asked for; an option that is missing or unknown ends it."""
    parser = argparse.ArgumentParser()
    for flag in ("--rm", "--read-only"):
        parser.add_argument(flag, action="store_true", required=True)
    for name in ("--label", "--network", "--cap-drop", "--security-opt", "--user", "--pids-limit"):
        parser.add_argument(name, required=True)
    for name in ("--memory", "--memory-swap", "--shm-size", "--ulimit", "--pull", "--name"):
        parser.add_argument(name, required=True)
    for name in ("--hostname", "--log-driver", "--ipc", "--entrypoint", "--workdir"):
        parser.add_argument(name, required=True)
    for name in ("--sysctl", "--cgroup-parent"):
        parser.add_argument(name)
    for name in ("--tmpfs", "--mount"):
        parser.add_argument(name, action="append", required=True)
    parser.add_argument("image")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    return parser.parse_args(arguments)


def run(arguments: list[str]) -> None:
    """Become bubblewrap with what the options ask for."""
    options = options_of(arguments)
    (HOME / options.name).write_text(str(os.getpid()))
    uid, gid = options.user.split(":")
    args = ["bwrap", "--unshare-all", "--unshare-user", "--uid", uid, "--gid", gid, "--clearenv"]
    args += ["--as-pid-1", "--die-with-parent", "--hostname", options.hostname]
    args += ["--setenv", "HOSTNAME", options.hostname]  # as an engine does
    for path in map(Path, SYSTEM_LINKS):
        if path.is_symlink():
            args += ["--symlink", str(path.readlink()), str(path)]
    args += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm"]  # noqa: S108 - inside
    for mount in options.tmpfs:
        args += ["--tmpfs", mount.partition(":")[0]]
    mounts = [next(csv.reader([mount])) for mount in options.mount]
    for kind, source, target, mode in sorted(mounts, key=lambda fields: fields[2]):
        assert (kind, mode) == ("type=bind", "readonly")
        args += ["--ro-bind", source.removeprefix("source="), target.removeprefix("target=")]
    args += ["--remount-ro", "/", "--remount-ro", "/dev", "--chdir", options.workdir]
    assert (options.network, options.pull, options.log_driver) == ("none", "never", "none")
    os.execvp("bwrap", [*args, "--", options.entrypoint, *options.command])  # noqa: S606


if __name__ == "__main__":
    sys.exit(main())
