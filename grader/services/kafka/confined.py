"""Take from a cluster's process what it needs no more once it serves: files, programs, processes.

The cluster is C code that was written for tests, and a submission talks to it. Should one find a
way to run code in it, that code has two sockets and a pipe, and nothing else.

Sources: seccomp(2), prctl(2), the kernel's tables of system calls.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
_REFUSED_BY_NUMBER = {
    # open creat fork vfork execve kill rename mkdir rmdir link unlink symlink chmod chown ptrace
    # mknod mount; mkdirat mknodat fchownat unlinkat renameat linkat symlinkat openat fchmodat
    # unshare; setns process_vm_readv process_vm_writev renameat2 memfd_create bpf execveat
    # io_uring_setup pidfd_open openat2
    "x86_64": "2 85 57 58 59 62 82 83 84 86 87 88 90 92 101 133 165 "
    "258 259 260 263 264 265 266 257 268 272 308 310 311 316 319 321 322 425 434 437",
    # The same; the older half of them has no number here.
    "aarch64": "221 129 117 40 34 33 54 35 38 37 36 56 53 97 "
    "268 270 271 276 279 280 281 425 434 437",
}
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
"""How the kernel calls a machine."""
_X32 = 0x40000000
# struct sock_filter: code, where to go if so, if not, operand.
_STEP = struct.Struct("=HBBI")
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER, _ARCHITECTURE = 0, 4
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def confine() -> bool:
    """Refuse those calls to this thread and the threads that it starts; False where it cannot."""
    machine = os.uname().machine if hasattr(os, "uname") else ""
    if _LIBC is None or machine not in _ARCHITECTURES:
        return False
    steps = [(_LOAD, 0, 0, _ARCHITECTURE), (_IF_EQUAL, 1, 0, _ARCHITECTURES[machine])]
    steps += [(_RETURN, 0, 0, _REFUSE), (_LOAD, 0, 0, _NUMBER)]
    for number in map(int, _REFUSED_BY_NUMBER[machine].split()):
        steps += [(_IF_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    steps += [(_IF_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    code = b"".join(_STEP.pack(*step) for step in steps)
    program = _Program(len(steps), code)
    if _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not _LIBC.prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0)
