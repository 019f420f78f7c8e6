import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import os
import time as clocks


def tries(what, does):
    try:
        does()
    except (OSError, ValueError):
        return
    print("LEAK:", what)


def writes(path, text):
    file = os.open(path, os.O_WRONLY)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


tries("CLOCK_REALTIME was set", lambda: clocks.clock_settime(clocks.CLOCK_REALTIME, 0))
tries("a negative niceness", lambda: os.setpriority(os.PRIO_PROCESS, 0, -10))
for policy in (os.SCHED_FIFO, os.SCHED_RR):
    tries("a real-time scheduler", lambda: os.sched_setscheduler(0, policy, os.sched_param(1)))
if libc.syscall(251 if X86 else 30, 1, 0, (1 << 13) | 0) == 0:
    print("LEAK: the real-time class of input and output")
if libc.syscall(159 if X86 else 171, ctypes.byref(ctypes.create_string_buffer(b"\x01" + bytes(255)))) == 0:
    print("LEAK: the kernel's clock was adjusted")
for name in ("sched_rt_runtime_us", "threads-max", "randomize_va_space"):
    tries(name, lambda: writes(f"/proc/sys/kernel/{name}", "1"))
tries("it is spared when memory runs out", lambda: writes("/proc/self/oom_score_adj", "-999"))
tries("its auto-group", lambda: writes("/proc/self/autogroup", "-15"))
print("TRIED")
