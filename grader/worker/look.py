"""What student code could reach from inside; the probe asks before any of it runs."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import stat
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

_CLONE_NEWUSER = 0x10000000
_ENVIRONMENT = {"PATH", "HOME", "LANG", "LC_CTYPE", "PWD", "SHLVL", "_"}
_OWN_PROCESSES = 3
"""The one that forks, this one, and one on its way out."""


def look(canary: str, port: int, memory: int) -> dict[str, Any]:
    """Try each wall; for each, what got through, or nothing.

    Args:
        canary: the path of a file of the host's.
        port: where a server of the host's listens on the loopback.
        memory: bytes, more than a process may have.
    """
    return {
        "files": _files(canary),
        "environment": ", ".join(sorted(set(os.environ) - _ENVIRONMENT)),
        "network": _network(port),
        "processes": _processes(),
        "first process": _first_process(),
        "writable": ", ".join(_writable()),
        "privileges": _privileges(),
        "memory": _memory(memory),
        "system calls": _system_calls(),
        "needs": ", ".join(_missing()),
    }


def look_around(closed: list[str], judge: int, memory: int) -> dict[str, Any]:
    """Look around for another user in the judge's own container, which has fewer walls.

    Args:
        closed: paths that only the judge may open.
        judge: the pid of the judge's process.
        memory: bytes, more than a process may have.
    """
    return {
        "closed": ", ".join(path for path in closed if os.access(path, os.R_OK)),
        "environment": ", ".join(sorted(set(os.environ) - _ENVIRONMENT)),
        "judge": _judge(judge),
        "privileges": _privileges(),
        "memory": _memory(memory),
        "system calls": _system_calls(),
        "needs": ", ".join(_missing()),
    }


def _missing() -> Iterator[str]:
    """Yield what submissions need and cannot have here."""
    try:
        with open("probe", "w", encoding="utf-8") as file:  # noqa: PTH123 - no pathlib here
            file.write("kept")
        os.unlink("probe")  # noqa: PTH108
    except OSError as error:
        yield f"a file in {os.getcwd()} ({error.strerror})"  # noqa: PTH109
    try:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    except RuntimeError as error:
        yield f"a thread ({error})"
    try:
        subprocess.run(["true"], check=True)  # noqa: S607 - wherever it is
    except (OSError, subprocess.SubprocessError) as error:
        yield f"a child process ({error})"
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            socket.create_connection(("localhost", port), timeout=1).close()
    except OSError as error:
        yield f"a server on localhost ({error.strerror})"
        return
    try:
        socket.create_connection(("localhost", port), timeout=1).close()
    except ConnectionRefusedError:
        return
    except OSError as error:
        yield f"a refusal where no server is ({error.strerror})"


def _judge(pid: int) -> str:
    found = []
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        found.append("its process takes signals")
    found += [f"its {name} can be read" for name in _opened(pid, ("environ", "mem", "fd"))]
    return ", ".join(found)


def _opened(pid: int, names: tuple[str, ...]) -> list[str]:
    """Return those files of a process's in /proc that can be opened."""
    found = []
    for name in names:
        path = f"/proc/{pid}/{name}"
        if os.access(path, os.R_OK):
            with contextlib.suppress(OSError):
                os.close(os.open(path, os.O_RDONLY))
                found.append(name)
    return found


def _files(canary: str) -> str:
    paths = (canary, "/etc/shadow", "/etc/machine-id", "/var/lib")
    return ", ".join(path for path in paths if os.path.exists(path))  # noqa: PTH110 - no pathlib here


def _network(port: int) -> str:
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
        return "the host's loopback"
    with open("/proc/net/dev", encoding="utf-8") as file:  # noqa: PTH123
        names = [line.partition(":")[0].strip() for line in file if ":" in line]
    return ", ".join(name for name in names if name != "lo")


def _processes() -> str:
    count = sum(name.isdigit() for name in os.listdir("/proc"))  # noqa: PTH208
    return f"{count} processes" if count > _OWN_PROCESSES else ""


def _first_process() -> str:
    """Return what can be done to pid 1, which holds the sandbox and has the uid of student code."""
    found = [] if os.getppid() == 1 else ["it is a program that the grader does not know"]
    found += [f"its {name} can be read" for name in _opened(1, ("environ", "mem", "fd"))]
    with open("/proc/1/limits", encoding="ascii") as file:  # noqa: PTH123 - no pathlib here
        limits = {line[:25].strip(): line[25:].split() for line in file}
    found += [
        f"it has no limit for its {name.removeprefix('Max ')}"
        for name in ("Max address space", "Max cpu time", "Max file size")
        if limits[name][1] == "unlimited"
    ]
    if any(stat.S_ISREG(os.fstat(descriptor).st_mode) for descriptor in (1, 2)):
        found.append("output goes to a file of the machine's")
    return ", ".join(found)


def _writable() -> list[str]:
    found = []
    with open("/proc/self/mounts", encoding="utf-8") as file:  # noqa: PTH123
        mounts = [line.split()[1] for line in file]
    for mount in mounts:
        if mount in ("/tmp", "/state", "/dev/shm") or mount.startswith("/proc"):  # noqa: S108
            continue
        path = os.path.join(mount, "probe")  # noqa: PTH118
        with contextlib.suppress(OSError):
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            os.unlink(path)  # noqa: PTH108
            found.append(mount)
    for setting in ("/proc/sys/kernel/pid_max", "/proc/sys/kernel/shmmax"):
        with contextlib.suppress(OSError):
            os.close(os.open(setting, os.O_WRONLY))
            found.append(setting)
    return found


def _privileges() -> str:
    with open("/proc/self/status", encoding="utf-8") as file:  # noqa: PTH123
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    found = []
    if status["Uid"].split()[0] == "0":
        found.append("root")
    if int(status["CapEff"], 16) or int(status["CapBnd"], 16):
        found.append("capabilities")
    if status["NoNewPrivs"] != "1":
        found.append("setuid programs")
    return ", ".join(found)


def _memory(memory: int) -> str:
    try:
        bytearray(memory)
    except MemoryError:
        return ""
    return f"{memory >> 20} MB"


def _system_calls() -> str:
    """ptrace of a process of one's own is allowed everywhere but behind a seccomp filter."""
    with open("/proc/self/status", encoding="utf-8") as file:  # noqa: PTH123
        filtered = any(line.split() == ["Seccomp:", "2"] for line in file)
    if not filtered:
        return "all of them"
    if ctypes.CDLL(None).unshare(_CLONE_NEWUSER) == 0:
        return "unshare"
    return ""
