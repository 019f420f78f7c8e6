"""Stopping a process before each system call that changes a file.

seccomp's user notification (Linux 5.0, seccomp_unotify(2)) holds the calling thread in the kernel
until the listener answers: a suite can kill a process at every moment that matters to a file.
"""

from __future__ import annotations

import errno
import os
import platform
import stat
import struct
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_NUMBERS = {"x86_64": 317, "aarch64": 277, "riscv64": 277}
SECCOMP = _NUMBERS.get(platform.machine(), 0)
"""The number of seccomp(2), which libc does not wrap."""

# struct seccomp_notif: id u64, pid u32, flags u32, then struct seccomp_data: nr s32, arch u32,
# ip u64, args 6 u64.
_NOTIFICATION = struct.Struct("=QIIiIQ6Q")
_RESPONSE = struct.Struct("=QqiI")
_IOCTL_RECEIVE = 0xC0502100
_IOCTL_SEND = 0xC0182101
_CONTINUE = 1

_CHANGES_A_FILE = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "truncate", "ftruncate", "fallocate",
    "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "symlink",
    "symlinkat", "creat", "openat2", "copy_file_range", "sendfile", "splice",
    "mkdir", "mkdirat", "rmdir", "mknod", "mknodat", "io_submit",
)  # fmt: skip
_DESCRIPTOR = {
    "write": 0, "writev": 0, "pwrite64": 0, "pwritev": 0, "pwritev2": 0, "ftruncate": 0,
    "fallocate": 0, "sendfile": 0, "splice": 2, "copy_file_range": 2, "mmap": 4, "ioctl": 0,
}  # fmt: skip
"""Which argument says what is changed; a shell writes to a file by standard output."""

_MAP_SHARED, _MAP_SHARED_VALIDATE, _MAP_TYPE = 1, 3, 15
_MAP_ANONYMOUS = 32
_FICLONE, _FICLONERANGE, _FIDEDUPERANGE = 0x40049409, 0x4020940D, 0xC0189436
_PR_SET_SECCOMP = 22
_INT = 0xFFFFFFFF


def available() -> bool:
    """Tell whether processes can be stopped at their writes here."""
    if sys.platform != "linux" or not SECCOMP:
        return False
    try:
        import pyseccomp  # noqa: F401, PLC0415 - needs libseccomp, which may be missing
    except (ImportError, RuntimeError, OSError):
        return False
    return True


@cache
def plain_filter() -> bytes:
    """Return the BPF program for a process that is not stopped at its writes.

    As one that is, it has a filter beside the sandbox's own and can load none: neither can see in
    /proc, or by trying, which of the two it is.
    """
    return _exported(_own_filters_refused())


@cache
def write_filter() -> bytes:
    """Return the BPF program that asks a listener before each system call that changes a file."""
    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    program = _own_filters_refused()
    for name in _CHANGES_A_FILE:
        _ask_before(program, name)
    # After it, changes of the file are no system calls: whoever wants to see those stops at lines.
    # One to read from can be made one to write to (mprotect(2)) where the file is open for that.
    for kind in (_MAP_SHARED, _MAP_SHARED_VALIDATE):
        wanted = _MAP_TYPE | _MAP_ANONYMOUS
        _ask_before(program, "mmap", seccomp.Arg(3, seccomp.MASKED_EQ, wanted, kind))
    for request in (_FICLONE, _FICLONERANGE, _FIDEDUPERANGE):
        _ask_before(program, "ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, _INT, request))
    for name, flags in (("openat", 2), ("open", 1)):
        for mask, value in _OPENS_FOR_WRITING:
            _ask_before(program, name, seccomp.Arg(flags, seccomp.MASKED_EQ, mask, value))
    return _exported(program)


def _own_filters_refused() -> Any:
    """Begin a program whose process can load no other, nor find out that one has a listener."""
    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    program = seccomp.SyscallFilter(seccomp.ALLOW)
    refused = seccomp.ERRNO(errno.EPERM)
    program.add_rule(refused, "seccomp")
    # A filter compares 64 bits. Of an int the kernel reads 32, whatever the others are.
    own = seccomp.Arg(0, seccomp.MASKED_EQ, _INT, _PR_SET_SECCOMP)
    program.add_rule(refused, "prctl", own)
    return program


def _ask_before(program: Any, name: str, *args: Any) -> None:
    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    try:
        program.add_rule(seccomp.NOTIFY, name, *args)
    except (ValueError, OSError):
        return  # not a system call of this architecture


def _exported(program: Any) -> bytes:
    with tempfile.TemporaryFile() as file:
        program.export_bpf(file)
        file.seek(0)
        return file.read()


_OPENS_FOR_WRITING = (
    (os.O_WRONLY | os.O_RDWR, os.O_WRONLY),
    (os.O_WRONLY | os.O_RDWR, os.O_RDWR),
    (os.O_CREAT, os.O_CREAT),
    (os.O_TRUNC, os.O_TRUNC),
)


@dataclass(frozen=True)
class Held:
    """A system call that is held; `identity` is its notification's."""

    identity: int
    name: str
    changes_a_file: bool


def receive(listener: int) -> Held:
    """Return the system call that is held now.

    Raises:
        OSError: there is none (the process died meanwhile), or this is no listener.
    """
    import fcntl  # noqa: PLC0415 - Unix alone has it

    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    buffer = bytearray(_NOTIFICATION.size)
    fcntl.ioctl(listener, _IOCTL_RECEIVE, buffer)
    fields: tuple[Any, ...] = _NOTIFICATION.unpack(buffer)
    identity, pid, number, arch, args = fields[0], fields[1], fields[3], fields[4], fields[6:]
    try:
        resolved = seccomp.resolve_syscall(arch, number)
    except (ValueError, OSError):
        return Held(identity, f"system call {number}", changes_a_file=True)
    name = resolved.decode() if isinstance(resolved, bytes) else str(resolved)
    at = _DESCRIPTOR.get(name)
    descriptor = args[at] & 0xFFFFFFFF if at is not None else 0
    changes = at is None or _may_be_a_file(pid, descriptor)
    if name == "mmap":
        changes = changes and _is_writable(pid, descriptor)
    return Held(identity, name, changes)


def _is_writable(pid: int, descriptor: int) -> bool:
    """Tell whether a descriptor of a process may be written to, or cannot be looked at."""
    try:
        lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text(encoding="ascii").splitlines()
    except OSError:
        return True
    flags = next((int(line.split()[1], 8) for line in lines if line.startswith("flags:")), None)
    return flags is None or flags & os.O_ACCMODE != os.O_RDONLY


def _may_be_a_file(pid: int, descriptor: int) -> bool:
    """Tell whether a descriptor of a process is a regular file, or cannot be looked at.

    What it is counts, not its number: a pipe or a terminal is no file, and standard output may be
    one.
    """
    try:
        return stat.S_ISREG(os.stat(f"/proc/{pid}/fd/{descriptor}").st_mode)  # noqa: PTH116 - one call
    except OSError:
        return True


def let_go_on(listener: int, identity: int) -> None:
    """Let the held system call happen."""
    import fcntl  # noqa: PLC0415 - Unix alone has it

    fcntl.ioctl(listener, _IOCTL_SEND, bytearray(_RESPONSE.pack(identity, 0, 0, _CONTINUE)))
