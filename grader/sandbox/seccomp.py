"""The system calls that student code may not make."""

from __future__ import annotations

import errno
import struct
import tempfile
from typing import IO, Any

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
_INTERNET = (2, 10)
_NETLINK = 16
_NETLINK_ROUTE = 0
_LAST_FAMILY = 46
_TCP, _UDP = 6, 17
_PROTOCOLS = (0, 1, _TCP, _UDP)
"""0: the family's own. 1 is a unix socket's own, and ICMP's of the others."""
_ICMP = 1
_URGENT = 0x1  # MSG_OOB
_OPTIONS = (
    (1, 26),  # SO_ATTACH_FILTER
    (1, 50),  # SO_ATTACH_BPF
    (1, 51),  # SO_ATTACH_REUSEPORT_CBPF
    (1, 52),  # SO_ATTACH_REUSEPORT_EBPF
    (1, 60),  # SO_ZEROCOPY
    (_TCP, 31),  # TCP_ULP, which may load a module
)
"""Of sockets, after their level: programs for the kernel to run, and memory that it shares."""
_LEASES = (1024, 1026)
"""F_SETLEASE and F_NOTIFY: whoever opens the file waits, up to a minute, for who has the lease."""
_OF_A_USER, _OF_A_USER_FOR_IO = 2, 3  # PRIO_USER, IOPRIO_WHO_USER
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


class _Program:
    """A program that allows what no rule of it refuses."""

    def __init__(self, seccomp: Any) -> None:
        self._seccomp = seccomp
        self._filter = seccomp.SyscallFilter(seccomp.ALLOW)

    def deny(self, name: str, *args: object, error: int = errno.EPERM) -> None:
        """Refuse a call, where all of `args` hold; with error 0 it seems to have succeeded."""
        try:
            self._filter.add_rule(self._seccomp.ERRNO(error), name, *args)
        except (ValueError, OSError):
            return  # not a system call of this architecture, or unknown to this libseccomp

    def has(self, place: int, bits: int) -> object:
        """Match an argument that has all of those bits."""
        return self._seccomp.Arg(place, self._seccomp.MASKED_EQ, bits, bits)

    def is_int(self, place: int, value: int) -> object:
        """Match an int. A filter compares 64 bits; the kernel reads 32, whatever the others are."""
        return self._seccomp.Arg(place, self._seccomp.MASKED_EQ, 0xFFFFFFFF, value)

    def is_other_than(self, place: int, value: int) -> object:
        """Match an argument that is not that number; with high bits, it is not either."""
        return self._seccomp.Arg(place, self._seccomp.NE, value)

    def is_above(self, place: int, value: int) -> object:
        """Match a larger one."""
        return self._seccomp.Arg(place, self._seccomp.GT, value)

    def write(self, file: IO[bytes]) -> None:
        """Append it to a file, as BPF."""
        self._filter.export_bpf(file)


def deny_filter() -> IO[bytes] | None:
    """Return a file with the BPF program, which the caller closes; None without libseccomp."""
    try:
        import pyseccomp  # noqa: PLC0415 - needs libseccomp, which may be missing
    except (ImportError, RuntimeError, OSError):
        return None
    program = _Program(pyseccomp)
    for name in _DENIED:
        program.deny(name)
    for flag in _NAMESPACE_FLAGS:
        program.deny("clone", program.has(0, flag))
    # Its flags lie in memory, where a filter cannot look; ENOSYS makes libc fall back to clone.
    program.deny("clone3", error=errno.ENOSYS)
    _deny_sockets(program)
    _deny_settings_of_others(program)
    for command in _LEASES:
        program.deny("fcntl", program.is_int(1, command))
    for request in _TERMINAL_INJECTION:
        program.deny("ioctl", program.is_int(1, request))
    # Both are advice, which a kernel may pass over: who drops what it has read of a file from
    # memory would hide that it did.
    program.deny("fadvise64", program.is_int(3, _FADV_DONTNEED), error=0)
    for advice in (_MADV_COLD, _MADV_PAGEOUT):
        program.deny("madvise", program.is_int(2, advice), error=0)
    file = tempfile.TemporaryFile()  # noqa: SIM115 - handed to the caller
    file.write(_UNKNOWN_REFUSED)
    file.flush()
    program.write(file)
    file.seek(0)
    return file


def _deny_sockets(program: _Program) -> None:
    """Leave unix sockets, TCP, UDP and the netlink of routes, without what few programs ask for."""
    for family in range(_LAST_FAMILY + 1):
        if family not in _ALLOWED_FAMILIES:
            program.deny("socket", program.is_int(0, family))
    program.deny("socket", program.is_above(0, _LAST_FAMILY))
    # libc asks for interfaces and addresses; the kernel has much more behind it.
    other = (program.is_int(0, _NETLINK), program.is_other_than(2, _NETLINK_ROUTE))
    program.deny("socket", *other)
    for protocol in range(_UDP):
        if protocol not in _PROTOCOLS:
            program.deny("socket", program.is_int(2, protocol))
    program.deny("socket", program.is_above(2, _UDP))
    for family in _INTERNET:
        program.deny("socket", program.is_int(0, family), program.is_int(2, _ICMP))
    for level, option in _OPTIONS:
        program.deny("setsockopt", program.is_int(1, level), program.is_int(2, option))
    # Of an urgent byte select(2) says that something can be read, and nothing can.
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        program.deny(name, program.has(flags, _URGENT))


def _deny_settings_of_others(program: _Program) -> None:
    """Leave a process its own limits and scheduling alone.

    The first process has the same uid, is closed otherwise, and outlives a kill: what is set of it
    each run inherits.
    """
    program.deny("prlimit64", program.is_other_than(0, 0))
    for name in ("sched_setaffinity", "sched_setparam", "sched_setscheduler", "sched_setattr"):
        program.deny(name, program.is_other_than(0, 0))
    for name, users in (("setpriority", _OF_A_USER), ("ioprio_set", _OF_A_USER_FOR_IO)):
        program.deny(name, program.is_int(0, users))
        program.deny(name, program.is_other_than(1, 0))
