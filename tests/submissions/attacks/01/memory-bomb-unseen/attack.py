import ctypes
import os


def files_without_a_name():
    taken, hoard = 0, []
    try:
        for number in range(100):
            hoard.append(os.memfd_create(str(number)))
            for _ in range(60):
                taken += os.write(hoard[-1], b"x" * (1 << 20))
    except OSError:
        pass
    return taken


def segments():
    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    libc.shmdt.argtypes = [ctypes.c_void_p]
    taken = 0
    while taken < 4 << 30:
        segment = libc.shmget(0, 1 << 28, 0o1600)
        place = libc.shmat(segment, None, 0) if segment >= 0 else None
        if place in (None, 2**64 - 1):
            break
        ctypes.memset(place, 1, 1 << 28)
        libc.shmdt(place)
        taken += 1 << 28
    return taken


def poll(path, handle, **kwargs):
    print("TRIED", flush=True)
    if files_without_a_name() + segments() > 2 << 30:
        print("LEAK: more memory than a process may have", flush=True)
