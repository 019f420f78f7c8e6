import ctypes
import platform

libc = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"

import os

CLONE, PARENT, CHILD_EXITS = (56 if X86 else 220), 0x8000, 17
MARK = "/tmp/siblings"


def others():
    return {pid for pid in os.listdir("/proc") if pid.isdigit()} - {"1", str(os.getpid())}


def attack():
    print("TRIED")
    try:
        with open(MARK) as file:
            before = set(file.read().split())
    except FileNotFoundError:
        before = set()
    if before & others():
        print("LEAK: a sibling of a killed run lives on")
    made = set()
    for flags in (PARENT, PARENT | CHILD_EXITS, 0x400000 | PARENT):
        pid = libc.syscall(CLONE, flags, 0, 0, 0, 0)
        if pid == 0:
            os.setsid()
            for descriptor in range(3, 64):
                try:
                    os.close(descriptor)
                except OSError:
                    pass
            while True:
                time.sleep(1000)
        if pid > 0:
            made.add(str(pid))
    with open(MARK, "w") as file:
        file.write(" ".join(made))
    return made


_poll = poll


def poll(path, handle, **kwargs):
    first = []

    def once(event):
        if not first:
            first.append(attack())
        handle(event)

    try:
        return _poll(path, once, **kwargs)
    finally:
        for pid in first[0] if first else ():
            if pid in others():
                os.kill(int(pid), 9)
        while first and first[0] & others():
            time.sleep(0.01)
        if first:
            os.unlink(MARK)
