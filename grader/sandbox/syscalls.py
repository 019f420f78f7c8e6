"""Stopping a process before each system call that changes a file.

seccomp's user notification (Linux 5.0, seccomp_unotify(2)) holds the calling thread in the kernel
until the listener answers: a suite can kill a process at every moment that matters to a file.
"""

from __future__ import annotations

import os
import platform
import struct
import sys
import tempfile
from typing import IO, Any

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
    "symlinkat", "creat", "openat2", "copy_file_range", "sendfile", "mkdir", "mkdirat", "rmdir",
)  # fmt: skip
_WRITES_TO_A_DESCRIPTOR = {"write", "writev"}


def available() -> bool:
    """Whether processes can be stopped at their writes here."""
    if sys.platform != "linux" or not SECCOMP:
        return False
    try:
        import pyseccomp  # noqa: F401, PLC0415 - needs libseccomp, which may be missing
    except (ImportError, RuntimeError, OSError):
        return False
    return True


def write_filter() -> IO[bytes]:
    """A file that holds the BPF program of the filter; the caller closes it."""
    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    program = seccomp.SyscallFilter(seccomp.ALLOW)
    for name in _CHANGES_A_FILE:
        # What goes to standard output and error changes no file of the suite's.
        args = [seccomp.Arg(0, seccomp.GT, 2)] if name in _WRITES_TO_A_DESCRIPTOR else []
        try:
            program.add_rule(seccomp.NOTIFY, name, *args)
        except (ValueError, OSError):
            continue  # not a system call of this architecture
    for name, flags in (("openat", 2), ("open", 1)):
        for mask, value in _OPENS_FOR_WRITING:
            try:
                program.add_rule(
                    seccomp.NOTIFY, name, seccomp.Arg(flags, seccomp.MASKED_EQ, mask, value)
                )
            except (ValueError, OSError):
                break
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
    program.export_bpf(file)
    file.flush()
    return file


_OPENS_FOR_WRITING = (
    (os.O_WRONLY | os.O_RDWR, os.O_WRONLY),
    (os.O_WRONLY | os.O_RDWR, os.O_RDWR),
    (os.O_CREAT, os.O_CREAT),
    (os.O_TRUNC, os.O_TRUNC),
)


def receive(listener: int) -> tuple[int, str]:
    """The notification that waits: its id and the system call's name.

    Raises:
        OSError: there is none (the process died meanwhile), or this is no listener.
    """
    import fcntl  # noqa: PLC0415 - Unix alone has it

    import pyseccomp as seccomp  # noqa: PLC0415 - see available()

    buffer = bytearray(_NOTIFICATION.size)
    fcntl.ioctl(listener, _IOCTL_RECEIVE, buffer)
    fields: tuple[Any, ...] = _NOTIFICATION.unpack(buffer)
    identity, number, arch = fields[0], fields[3], fields[4]
    try:
        name = seccomp.resolve_syscall(arch, number)
    except (ValueError, OSError):
        return identity, f"system call {number}"
    return identity, name.decode() if isinstance(name, bytes) else str(name)


def let_go_on(listener: int, identity: int) -> None:
    """Let the held system call happen."""
    import fcntl  # noqa: PLC0415 - Unix alone has it

    fcntl.ioctl(listener, _IOCTL_SEND, bytearray(_RESPONSE.pack(identity, 0, 0, _CONTINUE)))
