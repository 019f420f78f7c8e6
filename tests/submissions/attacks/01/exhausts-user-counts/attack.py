import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import os
import select
import signal

kept = []  # again in each of its processes
for make in (lambda: libc.inotify_init1(0), select.epoll, lambda: libc.timerfd_create(1, 0)):
    for _ in range(150):
        try:
            made = make()
        except OSError:
            break
        if made == -1:
            break
        kept.append(made)
    for each in kept[20:]:
        os.close(each) if isinstance(each, int) else each.close()
    del kept[20:]
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGRTMAX})
for _ in range(5_000):
    if libc.sigqueue(os.getpid(), int(signal.SIGRTMAX), None) != 0:
        break
timer = ctypes.c_void_p()
for _ in range(1_000):
    if libc.timer_create(1, None, ctypes.byref(timer)) != 0:
        break
memory = ctypes.create_string_buffer(8 << 20)
libc.mlock(memory, ctypes.c_size_t(8 << 20))
libc.mlockall(3)
print("TRIED")
