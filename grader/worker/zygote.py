"""The first process in the sandbox: imports the clients once and forks a worker for each run.

It is trusted when it starts and listens before any code of a student's is loaded. Where it is pid 1
of a namespace it cannot be signalled, read or written from inside (pid_namespaces(7), prctl(2)).
Elsewhere a student of the same uid may kill it: what it says later is taken as a claim.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import gc
import importlib
import json
import os
import signal
import site
import socket
import sys
from pathlib import Path
from typing import Any

from . import wire
from .calls import Worker
from .compiled import compile_once
from .importing import no_debugger, stage

_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_SET_MODE_FILTER = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER = 8
_PRELOAD = ["subprocess", "encodings.idna"]
"""Modules of the standard library that solutions import, or a socket that is given a host's name,
and nothing here has imported."""
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_HELLO = wire.dump({"type": "hello"})
_EVERYBODY = -1
"""For kill(2): every process of this one's namespace but itself."""


def main() -> None:
    """Serve the control socket until it closes; argv[1] is the configuration as JSON."""
    config = json.loads(sys.argv[1])
    if isinstance(config["control"], str):  # the path where the suite listens
        control = socket.socket(socket.AF_UNIX)
        control.connect(config["control"])
    else:
        control = socket.socket(fileno=config["control"])
    with contextlib.suppress(OSError):  # where memory runs out, this ends before the grader does
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")
    # Another process of this uid may otherwise open /proc/PID/mem of this one.
    _prctl(_PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies of the workers
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # pid 1 gets only what it has a handler for
    if not _is_first():
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)  # whose parent has ended is still found below this one
    _limit(config["limits"])
    _raise_descriptors()
    sys.dont_write_bytecode = True
    site.setquit()  # exit() and quit(), which -S leaves out
    stage(config["submission"])
    sys.path += config["site"]
    listeners = [_listen(port) for port in config["listen"]]
    _preload([*_PRELOAD, *config["preload"]], config["first_calls"])
    compile_once(config["submission"], config["modules"])
    if config.get("seccomp") is not None:  # bubblewrap loads it itself
        with open(config["seccomp"], "rb") as file:  # noqa: PTH123 - a descriptor, or a path
            file.seek(0)
            _load(file.read(), config["seccomp_syscall"], flags=0)
    gc.freeze()
    ready = {
        "type": "ready",
        "ports": [each.getsockname()[1] for each in listeners],
        "first": _is_first(),
    }
    folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in config["folders"]]
    socket.send_fds(control, [wire.dump(ready)], [*folders, *(each.fileno() for each in listeners)])
    for folder in folders:
        os.close(folder)
    for each in listeners:
        each.close()
    _serve(control, config)


def _serve(control: socket.socket, config: dict[str, Any]) -> None:
    while True:
        data, fds, _, _ = socket.recv_fds(control, 1 << 16, 4)
        if not data:
            return
        request = wire.load(data)
        match request["op"]:
            case "spawn":
                _spawn(control, config, request, fds)
            case "connect":
                _connect(control, request)
            case "write":
                _write(control, config["folders"][0], request)
            case "signal":
                _signal(control, request["signal"])


def _spawn(
    control: socket.socket, config: dict[str, Any], request: dict[str, Any], fds: list[int]
) -> None:
    channel_fd, output_fd = fds
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _become_worker(channel_fd, output_fd, config, request)
        finally:
            os._exit(0)
    for fd in fds:
        os.close(fd)
    control.sendall(wire.dump({"pid": pid}))


def _become_worker(
    channel_fd: int,
    output_fd: int,
    config: dict[str, Any],
    request: dict[str, Any],
) -> None:
    os.setsid()
    _prctl(_PR_SET_DUMPABLE, 1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # the grader may be in the background
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(output_fd, 1)
    os.dup2(output_fd, 2)
    for fd in (null, output_fd):
        os.close(fd)
    os.chdir(config["folders"][0])
    channel = socket.socket(fileno=channel_fd)
    fds = []
    number = config["seccomp_syscall"]
    if stops := wire.decode(request.get("filter")):  # its listener is asked
        fds.append(_load(stops, number, _SECCOMP_FILTER_FLAG_NEW_LISTENER))
    elif plain := wire.decode(config["worker_filter"]):
        _load(plain, number, flags=0)
    # The kernel attaches this process's credentials: the suite learns its pid from them.
    socket.send_fds(channel, [_HELLO], fds)
    for fd in fds:
        os.close(fd)
    _limit(config["worker_limits"])
    sys.breakpointhook = no_debugger
    # Asked by this signal, the process says where it stands, whatever it is at; see Process.where.
    faulthandler.register(signal.SIGUSR1, file=channel, all_threads=False)
    Worker(channel, config["modules"], stop_at_lines=request.get("lines", False)).serve()


def _load(program: bytes, syscall_number: int, flags: int) -> int:
    """Load a seccomp program; its listener's descriptor, where it asks one. See seccomp(2)."""

    class SockFprog(ctypes.Structure):
        _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    fprog = SockFprog(len(program) // 8, program)
    assert _LIBC is not None, "only where the suite found seccomp"
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    result = _LIBC.syscall(
        ctypes.c_long(syscall_number),
        ctypes.c_ulong(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_ulong(flags),
        ctypes.byref(fprog),
    )
    if result < 0:
        raise OSError(ctypes.get_errno(), "seccomp")
    return int(result)


def _connect(control: socket.socket, request: dict[str, Any]) -> None:
    """Connect to a server inside and pass the connected socket out."""
    try:
        connected = socket.create_connection((request["host"], request["port"]), timeout=5)
    except OSError as error:
        control.sendall(wire.dump({"errno": error.errno or 0, "reason": str(error)}))
        return
    connected.settimeout(None)
    socket.send_fds(control, [wire.dump({"errno": None})], [connected.fileno()])
    connected.close()


def _write(control: socket.socket, state: str, request: dict[str, Any]) -> None:
    """Put a file into the student's folder; from outside it cannot be created."""
    Path(state, request["name"]).write_bytes(wire.decode(request["data"]))
    control.sendall(wire.dump({}))


def _is_first() -> bool:
    return os.getpid() == 1


def _signal(control: socket.socket, number: int) -> None:
    """Send a signal to every other process inside, in one call that no fork escapes."""
    assert _is_first(), "elsewhere it would reach every process of this user"
    with contextlib.suppress(ProcessLookupError):  # there is none
        os.kill(_EVERYBODY, number)
    control.sendall(wire.dump({}))


def _listen(port: int) -> socket.socket:
    server = socket.create_server(("127.0.0.1", port), backlog=128)
    os.set_inheritable(server.fileno(), False)  # noqa: FBT003 - positional only
    return server


def _limit(limits: dict[str, int]) -> None:
    """Hard limits, inherited by every worker. Windows has no `resource`, and no fork either."""
    import resource  # noqa: PLC0415 - see above

    for name, value in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}", None)
        if kind is not None:
            hard = resource.getrlimit(kind)[1]
            if hard != resource.RLIM_INFINITY:
                value = min(value, hard)  # noqa: PLW2901 - a limit can only be lowered
            with contextlib.suppress(ValueError, OSError):  # macOS refuses some
                resource.setrlimit(kind, (value, value))


def _raise_descriptors() -> None:
    """As many open files as this process may have.

    Descriptors in flight are counted by user and held against the sender's own limit: with a low
    one here, another sandbox of the same user could keep this one from answering.
    """
    import resource  # noqa: PLC0415 - see _limit

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # macOS has a lower limit besides
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _preload(modules: list[str], first_calls: list[list[Any]]) -> None:
    for name in modules:
        importlib.import_module(name)
    for module, function, args, kwargs in first_calls:
        getattr(importlib.import_module(module), function)(*args, **kwargs)


def _prctl(option: int, value: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(option, value, 0, 0, 0)
