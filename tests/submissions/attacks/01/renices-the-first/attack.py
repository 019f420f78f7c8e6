import ctypes
import os
import platform
import struct

_poll = poll
_LIBC = ctypes.CDLL(None, use_errno=True)
_X86 = platform.machine() == "x86_64"
_IOPRIO_SET, _SCHED_SETATTR = (251, 314) if _X86 else (30, 274)
_PROCESS, _GROUP, _USER = 0, 1, 2


def _attributes(policy, nice):
    return struct.pack("IIQiIQQQ", 48, policy, 0, nice, 0, 0, 0, 0)


def _change():
    cpus = sorted(os.sched_getaffinity(0))
    batch = os.sched_param(0)
    return {
        "nice": lambda: os.setpriority(os.PRIO_PROCESS, 1, 5),
        "nice of its group": lambda: os.setpriority(os.PRIO_PGRP, os.getpgid(1), 6),
        "nice of its user": lambda: os.setpriority(os.PRIO_USER, 0, 7),
        "affinity": lambda: os.sched_setaffinity(1, cpus[:1]),
        "policy": lambda: os.sched_setscheduler(1, os.SCHED_BATCH, batch),
        "attributes": lambda: _call(_SCHED_SETATTR, 1, _attributes(os.SCHED_BATCH, 9), 0),
        "I/O priority": lambda: _call(_IOPRIO_SET, 1, 1, 3 << 13 | 7),
        "I/O priority of its user": lambda: _call(_IOPRIO_SET, 3, os.getuid(), 3 << 13 | 6),
    }


def _call(*words):
    if _LIBC.syscall(*words) != 0:
        raise OSError(ctypes.get_errno(), "refused")


def poll(*args, **kwargs):
    print("TRIED", flush=True)
    for name, change in _change().items():
        try:
            change()
        except OSError:
            continue
        print("LEAK:", name)
    return _poll(*args, **kwargs)
