"""The system calls that student code may not make."""

from __future__ import annotations

import errno
import struct
import tempfile
from typing import IO

# Grouped by what they would open: other processes' memory, the kernel's attack surface, new
# namespaces and mounts, the machine itself.
_DENIED = (
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "io_submit",
    "name_to_handle_at", "open_by_handle_at", "lookup_dcookie", "vmsplice",
    "mount", "umount2", "umount", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
    "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare", "setns",
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "acct", "quotactl", "syslog", "personality", "iopl", "ioperm",
    "settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname",
    "modify_ldt", "nfsservctl", "vhangup",
    # Memory that outlives its mapping and counts for no process's limit.
    "memfd_create", "memfd_secret", "shmget", "msgget", "semget", "mq_open",
    "setxattr", "lsetxattr", "fsetxattr", "setxattrat",
    "fanotify_init",
)  # fmt: skip
_NAMESPACE_FLAGS = (
    0x00000080,  # CLONE_NEWTIME
    0x00020000,  # CLONE_NEWNS
    0x02000000,  # CLONE_NEWCGROUP
    0x04000000,  # CLONE_NEWUTS
    0x08000000,  # CLONE_NEWIPC
    0x10000000,  # CLONE_NEWUSER
    0x20000000,  # CLONE_NEWPID
    0x40000000,  # CLONE_NEWNET
)
_ALLOWED_FAMILIES = (1, 2, 10, 16)  # unix, inet, inet6, netlink
_NETLINK = 16
_NETLINK_ROUTE = 0
_LAST_FAMILY = 46
_TERMINAL_INJECTION = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_FIRST_UNKNOWN = 452
"""The first system call that nobody here has looked at; from 424 on all machines number alike."""
_FADV_DONTNEED = 4
_MADV_COLD, _MADV_PAGEOUT = 20, 21

# struct sock_filter: code u16, jt u8, jf u8, k u32; see bpf(4) and seccomp(2).
_INSTRUCTION = struct.Struct("=HBBI")
_LOAD_NUMBER = _INSTRUCTION.pack(0x20, 0, 0, 0)
_SKIP_NEXT_UNLESS_UNKNOWN = _INSTRUCTION.pack(0x35, 0, 1, _FIRST_UNKNOWN)
_RETURN_ENOSYS = _INSTRUCTION.pack(0x06, 0, 0, 0x00050000 | errno.ENOSYS)
_UNKNOWN_REFUSED = _LOAD_NUMBER + _SKIP_NEXT_UNLESS_UNKNOWN + _RETURN_ENOSYS
"""To stand before a program: libseccomp has no rule for whatever a newer kernel brings."""


def deny_filter() -> IO[bytes] | None:
    """Return a file with the BPF program, which the caller closes; None without libseccomp."""
    try:
        import pyseccomp as seccomp  # noqa: PLC0415 - needs libseccomp, which may be missing
    except (ImportError, RuntimeError, OSError):
        return None
    refused = seccomp.ERRNO(errno.EPERM)
    program = seccomp.SyscallFilter(seccomp.ALLOW)

    def deny(name: str, *args: object, action: int = refused) -> None:
        try:
            program.add_rule(action, name, *args)
        except (ValueError, OSError):
            return  # not a system call of this architecture, or unknown to this libseccomp

    for name in _DENIED:
        deny(name)
    for flag in _NAMESPACE_FLAGS:
        deny("clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
    # Its flags lie in memory, where a filter cannot look; ENOSYS makes libc fall back to clone.
    deny("clone3", action=seccomp.ERRNO(errno.ENOSYS))
    for family in range(_LAST_FAMILY + 1):
        if family not in _ALLOWED_FAMILIES:
            deny("socket", seccomp.Arg(0, seccomp.EQ, family))
    deny("socket", seccomp.Arg(0, seccomp.GT, _LAST_FAMILY))
    # libc asks for interfaces and addresses; the kernel has much more behind it.
    other = (seccomp.Arg(0, seccomp.EQ, _NETLINK), seccomp.Arg(2, seccomp.NE, _NETLINK_ROUTE))
    deny("socket", *other)
    # Of a process of the same uid, limits may be set that is closed otherwise: pid 1's.
    deny("prlimit64", seccomp.Arg(0, seccomp.NE, 0))
    for request in _TERMINAL_INJECTION:
        deny("ioctl", seccomp.Arg(1, seccomp.MASKED_EQ, 0xFFFFFFFF, request))
    # Both are advice, which a kernel may pass over: who drops what it has read of a file from
    # memory would hide that it did.
    passed_over = seccomp.ERRNO(0)
    deny("fadvise64", seccomp.Arg(3, seccomp.EQ, _FADV_DONTNEED), action=passed_over)
    for advice in (_MADV_COLD, _MADV_PAGEOUT):
        deny("madvise", seccomp.Arg(2, seccomp.EQ, advice), action=passed_over)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
    file.write(_UNKNOWN_REFUSED)
    file.flush()
    program.export_bpf(file)
    file.seek(0)
    return file
